"""Events that are there twice, equal in every column."""

from features.domain import EVENTS
from features.engines.duckdb import identifier
from features.facts import Facts, Finding

SHARE = 0.01
"""Share of a month's events; below it two equal events of the same second are chance, or a double click."""

FEWEST = 10
"""A handful of repeats is not a fault of the recording."""


def repeats(facts: Facts) -> tuple[Finding, ...]:
    """Repeated events in the months that hold more than a few; where times are whole days they repeat by nature."""
    cells = ", ".join(identifier(column.name) for column in EVENTS.columns)
    found = facts.engine.rows(
        f"""WITH again AS (
          SELECT date_trunc('month', any_value(occurred_at)) AS month, count(*) - 1 AS repeats
          FROM events GROUP BY hash({cells}) HAVING count(*) > 1),
        monthly AS (
          SELECT date_trunc('month', occurred_at) AS month, count(*) AS events
          FROM events GROUP BY 1 HAVING bool_or(occurred_at <> date_trunc('day', occurred_at))),
        spoilt AS (
          SELECT month, sum(repeats) AS repeats, any_value(events) AS events FROM again JOIN monthly USING (month)
          GROUP BY month HAVING sum(repeats) >= greatest({SHARE} * any_value(events), {FEWEST}))
        SELECT sum(repeats), arg_max(month, repeats)::DATE FROM spoilt"""
    )[0]
    if not found[0]:
        return ()
    count, month = int(str(found[0])), str(found[1])[:7]
    sentence = (
        f"{count} events repeat another in every column, most of them in {month}; "
        "they are kept: ask whether they were sent twice"
    )
    return (Finding(kind="repeated events", table="events", count=count, sentence=sentence),)

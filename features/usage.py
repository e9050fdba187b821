"""The daily usage rollup: events once to (account, user, event, day), and from it a table for each thing we look at.

Sums are kept as decimals, so that the same facts give the same bits in whatever order they are added.
"""

from features.engines.duckdb import DuckEngine

LARGEST = 1e13
"""Quantities beyond this are cut to it: a decimal of 18 digits with four after the point holds no more."""

SLOT_MINUTES = 30
"""A person's day is kept as 48 half-hour slots in the bits of one integer; half an hour of silence ends a session,
the usual definition in web analytics."""


def exact(expression: str) -> str:
    """The SQL of a number as a decimal: its sums do not depend on the order of rows."""
    # Bounds alone would turn an unknown value into the lowest one: greatest and least pass NULL over.
    bounded = f"least(greatest({expression}, -{LARGEST:.0f}), {LARGEST:.0f})"
    return f"CAST(CASE WHEN {expression} IS NOT NULL THEN {bounded} END AS DECIMAL(18, 4))"


ROLLUP = f"""
SELECT account_id, user_id, event, CAST(occurred_at AS DATE) AS day, CAST(known_at AS DATE) AS known_on,
       coalesce(actor, 'human') = 'human' AS human,
       count(*) AS events,
       CAST(sum({exact("quantity")}) AS DECIMAL(38, 4)) AS quantity,
       CAST(sum({exact("duration_s")}) AS DECIMAL(38, 4)) AS duration_s,
       bit_or(CAST(1 AS BIGINT) << ((hour(occurred_at) * 60 + minute(occurred_at)) // {SLOT_MINUTES})) AS slots
FROM events
GROUP BY ALL
"""

ACCOUNT_DAY = """
SELECT account_id, day, known_on,
       coalesce(sum(events) FILTER (WHERE human), 0) AS events,
       coalesce(sum(events) FILTER (WHERE NOT human), 0) AS api_events,
       coalesce(sum(quantity) FILTER (WHERE human), 0) AS quantity,
       sum(duration_s) FILTER (WHERE human) AS duration_s
FROM usage GROUP BY ALL
"""

USER_DAY = """
SELECT account_id, user_id, day, known_on, sum(events) AS events, bit_or(slots) AS slots
FROM usage WHERE human AND user_id IS NOT NULL GROUP BY ALL
"""

FEATURE_DAY = """
SELECT account_id, event, day, known_on, sum(events) AS events
FROM usage WHERE human GROUP BY ALL
"""

FIRST_USE = """
SELECT account_id, day, known_on FROM (
  SELECT account_id, known_on, min(day) AS day,
         min(min(day)) OVER (PARTITION BY account_id ORDER BY known_on
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
  FROM usage WHERE human GROUP BY account_id, known_on)
WHERE earlier IS NULL OR day < earlier
"""

FLEET_DAY = """
SELECT day, known_on, sum(events) AS events
FROM account_day WHERE events > 0 GROUP BY ALL
"""

ROLLUPS = {
    "usage": ROLLUP,
    "account_day": ACCOUNT_DAY,
    "user_day": USER_DAY,
    "feature_day": FEATURE_DAY,
    "first_use": FIRST_USE,
    "fleet_day": FLEET_DAY,
}
"""Each rollup by its name, in the order in which they are built."""


def build(engine: DuckEngine) -> None:
    """Roll the accepted events up, once, into the tables of `ROLLUPS`."""
    for name, sql in ROLLUPS.items():
        engine.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")

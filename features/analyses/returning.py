"""Who came back, and when: accounts or people counted by the period after their start, by cohort and group."""

from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from features import outcomes
from features.analyses.answer import need
from features.analyses.tenures import grouped_by
from features.engines.duckdb import quoted
from features.errors import DataError, SettingsError
from features.facts import Facts

NAME: Final = "retention"
LENGTHS: Final = {"day": 1, "week": 7, "month": 30}
"""Days of a period, counted from each one's own start."""

CONTRACT: Final = "contract"
"""The start that is the first day of an account's first term."""


@dataclass(frozen=True, kw_only=True)
class Returning:
    """Who is followed from which start to which return; ``start`` and ``returns`` name an event (None: any).

    ``unit`` comes back in a period of ``every`` day, week (7 days) or month (30 days) after its start; unbounded, in
    that one or a later one. ``start`` may be "contract". Who is first seen in the first ``warm_up_days`` of the record
    may have begun before it and is left out. Raises SettingsError.
    """

    unit: Literal["account", "user"] = "account"
    every: Literal["day", "week", "month"] = "month"
    start: str | None = None
    returns: str | None = None
    bounded: bool = True
    periods: int = 12
    cohort: Literal["day", "week", "month", "quarter", "year"] = "month"
    by: str | None = "segment"
    warm_up_days: int = 28

    def __post_init__(self) -> None:
        if self.unit not in ("account", "user"):
            raise SettingsError(f"unit = {self.unit!r}: it is account or user")
        if self.every not in LENGTHS:
            raise SettingsError(f"every = {self.every!r}: it is one of {', '.join(LENGTHS)}")
        if self.cohort not in ("day", "week", "month", "quarter", "year"):
            raise SettingsError(f"cohort = {self.cohort!r}: it is one of day, week, month, quarter, year")
        if self.periods < 1 or self.warm_up_days < 0:
            raise SettingsError(f"periods = {self.periods}, warm_up_days = {self.warm_up_days}: at least 1 and 0")
        if self.start == CONTRACT and self.unit == "user":
            raise SettingsError("start = 'contract': terms begin for accounts; for users name an event")


def returning(facts: Facts, asked: Returning, *, grace_days: int = outcomes.GRACE_DAYS) -> pd.DataFrame:
    """Who came back, one row for each cohort, group, account and period k from 1.

    Columns: cohort (its first day), grouped, account_id, k, entities (1, or the account's people in that cohort) and
    came. Periods that not everybody of the cohort had in full before the cutoff are left out. Only what people did
    counts. Raises DataError where an event, a table or a column does not exist.
    """
    need(facts, NAME, "events", *(["events.user_id"] if asked.unit == "user" else ()))
    for event in {asked.start, asked.returns} - {None, CONTRACT}:
        _check(facts, str(event))
    length, day = LENGTHS[asked.every], facts.cutoff
    # Whoever came in any later period has, unbounded, come back in all before it: the last one says it all.
    period, reached = ("period", "c.period = k.k") if asked.bounded else ("max(period)", "c.period >= k.k")
    return facts.engine.frame(
        f"""WITH done AS ({_done(facts, asked)}),
        began AS ({_began(facts, asked, grace_days)}),
        came AS (
          SELECT account_id, user_id, {period} AS period
          FROM (SELECT DISTINCT b.account_id, b.user_id, (d.day - b.began) // {length} AS period
                FROM began b JOIN done d USING (account_id, user_id)
                WHERE d.returns AND d.day >= b.began + {length})
          GROUP BY account_id, user_id{", period" if asked.bounded else ""}),
        followed AS (
          SELECT b.account_id, CAST(date_trunc('{asked.cohort}', b.began) AS DATE) AS cohort, k.k,
                 c.period IS NOT NULL AS came
          FROM began b CROSS JOIN (SELECT unnest(range(1, {asked.periods + 1})) AS k) k
          LEFT JOIN came c ON c.account_id = b.account_id AND c.user_id = b.user_id AND {reached}
          WHERE DATE '{day}' - CAST(date_trunc('{asked.cohort}', b.began) + INTERVAL 1 {asked.cohort} AS DATE)
                >= (k.k + 1) * {length} - 1)
        SELECT CAST(f.cohort AS TIMESTAMP) AS cohort, {grouped_by(facts, asked.by, NAME)} AS grouped, f.account_id, f.k,
               CAST(count(*) AS DOUBLE) AS entities, CAST(count(*) FILTER (f.came) AS DOUBLE) AS came
        FROM followed f LEFT JOIN accounts a USING (account_id) GROUP BY ALL ORDER BY ALL"""
    )


def _done(facts: Facts, asked: Returning) -> str:
    """Whether each entity began, and returned, on each day on which it did either."""
    begins = "TRUE" if asked.start is None else f"event = {quoted(asked.start)}"
    if asked.start == CONTRACT:
        begins = "FALSE"
    returns = "TRUE" if asked.returns is None else f"event = {quoted(asked.returns)}"
    user, known = ("user_id", "AND user_id IS NOT NULL") if asked.unit == "user" else ("''", "")
    return f"""
          SELECT account_id, {user} AS user_id, CAST(occurred_at AS DATE) AS day,
                 bool_or({begins}) AS begins, bool_or({returns}) AS returns
          FROM events
          WHERE known_at < DATE '{facts.cutoff}' AND coalesce(actor, 'human') = 'human'
            AND ({begins} OR {returns}) {known} GROUP BY ALL"""


def _began(facts: Facts, asked: Returning, grace_days: int) -> str:
    if asked.start == CONTRACT:
        need(facts, NAME, "contracts")
        outcomes.lay(facts, grace_days=grace_days)
        return f"""
          SELECT account_id, '' AS user_id, min(starts_on) AS began FROM terms
          WHERE known_at < DATE '{facts.cutoff}' AND starts_on < DATE '{facts.cutoff}' GROUP BY account_id"""
    return f"""
          SELECT account_id, user_id, min(day) AS began FROM done WHERE begins GROUP BY ALL
          HAVING min(day) >= (SELECT min(CAST(occurred_at AS DATE)) + {asked.warm_up_days}
                              FROM events WHERE known_at < DATE '{facts.cutoff}')"""


def _check(facts: Facts, event: str) -> None:
    seen = [str(name) for (name,) in facts.engine.rows("SELECT DISTINCT event FROM events ORDER BY 1")]
    if event not in seen:
        told = ", ".join(seen[:12]) + (f" and {len(seen) - 12} more" if len(seen) > 12 else "")
        raise DataError(f"{NAME} cannot be computed: nobody ever did {event}; there are {told}")

"""How long each account stayed a customer, and whether that is over: what survival curves are drawn from."""

from typing import Final

import pandas as pd

from features import outcomes
from features.analyses.answer import need
from features.engines.duckdb import identifier
from features.errors import DataError
from features.facts import Facts

WHOLE: Final = "all"
"""The group of everybody."""

USUAL: Final = "segment"
"""What accounts are compared by unless somebody says otherwise."""

LATE_SHARE: Final = 0.95
"""Losses become known some time after the term ends; what ended later than nearly all of them need is not judged."""


def grouped_by(facts: Facts, by: str | None, analysis: str) -> str:
    """The SQL of each account's group in the table ``accounts``, named a.

    Raises DataError where nobody knows the column; the usual one may be missing.
    """
    if by is None or (by == USUAL and not facts.knows("accounts", by)):
        return f"'{WHOLE}'"
    need(facts, analysis, "accounts")
    if not facts.knows("accounts", by):
        there = ", ".join(sorted(facts.known["accounts"] - {"account_id", "known_at"}))
        raise DataError(f"{analysis} cannot compare by {by}: accounts have no such column; there are {there}")
    return f"coalesce(CAST(a.{identifier(by)} AS VARCHAR), 'not known')"


def tenures(facts: Facts, by: str | None, analysis: str, *, grace_days: int = outcomes.GRACE_DAYS) -> pd.DataFrame:
    """One row an account whose first term has begun, by account_id.

    Columns: account_id, grouped (text), started_on, days (> 0), left (whether it left then; who came back left once),
    arr and last_arr (of its first and its latest term) and won_for (what winning it cost; each NaN where none is said).
    Who has not left is watched until its last known term ends, at most until nearly all losses of that day would be
    known.
    """
    return facts.engine.frame(tenures_sql(facts, by, analysis, grace_days=grace_days))


def tenures_sql(facts: Facts, by: str | None, analysis: str, *, grace_days: int = outcomes.GRACE_DAYS) -> str:
    """The SQL of `tenures`; the table ``terms`` is made anew."""
    need(facts, analysis, "contracts")
    outcomes.lay(facts, grace_days=grace_days)
    group, day = grouped_by(facts, by, analysis), facts.cutoff
    return f"""WITH known AS (
          SELECT contract_id, account_id, starts_on, ends_on, arr, decided_on,
                 coalesce(outcome_left = 1 AND decided_on < DATE '{day}', FALSE) AS lost
          FROM terms WHERE known_at < DATE '{day}' AND starts_on < DATE '{day}'),
        late AS (
          SELECT CAST(coalesce(quantile_disc(greatest(decided_on - ends_on, 0), {LATE_SHARE}), 0) AS INTEGER) AS days
          FROM known WHERE lost),
        watched AS (
          SELECT account_id, min(starts_on) AS started_on, min(ends_on) FILTER (lost) AS left_on,
                 max(ends_on) AS last_on, arg_min(arr, (starts_on, contract_id)) AS arr,
                 arg_max(arr, (starts_on, contract_id)) AS last_arr, DATE '{day}' - max(late.days) AS until
          FROM known CROSS JOIN late GROUP BY account_id),
        ended AS (SELECT *, least(coalesce(left_on, last_on), until) AS ended_on FROM watched)
        SELECT w.account_id, {group} AS grouped, CAST(w.started_on AS TIMESTAMP) AS started_on,
               CAST(w.ended_on - w.started_on AS DOUBLE) AS days, coalesce(w.left_on <= w.until, FALSE) AS "left",
               w.arr, w.last_arr, a.acquisition_cost AS won_for
        FROM ended w LEFT JOIN accounts a USING (account_id)
        WHERE w.ended_on > w.started_on ORDER BY w.account_id"""

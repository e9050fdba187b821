"""What accounts brought in and cost in each month of their life: what cash curves of cohorts are drawn from."""

from typing import Literal

import pandas as pd

from features import outcomes
from features.facts import Facts


def monthly_cash(
    facts: Facts, cohort: Literal["quarter", "year"], months: int, *, grace_days: int = outcomes.GRACE_DAYS
) -> pd.DataFrame:
    """One row for each cohort (by first term) and month of life from 0, of the accounts that had that month in full.

    Columns: cohort, month, accounts, revenue (a twelfth of the ARR of the terms that run, as it is earned), cost (to
    serve; 0 where no cost is known) and won_for (what winning them cost, of those for whom it is known; month 0 only).
    """
    outcomes.lay(facts, grace_days=grace_days)
    day = facts.cutoff
    cac = "a.acquisition_cost" if facts.knows("accounts", "acquisition_cost") else "NULL"
    return facts.engine.frame(
        f"""WITH known AS (
          SELECT * FROM terms WHERE known_at < DATE '{day}' AND starts_on < DATE '{day}'),
        first AS (SELECT account_id, min(starts_on) AS began FROM known GROUP BY account_id),
        lived AS (
          SELECT f.account_id, f.began, m.month, CAST(f.began + to_months(CAST(m.month AS INTEGER)) AS DATE) AS at
          FROM first f CROSS JOIN (SELECT unnest(range(0, {months})) AS month) m
          WHERE f.began + to_months(CAST(m.month + 1 AS INTEGER)) <= DATE '{day}'),
        earned AS (
          SELECT l.account_id, l.month, sum(k.arr) / 12 AS revenue
          FROM lived l JOIN known k ON k.account_id = l.account_id AND k.starts_on <= l.at AND k.ends_on > l.at
          GROUP BY ALL),
        spent AS (
          SELECT c.account_id, date_diff('month', f.began, c.month) AS month, sum(c.cost_to_serve) AS cost
          FROM costs c JOIN first f USING (account_id) WHERE c.known_at < DATE '{day}' GROUP BY ALL)
        SELECT CAST(date_trunc('{cohort}', l.began) AS TIMESTAMP) AS cohort, l.month,
               count(*) AS accounts, coalesce(sum(e.revenue), 0) AS revenue, coalesce(sum(s.cost), 0) AS cost,
               avg({cac}) FILTER (l.month = 0) * count(*) AS won_for
        FROM lived l LEFT JOIN earned e USING (account_id, month) LEFT JOIN spent s USING (account_id, month)
        LEFT JOIN accounts a USING (account_id) GROUP BY ALL ORDER BY cohort, l.month"""
    )


def yearly_cost(facts: Facts) -> pd.DataFrame:
    """What serving each account cost in a year, by the months of the past year; columns account_id and cost."""
    day = facts.cutoff
    return facts.engine.frame(
        f"""SELECT account_id, 12 * avg(cost_to_serve) AS cost FROM costs
        WHERE known_at < DATE '{day}' AND month > DATE '{day}' - INTERVAL 13 MONTH
        GROUP BY account_id ORDER BY account_id"""
    )

"""Recurring revenue from contracts: gross and net retention of the past year, and what renewals do to the ARR."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from features import outcomes
from features.facts import Facts

YEAR_DAYS = 365
RECENT_DAYS = 730
"""Renewals of the last two years say what the next ones will do to the ARR."""


@dataclass(frozen=True, kw_only=True)
class Retained:
    """ARR of the accounts there at ``since``, then and at ``until``; money in the currency of the contracts.

    GRR = (starting - churned - contracted) / starting, each account counting for at most what it paid; NRR adds
    expansion: (starting + expanded - contracted - churned) / starting. Both leave new accounts out. They are the usual
    definitions for subscription companies (e.g. Skok, "SaaS Metrics 2.0", 2013).
    """

    since: date
    until: date
    starting: float
    kept: float
    expanded: float

    @property
    def grr(self) -> float | None:
        """Gross revenue retention; None where there was no ARR."""
        return self.kept / self.starting if self.starting else None

    @property
    def nrr(self) -> float | None:
        """Net revenue retention; None where there was no ARR."""
        return (self.kept + self.expanded) / self.starting if self.starting else None


def retained(facts: Facts, *, grace_days: int = outcomes.GRACE_DAYS) -> Retained | None:
    """The past year up to the cutoff; None where no contract has an ARR."""
    if not facts.knows("contracts", "arr"):
        return None
    outcomes.lay(facts, grace_days=grace_days)
    until, since = facts.cutoff, facts.cutoff - timedelta(days=YEAR_DAYS)
    sums = facts.engine.rows(
        f"""SELECT coalesce(sum(a.arr), 0), coalesce(sum(least(a.arr, coalesce(b.arr, 0))), 0),
                   coalesce(sum(greatest(coalesce(b.arr, 0) - a.arr, 0)), 0)
            FROM ({_paying(since, grace_days)}) a LEFT JOIN ({_paying(until, grace_days)}) b USING (account_id)"""
    )[0]
    starting, kept, expanded = (float(str(money)) for money in sums)
    return Retained(since=since, until=until, starting=starting, kept=kept, expanded=expanded)


def bridge(facts: Facts, group: str, *, grace_days: int = outcomes.GRACE_DAYS) -> pd.DataFrame:
    """ARR a year ago and now, and what lies between, for each group and by ``group``, SQL over the table accounts a.

    Columns: grouped, accounts and lost (those there a year ago, and of them gone now), starting, new, expanded,
    contracted, churned, ending; starting + new + expanded - contracted - churned = ending.
    """
    outcomes.lay(facts, grace_days=grace_days)
    until, since = facts.cutoff, facts.cutoff - timedelta(days=YEAR_DAYS)
    return facts.engine.frame(
        f"""SELECT {group} AS grouped, count(b.arr) AS accounts, count(b.arr) FILTER (n.arr IS NULL) AS lost,
               coalesce(sum(b.arr), 0) AS starting, coalesce(sum(n.arr) FILTER (b.arr IS NULL), 0) AS new,
               coalesce(sum(greatest(n.arr - b.arr, 0)) FILTER (n.arr > 0 AND b.arr > 0), 0) AS expanded,
               coalesce(sum(greatest(b.arr - n.arr, 0)) FILTER (n.arr > 0 AND b.arr > 0), 0) AS contracted,
               coalesce(sum(b.arr) FILTER (n.arr IS NULL), 0) AS churned, coalesce(sum(n.arr), 0) AS ending
        FROM ({_paying(since, grace_days)}) b FULL JOIN ({_paying(until, grace_days)}) n USING (account_id)
        LEFT JOIN accounts a USING (account_id) GROUP BY ALL ORDER BY grouped"""
    )


def growth_ratios(facts: Facts, *, grace_days: int = outcomes.GRACE_DAYS) -> tuple[float, ...]:
    """The next contract's ARR over the one before, of every recent renewal; empty where none is known."""
    if not facts.knows("contracts", "arr"):
        return ()
    day = facts.cutoff
    rows = facts.engine.rows(
        f"""SELECT b.arr / a.arr FROM contracts a JOIN contracts b ON a.account_id = b.account_id
            WHERE a.arr > 0 AND b.arr IS NOT NULL AND b.starts_on > a.starts_on AND b.ends_on > a.ends_on
              AND b.starts_on <= a.ends_on + {grace_days} AND b.known_at < DATE '{day}'
              AND a.ends_on BETWEEN DATE '{day - timedelta(days=RECENT_DAYS)}' AND DATE '{day}'
            QUALIFY row_number() OVER (PARTITION BY a.contract_id ORDER BY b.starts_on, b.contract_id) = 1
            ORDER BY 1"""
    )
    return tuple(float(str(ratio)) for (ratio,) in rows)


def _paying(day: date, grace_days: int) -> str:
    """What each account pays on a day; one whose term has just ended still does until that is decided."""
    return f"""
    SELECT account_id, coalesce(sum(arr) FILTER (WHERE ends_on > DATE '{day}'), max(arr)) AS arr
    FROM terms
    WHERE arr > 0 AND starts_on <= DATE '{day}' AND known_at <= DATE '{day}'
      AND (ends_on > DATE '{day}' OR (ends_on + {grace_days} > DATE '{day}'
           AND (decided_on IS NULL OR decided_on > DATE '{day}')))
    GROUP BY account_id"""

"""Decided renewals seen from before their end: what was used then, how large and old the account was, and who left."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import outcomes, usage
from features.facts import Facts

LEAD: Final = (7, 90)
"""Days before the end from which a renewal is looked at: a quarter of the term, within these."""

TERM_LENGTHS: Final = (45, 200)
"""Days up to which a term counts as a month, and as some months."""


@dataclass(frozen=True, kw_only=True)
class RenewalsSeen:
    """``terms`` (n), and the human days of use of each of ``features`` (f) before them: ``days`` (n, f).

    Columns of terms: account_id, seen_on, decided_on, left (0 or 1), size, age_days, active_days, events, segment,
    length (text).
    """

    terms: pd.DataFrame
    features: tuple[str, ...]
    days: NDArray[np.float64]


def renewals_seen(facts: Facts, window_days: int, *, grace_days: int = outcomes.GRACE_DAYS) -> RenewalsSeen:
    """Every term decided before the cutoff whose window lies within the record; use counts if known when seen."""
    outcomes.lay(facts, grace_days=grace_days)
    usage.build(facts)
    facts.engine.execute(f"CREATE OR REPLACE TABLE seen_terms AS {_terms(facts, window_days)}")
    terms = facts.engine.frame(
        f"""SELECT t.*, coalesce(u.active_days, 0) AS active_days, coalesce(u.events, 0) AS events
        FROM seen_terms t LEFT JOIN (
          SELECT t.term, count(DISTINCT d.day) AS active_days, sum(d.events) AS events
          FROM seen_terms t JOIN account_day d ON d.account = t.account AND {_within(window_days)} AND d.events > 0
          GROUP BY t.term) u USING (term) ORDER BY t.term"""
    )
    long = facts.engine.frame(
        f"""SELECT t.term, n.event, CAST(count(DISTINCT d.day) AS DOUBLE) AS days
        FROM seen_terms t JOIN feature_day d ON d.account = t.account AND {_within(window_days)} AND d.events > 0
        JOIN feature_number n ON n.feature = d.feature GROUP BY ALL ORDER BY ALL"""
    )
    features = tuple(sorted(set(long["event"])))
    days = np.zeros((len(terms), len(features)))
    days[long["term"].to_numpy() - 1, np.searchsorted(np.array(features, dtype=object), long["event"])] = long["days"]
    facts.engine.execute("DROP TABLE seen_terms")
    return RenewalsSeen(terms=terms, features=features, days=days)


def _within(window_days: int) -> str:
    return f"d.day >= t.seen_on - {window_days} AND d.day < t.seen_on AND d.known_on < t.seen_on"


def _terms(facts: Facts, window_days: int) -> str:
    month, months = TERM_LENGTHS
    return f"""
        WITH known AS (
          SELECT t.*, min(starts_on) OVER (PARTITION BY account_id) AS first_on,
                 ends_on - CAST(greatest({LEAD[0]}, least({LEAD[1]}, (ends_on - starts_on) // 4)) AS INTEGER) AS seen_on
          FROM terms t WHERE t.known_at < DATE '{facts.cutoff}')
        SELECT CAST(row_number() OVER (ORDER BY k.seen_on, k.contract_id) AS INTEGER) AS term, k.account_id, n.account,
               k.seen_on, k.decided_on, CAST(k.outcome_left AS DOUBLE) AS "left", coalesce(k.seats, k.arr) AS size,
               CAST(k.seen_on - k.first_on AS DOUBLE) AS age_days, coalesce(a.segment, '') AS segment,
               CASE WHEN k.ends_on - k.starts_on <= {month} THEN 'a month'
                    WHEN k.ends_on - k.starts_on <= {months} THEN 'months' ELSE 'a year' END AS length
        FROM known k LEFT JOIN account_number n USING (account_id) LEFT JOIN accounts a USING (account_id)
        WHERE k.outcome_left IS NOT NULL AND k.decided_on < DATE '{facts.cutoff}' AND k.decided_on >= k.seen_on
          AND k.seen_on >= k.starts_on AND CAST(k.known_at AS DATE) <= k.seen_on
          AND k.seen_on - {window_days} >= (SELECT min(day) FROM account_day)"""

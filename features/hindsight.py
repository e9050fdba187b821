"""Hindsight: how what was looked at earlier turned out, as far as it is known now."""

from collections.abc import Iterable
from datetime import date

import pandas as pd

from features import outcomes, snapshots, usage
from features.facts import Facts
from features.snapshots import Expansion, Inactivity, Mode, Renewal


def known_now(facts: Facts, mode: Mode, cutoffs: Iterable[date]) -> pd.DataFrame:
    """The decided outcomes: ``left`` (1 left, 0 stayed), ``decided_on``, ``starts_on`` and ``ends_on`` (datetime64).

    One row a contract (``contract_id``), or, where accounts leave by falling silent, one an account and cutoff
    (``account_id``, ``cutoff``) for each of ``cutoffs`` whose horizon is over.
    """
    if isinstance(mode, Renewal):
        outcomes.lay(facts, grace_days=mode.grace_days)
        return facts.engine.frame(
            """SELECT contract_id, CAST(outcome_left AS DOUBLE) AS left, CAST(decided_on AS TIMESTAMP) AS decided_on,
                      CAST(starts_on AS TIMESTAMP) AS starts_on, CAST(ends_on AS TIMESTAMP) AS ends_on
            FROM terms WHERE outcome_left IS NOT NULL"""
        )
    usage.build(facts)
    parts = [_silence(facts, mode, cutoff) for cutoff in sorted(set(cutoffs))]
    return pd.concat(parts, ignore_index=True) if parts else _nothing()


def _silence(facts: Facts, mode: Inactivity | Expansion, cutoff: date) -> pd.DataFrame:
    snapshots.lay_past(facts, mode, anchor=cutoff)
    return facts.engine.frame(
        f"""SELECT account_id, CAST(cutoff AS TIMESTAMP) AS cutoff, CAST(outcome_left AS DOUBLE) AS left,
               CAST(decided_on AS TIMESTAMP) AS decided_on, CAST(NULL AS TIMESTAMP) AS starts_on,
               CAST(NULL AS TIMESTAMP) AS ends_on
        FROM snapshots WHERE cutoff = DATE '{cutoff}'"""
    )


def _nothing() -> pd.DataFrame:
    days = {name: pd.Series(dtype="datetime64[us]") for name in ("cutoff", "decided_on", "starts_on", "ends_on")}
    return pd.DataFrame({"account_id": pd.Series(dtype="object"), "left": pd.Series(dtype="float"), **days})

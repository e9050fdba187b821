"""The signal table: one row per snapshot. The past to learn from, and the book to score, made by the same code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features import plan, snapshots, standing, traits, usage
from features.facts import Facts
from features.signal import Signal, columns
from features.signals import CATALOGUE
from features.snapshots import Expansion, Mode

KEYS = """
SELECT s.account_id, s.contract_id, CAST(s.cutoff AS TIMESTAMP) AS cutoff, s.lead_days,
       CAST(s.starts_on AS TIMESTAMP) AS starts_on, CAST(s.ends_on AS TIMESTAMP) AS ends_on,
       CAST(s.decided_on AS TIMESTAMP) AS decided_on, s.arr, s.plan,
       coalesce(a.segment, '') AS segment, coalesce(a.owner, '') AS owner, coalesce(a.name, s.account_id) AS name,
       CAST(s.outcome_left AS DOUBLE) AS outcome_left, s.asked, s.in_book
FROM snapshots s LEFT JOIN accounts a USING (account_id) ORDER BY s.snapshot_id
"""


@dataclass(frozen=True, kw_only=True)
class SignalTable:
    """Snapshots with what was known at each: n rows in the same order.

    ``keys``: account_id, contract_id (None: inactivity), cutoff, lead_days, starts_on, ends_on, decided_on (times as
    datetime64), arr, plan, segment, owner, name. ``signals``: a float column for each signal column, NaN where not
    known. ``left``: 1 left, 0 stayed, NaN open.
    """

    keys: pd.DataFrame
    signals: pd.DataFrame
    left: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)


def past(
    facts: Facts, mode: Mode, *, anchor: date | None = None, catalogue: tuple[Signal, ...] = CATALOGUE
) -> SignalTable:
    """Every past snapshot whose outcome is decided; ``anchor`` is a cutoff of the grid (default: the latest).

    Buying more is an outcome of the account, whatever contract it had: its snapshots then name none.
    """
    found = _table(facts, mode, lambda: snapshots.lay_past(facts, mode, anchor=anchor or facts.cutoff), catalogue)
    if isinstance(mode, Expansion):
        never = pd.Series(pd.NaT, index=found.keys.index, dtype="datetime64[us]")
        return replace(found, keys=found.keys.assign(contract_id=None, starts_on=never, ends_on=never))
    return found


def book(
    facts: Facts, mode: Mode, *, cutoff: date, catalogue: tuple[Signal, ...] = CATALOGUE
) -> tuple[SignalTable, pd.DataFrame]:
    """The open accounts at a cutoff, and the value each signal had before: its window, or four weeks, earlier.

    A value before is NaN for an account that was not in the book then.
    """
    shifts = sorted({column.days_before for column in columns(catalogue)} | {0})
    cutoffs = tuple(cutoff - timedelta(days=shift) for shift in shifts)
    both = _table(facts, mode, lambda: snapshots.lay_book(facts, mode, cutoffs=cutoffs), catalogue)
    looks = {
        shift: both.signals[at].set_axis(both.keys.loc[at, "account_id"])
        for shift, at in ((s, both.keys["cutoff"] == pd.Timestamp(c)) for s, c in zip(shifts, cutoffs, strict=True))
    }
    at = (both.keys["cutoff"] == pd.Timestamp(cutoff)).to_numpy()
    now = SignalTable(
        keys=both.keys[at].reset_index(drop=True), signals=both.signals[at].reset_index(drop=True), left=both.left[at]
    )
    accounts = now.keys["account_id"]
    before = {
        column.name: looks[column.days_before][column.name].reindex(accounts).to_numpy()
        for column in columns(catalogue)
    }
    return now, pd.DataFrame(before)


def books(
    facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...], catalogue: tuple[Signal, ...] = CATALOGUE
) -> SignalTable:
    """The accounts that were open at each of some cutoffs; their outcomes are not told."""
    return _table(facts, mode, lambda: snapshots.lay_book(facts, mode, cutoffs=cutoffs), catalogue)


def every(
    facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...], catalogue: tuple[Signal, ...] = CATALOGUE
) -> SignalTable:
    """Every account known at each of some cutoffs, with an open contract or without."""
    return _table(facts, mode, lambda: snapshots.lay_accounts(facts, mode, cutoffs=cutoffs), catalogue)


def _table(facts: Facts, mode: Mode, lay: Callable[[], None], catalogue: tuple[Signal, ...]) -> SignalTable:
    usage.build(facts)
    traits.hold(facts)
    lay()
    # The books that accounts are compared with are computed in the same pass: often they are the same looks.
    months = standing.months(_cutoffs(facts)) if standing.ranked(catalogue) else ()
    snapshots.lay_books_beside(facts, mode, cutoffs=months)
    keys = facts.engine.frame(KEYS)
    computed = plan.run(facts, catalogue)
    asked, in_book = keys["asked"].to_numpy(dtype=bool), keys["in_book"].to_numpy(dtype=bool)
    own, looks = computed[asked].reset_index(drop=True), keys[asked].reset_index(drop=True)
    book = computed[in_book].assign(cutoff=keys["cutoff"], segment=keys["segment"])
    places = standing.stand(own.assign(segment=looks["segment"]), looks["cutoff"], book, catalogue)
    signals = pd.concat([own, places], axis=1)[[column.name for column in columns(catalogue)]]
    return SignalTable(
        keys=looks.drop(columns=["outcome_left", "asked", "in_book"]),
        signals=signals,
        left=looks["outcome_left"].to_numpy(dtype=float),
    )


def _cutoffs(facts: Facts) -> list[date]:
    found = facts.engine.rows("SELECT DISTINCT cutoff FROM snapshots ORDER BY cutoff")
    return [cutoff for (cutoff,) in found if isinstance(cutoff, date)]

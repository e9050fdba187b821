"""The books a champion in use is watched by: today's, those of the year it learnt in and of the year just past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import table, traits
from features.facts import Facts
from features.signals import CATALOGUE
from features.snapshots import PEERS, Mode
from training.drift import SignalDrift, drifts
from training.monitor import RISK
from training.score import SEGMENT, Scored
from training.tracking import Champion

MONTHS: Final = 12
"""Books of so many months are a reference: a whole year holds every season."""

APART_DAYS: Final = 28
"""Books nearer than this to today's hold much of its own windows; a jump is told by those before."""


@dataclass(frozen=True, kw_only=True)
class Books:
    """Looks at all open accounts from several days, in frames of the same index: ``cutoffs``, ``signals``, scores.

    ``today`` is the latest of the days, ``learnt_in`` and ``just_past`` are the days of the two references.
    """

    today: pd.Timestamp
    learnt_in: tuple[pd.Timestamp, ...]
    just_past: tuple[pd.Timestamp, ...]
    cutoffs: pd.Series
    signals: pd.DataFrame
    scored: Scored

    def of(self, days: Sequence[pd.Timestamp]) -> NDArray[np.bool_]:
        """Which looks are from some days, (n,)."""
        return self.cutoffs.isin(list(days)).to_numpy()

    def moved_from(self, days: Sequence[pd.Timestamp]) -> tuple[SignalDrift, ...]:
        """How far today's signals and scores are from those of some days."""
        values, then, now = self.signals.assign(**{RISK: self.scored.risk}), self.of(days), self.of([self.today])
        return drifts(values[then], self.cutoffs[then], values[now], self.today)

    @property
    def moves(self) -> pd.Series:
        """How much each signal moves the log-odds, on average over all looks."""
        return self.scored.contributions.abs().mean()

    @property
    def effects(self) -> pd.Series:
        """By how much the mean log-odds are other today than in the year it learnt in, signal by signal."""
        shares = self.scored.contributions
        then = self.of(self.learnt_in)
        return shares[self.of([self.today])].mean() - shares[then].mean() if then.any() else shares.mean() * 0


def watched_books(facts: Facts, mode: Mode, champion: Champion) -> Books:
    """The books, scored by the champion; of a large one of the past, so many accounts stand for all.

    Raises ModelError when the champion cannot score them.
    """
    today = pd.Timestamp(facts.cutoff)
    until = min(learnt_until(champion, today), today - pd.Timedelta(days=1))
    learnt_in, just_past = _year(until), _year(today - pd.Timedelta(days=APART_DAYS))
    days: tuple[date, ...] = tuple(sorted({day.date() for day in (*learnt_in, *just_past, today)}))
    catalogue = (*CATALOGUE, *traits.read(champion.scorer.about.get("traits", ())))
    found = table.books(facts, mode, cutoffs=days, catalogue=catalogue)
    place = found.keys["account_id"].map(_hashed).groupby(found.keys["cutoff"]).rank(method="first")
    kept = ((place <= PEERS) | (found.keys["cutoff"] == today)).to_numpy()
    keys, signals = found.keys[kept].reset_index(drop=True), found.signals[kept].reset_index(drop=True)
    return Books(
        today=today,
        learnt_in=learnt_in,
        just_past=just_past,
        cutoffs=keys["cutoff"],
        signals=signals.reindex(columns=list(champion.scorer.columns)),
        scored=champion.score(signals.assign(**{SEGMENT: keys["segment"]})),
    )


def learnt_until(champion: Champion, today: pd.Timestamp) -> pd.Timestamp:
    """The day of the last outcome it learnt from; of a model from before that was kept, today."""
    return pd.Timestamp(str(champion.scorer.about.get("learnt_until", today)))


def _year(until: pd.Timestamp) -> tuple[pd.Timestamp, ...]:
    """The first days of the twelve months up to a day."""
    return tuple(pd.date_range(end=until, freq="MS", periods=MONTHS))


def _hashed(account_id: str) -> int:
    """A number that is always the same and any: which accounts stand for a large book."""
    return int(pd.util.hash_array(np.array([account_id], dtype=object))[0])

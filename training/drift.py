"""Drift: how far each signal of the book has moved from the books of the year the champion learnt in.

Some of 251 signals always differ from last year: the product grows, accounts age, autumn is busy. So a movement counts
only when it is large by the usual measures and larger than the months of that year were from each other, a steady
trend going on included. Where the distances come from: PSI, Siddiqi 2006; Wasserstein-1 by SciPy, in standard
deviations, which for a mere shift is Cohen's d.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, wasserstein_distance

from training.dataset import Floats

BINS: Final = 10
"""Bins of equal size of what is known of the reference; what is not known is a bin of its own."""

LARGE_PSI: Final = 0.25
"""Population stability index of a change to act on (Siddiqi 2006, Credit Risk Scorecards)."""

SMALL_EFFECT: Final = 0.2
"""Standard deviations below which a shift is no effect at all (Cohen 1988); PSI alone jumps where values pile up."""

KNOWN_MOVED: Final = 0.1
"""A change in the share of accounts of which the signal is known that counts as a movement, too."""

CHANCE: Final = 0.05
"""Chance that sampling alone makes any of all the signals drift (Bonferroni)."""

LONGEST_TREND: Final = 3.0
"""A steady trend excuses at most so many times the PSI of the year itself: after half a year more it is news."""

LEAST_MONTHS: Final = 4
"""Fewer months say nothing about how far months differ."""

LEAST_ACCOUNTS: Final = 20
"""Fewer accounts in the book have no distribution to speak of."""


@dataclass(frozen=True, kw_only=True)
class SignalDrift:
    """How far one column moved. ``usual`` is the largest PSI that the reference and its trend explain.

    ``distance`` is Wasserstein-1 in the reference's standard deviations (NaN where nothing is known on a side),
    ``then`` and ``now`` medians, ``known_then`` and ``known_now`` the shares of accounts of which it is known.
    ``dead``: it was known of about as many accounts in every month, or varied in every one, and does so no more.
    """

    name: str
    psi: float
    usual: float
    distance: float
    then: float
    now: float
    known_then: float
    known_now: float
    dead: bool

    @property
    def drifted(self) -> bool:
        """Whether it moved far, and farther than the year it is compared with explains."""
        far = self.distance >= SMALL_EFFECT or abs(self.known_now - self.known_then) >= KNOWN_MOVED
        return bool(self.psi >= LARGE_PSI and self.psi > self.usual and far)


def drifts(
    reference: pd.DataFrame, cutoffs: pd.Series, now: pd.DataFrame, today: pd.Timestamp
) -> tuple[SignalDrift, ...]:
    """The drift of every column of ``now`` (n accounts) against ``reference`` (m looks, several ``cutoffs`` (m,)).

    Empty where there are too few months or accounts to tell.
    """
    months, place = np.unique(cutoffs.to_numpy(dtype="datetime64[s]"), return_inverse=True)
    if len(months) < LEAST_MONTHS or len(now) < LEAST_ACCOUNTS:
        return ()
    trend = _trend(months, today)
    noise = (1 / len(now) + 1 / len(reference)) * chi2.ppf(1 - CHANCE / now.shape[1], BINS)
    found = []
    for name in now:
        before, after = reference[name].to_numpy(dtype=float), now[name].to_numpy(dtype=float)
        counts, fresh = _counted(before, place, len(months), after)
        apart = psi(counts.sum(axis=0) - counts, counts)
        usual = max(float(noise), trend * float(apart.max()))
        found.append(_drift(str(name), before, after, place, float(psi(counts.sum(axis=0), fresh)), usual))
    return tuple(found)


def psi(then: Floats, now: Floats) -> Floats:
    """Population stability index of counts in bins (…, b) each; half a count more in every bin keeps it finite."""
    shares = [(counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True) for counts in (then, now)]
    return np.asarray(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1), dtype=float)


def _trend(months: NDArray[np.datetime64], today: pd.Timestamp) -> float:
    """What a steady movement makes of the distance of the outermost month: PSI grows with the square of a shift."""
    days = (months - months[0]).astype(float)
    middle = float(days.mean())
    ahead = float((np.datetime64(today, "s") - months[0]).astype(float)) - middle
    return min(LONGEST_TREND, max(1.0, (ahead / (float(days.max()) - middle)) ** 2))


def _counted(before: Floats, place: NDArray[np.intp], months: int, after: Floats) -> tuple[Floats, Floats]:
    """Counts in the reference's bins: (months, bins) of each month, and (bins,) of now."""
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0)
    counts, fresh = np.zeros((months, len(edges) + 2)), np.zeros(len(edges) + 2)
    np.add.at(counts, (place, _bins(before, edges)), 1)
    np.add.at(fresh, _bins(after, edges), 1)
    return counts, fresh


def _bins(values: Floats, edges: Floats) -> NDArray[np.intp]:
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _drift(
    name: str, before: Floats, after: Floats, place: NDArray[np.intp], moved: float, usual: float
) -> SignalDrift:
    old, new = before[~np.isnan(before)], after[~np.isnan(after)]
    spread = float(old.std()) if len(old) else 0.0
    distance = float(wasserstein_distance(old, new)) / spread if len(new) and spread > 0 else float("nan")
    return SignalDrift(
        name=name,
        psi=moved,
        usual=usual,
        distance=distance,
        then=float(np.median(old)) if len(old) else float("nan"),
        now=float(np.median(new)) if len(new) else float("nan"),
        known_then=len(old) / len(before),
        known_now=len(new) / len(after),
        dead=_is_dead(before, place, new, len(after)),
    )


def _is_dead(before: Floats, place: NDArray[np.intp], new: Floats, accounts: int) -> bool:
    """Known of less than half as many as in any month, or all alike where no month's values were."""
    months = [before[place == month] for month in np.unique(place)]
    known = [values[~np.isnan(values)] for values in months]
    least = min(len(some) / len(values) for some, values in zip(known, months, strict=True))
    if least >= KNOWN_MOVED and len(new) / accounts < least / 2:
        return True
    return len(new) >= LEAST_ACCOUNTS and bool(np.ptp(new) == 0) and all(_varied(some) for some in known)


def _varied(values: Floats) -> bool:
    """Whether the values differ by more than a few odd ones: the commonest is not nine tenths of them."""
    if len(values) < LEAST_ACCOUNTS:
        return False
    return bool(np.unique(values, return_counts=True)[1].max() < 0.9 * len(values))


def share_of(names: Sequence[str], moves: pd.Series) -> float:
    """How much of what the model says rests on some columns: their part of the mean absolute contributions."""
    total = float(moves.sum())
    return float(moves.reindex(list(names)).fillna(0.0).sum()) / total if total > 0 else 0.0

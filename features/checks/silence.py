"""Stretches of days without any use, where use was to be expected.

Each of the accounts active on a day counts once, so that one busy account does not make a crowd. What is expected of a
day is the median of the same weekday in the weeks before the silence. Counts scatter more than Poisson ones, so the
chance of a silence is exp(-expected / dispersion) (quasi-Poisson, McCullagh and Nelder 1989).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANCE = 1e-6
"""A silence this improbable is a fault of the data: once in thousands of years of days."""

WEEKS = 8
"""Weeks before a silence that say what is usual: enough for a median, short enough to follow growth."""

FEWEST = 5
"""Active accounts, summed over a week, that every one of those weeks must have: what is used now and then may rest."""

HALF_NORMAL = 0.4549
"""Median of chi-square with one degree of freedom; turns a median squared deviation into a variance."""

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Days ``first`` to ``last`` (indices, both silent) and how many active accounts a day would have had."""

    first: int
    last: int
    usual: float

    @property
    def days(self) -> int:
        """How long it lasted."""
        return self.last - self.first + 1


def silences(counts: Counts, level: Counts | None = None) -> tuple[Silence, ...]:
    """The improbable stretches of zeros in daily counts of active accounts.

    ``level`` scales what is expected of each day (1 = a usual day): a holiday of everybody is not a feature's silence.
    """
    found = (_judged(counts, first, last, level) for first, last in _zero_runs(counts))
    return tuple(silence for silence in found if silence is not None)


def usual_level(counts: Counts) -> Counts:
    """Each day's count over the median of its weekday in the weeks before; at most 1, and 1 where it is not known."""
    level = np.ones(len(counts))
    for day in range(7 * WEEKS, len(counts)):
        usual = float(np.median(counts[day - 7 * WEEKS : day : 7]))
        level[day] = min(counts[day] / usual, 1.0) if usual > 0 else 1.0
    return level


def _judged(counts: Counts, first: int, last: int, level: Counts | None) -> Silence | None:
    before = counts[first - 7 * WEEKS : first] if first >= 7 * WEEKS else counts[:0]
    if not len(before):
        return None
    weeks = before.reshape(WEEKS, 7)
    if weeks.sum(axis=1).min() < FEWEST:
        return None
    usual = np.median(weeks, axis=0)
    days = np.arange(first, last + 1)
    expected = usual[(days - first) % 7] * (1.0 if level is None else level[days])
    if expected.sum() / _dispersion(weeks, usual) < -np.log(CHANCE):
        return None
    return Silence(first=first, last=last, usual=float(expected.mean()))


def _dispersion(weeks: Counts, usual: Counts) -> float:
    """Variance over mean, at least 1: of days around their weekday, or of whole weeks where use comes in waves."""
    busy = usual > 0
    if not busy.any():
        return 1.0
    by_day = float(np.median((weeks[:, busy] - usual[busy]) ** 2 / usual[busy])) / HALF_NORMAL
    sums = weeks.sum(axis=1)
    return max(1.0, by_day, float(sums.var(ddof=1) / sums.mean()))


def _zero_runs(counts: Counts) -> Sequence[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (counts == 0).astype(int), [0]])))
    return [(int(first), int(after) - 1) for first, after in zip(edges[::2], edges[1::2], strict=True)]

"""How long accounts stay: survival curves from times of which some are not over yet, and whether groups differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from warnings import catch_warnings

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_LOSSES: Final = 5
"""A group with fewer losses is not compared: the log-rank statistic is not normal there."""


@dataclass(frozen=True, kw_only=True)
class Survival:
    """A Kaplan-Meier curve: the ``share`` still there after ``days``, with its interval and how many ``at_risk`` (n).

    The first row is day 0, when everybody is there. ``longest`` is the longest time anybody was watched.
    """

    days: Floats
    share: Floats
    low: Floats
    high: Floats
    at_risk: NDArray[np.int64]
    longest: float

    def at(self, day: float) -> tuple[float, float, float] | None:
        """Share still there after so many days, and its interval; None where nobody was watched that long."""
        if day > self.longest:
            return None
        row = int(np.searchsorted(self.days, day, side="right")) - 1
        return float(self.share[row]), float(self.low[row]), float(self.high[row])

    def mean(self, until: float) -> float:
        """Mean days stayed of the first ``until``: the area under the curve (restricted mean survival time)."""
        edges = np.append(self.days[self.days < until], until)
        return float((np.diff(edges) * self.share[: edges.size - 1]).sum())


def survival(days: Floats, left: Flags, *, level: float = 0.95) -> Survival:
    """The curve of accounts watched for ``days`` (n), of which those with ``left`` (n) ended then.

    Kaplan and Meier, 1958; intervals with Greenwood's variance on the scale log(-log) (Kalbfleisch and Prentice).
    """
    order = np.unique(days)
    watched = days.size - np.searchsorted(np.sort(days), order)
    start, longest = np.array([0.0]), float(days.max(initial=0.0))
    share = low = high = np.ones(order.size)
    if left.any():
        curve = stats.ecdf(stats.CensoredData(uncensored=days[left], right=days[~left])).sf
        # A curve that stands at 1 or 0 has no Greenwood variance: scipy divides by zero and gives NaN, filled below.
        with np.errstate(all="ignore"), catch_warnings(action="ignore", category=RuntimeWarning):
            interval = curve.confidence_interval(confidence_level=level, method="log-log")
        share = np.asarray(curve.probabilities, dtype=np.float64)
        low, high = interval.low.probabilities, interval.high.probabilities  # type: ignore[attr-defined]
    # Where nobody has left, or everybody, the interval is that of a share of those watched.
    at_least, at_most = wilson(share * watched, watched.astype(np.float64), level=level)
    flat = (share == 1) | (share == 0) | np.isnan(low)
    low, high = np.where(flat, at_least, low), np.where(flat, at_most, high)
    return Survival(
        days=np.concatenate([start, order]),
        share=np.concatenate([[1.0], share]),
        low=np.concatenate([[1.0], low]),
        high=np.concatenate([[1.0], high]),
        at_risk=np.concatenate([[days.size], watched]).astype(np.int64),
        longest=longest,
    )


def differ(groups: Mapping[str, tuple[Floats, Flags]]) -> dict[str, float]:
    """The log-rank test of each group (days, left) against all others together, its p adjusted after Holm, 1979.

    Groups with fewer than `FEWEST_LOSSES` losses, in them or in the others, are left out (Mantel, 1966).
    """
    found = {}
    for name, (days, left) in groups.items():
        rest = [one for other, one in groups.items() if other != name]
        if not rest:
            return {}
        rest_days, rest_left = np.concatenate([d for d, _ in rest]), np.concatenate([gone for _, gone in rest])
        if min(left.sum(), rest_left.sum()) < FEWEST_LOSSES:
            continue
        here, there = (
            stats.CensoredData(uncensored=d[gone], right=d[~gone]) for d, gone in ((days, left), (rest_days, rest_left))
        )
        found[name] = float(stats.logrank(here, there).pvalue)
        if len(groups) == 2:  # the other test is the same one
            break
    return holm(found)


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """p-values such that claiming those below a level is wrong at all with at most that chance (Holm, 1979)."""
    ordered = sorted(ps, key=lambda name: ps[name])
    found, most = {}, 0.0
    for place, name in enumerate(ordered):
        most = max(most, min(1.0, ps[name] * (len(ordered) - place)))
        found[name] = most
    return found


def wilson(hits: Floats, trials: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Both ends of the interval of shares ``hits / trials`` (Wilson, 1927); NaN where there are no trials."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    known = trials > 0
    safe = np.where(known, trials, 1.0)
    share = hits / safe
    middle = (share + z**2 / (2 * safe)) / (1 + z**2 / safe)
    half = z * np.sqrt(share * (1 - share) / safe + z**2 / (4 * safe**2)) / (1 + z**2 / safe)
    low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)

"""A forecast of the renewals of each month: what will be kept, what is at risk, and how far off that may be.

Each account leaves or stays by its own chance, so what a month keeps is a sum of independent draws (Poisson-binomial,
weighted by ARR). The chances themselves may be off, all of them together: by as much as the model's earlier risks were
off for whole months (`training.months`). Intervals are quantiles of simulated months that draw both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.dataset import Floats
from training.months import Drift
from training.score import logistic

DRAWS: Final = 4000
AT_ONCE: Final = 2_000_000
"""Draws times contracts held in memory together."""

SEED: Final = 7
LEVELS: Final = (0.80, 0.95)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What happens to the ARR of those who renew: past ratios of the next contract's ARR to the one before, (k,)."""

    ratios: Floats

    @property
    def expected(self) -> float:
        """The mean ratio; 1 where no renewal is known."""
        return float(self.ratios.mean()) if len(self.ratios) else 1.0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure: expected, and the ends of the 80 % and of the 95 % interval."""

    expected: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float


@dataclass(frozen=True, kw_only=True)
class Month:
    """The renewals of one month. ``renewed`` is the old ARR of those who stay, ``after`` what they pay then.

    ``expanded`` is what those who pay more add. ``at_risk`` is the old ARR of those who leave; money is in the
    currency of the contracts. ``grr`` and ``nrr`` are shares of the ARR that is up for renewal.
    """

    month: str
    contracts: int
    arr: float
    lost_contracts: Interval
    renewed: Interval
    expanded: Interval
    after: Interval
    at_risk: Interval
    grr: Interval | None
    nrr: Interval | None


def forecast(renewals: pd.DataFrame, growth: Growth, drift: Drift, *, draws: int = DRAWS) -> tuple[Month, ...]:
    """The months in order. ``renewals`` has a row a contract: ``ends_on`` (datetime64), ``arr`` (> 0), ``risk``."""
    random = np.random.default_rng(SEED)
    common, monthly = random.normal(0, drift.common, size=draws), drift.drawn(draws, random)
    months = renewals["ends_on"].dt.to_period("M")
    return tuple(
        _month(str(month), renewals[(months == month).to_numpy()], growth, common, monthly, random)
        for month in sorted(months.unique())
    )


def _month(
    name: str, rows: pd.DataFrame, growth: Growth, common: Floats, monthly: Floats, random: np.random.Generator
) -> Month:
    arr, risk = rows["arr"].to_numpy(dtype=float), rows["risk"].to_numpy(dtype=float)
    off = common + random.normal(0, monthly)
    parts = [
        _draw(arr, risk, some, growth, random) for some in np.array_split(off, max(1, len(off) * len(arr) // AT_ONCE))
    ]
    lost, renewed, kept, after = (np.concatenate(part) for part in zip(*parts, strict=True))
    stays, uplift = float(arr @ (1 - risk)), _uplift(growth)
    total = float(arr.sum())
    return Month(
        month=name,
        contracts=len(arr),
        arr=total,
        lost_contracts=_interval(lost, float(risk.sum())),
        renewed=_interval(renewed, stays),
        expanded=_interval(after - kept, stays * uplift),
        after=_interval(after, stays * growth.expected),
        at_risk=_interval(total - renewed, float(arr @ risk)),
        grr=_interval(kept / total, stays * (growth.expected - uplift) / total) if total else None,
        nrr=_interval(after / total, stays * growth.expected / total) if total else None,
    )


def _draw(
    arr: Floats, risk: Floats, off: Floats, growth: Growth, random: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Some simulated months: contracts lost, old ARR kept, the same without expansion, and what is paid after."""
    log_odds = np.log(risk) - np.log1p(-risk)
    stays = random.random((len(off), len(arr))) >= logistic(log_odds + off[:, None])
    ratio = random.choice(growth.ratios, size=stays.shape) if len(growth.ratios) else np.ones(stays.shape)
    paid = stays * arr * ratio
    return (~stays).sum(axis=1), stays @ arr, np.minimum(paid, stays * arr).sum(axis=1), paid.sum(axis=1)


def _uplift(growth: Growth) -> float:
    return float(np.maximum(growth.ratios - 1, 0).mean()) if len(growth.ratios) else 0.0


def _interval(drawn: NDArray[Any], expected: float) -> Interval:
    ends = [float(np.quantile(drawn, (1 + sign * level) / 2)) for level in LEVELS for sign in (-1, 1)]
    return Interval(expected=expected, low_80=ends[0], high_80=ends[1], low_95=ends[2], high_95=ends[3])


def survival(risk: float, lead_days: int, term_days: int, later: Sequence[float]) -> tuple[tuple[int, float], ...]:
    """(days from now, chance to be still there) after each renewal: products of 1 - hazard (Cox 1972, discrete time).

    ``later`` are the hazards of the renewals after the next one.
    """
    alive, found = 1.0, [(0, 1.0)]
    for place, hazard in enumerate((risk, *later)):
        alive *= 1 - hazard
        found.append((max(0, lead_days) + place * term_days, alive))
    return tuple(found)

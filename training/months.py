"""How far off the risks of whole months were together: what is known of it from the months that came.

The risks of a month are off by one shift in log-odds, drawn around what is common to all months. How widely shifts
spread is itself uncertain, the more the fewer months there were: so its posterior is kept, not its best guess, and the
intervals made of it are wide where history is short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from training.dataset import Dataset, Floats

PRIOR_DRIFT: Final = 0.25
"""Standard deviation, in log-odds, of a whole month's drift where nothing was measured: odds a quarter up or down."""

PRIOR_MONTHS: Final = 4.0
"""Months' worth of that prior: the degrees of freedom of a scaled inverse chi-squared (Gelman et al. 2013, 5.4)."""

SHIFTS: Final = np.linspace(-4, 4, 161)
KNOTS: Final = SHIFTS[::4]
"""A month's log-likelihood is computed at the knots and is smooth between them."""

COMMON: Final = np.linspace(-2, 2, 81)
MONTHLY: Final = np.geomspace(0.05, 2, 24)
KEPT: Final = 20
"""Equally likely values that stand for the posterior of the months' spread."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far off all risks of a time may be together, in log-odds: ``common`` to all months, and ``monthly``.

    Both are standard deviations. ``spread`` are equally likely values of the second, as the past months leave it open;
    empty where ``monthly`` is known exactly.
    """

    common: float = PRIOR_DRIFT
    monthly: float = PRIOR_DRIFT
    spread: tuple[float, ...] = ()

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "spread": list(self.spread)}

    def drawn(self, count: int, random: np.random.Generator) -> Floats:
        """Standard deviations of months, one for each simulated future, (count,)."""
        return random.choice(self.spread, size=count) if self.spread else np.full(count, self.monthly)


def drift_of(about: Mapping[str, Any]) -> Drift:
    """What a scorer knows of it; what is believed beforehand where its model has none."""
    if "drift" not in about:
        return _posterior(())
    written = about["drift"]
    return Drift(common=written["common"], monthly=written["monthly"], spread=tuple(written.get("spread", ())))


def measure_drift(tested: Dataset, risk: Floats) -> Drift:
    """From risks as they were said at the time, each month counting as often as it had outcomes.

    The posterior on a grid of the common shift and of the months' spread, each month's own shift integrated out.
    """
    when = tested.keys["ends_on"].fillna(tested.keys["decided_on"]).dt.to_period("M")
    weights, log_odds = tested.weights, np.log(risk) - np.log1p(-risk)
    month, _ = pd.factorize(when, sort=True)
    each = (month == number for number in np.unique(month))
    return _posterior([_likelihood(log_odds[rows], tested.left[rows], weights[rows]) for rows in each])


def _likelihood(log_odds: Floats, left: Floats, weights: Floats) -> Floats:
    """The likelihood of a month's outcomes at each of `SHIFTS`, its greatest 1."""
    moved = log_odds[:, None] + KNOTS
    found = CubicSpline(KNOTS, weights @ (left[:, None] * moved - np.logaddexp(0.0, moved)))(SHIFTS)
    return np.asarray(np.exp(found - found.max()), dtype=float)


@cache
def _chances() -> Floats:
    """How likely each of `SHIFTS` is, given what is common and the months' spread: (common, spread, shift)."""
    apart = (SHIFTS - COMMON[:, None, None]) / MONTHLY[:, None]
    chances = np.exp(-(apart**2) / 2)
    return np.asarray(chances / chances.sum(axis=-1, keepdims=True), dtype=float)


def _posterior(seen: Sequence[Floats]) -> Drift:
    """What is believed after months of these likelihoods."""
    fit = np.log(_chances() @ np.reshape(seen, (-1, len(SHIFTS))).T + np.finfo(float).tiny).sum(axis=-1)
    # On a grid that is even in the logarithm, the density of the standard deviation is times itself.
    fit -= PRIOR_MONTHS * (np.log(MONTHLY) + PRIOR_DRIFT**2 / (2 * MONTHLY**2))
    fit -= ((COMMON / PRIOR_DRIFT) ** 2 / 2)[:, None]
    mass = np.exp(fit - fit.max())
    mass /= mass.sum()
    common, monthly = mass.sum(axis=1), mass.sum(axis=0)
    places = (np.arange(KEPT) + 0.5) / KEPT
    return Drift(
        common=float(np.sqrt(common @ COMMON**2)),
        monthly=float(np.sqrt(monthly @ MONTHLY**2)),
        spread=tuple(float(value) for value in np.interp(places, monthly.cumsum(), MONTHLY).round(4)),
    )

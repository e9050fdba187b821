"""Calibration: a line in log-odds (Platt 1999), so that contributions stay exactly additive."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from training.dataset import Floats

SLOPE_PRIOR: Final = 0.3
"""Prior standard deviation of the slope around 1: on few outcomes the model's own confidence stands."""

SHIFT_PRIOR: Final = 1.0
"""Prior standard deviation of the shift, in log-odds, around 0."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Calibrated log-odds = intercept + slope x log-odds; the slope is never negative."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds."""
        return self.intercept + self.slope * log_odds


def fit_calibration(log_odds: Floats, left: Floats, weights: Floats) -> Calibration:
    """The most likely line under normal priors: slope around 1, shift around 0 (at the mean log-odds)."""
    centre = float(np.average(log_odds, weights=weights))
    apart = log_odds - centre

    def loss(guess: Floats) -> tuple[float, Floats]:
        shift, slope = guess
        line = centre + shift + slope * apart
        miss = weights * (np.exp(-np.logaddexp(0.0, -line)) - left)
        fit = weights @ (np.logaddexp(0.0, line) - left * line)
        prior = (shift / SHIFT_PRIOR) ** 2 / 2 + ((slope - 1) / SLOPE_PRIOR) ** 2 / 2
        gradient = np.array([miss.sum() + shift / SHIFT_PRIOR**2, miss @ apart + (slope - 1) / SLOPE_PRIOR**2])
        return float(fit + prior), gradient

    found = minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(None, None), (0.0, None)])
    shift, slope = map(float, found.x)
    return Calibration(slope=slope, intercept=centre + shift - slope * centre)

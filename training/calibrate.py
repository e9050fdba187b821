"""Calibration: a line in log-odds (Platt 1999), so that contributions stay exactly additive."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.dataset import Floats

SLOPE_PRIOR: Final = 0.1
"""Prior standard deviation of the slope's logarithm around 0. The line is learnt from the models of earlier folds,
which had less to learn from and were more modest than the final one, so its own confidence mostly stands."""

SHIFT_PRIOR: Final = 0.2
"""Prior standard deviation of the shift, in log-odds, around 0. The base rate that a model stands on is an average of
outcomes already: a few losses more or less do not move it, a hundred do."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Calibrated log-odds = intercept + slope x log-odds; the slope is never negative."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds."""
        return self.intercept + self.slope * log_odds


def fit_calibration(log_odds: Floats, left: Floats, weights: Floats) -> Calibration:
    """The most likely line under normal priors on the slope's logarithm and on the shift (at the mean log-odds)."""
    centre = float(np.average(log_odds, weights=weights))
    apart = log_odds - centre

    def loss(guess: Floats) -> tuple[float, Floats]:
        shift, slope = guess[0], np.exp(guess[1])
        line = centre + shift + slope * apart
        soft = np.logaddexp(0.0, line)
        miss = weights * (np.exp(line - soft) - left)
        fit = weights @ (soft - left * line)
        prior = (shift / SHIFT_PRIOR) ** 2 / 2 + (guess[1] / SLOPE_PRIOR) ** 2 / 2
        gradient = [miss.sum() + shift / SHIFT_PRIOR**2, slope * (miss @ apart) + guess[1] / SLOPE_PRIOR**2]
        return float(fit + prior), np.array(gradient)

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(None, None), (-5.0, 5.0)])
    shift, slope = float(found.x[0]), float(np.exp(found.x[1]))
    return Calibration(slope=slope, intercept=centre + shift - slope * centre)


def calibrated_apart(log_odds: Floats, left: Floats, weights: Floats, folds: NDArray[np.intp]) -> Floats:
    """Each fold's log-odds, calibrated by the line through the other folds; a single fold stays as it is."""
    calibrated = log_odds.copy()
    for fold in np.unique(folds):
        here = folds == fold
        if not here.all():
            line = fit_calibration(log_odds[~here], left[~here], weights[~here])
            calibrated[here] = line.apply(log_odds[here])
    return calibrated

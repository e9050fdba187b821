"""Logistic regression on damped signals: strongly shrunk, and never against a signal's known direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from training.dataset import Floats
from training.models.task import Task
from training.score import Linear, Part, damped, logistic

LEAST_SPREAD: Final = 1e-6
"""A signal that varies less than this within what is learnt from says nothing and gets no weight."""

UNKNOWN_SHARE: Final = (0.02, 0.98)
"""Not knowing a signal gets a weight of its own when this share of the snapshots lacks it."""


@dataclass(frozen=True)
class Logistic:
    """Its strengths are the prior variance of the log-odds, shared out evenly among the standardised signals.

    Sharing it out keeps the prior the same however many signals there are.
    """

    name: str = "logistic regression"
    strengths: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0)

    def fit(self, task: Task) -> Mapping[float, Part]:
        """The path of fits from strong to weak shrinkage, each starting from the one before."""
        values = task.data.signals.to_numpy(dtype=float)
        scaled = _scaling(values)
        design, unknown = _design(scaled, values)
        bounds = [*map(_bound, task.directions), *[(None, None)] * len(unknown)]
        start = np.zeros(design.shape[1] + 1)
        varying = max(1, int((design != 0).any(axis=0).sum()))
        path: dict[float, Part] = {}
        for strength in self.strengths:
            start = _penalised(task, design, strength / varying, bounds, start)
            path[strength] = _line(scaled, start, unknown, design)
        return path


def _bound(sign: int) -> tuple[float | None, float | None]:
    return {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}[sign]


def _scaling(values: Floats) -> Linear:
    """Range, centre and spread of every damped signal, no weights yet. A signal never known has none."""
    known = damped(values)
    known = np.where(np.isnan(known).all(axis=0), 0.0, known)
    spread, centre = np.nanstd(known, axis=0), np.nanmean(known, axis=0)
    varies = spread > LEAST_SPREAD
    return Linear(
        intercept=0.0,
        low=np.where(varies, np.nanmin(known, axis=0), centre),
        high=np.where(varies, np.nanmax(known, axis=0), centre),
        centre=centre,
        scale=np.where(varies, spread, 1.0),
        weight=np.ones(len(centre)),
        unknown=np.zeros(len(centre)),
    )


def _design(scaled: Linear, values: Floats) -> tuple[Floats, list[int]]:
    """Standardised signals, zero where not known, and a standardised mark for each distinct pattern of not knowing."""
    places = scaled.shares(values, [])[1]
    gaps = np.isnan(values)
    share = gaps.mean(axis=0)
    worth = np.flatnonzero((share > UNKNOWN_SHARE[0]) & (share < UNKNOWN_SHARE[1]))
    first: dict[bytes, int] = {}
    for column in worth:
        first.setdefault(gaps[:, column].tobytes(), int(column))
    marked = list(first.values())
    marks = (gaps[:, marked] - share[marked]) / np.sqrt(share[marked] * (1 - share[marked]))
    return np.hstack([places, marks]), marked


def _penalised(
    task: Task, design: Floats, variance: float, bounds: Sequence[tuple[float | None, float | None]], start: Floats
) -> Floats:
    """Weights and intercept that minimise the log loss plus the normal prior of that variance (ridge)."""
    shares, left = task.data.weights, task.data.left

    def loss(guess: Floats) -> tuple[float, Floats]:
        log_odds = task.ground + design @ guess[:-1] + guess[-1]
        miss = shares * (logistic(log_odds) - left)
        value = shares @ (np.logaddexp(0.0, log_odds) - left * log_odds) + guess[:-1] @ guess[:-1] / (2 * variance)
        return float(value), np.append(design.T @ miss + guess[:-1] / variance, miss.sum())

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)], options={"maxiter": 300})
    return np.asarray(found.x, dtype=float)


def _line(scaled: Linear, guess: Floats, marked: list[int], design: Floats) -> Linear:
    """The fit as one weight per signal; the mark of a gap belongs to the signal that first shows it."""
    columns = len(scaled.centre)
    weight, mark, intercept = guess[:columns], guess[columns:-1], float(guess[-1])
    present, absent = design[:, columns:].min(axis=0, initial=np.inf), design[:, columns:].max(axis=0, initial=-np.inf)
    unknown = np.zeros(columns)
    unknown[marked] = mark * (absent - present)
    return Linear(
        intercept=intercept + float(mark @ present),
        low=scaled.low,
        high=scaled.high,
        centre=scaled.centre,
        scale=scaled.scale,
        weight=weight,
        unknown=unknown,
    )

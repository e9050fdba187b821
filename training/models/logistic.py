"""Logistic regression on damped signals: strongly shrunk, and never against a signal's known direction.

Before any outcome is seen, signals are expected to agree in their healthier directions, family by family. So what few
outcomes teach first is a single slope for all signals together with equal weights, which hardly anything beats where
outcomes are few (the improper linear model of Dawes 1979); many outcomes then part the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.dataset import Floats
from training.ranges import Range, Values
from training.score import Linear, Part, damped, logistic
from training.task import ANCHORS, Task

LEAST_SPREAD: Final = 1e-6
"""A signal that varies less than this within what is learnt from says nothing and gets no weight."""

UNKNOWN_SHARE: Final = (0.02, 0.98)
"""Not knowing a signal gets a weight of its own when this share of the snapshots lacks it."""

ANCHOR_VARIANCE: Final = 0.1
"""Anchors and the intercept are shrunk little, so that the risks of each kind of term, and of each lead time, are right
on average; but with a loss or two, what the ground says of them stands."""

SHARED_VARIANCE: Final = 0.09
"""Prior variance of the slope of all signals together, each in its healthier direction, standardised: by one standard
deviation of it, the odds of an account a standard deviation below the others are a third higher (e^0.3)."""

MOST_STEPS: Final = 25
CLOSE: Final = 1e-6
"""Newton stops when no weight moves more than this."""

Bounds: TypeAlias = Sequence[tuple[float | None, float | None]]


@dataclass(frozen=True)
class Logistic:
    """Its strengths are the prior variance of the log-odds, shared out evenly among the standardised signals.

    Sharing it out keeps the prior the same however many signals there are.
    """

    name: str = "logistic regression"
    strengths: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)

    ranges: ClassVar[Mapping[str, Range]] = {"variance": Range(low=0.003, high=10.0, ratio=True)}

    @property
    def defaults(self) -> Values:
        """A strength in the middle of those that stand when nothing is tuned."""
        return {"variance": 0.3}

    def tuned(self, values: Values, strength: float | None = None) -> "Logistic":  # noqa: ARG002 - it is the value
        """The same at one other strength."""
        return Logistic(name=f"tuned {Logistic.name}", strengths=(values["variance"],))

    def fit(self, task: Task) -> Mapping[float, Part]:
        """The path of fits from strong to weak shrinkage, each starting from the one before."""
        return self.learn(self.prepare(task))

    def prepare(self, task: Task) -> "Prepared":
        """The task's signals standardised, once for whatever strength."""
        values = task.data.signals.to_numpy(dtype=float)
        scaled = _scaling(values)
        return Prepared(task=task, scaled=scaled, design=_design(scaled, values))

    def learn(self, prepared: "Prepared") -> Mapping[float, Part]:
        """As `fit`, from what was prepared."""
        task, design = prepared.task, prepared.design
        bounds = [_bound(task.directions[column]) for column in design.varying]
        bounds += [(None, None)] * (len(design.marked) + 1)
        guess = np.zeros(design.matrix.shape[1])
        path: dict[float, Part] = {}
        for strength in self.strengths:
            prior = _prior(task, design, strength)
            guess = _penalised(task, design.matrix, prior, bounds, guess)
            path[strength] = _line(prepared.scaled, design, guess)
        return path


@dataclass(frozen=True, kw_only=True)
class Design:
    """What the weights multiply: varying signals standardised (zero where not known), marks of not knowing, and a one.

    ``varying`` and ``marked`` are places of signals; ``low`` and ``high`` (marks,) are a mark's values when the signal
    is known and when it is not.
    """

    matrix: Floats
    varying: NDArray[np.intp]
    marked: NDArray[np.intp]
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A task, how its signals are scaled, and what the weights multiply."""

    task: Task
    scaled: Linear
    design: Design


def _bound(direction: float) -> tuple[float | None, float | None]:
    return {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}[int(np.sign(direction))]


def _prior(task: Task, design: Design, strength: float) -> Floats:
    """The inverse of the weights' prior covariance: each on its own, and all together along the known directions."""
    count = design.matrix.shape[1]
    alone = np.full(count, strength / max(count - 1, 1))
    anchored = np.isin(task.data.signals.columns[design.varying], ANCHORS)
    alone[: len(anchored)][anchored] = ANCHOR_VARIANCE
    alone[-1] = ANCHOR_VARIANCE
    together = np.zeros(count)
    together[: len(anchored)] = np.where(anchored, 0.0, np.array(task.directions)[design.varying])
    spread = (design.matrix @ together).std()
    prior: Floats = np.diag(1 / alone)
    if spread < LEAST_SPREAD:
        return prior
    # The inverse of diag(alone) + SHARED_VARIANCE x together x together', by Sherman and Morrison (1950).
    together /= spread
    reach = together / alone
    prior -= np.outer(reach, reach) * SHARED_VARIANCE / (1 + SHARED_VARIANCE * (together @ reach))
    return prior


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


def _design(scaled: Linear, values: Floats) -> Design:
    """Standardised signals, and one standardised mark for each distinct pattern of not knowing."""
    places = scaled.shares(values, [])[1]
    varying = np.flatnonzero(scaled.low < scaled.high)
    gaps = np.isnan(values)
    share = gaps.mean(axis=0)
    first: dict[bytes, int] = {}
    for column in np.flatnonzero((share > UNKNOWN_SHARE[0]) & (share < UNKNOWN_SHARE[1])):
        first.setdefault(gaps[:, column].tobytes(), int(column))
    marked = np.array(list(first.values()), dtype=np.intp)
    share = share[marked]
    spread = np.sqrt(share * (1 - share))
    marks = (gaps[:, marked] - share) / spread
    return Design(
        matrix=np.column_stack([places[:, varying], marks, np.ones(len(values))]),
        varying=varying,
        marked=marked,
        low=-share / spread,
        high=(1 - share) / spread,
    )


def _penalised(task: Task, matrix: Floats, prior: Floats, bounds: Bounds, start: Floats) -> Floats:
    """Weights that minimise the log loss plus a normal prior, ``prior`` being the inverse of its covariance.

    By Newton steps: each solves the local quadratic within the bounds, and is halved until it goes down.
    """
    shares, left = task.data.weights, task.data.left

    def height(weights: Floats) -> float:
        log_odds = task.ground + matrix @ weights
        return float(shares @ (np.logaddexp(0.0, log_odds) - left * log_odds) + weights @ prior @ weights / 2)

    guess, at = start, height(start)
    for _ in range(MOST_STEPS):
        risk = logistic(task.ground + matrix @ guess)
        tilt = matrix.T @ (shares * (risk - left)) + prior @ guess
        # A matrix times itself: half the work of two.
        curved = matrix * np.sqrt(shares * risk * (1 - risk))[:, None]
        bend = curved.T @ curved + prior
        step = _lowest(bend, tilt - bend @ guess, bounds, guess) - guess
        while (there := height(guess + step)) > at + CLOSE and np.abs(step).max() > CLOSE:
            step = step / 2
        guess, at = guess + step, there
        if np.abs(step).max() < CLOSE:
            break
    return guess


def _lowest(bend: Floats, tilt: Floats, bounds: Bounds, start: Floats) -> Floats:
    """The lowest point of x' bend x / 2 + tilt' x within the bounds."""

    def height(x: Floats) -> tuple[float, Floats]:
        slope = bend @ x
        return float(x @ slope / 2 + tilt @ x), slope + tilt

    found = minimize(height, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})
    return np.asarray(found.x, dtype=float)


def _line(scaled: Linear, design: Design, guess: Floats) -> Linear:
    """The fit as one weight per signal; the mark of a gap belongs to the signal that first shows it."""
    weight, unknown = np.zeros(len(scaled.centre)), np.zeros(len(scaled.centre))
    varying, marks = len(design.varying), guess[len(design.varying) : -1]
    weight[design.varying] = guess[:varying]
    unknown[design.marked] = marks * (design.high - design.low)
    return Linear(
        intercept=float(guess[-1] + marks @ design.low),
        low=scaled.low,
        high=scaled.high,
        centre=scaled.centre,
        scale=scaled.scale,
        weight=weight,
        unknown=unknown,
    )

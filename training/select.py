"""Choosing among candidates by out-of-time log loss: the simplest within one standard error of the best.

Candidates are compared as they will be used, calibrated; each fold by the line through the other folds. Without it,
caution would look worse than it is: strong shrinkage ranks well and is only too modest, which the line mends.

Where the losses tested are too few to tell, the directions declared on signals are believed until outcomes contradict
them: the lean, the first model at its most cautious, which with few outcomes is one slope in those directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from training.calibrate import calibrated_apart, fit_calibration
from training.dataset import Dataset, Floats
from training.models import Model
from training.models.blend import NAME as BLEND
from training.models.blend import blend
from training.outing import Key, Outing, fit_all
from training.score import Mix, Part, logistic
from training.split import rarer

SAID: Final = 0.995
"""A model that is believed for this share or more is not said to be drawn towards the base rate."""

FEW: Final = 30
"""Losses (or renewals, if fewer) tested below which the test cannot prove a signal that is there."""

CONTRADICTED: Final = -1.0
"""Standard errors by which the lean must lose against the base rate to be given up although losses are few."""

LEVEL: Final = 0.05
"""How often a model may pass the gate where there is nothing to find, one-sided."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model at its strength: out-of-time log loss, and how far behind the best, with the paired standard error."""

    name: str
    strength: float
    log_loss: float
    behind: float
    behind_error: float


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was chosen, from what, and what it gains over the base rate (log loss, with its standard error).

    ``trust`` is how much of what it says beyond the ``lean`` is believed, ``leaning`` how much of the lean beyond the
    base rate; ``proven`` whether later snapshots showed a signal. ``slopes`` stretch the parts of a blend.
    ``rows`` (t,) are the snapshots tested on, ``fold_of`` (t,) their folds,
    and ``log_odds`` (t,) what the chosen one, not yet calibrated, said of them.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    slopes: tuple[float, ...]
    trust: float
    lean: Key
    leaning: float
    proven: bool
    gain: float
    gain_error: float
    rows: NDArray[np.intp]
    fold_of: NDArray[np.intp]
    log_odds: Floats

    @property
    def usable(self) -> bool:
        """Whether signals are used: one is proven, or too few losses are known and they do not speak against it."""
        return self.chosen.name != self.candidates[0].name

    @property
    def sure(self) -> float:
        """How likely it is, given what was seen, that the chosen one is better than the base rate."""
        if not self.usable:
            return 0.0
        return float(ndtr(self.gain / self.gain_error)) if self.gain_error > 0 else 1.0

    @property
    def beyond_chance(self) -> bool:
        """Whether the gain is more than chance would give the luckiest of the candidates in one of twenty cases."""
        return self.usable and self.gain > errors_needed(LEVEL, len(self.candidates) - 1) * self.gain_error

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        gain = f"log loss {self.gain:+.4f} ± {self.gain_error:.4f} better than the base rate on later snapshots"
        if not self.usable:
            best = min(self.candidates[1:], key=lambda candidate: candidate.log_loss)
            return (
                f"no usable signal: on later snapshots the base rate's log loss is {self.candidates[0].log_loss:.4f}, "
                f"that of the best model ({best.name}) {best.log_loss:.4f}, which chance explains"
            )
        if not self.proven:
            return (
                f"too few losses to prove a signal: risks lean on the healthier direction declared for each signal, as "
                f"{self.chosen.name} for {self.leaning:.0%}; {gain} (better with {self.sure:.0%} certainty)"
            )
        kept = f"; what it adds to the declared directions counts for {self.trust:.0%}" if self.trust < SAID else ""
        return f"{self.chosen.name}: {gain} (better with {self.sure:.0%} certainty{kept})"


class Contest:
    """The candidates' log-odds on all later snapshots, pooled over the folds, and their losses once calibrated."""

    def __init__(self, data: Dataset, tests: Sequence[Outing], models: Sequence[Model]):
        self.rows = np.concatenate([test.rows for test in tests])
        self.folds = np.concatenate([np.full(len(test.rows), number) for number, test in enumerate(tests)])
        tested = data.take(self.rows)
        self.few = rarer(tested) < FEW
        self.left, self.weights, self.accounts = tested.left, tested.weights, tested.accounts
        self.models = tuple(models)
        self.first = models[min(1, len(models) - 1)]
        self.base, self.lean = (models[0].name, models[0].strengths[-1]), (self.first.name, self.first.strengths[0])
        self.log_odds: dict[Key, Floats] = {}
        self.said: dict[Key, Floats] = {}
        self.losses: dict[Key, Floats] = {}
        for key in tests[0].log_odds:
            self.enter(key, np.concatenate([test.log_odds[key] for test in tests]))

    def enter(self, key: Key, log_odds: Floats) -> None:
        """Add a candidate; the base rate too is calibrated, else its moving with time would look like a signal."""
        self.log_odds[key] = log_odds
        self.said[key] = calibrated_apart(log_odds, self.left, self.weights, self.folds)
        self.losses[key] = log_loss_rows(self.left, self.said[key])

    @property
    def needed(self) -> tuple[Model, ...]:
        """Every model that a selection may be made of: the lean stays the default's, whatever tuning found."""
        return self.models if self.first in self.models else (*self.models, self.first)

    def loss(self, key: Key) -> float:
        """Mean log loss of a candidate."""
        return float(np.average(self.losses[key], weights=self.weights))

    def behind(self, key: Key, other: Key, rows: NDArray[np.bool_] | None = None) -> tuple[float, float]:
        """How much worse one candidate is than another, in all rows or some, with the standard error.

        A handful of losses may all have fallen elsewhere; then the rows seen agree by luck, and say nothing of what a
        loss would have done. So the error is never below what the two candidates themselves expect of chance.
        """
        at = np.ones(len(self.left), dtype=bool) if rows is None else rows
        one, two, weights = self.said[key][at], self.said[other][at], self.weights[at]
        mean, error = paired((self.losses[key] - self.losses[other])[at], weights, self.accounts[at])
        return mean, max(error, chance_error(one, two, weights))

    def cautious(self, model: Model) -> Key:
        """A model at its most cautious strength within one standard error of its best."""
        keys = [(model.name, strength) for strength in model.strengths]
        return self._simplest(keys)

    def challenge(self, model: Model, tuned: Model, folds: NDArray[np.intp]) -> tuple[float, float]:
        """How much better a tuned model is than its default in some folds, with the standard error.

        It takes the default's place when that is more than one standard error behind.
        """
        default, key, rows = self.cautious(model), (tuned.name, tuned.strengths[0]), np.isin(self.folds, folds)
        gain, error = self.behind(default, key, rows)
        if gain > error:
            self.models = tuple(tuned if each is model else each for each in self.models)
        return gain, error

    def slope(self, key: Key) -> float:
        """How much a candidate's log-odds must be stretched to be calibrated."""
        return fit_calibration(self.log_odds[key], self.left, self.weights).slope

    def _simplest(self, keys: Sequence[Key]) -> Key:
        best = min(keys, key=self.loss)
        return next(key for key in keys if np.less_equal(*self.behind(key, best)))

    def decide(self) -> "Selection":
        """The one-standard-error rule (Breiman et al. 1984) on paired differences, clustered by account."""
        keys = [self.cautious(model) for model in self.models]
        slopes = tuple(self.slope(key) for key in keys[1:])
        if len(slopes) > 1:
            mixed = [slope * self.log_odds[key] for slope, key in zip(slopes, keys[1:], strict=True)]
            self.enter((BLEND, 1.0), np.mean(mixed, axis=0))
            keys.append((BLEND, 1.0))
        chosen, leaning = self._simplest(keys), self._leaning()
        proven = chosen != keys[0]
        if not proven and leaning and self.few:
            chosen = keys[1] = self.lean
        gain, gain_error = self.behind(keys[0], chosen)
        kept = trust(gain, gain_error) if proven else 0.0
        ground = (1 - leaning) * self.log_odds[self.base] + leaning * self.log_odds[self.lean]
        return Selection(
            chosen=self._candidate(chosen, keys),
            candidates=tuple(self._candidate(key, keys) for key in keys),
            slopes=slopes,
            trust=kept,
            lean=self.lean,
            leaning=leaning,
            proven=proven,
            gain=gain,
            gain_error=gain_error,
            rows=self.rows,
            fold_of=self.folds,
            log_odds=kept * self.log_odds[chosen] + (1 - kept) * ground,
        )

    def _candidate(self, key: Key, keys: Sequence[Key]) -> Candidate:
        behind, error = self.behind(key, min(keys, key=self.loss))
        return Candidate(name=key[0], strength=key[1], log_loss=self.loss(key), behind=behind, behind_error=error)

    def _leaning(self) -> float:
        """How much of the lean to believe: all of it, unless it does worse than the base rate; then ever less."""
        gain, error = self.behind(self.base, self.lean)
        if gain < CONTRADICTED * error:
            return 0.0
        return float(min(1.0, 2 * ndtr(gain / error))) if error > 0 else 1.0


def errors_needed(level: float, tried: int) -> float:
    """Standard errors that the best of several passes by chance at a level: each has its part of it (Dunn 1961)."""
    return float(ndtri(1 - level / max(1, tried)))


def trust(gain: float, error: float) -> float:
    """How much of a gain to believe: 1 - (error / gain)^2, none below zero (James & Stein 1961, the positive part).

    A gain of one standard error is not believed at all, one of two to three quarters, a sure one nearly whole: few
    outcomes draw the model towards the base rate.
    """
    return max(0.0, 1 - (error / gain) ** 2) if gain > 0 else 0.0


def refit(data: Dataset, selection: Selection, models: Sequence[Model], directions: tuple[float, ...]) -> Part:
    """The chosen model, learnt from everything, drawn to lean and base rate as far as its gain is not sure."""
    base, chosen, blended = models[0], selection.chosen, selection.candidates[1:-1]
    names = {base.name, chosen.name}
    if selection.usable:
        names |= {selection.lean[0]} | ({each.name for each in blended} if chosen.name == BLEND else set())
    fitted = fit_all(data, [model for model in models if model.name in names], directions)
    if not selection.usable:
        return fitted[chosen.name, chosen.strength]
    if chosen.name == BLEND:
        part: Part = blend([fitted[each.name, each.strength] for each in blended], selection.slopes)
    else:
        part = fitted[chosen.name, chosen.strength]
    ground, doubt = fitted[base.name, base.strengths[-1]], 1 - selection.trust
    weights = (doubt * (1 - selection.leaning), doubt * selection.leaning, selection.trust)
    return Mix(parts=(ground, fitted[selection.lean], part), weights=weights)


def log_loss_rows(left: Floats, log_odds: Floats) -> Floats:
    """Log loss of every row, from log-odds."""
    return np.asarray(np.logaddexp(0.0, log_odds) - left * log_odds, dtype=float)


def paired(difference: Floats, weights: Floats, clusters: NDArray[np.intp]) -> tuple[float, float]:
    """Weighted mean of a difference and its standard error, rows of one cluster moving together."""
    mean = float(np.average(difference, weights=weights))
    sums = np.bincount(clusters, weights=weights * (difference - mean))
    count = len(sums)
    error = np.sqrt((sums**2).sum() * count / max(count - 1, 1)) / weights.sum()
    return mean, float(error)


def chance_error(one: Floats, two: Floats, weights: Floats) -> float:
    """The standard error of the difference of two log losses were the outcomes as likely as the two say on average.

    The difference hangs on an outcome by the difference of the log-odds, which are calibrated, (n,).
    """
    chance = (logistic(one) + logistic(two)) / 2
    return float(np.sqrt(weights @ (chance * (1 - chance) * (one - two) ** 2)) / weights.sum())

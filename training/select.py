"""Choosing among candidates by out-of-time log loss: the simplest within one standard error of the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset, Floats
from training.models import Model
from training.models.blend import NAME as BLEND
from training.models.blend import blend
from training.models.task import Task
from training.score import Part, Upon
from training.split import Fold

CAUTION: Final = 1.0
"""Standard errors a more cautious strength may lie behind the best one of its model."""

BEYOND_CHANCE: Final = 1.645
"""Standard errors by which the base rate must be beaten for the gate: five per cent, one-sided."""


@dataclass(frozen=True, kw_only=True)
class Outing:
    """One fold's test: its rows in the dataset, and each candidate's log-odds on them."""

    fold: Fold
    rows: NDArray[np.intp]
    log_odds: Mapping[tuple[str, float], Floats]


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
    """What was chosen, from what, and what it gains over the base rate (log loss, with its standard error)."""

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    gain: float
    gain_error: float
    rows: NDArray[np.intp]
    fold_of: NDArray[np.intp]
    log_odds: Floats

    @property
    def usable(self) -> bool:
        """Whether anything beats the base rate by more than a standard error."""
        return self.chosen.name != self.candidates[0].name

    @property
    def beyond_chance(self) -> bool:
        """Whether the gain is more than chance would give in one of twenty cases."""
        return self.usable and self.gain > BEYOND_CHANCE * self.gain_error

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
        return f"{self.chosen.name}: {gain}"


def outings(
    data: Dataset,
    folds: Sequence[Fold],
    models: Sequence[Model],
    directions: tuple[int, ...],
    progress: Callable[[str], None],
) -> tuple[Outing, ...]:
    """Fit every model before each origin and look at its log-odds after it."""
    found = []
    for number, fold in enumerate(folds, 1):
        learn, test = data.take(fold.learn), data.take(fold.test)
        progress(
            f"fold {number} of {len(folds)}: learns from {len(learn):,} snapshots before {fold.origin:%Y-%m-%d}, "
            f"tests on {len(test):,}"
        )
        fitted = fit_all(learn, models, directions)
        log_odds = {key: raw_log_odds(part, test) for key, part in fitted.items()}
        found.append(Outing(fold=fold, rows=np.flatnonzero(fold.test), log_odds=log_odds))
    return tuple(found)


def fit_all(data: Dataset, models: Sequence[Model], directions: tuple[int, ...]) -> dict[tuple[str, float], Part]:
    """Every model at every strength; all but the first build upon the first at its least cautious."""
    nothing = Task(data=data, ground=np.zeros(len(data)), directions=directions)
    rates = models[0].fit(nothing)
    ground = rates[models[0].strengths[-1]]
    task = replace(nothing, ground=raw_log_odds(ground, data))
    fitted: dict[tuple[str, float], Part] = {(models[0].name, strength): part for strength, part in rates.items()}
    for model in models[1:]:
        for strength, part in model.fit(task).items():
            fitted[model.name, strength] = Upon(ground=ground, part=part)
    return fitted


def raw_log_odds(part: Part, data: Dataset) -> Floats:
    """Uncalibrated log-odds of a fitted model, (n,)."""
    base, shares = part.shares(data.signals.to_numpy(dtype=float), data.segments)
    return np.asarray(base + shares.sum(axis=1), dtype=float)


def select(data: Dataset, tests: Sequence[Outing], models: Sequence[Model]) -> Selection:
    """The one-standard-error rule (Breiman et al. 1984) on paired differences, clustered by account."""
    rows = np.concatenate([test.rows for test in tests])
    tested = data.take(rows)
    pooled = {key: np.concatenate([test.log_odds[key] for test in tests]) for key in tests[0].log_odds}
    losses = {key: log_loss_rows(tested.left, log_odds) for key, log_odds in pooled.items()}
    weights = tested.weights
    best_of = {model.name: _cautious(model, losses, weights, tested.accounts) for model in models}
    keys = [(model.name, best_of[model.name]) for model in models]
    if len(keys) > 2:
        mixed = np.mean([pooled[key] for key in keys[1:]], axis=0)
        pooled[BLEND, 0.5], losses[BLEND, 0.5] = mixed, log_loss_rows(tested.left, mixed)
        keys.append((BLEND, 0.5))
    best = min(keys, key=lambda key: weights @ losses[key])
    candidates = []
    for key in keys:
        behind, error = paired(losses[key] - losses[best], weights, tested.accounts)
        loss = float(np.average(losses[key], weights=weights))
        candidates.append(Candidate(name=key[0], strength=key[1], log_loss=loss, behind=behind, behind_error=error))
    chosen = next(candidate for candidate in candidates if candidate.behind <= candidate.behind_error)
    key = (chosen.name, chosen.strength)
    gain, gain_error = paired(losses[keys[0]] - losses[key], weights, tested.accounts)
    return Selection(
        chosen=chosen,
        candidates=tuple(candidates),
        gain=gain,
        gain_error=gain_error,
        rows=rows,
        fold_of=np.concatenate([np.full(len(test.rows), number) for number, test in enumerate(tests)]),
        log_odds=pooled[key],
    )


def refit(data: Dataset, selection: Selection, models: Sequence[Model], directions: tuple[int, ...]) -> Part:
    """The chosen model, learnt from everything."""
    strength = {candidate.name: candidate.strength for candidate in selection.candidates}
    by_name = {model.name: model for model in models}
    chosen = selection.chosen.name
    wanted = [model.name for model in models[1:]] if chosen == BLEND else [chosen]
    fitted = fit_all(data, (models[0], *(by_name[name] for name in wanted if name != models[0].name)), directions)
    parts = [fitted[name, strength[name]] for name in wanted]
    return blend(parts) if chosen == BLEND else parts[0]


def _cautious(
    model: Model, losses: Mapping[tuple[str, float], Floats], weights: Floats, accounts: NDArray[np.intp]
) -> float:
    """The most cautious strength within one standard error of the model's best."""
    best = min(model.strengths, key=lambda strength: weights @ losses[model.name, strength])
    for strength in model.strengths:
        behind, error = paired(losses[model.name, strength] - losses[model.name, best], weights, accounts)
        if behind <= error * CAUTION:
            return strength
    return best


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

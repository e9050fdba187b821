"""Outings: every candidate learns before each origin along time, and is asked about what came after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset, Floats
from training.models import Model
from training.score import Part, Upon, plain_log_odds
from training.split import Fold
from training.task import Task

Key: TypeAlias = tuple[str, float]
"""A candidate: a model's name and its strength."""


@dataclass(frozen=True, kw_only=True)
class Outing:
    """One fold's test: its rows in the dataset, each candidate as it had learnt, and its log-odds on them."""

    fold: Fold
    rows: NDArray[np.intp]
    fitted: Mapping[Key, Part]
    log_odds: Mapping[Key, Floats]


def outings(
    data: Dataset,
    folds: Sequence[Fold],
    models: Sequence[Model],
    directions: tuple[float, ...],
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
        found.append(Outing(fold=fold, rows=np.flatnonzero(fold.test), fitted=fitted, log_odds=log_odds))
    return tuple(found)


def fit_all(data: Dataset, models: Sequence[Model], directions: tuple[float, ...]) -> dict[Key, Part]:
    """Every model at every strength; all but the first build upon the first at its least cautious."""
    rates, task = grounded(data, models[0], directions)
    ground = rates[models[0].strengths[-1]]
    fitted: dict[Key, Part] = {(models[0].name, strength): part for strength, part in rates.items()}
    for model in models[1:]:
        for strength, part in model.fit(task).items():
            fitted[model.name, strength] = Upon(ground=ground, part=part)
    return fitted


def grounded(data: Dataset, first: Model, directions: tuple[float, ...]) -> tuple[Mapping[float, Part], Task]:
    """The first model at every strength, and the task of building upon it at its least cautious."""
    nothing = Task(data=data, ground=np.zeros(len(data)), directions=directions)
    rates = first.fit(nothing)
    return rates, replace(nothing, ground=raw_log_odds(rates[first.strengths[-1]], data))


def raw_log_odds(part: Part, data: Dataset) -> Floats:
    """Uncalibrated log-odds of a fitted model, (n,)."""
    return plain_log_odds(part, data.signals.to_numpy(dtype=float), data.segments)

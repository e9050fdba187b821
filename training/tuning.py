"""Tuning: the values of the models, chosen by trials that see only what was decided before the later folds.

So what they find can prove itself on those (see `training.proof`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from features.errors import DataError
from training.dataset import Dataset
from training.models import Model, Tunable
from training.outing import grounded, raw_log_odds
from training.split import LEAST_OF_EACH, Fold, forward_folds, learnable, rarer
from training.trials import Effort, Ground, Search, Trial

FOLDS: Final = 3
"""Origins along the time that trials see; every trial costs so many fits."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What was tried. Trials know nothing decided from ``since`` on."""

    since: pd.Timestamp
    trials: tuple[Trial, ...]
    seconds: float
    interrupted: bool = False

    def best(self, model: Model) -> Trial | None:
        """The best trial of a model; None where nothing but its defaults was better."""
        complete = [trial for trial in self.trials if trial.model == model and trial.state == "complete"]
        best = min(complete, key=lambda trial: trial.log_loss, default=None)
        return None if best is None or dict(best.choice) == dict(best.model.defaults) else best

    def table(self) -> pd.DataFrame:
        """One row per trial, a column per value."""
        return pd.DataFrame(
            [
                {"trial": trial.number, "model": trial.model.name, "state": trial.state, "folds": trial.folds}
                | {"log_loss": trial.log_loss, "seconds": round(trial.seconds, 3), "strength": trial.strength}
                | dict(trial.choice)
                for trial in self.trials
            ]
        )


def tune(
    data: Dataset, folds: Sequence[Fold], models: Sequence[Model], directions: tuple[float, ...], effort: Effort
) -> Tuning | None:
    """Try values of each model that has any; None, with a line why, where the past is too short for it.

    Ctrl-C ends the search and keeps what was found; once more, outside of the search, stops the whole training.
    """
    since = folds[len(folds) // 2].origin
    known = data.take(learnable(data, since))
    try:
        if rarer(known) < 2 * LEAST_OF_EACH:
            raise DataError("too few outcomes to compare trials on")
        grounds = _grounds(known, models[0], directions)
    except DataError:
        effort.progress(f"not tuned: too little was decided before {since:%Y-%m-%d} to try anything on")
        return None
    search = Search([model for model in models if isinstance(model, Tunable)], grounds, effort)
    trials = search.run()
    seconds = time.monotonic() - search.began
    return Tuning(since=since, trials=trials, seconds=seconds, interrupted=search.interrupted)


def _grounds(data: Dataset, first: Model, directions: tuple[float, ...]) -> tuple[Ground, ...]:
    found = []
    for fold in forward_folds(data, FOLDS):
        test = data.take(fold.test)
        rates, task = grounded(data.take(fold.learn), first, directions)
        found.append(Ground(task=task, test=test, base=raw_log_odds(rates[first.strengths[-1]], test)))
    return tuple(found)

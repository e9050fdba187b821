"""Runs that make no model, each on record in MLflow with its report: backtests, and looks at a champion in use."""

import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from training.duel import KEY, LOG_ODDS
from training.record import code_version
from training.target import CHURN
from training.tracking import SAID, experiment, mlflow_at

BACKTESTS: Final = "ebb-backtests"
MONITOR: Final = "ebb-monitor"
"""Experiments of their own, so that the runs that made a model stand by themselves."""

LETTERS: Final = re.compile(r"[^\w\-. :/]")
"""What a metric's name may not hold."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run: its ``name``, what it was asked (``params``), what came out (``metrics``, None left out), and ``files``.

    ``curves`` are metrics along a whole number: name -> {days before the renewal: value}. ``tags`` are words about it.
    """

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float | None]
    curves: Mapping[str, Mapping[int, float | None]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def enter(entry: Entry, *, uri: str, artifacts: Path | None, into: str) -> str:
    """Put a run on record in an experiment; its id. ``artifacts`` is the folder for files of a local store."""
    with mlflow_at(uri) as mlflow:
        experiment(mlflow, artifacts, into)
        with mlflow.start_run(run_name=entry.name, tags=dict(entry.tags)) as run:
            mlflow.log_params({**entry.params, "code_version": code_version()})
            now = int(time.time() * 1000)
            metrics = [mlflow.entities.Metric(name, value, now, step) for name, value, step in _all(entry)]
            # All at once: one by one, each would be a transaction of its own.
            mlflow.MlflowClient().log_batch(run.info.run_id, metrics=metrics)
            for path in entry.files:
                mlflow.log_artifact(str(path))
        return str(run.info.run_id)


def later_folds(uri: str, version: str) -> pd.DataFrame:
    """What a registered version said of the later folds of its training, see `training.duel.said_at_the_time`.

    Empty where it is from before that was kept.
    """
    with mlflow_at(uri) as mlflow, tempfile.TemporaryDirectory() as scratch:
        run = mlflow.MlflowClient().get_model_version(CHURN.model, version).run_id
        try:
            path = mlflow.artifacts.download_artifacts(run_id=run, artifact_path=SAID, dst_path=scratch)
            return pd.read_parquet(path)
        except (mlflow.exceptions.MlflowException, OSError):
            return pd.DataFrame(columns=[*KEY, LOG_ODDS])


def flat(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """Figures as metrics with the ends of their intervals.

    >>> flat({"auc": {"value": 0.8, "low": 0.7, "high": None, "reason": None}, "left": 0.2})
    {'auc': 0.8, 'auc_low': 0.7, 'auc_high': None, 'left': 0.2}
    """
    found: dict[str, float | None] = {}
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            found |= {name: figure["value"], f"{name}_low": figure["low"], f"{name}_high": figure["high"]}
        else:
            found[name] = figure
    return found


def curves(by_lead_days: Mapping[Any, Mapping[str, Any]]) -> dict[str, dict[int, float | None]]:
    """Figures by days before the renewal as curves: ``auc_by_lead_days`` and so on.

    >>> curves({30: {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}, "left": 0.2}, "60": {"left": 0.1}})
    {'auc_by_lead_days': {30: 0.8}, 'left_by_lead_days': {30: 0.2, 60: 0.1}}
    """
    found: dict[str, dict[int, float | None]] = {}
    for days, figures in by_lead_days.items():
        for name, figure in figures.items():
            value = figure["value"] if isinstance(figure, Mapping) else figure
            found.setdefault(f"{name}_by_lead_days", {})[int(days)] = value
    return found


def _all(entry: Entry) -> Iterator[tuple[str, float, int]]:
    """Name, value and step of each metric that has a value."""
    told = [(name, value, 0) for name, value in entry.metrics.items()]
    told += [(name, value, step) for name, curve in entry.curves.items() for step, value in sorted(curve.items())]
    for name, value, step in told:
        if value is not None:
            yield _letters(name), float(value), step


def _letters(name: str) -> str:
    return LETTERS.sub("_", name)

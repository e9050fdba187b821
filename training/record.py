"""What is put on record of a training run: parameters, metrics, signals, and the code's version."""

import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from features.signal import SignalColumn
from training.charts import importance
from training.train import Trained


def parameters(trained: Trained, fingerprint: str) -> dict[str, Any]:
    """The run's parameters: what was chosen, from how much, with what settings."""
    chosen, settings = trained.selection.chosen, trained.settings
    return {
        "target": settings.target.name,
        "model": chosen.name,
        "strength": chosen.strength,
        "calibration_slope": trained.calibration.slope,
        "calibration_intercept": trained.calibration.intercept,
        "signals": len(trained.columns),
        "snapshots": len(trained.learnt),
        "outcomes": round(float(trained.learnt.weights.sum()), 1),
        "accounts": trained.learnt.keys["account_id"].nunique(),
        "folds": settings.folds,
        "capacity": settings.capacity,
        "seed": settings.seed,
        "before": "" if settings.before is None else f"{settings.before:%Y-%m-%d}",
        "data_fingerprint": fingerprint,
        "snapshots_fingerprint": trained.scorer.about["fingerprint"],
        "code_version": code_version(),
        **_tuning(trained),
    }


def _tuning(trained: Trained) -> dict[str, Any]:
    """How much was tried, and the values that proved themselves."""
    if trained.tuned is None:
        return {}
    tuning, proved = trained.tuned.tuning, [proof.trial for proof in trained.tuned.proofs if proof.wins]
    return {
        "tuning_trials": len(tuning.trials),
        "tuning_seconds": round(tuning.seconds, 1),
        "tuned": ", ".join(trial.model.name for trial in proved) or "nothing",
        **{f"tuned_{name}": value for trial in proved for name, value in trial.choice.items()},
    }


def metrics(trained: Trained) -> dict[str, float]:
    """Every metric with the ends of its interval, and each candidate's log loss."""
    found = {}
    for name, metric in trained.metrics.items():
        for part, value in (("", metric.value), ("_low", metric.low), ("_high", metric.high)):
            if value is not None:
                found[name + part] = value
    selection = trained.selection
    losses = {f"log_loss_{each.name.replace(' ', '_')}": each.log_loss for each in selection.candidates}
    return {**found, **losses, "gain": selection.gain, "gain_error": selection.gain_error}


def tables(trained: Trained) -> dict[str, pd.DataFrame]:
    """What is kept as a table, by its file's name: folds, importance, and the trials where there were any."""
    found = {"folds.csv": trained.folds, "importance.csv": importance(trained)}
    return found if trained.tuned is None else {**found, "tuning.csv": trained.tuned.tuning.table()}


def code_version() -> str:
    """The commit the code stands at, else the installed version."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - fixed words
        return found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return metadata.version("ebb")


def described(column: SignalColumn) -> Mapping[str, Any]:
    """A signal column as it stands in signals.json."""
    signal = column.signal
    return {
        "name": column.name,
        "signal": signal.name,
        "family": signal.family,
        "window": column.window,
        "meaning": signal.meaning,
        "unit": signal.unit,
        "healthier": signal.healthier,
        "warmer": signal.warmer,
        "reading": signal.reading,
    }

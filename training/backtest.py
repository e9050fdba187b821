"""A backtest: what the model would have said, had it been trained on one day and asked from then on."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import DataError
from features.signal import SignalColumn
from training.dataset import Dataset
from training.evaluate import Metric, by_lead, evaluate
from training.split import holdout
from training.train import Trained, TrainSettings, train


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """The model of that day, its predictions (one row per later decided snapshot), and how good they were."""

    trained: Trained
    predictions: pd.DataFrame
    overall: dict[str, Metric]
    by_lead_days: dict[int, dict[str, Metric]]


def backtest(
    dataset: Dataset,
    columns: Sequence[SignalColumn],
    *,
    split: date,
    settings: TrainSettings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """Train on what was decided before ``split``; score every decided snapshot with a cutoff from it on.

    Raises DataError when there is too little on either side.
    """
    moment, settings = pd.Timestamp(split), settings or TrainSettings()
    fold = holdout(dataset, moment)
    if not fold.test.any():
        last = dataset.keys.loc[dataset.decided, "cutoff"].max()
        raise DataError(f"no decided snapshot has a cutoff from {split} on; the last one is {last:%Y-%m-%d}")
    trained = train(dataset, columns, settings=replace(settings, before=moment), progress=progress)
    test = dataset.take(fold.test)
    progress(f"scores {len(test)} later snapshots")
    risk = trained.scorer.score(test.signals.assign(segment=test.segments)).risk
    predictions = test.keys[["contract_id", "account_id", "cutoff", "lead_days"]].assign(
        risk=risk, outcome=test.left.astype(np.int64)
    )
    return Backtest(
        trained=trained,
        predictions=predictions,
        overall=evaluate(test, risk, capacity=settings.capacity, seed=settings.seed),
        by_lead_days=by_lead(test, risk, capacity=settings.capacity),
    )


def write(result: Backtest, out: Path) -> None:
    """Write ``predictions.parquet`` and ``metrics.json`` into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    result.predictions.to_parquet(out / "predictions.parquet", index=False)
    trained = result.trained
    written = {
        "split": f"{trained.settings.before:%Y-%m-%d}",
        "model": trained.selection.chosen.name,
        "verdict": trained.verdict,
        "learnt_from": {"snapshots": len(trained.learnt), "outcomes": round(float(trained.learnt.weights.sum()), 1)},
        "overall": _figures(result.overall),
        "by_lead_days": {str(lead): _figures(metrics) for lead, metrics in result.by_lead_days.items()},
    }
    (out / "metrics.json").write_text(json.dumps(written, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _figures(metrics: dict[str, Metric]) -> dict[str, dict[str, float | str | None]]:
    return {name: metric.written() for name, metric in metrics.items()}

"""Backtests on record in MLflow, so that they stand beside the models whose recipe they tried."""

from datetime import date
from pathlib import Path
from typing import Final

from features.facts import Facts
from serving.config import Settings
from serving.said import BacktestRun
from training.backtest import Backtest
from training.journal import BACKTESTS, Entry, curves, enter, flat

RUNS: Final = "mlruns"
"""Where under home the files of runs are, when MLflow is local."""


def artifacts(settings: Settings) -> Path | None:
    """The folder for files of runs; None where a tracking server has its own place."""
    return None if settings.mlflow.tracking_uri else settings.home / RUNS


def rolled(run: BacktestRun, folder: Path, settings: Settings) -> str:
    """Put a rolling backtest on record: figures, the curve by lead time, its report, and which data it saw; the id."""
    overall = run.figures["overall"]
    entry = Entry(
        name=f"backtest {run.number}",
        params={
            "kind": "rolling",
            "number": run.number,
            "cutoff": run.cutoff,
            "outcome": run.mode,
            "quarters": len(run.origins),
            "first_origin": run.origins[0]["origin"],
            "last_origin": run.origins[-1]["origin"],
            "capacity": run.capacity,
            "seed": settings.train.seed,
            "data_fingerprint": run.fingerprint,
            "said_digest": run.digest,
        },
        metrics={**flat(overall), "origins_usable": sum(bool(one["usable"]) for one in run.origins)},
        curves=curves(run.figures["by_lead_days"]),
        files=(folder / "report.html", folder / "metrics.json"),
        tags={"last_verdict": str(run.origins[-1]["verdict"])},
    )
    return enter(entry, uri=settings.tracking_uri, artifacts=artifacts(settings), into=BACKTESTS)


def split_once(result: Backtest, split: date, out: Path, facts: Facts, settings: Settings) -> str:
    """Put a backtest that learnt once before a day on record, in the same way; the id."""
    overall = {name: metric.written() for name, metric in result.overall.items()}
    by_lead = {
        lead: {name: metric.written() for name, metric in metrics.items()}
        for lead, metrics in result.by_lead_days.items()
    }
    entry = Entry(
        name=f"backtest from {split}",
        params={
            "kind": "split",
            "split": split,
            "cutoff": facts.cutoff,
            "outcome": settings.outcome.mode,
            "model": result.trained.selection.chosen.name,
            "capacity": settings.team.weekly_capacity,
            "seed": settings.train.seed,
            "data_fingerprint": facts.fingerprint,
        },
        metrics={**flat(overall), "snapshots": len(result.predictions)},
        curves=curves(by_lead),
        files=(out / "metrics.json",),
        tags={"last_verdict": result.trained.verdict},
    )
    return enter(entry, uri=settings.tracking_uri, artifacts=artifacts(settings), into=BACKTESTS)

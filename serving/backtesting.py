"""The steps of a backtest, as the command takes them: once from a given day, or rolling through the quarters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd

from features import table
from features.errors import StoreError
from features.facts import Facts
from features.signal import Signal, columns
from features.signals import CATALOGUE
from serving import on_record
from serving.backtest_page import page
from serving.backtests import kept, lost
from serving.config import Settings
from serving.progress import Progress
from serving.said import BacktestRun, Said
from serving.steps import beware, catalogue, check, how, indented, mode_of, past
from serving.store import ScoreStore
from training import rolling
from training.backtest import backtest, write
from training.dataset import Dataset
from training.leaks import leaks

BACKTESTS: Final = "backtests"
"""Where under home the reports are, one folder a run."""

REPORT: Final = "report.html"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Every past look at an account whose outcome is decided, and the signals that it was looked at with."""

    dataset: Dataset
    signals: tuple[Signal, ...]


def looked_at(
    facts: Facts, settings: Settings, progress: Progress, *, since: date, anchor: date | None, despite_leak: bool
) -> Looked:
    """The past, with the traits known before ``since``. Raises DataError at a leak unless told to go on."""
    signals = catalogue(facts, settings, until=since)
    dataset = past(facts, settings, progress, anchor=anchor, of=signals)
    with progress.step("look for leaks"):
        found = leaks(dataset)
    beware(found, progress, despite_leak=despite_leak)
    return Looked(dataset=dataset, signals=signals)


def once(
    facts: Facts, settings: Settings, split: date, out: Path, progress: Progress, *, despite_leak: bool
) -> list[dict[str, object]]:
    """Train as if at an earlier date and write what it would have said of the time after; figures by lead time."""
    check(facts, settings, progress)
    seen = looked_at(facts, settings, progress, since=split, anchor=split, despite_leak=despite_leak)
    with progress.step(f"learn from before {split}, score from then on"):
        say, of = indented(progress), columns(seen.signals)
        result = backtest(seen.dataset, of, split=split, settings=how(settings), progress=say)
    progress.say(f"  {result.trained.verdict}")
    write(result, out)
    with progress.step("put the backtest on record"):
        on_record.split_once(result, split, out, facts, settings)
    progress.say(f"wrote {len(result.predictions):,} predictions to {out}")
    looked = result.predictions.groupby("lead_days")["outcome"]
    return [
        {"lead_days": lead, "snapshots": int(looked.size()[lead]), "left": float(looked.mean()[lead])}
        | {name: metric.value for name, metric in metrics.items()}
        for lead, metrics in result.by_lead_days.items()
    ]


def rolled(
    facts: Facts, settings: Settings, quarters: int, out: Path | None, progress: Progress, *, despite_leak: bool
) -> list[dict[str, object]]:
    """Learn anew each quarter, keep all that was said, and write the report; figures by lead time."""
    check(facts, settings, progress)
    # Traits are chosen by what was known before the first origin; it is not known before the looks are.
    since = (pd.Timestamp(facts.cutoff).to_period("Q") - quarters - 1).start_time
    seen = looked_at(facts, settings, progress, since=since.date(), anchor=None, despite_leak=despite_leak)
    starts = rolling.origins(seen.dataset, quarters)
    if starts[0] < since and len(seen.signals) > len(CATALOGUE):
        seen = looked_at(facts, settings, progress, since=starts[0].date(), anchor=None, despite_leak=despite_leak)
    result = _rolled(facts, settings, seen, starts, progress)
    with progress.step("judge what was said"):
        run, said = kept(result, facts, settings)
    with ScoreStore(settings.store_url) as store:
        run = store.append_backtest(run, said)
    folder = _written(run, said, out or settings.home / BACKTESTS / f"{run.number:04d}")
    with progress.step("put the backtest on record"):
        on_record.rolled(run, folder, settings)
    losses = lost(said)
    warned = sum(loss.warned is not None for loss in losses)
    progress.say(f"  backtest {run.number}: {warned:,} of {len(losses):,} losses were said to be high before the end")
    progress.say(f"wrote {folder / REPORT}; what was said is kept as run {run.number}, digest {run.digest[:12]}")
    return [
        {"lead_days": int(lead), "snapshots": each["snapshots"], "left": each["left"]}
        | {name: metric["value"] for name, metric in each.items() if isinstance(metric, dict)}
        for lead, each in run.figures["by_lead_days"].items()
    ]


def _rolled(
    facts: Facts, settings: Settings, seen: Looked, starts: Sequence[pd.Timestamp], progress: Progress
) -> rolling.Rolling:
    """What was said, and where it would have stood in the books of those months."""
    months = tuple(month.date() for month in rolling.months(seen.dataset, starts))
    with progress.step(f"compute the books of {months[0]:%Y-%m} to {months[-1]:%Y-%m}"):
        found = table.books(facts, mode_of(facts, settings), cutoffs=months, catalogue=seen.signals)
        books = Dataset(keys=found.keys, signals=found.signals, left=found.left)
    with progress.step(f"roll through {len(starts)} quarters"):
        say, of = indented(progress), columns(seen.signals)
        return rolling.roll(seen.dataset, books, of, starts=starts, settings=how(settings), progress=say)


def _written(run: BacktestRun, said: tuple[Said, ...], folder: Path) -> Path:
    """The report, the predictions and the figures of one run, in a folder; StoreError when it cannot be written."""
    frame = pd.DataFrame([vars(one) for one in said])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / "predictions.parquet", index=False)
        figures = json.dumps({"run": run.number, "digest": run.digest, **run.figures}, indent=2, allow_nan=False)
        (folder / "metrics.json").write_text(figures + "\n", encoding="utf-8")
        (folder / REPORT).write_text(page(run, said), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder

"""One measurement in a process of its own, as JSON.

measure.py train ROWS SIGNALS TRIALS
measure.py score ROWS SIGNALS
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import lightgbm
from past import book, past, signals_of

from serving.book import Run
from serving.config import BandSettings
from serving.rating import peers, rate
from serving.store import ScoreStore
from training.models.base_rate import BaseRate
from training.models.gbm import Gbm
from training.train import Trained, TrainSettings, train
from training.trials import Budget

LEARNT = 20_000
"""Snapshots that the model of the scoring learns from: its size does not depend on them."""


Seconds: TypeAlias = dict[str, float]
"""``s`` that passed, and ``processor_s`` of all processors together."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time since it was made."""

    wall: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=time.process_time)

    def read(self) -> Seconds:
        return {"s": time.perf_counter() - self.wall, "processor_s": time.process_time() - self.processor}


@dataclass(kw_only=True)
class Table:
    """One table that LightGBM was given to cut into bins, and the fits that were made of it: parameters and rounds."""

    made: Any
    given: tuple[Any, ...]
    named: dict[str, Any]
    fits: list[tuple[dict[str, Any], int]] = field(default_factory=list)


class Recorder:
    """LightGBM with a memory of every table and fit, and of the time within it; it does nothing else."""

    def __init__(self) -> None:
        self.make, self.train = lightgbm.Dataset, lightgbm.train
        self.tables: list[Table] = []
        self.within: Seconds = {"s": 0.0, "processor_s": 0.0}

    def dataset(self, *given: Any, **named: Any) -> Any:
        self.tables.append(Table(made=self.make(*given, **named), given=given, named=named))
        return self.tables[-1].made

    def fit(self, parameters: dict[str, Any], table: Any, num_boost_round: int) -> Any:
        next(each for each in self.tables if each.made is table).fits.append((parameters, num_boost_round))
        clock = Clock()
        grown = self.train(parameters, table, num_boost_round=num_boost_round)
        self.within = _added(self.within, clock.read())
        return grown

    def __enter__(self) -> "Recorder":
        lightgbm.Dataset, lightgbm.train = self.dataset, self.fit
        return self

    def __exit__(self, *_: object) -> None:
        lightgbm.Dataset, lightgbm.train = self.make, self.train

    def again(self) -> tuple[Seconds, Seconds]:
        """The same fits, bare, bins made once per table; and what bins of its own for every fit would take besides."""
        clock, besides = Clock(), {"s": 0.0, "processor_s": 0.0}
        for table in self.tables:
            binning = Clock()
            made = self.make(*table.given, **table.named)
            made.params = {**table.fits[0][0], **made.params}
            made.construct()
            each = binning.read()
            besides = {name: besides[name] + (len(table.fits) - 1) * each[name] for name in each}
            for parameters, rounds in table.fits:
                self.train(parameters, made, num_boost_round=rounds)
        return clock.read(), besides


def _added(first: Seconds, second: Seconds) -> Seconds:
    return {name: first[name] + second[name] for name in first}


def training(rows: int, signals: int, trials: int) -> dict[str, object]:
    """The whole recipe, tuned, against the bare fits it made, right after it in the same process."""
    data = past(rows, signals)
    with Recorder() as recorder:
        clock = Clock()
        settings = TrainSettings(tuning=Budget(trials=trials))
        trained = train(
            data,
            signals_of(signals),
            settings=settings,
            progress=lambda text: print(f"{clock.read()['s']:7.1f} s  {text}", file=sys.stderr, flush=True),
        )
        ours = clock.read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"ours": ours, "within": recorder.within}), file=sys.stderr, flush=True)
    bare, besides = recorder.again()
    own = _added(bare, besides)
    return {
        **_told(trained),
        "fits": sum(len(table.fits) for table in recorder.tables),
        "fitted_rows": sum(len(table.fits) * len(table.given[0]) for table in recorder.tables),
        "ours": ours,
        "within_lightgbm": recorder.within,
        "bare": own,
        "bare_bins_shared": bare,
        "times_within": {name: ours[name] / recorder.within[name] for name in ours},
        "times_bare": {name: ours[name] / own[name] for name in ours},
        "times_bare_bins_shared": {name: ours[name] / bare[name] for name in ours},
        "peak_gb_with_record": peak,
    }


def _told(trained: Trained) -> dict[str, object]:
    assert trained.tuned is not None
    tried = trained.tuned.tuning.trials
    return {
        "chosen": trained.selection.chosen.name,
        "trials": len(tried),
        "given_up": sum(trial.state == "pruned" for trial in tried),
    }


def scoring(accounts: int, signals: int) -> dict[str, object]:
    """A book from its signals to kept scores with drivers, in one go, by boosted trees."""
    settings = TrainSettings(models=(BaseRate(), Gbm()))
    scorer = train(past(min(LEARNT, accounts), signals), signals_of(signals), settings=settings).scorer
    found = book(accounts, signals)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    clock = Clock()
    among = peers(scorer, found)
    scores = rate(scorer, found, among, BandSettings())
    rated = clock.read()
    run = Run(
        cutoff=date(2026, 1, 1),
        made_at=datetime.now(UTC),
        model_name="speed",
        model_version="1",
        fingerprint="",
        signals="speed",
        mode="renewal",
        base=among.base_rate,
        usable=True,
    )
    with tempfile.TemporaryDirectory() as home, ScoreStore(f"sqlite:///{home}/ebb.db") as store:
        store.append(run, scores)
    drivers = sum(len(score.reasons) for score in scores)
    return {"accounts": len(scores), "drivers": drivers, "rated": rated, "kept": clock.read(), "peak_gb_before": before}


MEASURES: dict[str, Callable[..., dict[str, object]]] = {"train": training, "score": scoring}


def main() -> None:
    name, *sizes = sys.argv[1:]
    told = MEASURES[name](*map(int, sizes))
    print(json.dumps({**told, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


if __name__ == "__main__":
    main()

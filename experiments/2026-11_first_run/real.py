"""Ebb beside the rivals on the three sets of `../shared/data`: same snapshots, trained on what was decided before."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from rivals import rival_risks
from sklearn.metrics import brier_score_loss, roc_auc_score

from features import table
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Inactivity, Mode, Renewal
from features.sources.files import Files
from training.backtest import backtest
from training.dataset import Dataset
from training.split import holdout

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LONG_TERM = 92
"""The rivals' table looks at churnsim's terms over three months."""

DRAWS = 500


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One data set, its split, and the snapshots that are compared."""

    name: str
    split: date
    mode: Mode
    lead_days: tuple[int, ...]
    least_term: int = 0


CONTESTS = (
    Contest(name="openstack", split=date(2017, 1, 1), mode=Renewal(), lead_days=(30, 60, 90, 120)),
    Contest(name="cdnow", split=date(1998, 1, 1), mode=Inactivity(active_days=90, horizon_days=90), lead_days=(90,)),
    Contest(name="churnsim", split=date(2023, 4, 1), mode=Renewal(), lead_days=(30,), least_term=LONG_TERM),
)


@contextmanager
def facts_of(folder: Path) -> Iterator[Facts]:
    """The facts of a folder, as every command takes them in."""
    with DuckEngine(threads=2) as engine:
        yield take_in(Files(folder=folder), engine, None)


def measure(contest: Contest, progress: Callable[[str], None]) -> list[dict[str, object]]:
    """A row for each lead time: AUC and Brier of Ebb and of each rival, and the paired difference to the best."""
    with facts_of(DATA / contest.name) as facts:
        found = table.past(facts, contest.mode, anchor=contest.split)
        data = Dataset(keys=found.keys, signals=found.signals, left=found.left)
        fold = holdout(data, pd.Timestamp(contest.split))
        # The rivals learn from everything decided, as their table says.
        before = (data.keys["decided_on"] < pd.Timestamp(contest.split)).to_numpy()
        risks = rival_risks(facts, found, before, fold.test)
    result = backtest(data, columns(CATALOGUE), split=contest.split, progress=progress)
    risks["ebb"] = result.predictions["risk"].to_numpy()
    test = data.take(fold.test)
    term = (found.keys["ends_on"] - found.keys["starts_on"]).dt.days[fold.test].fillna(10_000).to_numpy()
    model = result.trained.selection.chosen.name
    return [
        {"data": contest.name, "lead_days": lead, "model": model, **compare(test, risks, rows)}
        for lead in contest.lead_days
        if (rows := (test.keys["lead_days"] == lead).to_numpy() & (term > contest.least_term)).any()
    ]


def compare(test: Dataset, risks: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, object]:
    """AUC and Brier of each model on some rows, and Ebb's lead over the best rival with a 95 % interval by account."""
    left, accounts = test.left[rows], test.keys["account_id"].to_numpy()[rows]
    scores = {name: {"auc": roc_auc_score(left, risk[rows])} for name, risk in risks.items()}
    for name in set(risks) - {"recency"}:
        scores[name]["brier"] = brier_score_loss(left, risks[name][rows])
    best_auc = max((name for name in scores if name != "ebb"), key=lambda name: scores[name]["auc"])
    best_brier = min(("logistic", "lightgbm"), key=lambda name: scores[name]["brier"])
    gains = np.array(
        [
            (
                roc_auc_score(left[draw], risks["ebb"][rows][draw])
                - roc_auc_score(left[draw], risks[best_auc][rows][draw]),
                brier_score_loss(left[draw], risks[best_brier][rows][draw])
                - brier_score_loss(left[draw], risks["ebb"][rows][draw]),
            )
            for draw in draws_by_account(accounts)
            if 0 < left[draw].sum() < len(draw)
        ]
    )
    return {
        "snapshots": int(rows.sum()),
        "base": float(left.mean()),
        "scores": scores,
        "auc_gain": interval(scores["ebb"]["auc"] - scores[best_auc]["auc"], gains[:, 0]),
        "brier_gain": interval(scores[best_brier]["brier"] - scores["ebb"]["brier"], gains[:, 1]),
    }


def draws_by_account(accounts: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of bootstrap draws that take whole accounts."""
    random, number = np.random.default_rng(7), pd.factorize(accounts)[0]
    rows = pd.Series(np.arange(len(number))).groupby(number).apply(np.array).to_numpy()
    for _ in range(DRAWS):
        yield np.concatenate(rows[random.integers(len(rows), size=len(rows))])


def interval(value: float, draws: np.ndarray) -> list[float]:
    """A difference and its 95 % interval."""
    return [float(value), *map(float, np.quantile(draws, (0.025, 0.975)))]

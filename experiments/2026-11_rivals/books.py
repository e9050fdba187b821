"""The books on which Ebb and its rivals meet: their snapshots, the day that splits them, and how they are compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import table
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.snapshots import Inactivity, Mode, Renewal
from features.sources.files import Files
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated
from training.dataset import Dataset

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ACCOUNTS, MONTHS, SEEDS, SHARE = 600, 42, (108,), 0.7
"""The simulated markets: what was decided in the first share of the months is learnt from."""

LONG_TERM = 92
"""On churnsim, terms over three months are compared, as by others before."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """A data set: its snapshots, the split, and which rows are compared with each other (name and mask, (n,)).

    ``seen`` and ``asked`` (n rows) are what BG/NBD needs, where accounts buy without a contract: purchases after the
    first, days from the first to the last, and days since the first, at the split and at each cutoff.
    """

    name: str
    data: Dataset
    split: date
    parts: Callable[[Dataset], dict[str, np.ndarray]]
    seen: pd.DataFrame | None = None
    asked: pd.DataFrame | None = None


def books() -> Iterator[Book]:
    """Every data set that is there, then the simulated markets."""
    if DATA.exists():
        yield read("openstack", date(2017, 1, 1), Renewal(), leads(30, 60, 90, 120))
        yield read("cdnow", date(1998, 1, 1), Inactivity(active_days=90, horizon_days=90), leads(90))
        yield read("churnsim", date(2023, 4, 1), Renewal(), long_terms)
    for seed in SEEDS:
        settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed)
        split = pd.Timestamp(settings.first_day).date() + timedelta(days=round(settings.days * SHARE))
        with DuckEngine(threads=1) as engine:
            facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
            found = table.past(facts, Renewal())
        data = Dataset(keys=found.keys, signals=found.signals, left=found.left)
        yield Book(name=f"market {seed}", data=data, split=split, parts=leads(7, 30, 60, 90, 120))


def read(name: str, split: date, mode: Mode, parts: Callable[[Dataset], dict[str, np.ndarray]]) -> Book:
    """A folder of the data sets."""
    with DuckEngine(threads=1) as engine:
        facts = take_in(Files(folder=DATA / name), engine, None)
        found = table.past(facts, mode, anchor=split)
        data = Dataset(keys=found.keys, signals=found.signals, left=found.left)
        if not isinstance(mode, Inactivity):
            return Book(name=name, data=data, split=split, parts=parts)
        everybody = facts.engine.frame("SELECT DISTINCT account_id FROM events").assign(cutoff=pd.Timestamp(split))
        seen = purchases(facts, everybody)
        return Book(
            name=name, data=data, split=split, parts=parts,
            seen=seen[seen["bg.age"].notna()], asked=purchases(facts, found.keys[["account_id", "cutoff"]]),
        )  # fmt: skip


def purchases(facts: Facts, looks: pd.DataFrame) -> pd.DataFrame:
    """Days with a purchase after the first, days from the first to the last, days since the first; one row per look."""
    facts.engine.register("looks", looks.reset_index(drop=True).reset_index(names="place"))
    return facts.engine.frame(
        """
        SELECT greatest(count(DISTINCT day) - 1, 0) AS "bg.purchases",
               date_diff('day', min(day), max(day)) AS "bg.recency",
               date_diff('day', min(day), any_value(CAST(cutoff AS DATE))) AS "bg.age"
        FROM looks l LEFT JOIN (SELECT DISTINCT account_id, CAST(occurred_at AS DATE) AS day FROM events) e
        ON e.account_id = l.account_id AND e.day < l.cutoff
        GROUP BY place ORDER BY place"""
    ).astype(float)


def leads(*days: int) -> Callable[[Dataset], dict[str, np.ndarray]]:
    """The rows of each lead time."""
    return lambda test: {f"{lead} days": (test.keys["lead_days"] == lead).to_numpy() for lead in days}


def long_terms(test: Dataset) -> dict[str, np.ndarray]:
    """30 days before the end of terms over three months, and all the rest."""
    rows = (test.keys["ends_on"] - test.keys["starts_on"]).dt.days.to_numpy() > LONG_TERM
    return {"30 days": rows & (test.keys["lead_days"] == 30).to_numpy(), "short terms": ~rows}

"""How often does drift cry wolf on quiet markets, and does it see what is planted? Writes result.json."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.snapshots import Renewal
from features.sources.files import Files
from features.sources.market import MarketSettings, simulate
from training.drift import LARGE_PSI, drifts

HERE = Path(__file__).parent
SEEDS = (1, 2, 3, 4)
APART = (1, 3, 6, 9)
MONTHS = 12
DAYS = 40
"""How long before today a planted change began."""


def tables(seed: int) -> dict[str, pd.DataFrame]:
    return dict(simulate(MarketSettings(accounts=250, months=36, seed=seed, volume=0.25)).tables)


def books(of: dict[str, pd.DataFrame], days: tuple[date, ...], scratch: Path) -> table.SignalTable:
    scratch.mkdir(parents=True, exist_ok=True)
    for name, frame in of.items():
        frame.to_parquet(scratch / f"{name}.parquet", index=False)
    with DuckEngine(threads=2) as engine:
        facts = take_in(Files(folder=scratch), engine, None, now=date(2030, 1, 1))
        return table.books(facts, Renewal(), cutoffs=days)


def compared(found: table.SignalTable, today: pd.Timestamp, months: pd.DatetimeIndex) -> dict[str, int]:
    """How many signals reach the textbook's index, and how many are said to have drifted."""
    then, now = found.keys["cutoff"].isin(months).to_numpy(), (found.keys["cutoff"] == today).to_numpy()
    moved = drifts(found.signals[then], found.keys["cutoff"][then], found.signals[now], today)
    return {"textbook": sum(one.psi >= LARGE_PSI for one in moved), "drifted": sum(one.drifted for one in moved)}


def quiet(found: table.SignalTable) -> pd.DataFrame:
    """Every second month of the record against the twelve that end some months earlier."""
    months = pd.DatetimeIndex(sorted(found.keys["cutoff"].unique()))
    rows = []
    for apart in APART:
        for at in range(MONTHS + apart - 1, len(months), 2):
            year = months[at - apart - MONTHS + 1 : at - apart + 1]
            rows.append({"apart": apart, **compared(found, months[at], year)})
    return pd.DataFrame(rows)


def planted(of: dict[str, pd.DataFrame], seed: int) -> dict[str, dict[str, pd.DataFrame]]:
    events, draw = of["events"], np.random.default_rng(seed)
    late = (events["occurred_at"] >= events["occurred_at"].max() - pd.Timedelta(days=DAYS)).to_numpy()
    shared = events["user_id"].astype(object).where(~late, events["account_id"].astype(object) + "-shared")
    return {
        "nothing": {},
        "three events of five are lost": {"events": events[~(late & (draw.random(len(events)) < 0.6))]},
        "every event is sent three times": {"events": pd.concat([events, *(_again(events[late], n) for n in (7, 19))])},
        "people are told as one login": {"events": events.assign(user_id=shared)},
    }


def _again(events: pd.DataFrame, seconds: int) -> pd.DataFrame:
    return events.assign(occurred_at=events["occurred_at"] + pd.Timedelta(seconds=seconds))


def main(scratch: Path) -> None:
    rows, seen = [], []
    for seed in SEEDS:
        of = tables(seed)
        end = pd.Timestamp(of["events"]["occurred_at"].max()).ceil("D")
        months = pd.date_range(end=end, freq="MS", periods=28)
        rows.append(quiet(books(of, tuple(day.date() for day in months), scratch / f"{seed}")))
        year = pd.date_range(end=end - timedelta(days=28), freq="MS", periods=MONTHS)
        for name, changed in planted(of, seed).items():
            found = books(of | changed, tuple(day.date() for day in (*year, end)), scratch / f"{seed}")
            seen.append({"planted": name, **compared(found, end, year)})
        print(f"market {seed}: done", flush=True)
    looks = pd.concat(rows)
    told = looks.groupby("apart").agg(
        looks=("drifted", "size"),
        textbook=("textbook", "mean"),
        drifted=("drifted", "mean"),
        most=("drifted", "max"),
    )
    shown = pd.DataFrame(seen).groupby("planted", sort=False)["drifted"].agg(["min", "median", "max"])
    result = {
        "quiet": told.round(2).reset_index().to_dict("records"),
        "planted": shown.reset_index().to_dict("records"),
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(told.round(2).to_string(), shown.to_string(), sep="\n")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        main(Path(folder))

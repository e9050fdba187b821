"""Do the forecast's intervals hold what happened? Quarter after quarter, to result.json and README.md."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features import table
from features.engines.duckdb import DuckEngine
from features.errors import DataError
from features.intake import take_in
from features.raw import Source
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources.files import Files
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated
from training.dataset import Dataset
from training.forecast import Growth, Interval, forecast
from training.months import Drift, drift_of
from training.rolling import origins, risks, settled
from training.split import stretch
from training.train import Trained, TrainSettings, train

HERE = Path(__file__).parent
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ACCOUNTS, MONTHS, SEEDS = 600, 42, (61, 62, 63, 64)
QUARTERS = {"churnsim": 5, "openstack": 16}
"""Origins on others' data: all of churnsim that has enough before it, four years of openstack."""

MARKET_QUARTERS = 6
AHEAD = ("0 to 2", "3 to 8")
LEAST = 5
"""Contracts of a month below which there is no forecast to judge."""

NO_GROWTH = Growth(ratios=np.ones(1))
ALONE = Drift(common=0.0, monthly=0.0)


@dataclass(frozen=True, kw_only=True)
class Book:
    """Snapshots, and the months whose outcomes are known."""

    name: str
    data: Dataset
    quarters: int
    undecided: frozenset[str]


def main() -> None:
    """Measure every set, writing what there is after each."""
    cases: list[dict] = []
    for book in books():
        cases += list(months_of(book))
        rows = summed(pd.DataFrame(cases))
        (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        page = HERE / "README.md"
        text = page.read_text(encoding="utf-8")
        put = rf"\g<1>{shown(rows)}\n\g<2>"
        page.write_text(
            re.sub(r"(<!-- figures -->\n).*?(<!-- end: figures -->)", put, text, flags=re.DOTALL), encoding="utf-8"
        )


def books() -> Iterator[Book]:
    """Others' data where it is there, and simulated markets."""
    for name in QUARTERS:
        if (DATA / name).exists():
            yield taken(name, Files(folder=DATA / name), QUARTERS[name], None)
    for seed in SEEDS:
        settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed)
        yield taken(f"market {seed}", Simulated(settings=settings), MARKET_QUARTERS, date(2100, 1, 1))


def taken(name: str, source: Source, quarters: int, now: date | None) -> Book:
    """Every decided look at an account; months in which more ended contracts are undecided than lost are named."""
    with DuckEngine(threads=1) as engine:
        facts = take_in(source, engine, None, now=now)
        found = table.past(facts, Renewal())
        open_months = engine.rows(
            f"""SELECT strftime(ends_on, '%Y-%m') FROM terms WHERE ends_on < DATE '{facts.cutoff}'
            GROUP BY ALL HAVING count(*) FILTER (outcome_left IS NULL) > coalesce(sum(outcome_left), 0)"""
        )
    data = settled(Dataset(keys=found.keys, signals=found.signals, left=found.left))
    return Book(name=name, data=data, quarters=quarters, undecided=frozenset(month for (month,) in open_months))


def months_of(book: Book) -> Iterator[dict]:
    """Each month as it was forecast at each quarter's start: a contract counts once, by the first look after it."""
    starts = origins(book.data, book.quarters)
    for start, end in zip(starts, [*starts[1:], pd.Timestamp.max], strict=True):
        try:
            trained = train(book.data, columns(CATALOGUE), settings=TrainSettings(before=start))
        except DataError as error:
            print(book.name, start.date(), error, file=sys.stderr)
            continue
        looks = book.data.take(stretch(book.data, start, end).test)
        told = looks.keys.assign(risk=risks(trained.scorer, looks), left=looks.left)
        told = told[told["arr"] > 0].drop_duplicates("contract_id")
        print(book.name, start.date(), trained.verdict, file=sys.stderr, flush=True)
        for month, rows in told.groupby(told["ends_on"].dt.to_period("M")):
            ahead = (month - start.to_period("M")).n // 3
            if len(rows) >= LEAST and ahead <= 2 and str(month) not in book.undecided:
                yield {"set": book.name, "ahead": AHEAD[min(ahead, 1)], **judged(rows, trained)}


def judged(rows: pd.DataFrame, trained: Trained) -> dict[str, float]:
    """What was lost of a month, and whether the intervals hold it: with the drift as measured, and without any."""
    drift = drift_of(trained.scorer.about)
    lost, due = float(rows["arr"] @ rows["left"]), float(rows["arr"].sum())
    case: dict[str, float] = {"lost": lost, "common": drift.common, "monthly": drift.monthly}
    for kind, chosen in (("said", drift), ("alone", ALONE)):
        month = forecast(rows, NO_GROWTH, chosen)[0]
        case |= held(f"{kind}_arr", month.at_risk, lost, due)
        case |= held(f"{kind}_contracts", month.lost_contracts, float(rows["left"].sum()), len(rows))
        case["expected"] = month.at_risk.expected
    return case


def held(name: str, interval: Interval, lost: float, due: float) -> dict[str, float]:
    """Whether the two intervals hold it, and how wide they are as a share of what is due."""
    return {
        f"{name}_80": interval.low_80 <= lost <= interval.high_80,
        f"{name}_95": interval.low_95 <= lost <= interval.high_95,
        f"{name}_width_80": (interval.high_80 - interval.low_80) / due,
        f"{name}_width_95": (interval.high_95 - interval.low_95) / due,
    }


def summed(cases: pd.DataFrame) -> list[dict]:
    """A row for each set and distance, and one for all of them at each distance."""
    both = pd.concat([cases, cases.assign(set="all")])
    rows = []
    for (name, ahead), part in both.groupby(["set", "ahead"], sort=False):
        means = part.drop(columns=["set", "ahead", "lost", "expected"]).astype(float).mean()
        told = float(part["lost"].sum() / part["expected"].sum())
        rows.append({"set": name, "ahead": ahead, "months": len(part), "lost_over_expected": told, **means.to_dict()})
    return rows


def shown(rows: list[dict]) -> str:
    """The figures as Markdown."""
    lines = [
        "| set | months ahead | months | drift: common, monthly | lost / expected ARR "
        "| ARR: in the 80 %, 95 % interval | width | contracts: in the 80 %, 95 % "
        "| ARR by independent draws alone | width |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['set']} | {row['ahead']} | {row['months']} | {row['common']:.2f}, {row['monthly']:.2f} "
        f"| {row['lost_over_expected']:.2f} | **{pair(row, 'said_arr', '.0%')}** "
        f"| {pair(row, 'said_arr_width', '.1%')} | {pair(row, 'said_contracts', '.0%')} "
        f"| {pair(row, 'alone_arr', '.0%')} | {pair(row, 'alone_arr_width', '.1%')} |"
        for row in rows
    ]
    return "\n".join(lines)


def pair(row: dict, name: str, form: str) -> str:
    """What is told of 80 % and of 95 %."""
    return f"{row[f'{name}_80']:{form}}, {row[f'{name}_95']:{form}}"


if __name__ == "__main__":
    main()

"""Do the forecast's intervals hold what happened? Months after a split, to result.json and README.md."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources.files import Files
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated
from training.backtest import backtest
from training.dataset import Dataset
from training.forecast import Drift, Growth, drift_of, forecast

HERE = Path(__file__).parent
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ACCOUNTS, MONTHS, SEEDS, SHARE = 600, 42, (61, 62, 63), 0.6
CHURNSIM_SPLIT = date(2023, 4, 1)
LEAST = 5
"""Contracts of a month and lead time below which there is no forecast to judge."""

NO_GROWTH = Growth(ratios=np.ones(1))


def main() -> None:
    """Measure every set, writing what there is after each."""
    rows = []
    for name, data, split in sets():
        rows.append(measure(name, data, split))
        (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        page = HERE / "README.md"
        text = page.read_text(encoding="utf-8")
        put = rf"\g<1>{shown(rows)}\n\g<2>"
        page.write_text(
            re.sub(r"(<!-- figures -->\n).*?(<!-- end: figures -->)", put, text, flags=re.DOTALL), encoding="utf-8"
        )


def sets() -> Iterator[tuple[str, Dataset, date]]:
    """Simulated markets, and churnsim where it is there."""
    with DuckEngine(threads=2) as engine:
        if (DATA / "churnsim").exists():
            yield "churnsim", past(take_in(Files(folder=DATA / "churnsim"), engine, None)), CHURNSIM_SPLIT
    for seed in SEEDS:
        settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed)
        with DuckEngine(threads=2) as engine:
            facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
            split = pd.Timestamp(settings.first_day).date() + timedelta(days=round(settings.days * SHARE))
            yield f"market {seed}", past(facts), split


def past(facts) -> Dataset:
    """Every decided look at an account."""
    found = table.past(facts, Renewal())
    return Dataset(keys=found.keys, signals=found.signals, left=found.left)


def measure(name: str, data: Dataset, split: date) -> dict[str, object]:
    """How often the lost ARR of a month fell within the intervals, with drift and with independent draws alone."""
    result = backtest(data, columns(CATALOGUE), split=split, progress=lambda line: print(line, file=sys.stderr))
    keys = ["contract_id", "account_id", "cutoff", "lead_days"]
    told = result.predictions.merge(data.keys[[*keys, "ends_on", "arr"]], on=keys, validate="one_to_one")
    told = told[told["arr"] > 0]
    drift = drift_of(result.trained.scorer.about)
    cases = []
    for _, rows in told.groupby(["lead_days", told["ends_on"].dt.to_period("M")]):
        if len(rows) < LEAST:
            continue
        lost = float(rows["arr"] @ rows["outcome"])
        both = [forecast(rows, NO_GROWTH, kind)[0].at_risk for kind in (drift, Drift(common=0.0, monthly=0.0))]
        cases.append(
            {
                "expected": both[0].expected,
                "lost": lost,
                **{
                    f"{kind}_{level}": getattr(found, f"low_{level}") <= lost <= getattr(found, f"high_{level}")
                    for kind, found in zip(("with_drift", "alone"), both, strict=True)
                    for level in (80, 95)
                },
            }
        )
    frame = pd.DataFrame(cases)
    return {
        "set": name,
        "model": result.trained.selection.chosen.name,
        "months": len(frame),
        "drift": drift.written(),
        "lost_over_expected": float(frame["lost"].sum() / frame["expected"].sum()),
        **frame.drop(columns=["expected", "lost"]).mean().to_dict(),
    }


def shown(rows: list[dict]) -> str:
    """The figures as Markdown."""
    lines = [
        "| set | model | months x lead times | drift: common, monthly | lost / expected ARR | in the 80 % interval "
        "| in the 95 % interval | 80 %, 95 % by independent draws alone |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['set']} | {row['model']} | {row['months']} "
        f"| {row['drift']['common']:.2f}, {row['drift']['monthly']:.2f} "
        f"| {row['lost_over_expected']:.2f} | **{row['with_drift_80']:.0%}** | **{row['with_drift_95']:.0%}** "
        f"| {row['alone_80']:.0%}, {row['alone_95']:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

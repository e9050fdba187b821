"""With 20, 50, 100 and 200 outcomes: is Ebb ever worse in log loss than the base rate? To result.json and README.md."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from features import table
from features.engines.duckdb import DuckEngine
from features.errors import DataError
from features.intake import take_in
from features.raw import Source
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Inactivity, Mode, Renewal
from features.sources.files import Files
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated
from training.dataset import Dataset
from training.score import Rates, Scorer, logistic, plain_log_odds
from training.split import holdout, learnable
from training.task import ANCHORS
from training.train import TrainSettings, train

HERE = Path(__file__).parent
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SIZES = (20, 50, 100, 200)
ACCOUNTS, MONTHS, SEEDS, SHARE = 400, 36, (401, 402, 403, 404), 0.7
DRAWS = 10
"""Small books drawn from each market and size; from other data, too."""

MOST_ASKED = 2000
"""Later looks at accounts outside the small book on which it is judged."""

REAL = (
    ("openstack", date(2017, 1, 1), Renewal()),
    ("cdnow", date(1998, 1, 1), Inactivity(active_days=90, horizon_days=90)),
    ("churnsim", date(2023, 4, 1), Renewal()),
)


def main() -> None:
    """Measure every book, writing what there is after each."""
    rows: list[dict] = []
    for group, data, split in books():
        print(group, file=sys.stderr, flush=True)
        rows += list(draws(group, data, split))
        written = ",\n".join(json.dumps({name: short(value) for name, value in row.items()}) for row in rows)
        (HERE / "result.json").write_text(f"[\n{written}\n]\n", encoding="utf-8")
        page = HERE / "README.md"
        text = page.read_text(encoding="utf-8")
        put = rf"\g<1>{shown(rows)}\n\g<2>"
        text = re.sub(r"(<!-- figures -->\n).*?(<!-- end: figures -->)", put, text, flags=re.DOTALL)
        page.write_text(text, encoding="utf-8")


def short(value: object) -> object:
    """Five decimals are enough."""
    return round(value, 5) if isinstance(value, float) else value


def books() -> Iterator[tuple[str, Dataset, pd.Timestamp]]:
    """Markets, the same with signals that belong to other accounts, and real or others' data where it is there."""
    for seed in SEEDS:
        settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed)
        split = pd.Timestamp(settings.first_day) + timedelta(days=round(settings.days * SHARE))
        data = snapshots(Simulated(settings=settings), Renewal(), split)
        yield "market", data, split
        yield "market without signal", shuffled(data, seed), split
    for name, day, mode in REAL if DATA.exists() else ():
        yield name, snapshots(Files(folder=DATA / name), mode, pd.Timestamp(day)), pd.Timestamp(day)


def snapshots(source: Source, mode: Mode, split: pd.Timestamp) -> Dataset:
    """The snapshots of a source."""
    with DuckEngine(threads=1) as engine:
        facts = take_in(source, engine, None, now=date(2100, 1, 1))
        found = table.past(facts, mode, anchor=split.date())
    return Dataset(keys=found.keys, signals=found.signals, left=found.left)


def shuffled(data: Dataset, seed: int) -> Dataset:
    """The same outcomes with the signals of other snapshots, but for where in which term one looks from."""
    order = np.random.default_rng(seed).permutation(len(data))
    signals = data.signals.iloc[order].reset_index(drop=True)
    signals[list(ANCHORS)] = data.signals[list(ANCHORS)].to_numpy()
    return Dataset(keys=data.keys, signals=signals, left=data.left)


def draws(group: str, data: Dataset, split: pd.Timestamp) -> Iterator[dict]:
    """Small books of some accounts, learnt before the split and judged on the others' snapshots after it."""
    known = data.take(learnable(data, split))
    outcomes = pd.Series(known.weights).groupby(known.keys["account_id"].to_numpy()).sum()
    later = data.take(holdout(data, split).test)
    for size in SIZES:
        for draw in range(DRAWS):
            random = np.random.default_rng((size, draw))
            order = outcomes.iloc[random.permutation(len(outcomes))]
            book = order.index[: int((order.cumsum() < size).sum()) + 1]
            small = data.take(data.keys["account_id"].isin(book).to_numpy())
            others = np.flatnonzero(~later.keys["account_id"].isin(book).to_numpy())
            asked = later.take(np.sort(random.permutation(others)[:MOST_ASKED]))
            yield {"group": group, "outcomes": size, "draw": draw, **judged(small, asked, split)}


def judged(small: Dataset, asked: Dataset, split: pd.Timestamp) -> dict:
    """Log losses of Ebb, of the base rate of all, and of that by kind; and what Ebb said of itself."""
    try:
        trained = train(small, columns(CATALOGUE), settings=TrainSettings(before=split))
    except DataError as error:
        return {"error": str(error)}
    learnt, selection, left = trained.learnt, trained.selection, asked.left
    risk = trained.scorer.score(asked.signals.assign(segment=asked.segments)).risk
    # As Ebb counts: one outcome of a coin beforehand keeps it off zero and one.
    rate = (learnt.weights @ learnt.left + 0.5) / (learnt.weights.sum() + 1)
    kinds = logistic(plain_log_odds(rates(trained.scorer), asked.signals.to_numpy(dtype=float), asked.segments))
    state = "proven" if selection.proven else "leans" if selection.usable else "no usable signal"
    return {
        "losses": float(learnt.weights @ learnt.left),
        "base": log_loss(left, np.full(len(left), rate), labels=(0, 1)),
        "by_kind": log_loss(left, kinds, labels=(0, 1)),
        "ebb": log_loss(left, risk, labels=(0, 1)),
        "auc": roc_auc_score(left, risk),
        "state": state,
        "sure": selection.sure if selection.usable else None,
    }


def rates(scorer: Scorer) -> Rates:
    """The base rate by kind that a model stands on."""
    part = scorer.part
    while not isinstance(part, Rates):
        part = part.parts[0] if hasattr(part, "parts") else part.ground
    return part


def shown(rows: list[dict]) -> str:
    """A line for each group and size."""
    lines = [
        "| book | outcomes | losses | draws | gain in log loss over the base rate | worse | gain over the rate by kind "
        "| worse | AUC | proven, leans, none | certainty said | better than by kind |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    frame = pd.DataFrame([row for row in rows if "error" not in row])
    for (group, size), part in frame.groupby(["group", "outcomes"], sort=False):
        gain, beyond = part["base"] - part["ebb"], part["by_kind"] - part["ebb"]
        states = ", ".join(str((part["state"] == state).sum()) for state in ("proven", "leans", "no usable signal"))
        used = part["sure"].notna()
        lines.append(
            f"| {group} | {size} | {part['losses'].mean():.1f} | {len(part)} | {interval(gain)} "
            f"| {(gain < 0).mean():.0%} | {interval(beyond)} | {(beyond < -1e-9).mean():.0%} "
            f"| {part['auc'].mean():.3f} | {states} | {part['sure'].mean():.0%} | {(beyond[used] > 0).mean():.0%} |"
        )
    failed = [row for row in rows if "error" in row]
    return "\n".join(lines) + f"\n\nToo few outcomes to learn from: {len(failed)} of {len(rows)} draws."


def interval(gain: pd.Series) -> str:
    """A mean and its 95 % interval over the draws (bootstrap)."""
    random = np.random.default_rng(7)
    means = gain.to_numpy()[random.integers(len(gain), size=(2000, len(gain)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{gain.mean():+.4f} ({low:+.4f} to {high:+.4f})"


if __name__ == "__main__":
    main()

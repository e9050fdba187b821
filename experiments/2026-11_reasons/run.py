"""Are the reasons true? Planted causes of fresh simulated markets against the drivers, to result.json and README.md."""

import json
import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources.market import MarketSettings, simulate
from features.sources.simulated import Simulated
from training.backtest import backtest
from training.credit import credited
from training.dataset import Dataset
from training.score import Scored

HERE = Path(__file__).parent
ACCOUNTS, MONTHS, TRAINING_SHARE = 2000, 42, 0.7
SEEDS = (51, 52, 53, 54)
"""Markets that nothing was tried on before."""

LATELY = 30
"""Days since a cause began in which hardly a window of use shows it."""

HIGH, TOP = 2.0, 3
"""Scored high is twice the base rate or more; three drivers are what a person takes in."""


def main() -> None:
    """Measure every market, write result.json, and renew the table of README.md."""
    rows = [measure(seed) for seed in map(int, sys.argv[1:] or SEEDS)]
    if len(sys.argv) > 1:
        print(json.dumps(rows, indent=2))
        return
    (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    text = re.sub(
        r"(<!-- figures -->\n).*?(<!-- end: figures -->)", rf"\g<1>{shown(rows)}\n\g<2>", text, flags=re.DOTALL
    )
    page.write_text(text, encoding="utf-8")


def measure(seed: int) -> dict[str, object]:
    """One market: how often family and sign are right, with the shares as the model has them and as they are told."""
    settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed)
    market = simulate(settings)
    with DuckEngine(threads=2) as engine:
        facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
        found = table.past(facts, Renewal())
    data = Dataset(keys=found.keys, signals=found.signals, left=found.left)
    split = (pd.Timestamp(settings.first_day) + pd.Timedelta(days=round(settings.days * TRAINING_SHARE))).date()
    result = backtest(data, columns(CATALOGUE), split=split, progress=lambda line: print(line, file=sys.stderr))
    told = result.predictions
    asked = data.keys.reset_index().merge(told, on=["contract_id", "account_id", "cutoff", "lead_days"])
    test = data.take(asked["index"].to_numpy())
    signals = test.signals.assign(segment=test.segments)
    scorer = result.trained.scorer
    begun = _one_cause(test, market.causes, told, scorer.about["base_rate"])
    return {
        "seed": seed,
        "model": result.trained.selection.chosen.name,
        "auc": roc_auc_score(told["outcome"], told["risk"]),
        "brier": float(np.mean((told["outcome"] - told["risk"]) ** 2)),
        "high_with_one_cause": len(begun),
        "as_the_model_has_them": _right(scorer.score(signals), begun),
        "as_they_are_told": _right(credited(scorer, signals), begun),
        "raised_without_a_cause": _raised(credited(scorer, signals), test, market.causes),
    }


def _one_cause(test: Dataset, causes: pd.DataFrame, told: pd.DataFrame, base: float) -> pd.DataFrame:
    keys = test.keys[["contract_id", "cutoff"]].reset_index(names="place")
    begun = keys.merge(causes, on="contract_id").query("onset < cutoff and effect > 0")
    begun = begun[begun.groupby("place")["cause"].transform("size") == 1]
    return begun[(told["risk"].to_numpy() >= HIGH * base)[begun["place"]]]


def _families(scored: Scored) -> pd.DataFrame:
    family = {column.name: column.signal.family for column in columns(CATALOGUE)}
    return scored.contributions.T.groupby(family).sum().T


def _right(scored: Scored, begun: pd.DataFrame) -> dict[str, object]:
    shares = _families(scored).iloc[begun["place"]]
    own = shares.to_numpy()[np.arange(len(shares)), shares.columns.get_indexer(begun["family"])]
    rank = (shares.to_numpy() > own[:, None]).sum(axis=1)
    cases = pd.DataFrame({"cause": begun["cause"].to_numpy(), "named": rank < TOP, "first": rank == 0, "sign": own > 0})
    means = cases[["named", "first", "sign"]].mean()
    days = (begun["cutoff"] - begun["onset"]).dt.days.to_numpy()
    cases["begun"] = np.where(days < LATELY, f"in the last {LATELY} days", "earlier")
    wrong = cases[~cases["sign"]]
    return {
        **means.to_dict(),
        "named_by_cause": cases.groupby("cause")["named"].mean().to_dict(),
        "sign_by_cause": cases.groupby("cause")["sign"].mean().to_dict(),
        "sign_by_begin": cases.groupby("begun")["sign"].mean().to_dict(),
        "wrong_signs": {f"{cause}, {begin}": len(some) for (cause, begin), some in wrong.groupby(["cause", "begun"])},
    }


def _raised(scored: Scored, test: Dataset, causes: pd.DataFrame) -> float:
    """How often a family's share is above zero in a term without any cause: half of the time is as it should be."""
    clean = ~test.keys["contract_id"].isin(causes.query("effect > 0")["contract_id"])
    shares = _families(scored)[clean.to_numpy()].to_numpy()
    return float((shares[shares != 0] > 0).mean())


def shown(rows: list[dict]) -> str:
    """The figures as Markdown."""
    lines = [
        "| seed | model | AUC | Brier | high, with one cause | family in the top 3: model's shares, told "
        "| sign right: model's shares, told | family first: model's shares, told | raised without a cause |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        old, new = row["as_the_model_has_them"], row["as_they_are_told"]
        pairs = [f"{old[key]:.1%}, **{new[key]:.1%}**" for key in ("named", "sign", "first")]
        lines.append(
            f"| {row['seed']} | {row['model']} | {row['auc']:.3f} | {row['brier']:.4f} | {row['high_with_one_cause']} "
            f"| {' | '.join(pairs)} | {row['raised_without_a_cause']:.0%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

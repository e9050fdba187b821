"""Ebb on the simulated market, whose truth is known: risk against true probability, reasons against planted causes."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources.market import Market, MarketSettings, simulate
from features.sources.simulated import Simulated
from training.backtest import Backtest, backtest
from training.dataset import Dataset
from training.explain import drivers

MONTHS = 42
TRAINING_SHARE = 0.7
"""The model learns from what was decided in this share of the record and is asked about the rest."""

HIGH = 2.0
"""A snapshot is scored high at twice the base rate or more, as the band of that name."""

TOP = 3

FRESH_DAYS = 28
"""The truth knows a cause on the day it begins; use shows it some weeks later."""


def measure(accounts: int, seed: int, progress: Callable[[str], None]) -> dict[str, object]:
    """One market: AUC and ECE against what the true probabilities reach, and how often the planted cause is named."""
    settings = MarketSettings(accounts=accounts, months=MONTHS, seed=seed)
    market = simulate(settings)
    with DuckEngine(threads=2) as engine:
        facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
        found = table.past(facts, Renewal())
    data = Dataset(keys=found.keys, signals=found.signals, left=found.left)
    split = (pd.Timestamp(settings.first_day) + pd.Timedelta(days=round(settings.days * TRAINING_SHARE))).date()
    result = backtest(data, columns(CATALOGUE), split=split, progress=progress)
    told = result.predictions.merge(
        market.snapshots.query("not open").drop(columns="account_id"),
        on=["contract_id", "cutoff", "lead_days"],
        validate="one_to_one",
    )
    return {
        "accounts": accounts,
        "seed": seed,
        "model": result.trained.selection.chosen.name,
        **_risk(told, market.causes),
        **_reasons(result, data, market),
    }


def _risk(told: pd.DataFrame, causes: pd.DataFrame) -> dict[str, object]:
    begun = (
        told[["contract_id", "cutoff"]].reset_index(names="place").merge(causes.query("effect > 0"), on="contract_id")
    )
    age = (begun["cutoff"] - begun["onset"]).dt.days
    settled = ~told.index.isin(begun.loc[(age > 0) & (age <= FRESH_DAYS), "place"])
    risk, left, truth = (told[name].to_numpy(dtype=float) for name in ("risk", "outcome", "probability"))
    order = np.argsort(risk)
    parts = np.array_split(order, 10)
    return {
        "snapshots": len(told),
        "base": float(left.mean()),
        "auc": roc_auc_score(left, risk),
        "auc_of_truth": roc_auc_score(left, truth),
        "auc_settled": roc_auc_score(left[settled], risk[settled]),
        "auc_of_truth_settled": roc_auc_score(left[settled], truth[settled]),
        "ece_outcome": float(sum(len(p) * abs(risk[p].mean() - left[p].mean()) for p in parts) / len(risk)),
        "ece_truth": float(sum(len(p) * abs(risk[p].mean() - truth[p].mean()) for p in parts) / len(risk)),
    }


def _reasons(result: Backtest, data: Dataset, market: Market) -> dict[str, object]:
    """Among snapshots scored high with one cause begun: is its family among the top drivers, and its sign right."""
    keys = result.predictions[["contract_id", "cutoff"]].reset_index(names="place")
    begun = keys.merge(market.causes, on="contract_id").query("onset < cutoff and effect > 0")
    begun = begun[begun.groupby("place")["cause"].transform("size") == 1]
    high = result.predictions["risk"] >= HIGH * result.trained.scorer.about["base_rate"]
    begun = begun[begun["place"].map(high)]
    tested = data.keys.reset_index().merge(
        result.predictions, on=["contract_id", "account_id", "cutoff", "lead_days"], validate="one_to_one"
    )
    test = data.take(tested["index"].to_numpy())
    scored = result.trained.scorer.score(test.signals.assign(segment=test.segments))
    every = drivers(
        scored,
        columns(CATALOGUE),
        signals=test.signals,
        before=test.signals,
        segments=test.keys["segment"].tolist(),
    )
    place = {(c, k): row for row, (c, k) in enumerate(zip(test.keys["contract_id"], test.keys["cutoff"], strict=True))}
    named, right, missed = [], [], []
    for row in begun.itertuples():
        found = every[place[row.contract_id, row.cutoff]]
        families = [driver.family for driver in found[:TOP]]
        named.append(row.family in families)
        right.append(sum(driver.contribution for driver in found if driver.family == row.family) > 0)
        if not named[-1]:
            missed.append(row.cause)
    return {
        "high_with_one_cause": len(named),
        "cause_named": float(np.mean(named)),
        "sign_right": float(np.mean(right)),
        "missed": pd.Series(missed, dtype=str).value_counts().to_dict(),
    }

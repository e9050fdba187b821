"""Comparing risks for the same snapshots: figures of each, and paired margins by bootstrap over accounts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

DRAWS = 200
METRICS = {
    "auc": lambda left, risk: roc_auc_score(left, risk),
    "brier": lambda left, risk: -brier_score_loss(left, risk),
    "log_loss": lambda left, risk: -log_loss(left, np.clip(risk, 1e-6, 1 - 1e-6)),
}
"""Each turned so that more is better."""


def figures(left: np.ndarray, accounts: np.ndarray, risks: Mapping[str, np.ndarray]) -> dict[str, dict]:
    """For each model, each metric's value and its draws: [value, draw, draw, ...]."""
    rows = [np.arange(len(left)), *draws_by_account(accounts, left)]
    return {
        name: {metric: [of(left[draw], risk[draw]) for draw in rows] for metric, of in METRICS.items()}
        for name, risk in risks.items()
    }


def draws_by_account(accounts: np.ndarray, left: np.ndarray) -> list[np.ndarray]:
    """Rows of bootstrap draws that take whole accounts and hold outcomes of both kinds."""
    random, number = np.random.default_rng(7), pd.factorize(accounts)[0]
    of = pd.Series(np.arange(len(number))).groupby(number).apply(np.array).to_numpy()
    found: list[np.ndarray] = []
    while len(found) < DRAWS:
        draw = np.concatenate(of[random.integers(len(of), size=len(of))])
        if 0 < left[draw].sum() < len(draw):
            found.append(draw)
    return found


def margin(rows: list[dict], rival: str, metric: str) -> list[float]:
    """Ebb's lead over a rival, averaged over rows (data set and lead time), and its 95 % interval."""
    of = [row["figures"] for row in rows if rival in row["figures"]]
    lead = np.mean([np.subtract(each["Ebb"][metric], each[rival][metric]) for each in of], axis=0)
    return [float(lead[0]), *map(float, np.quantile(lead[1:], (0.025, 0.975)))]

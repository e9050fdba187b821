"""How good risks were, with intervals: bootstrap by account, because an account's snapshots rise and fall together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.dataset import Dataset, Floats

BINS: Final = 10
"""Bins of equal size for the expected calibration error."""

DRAWS: Final = 200
LEVEL: Final = 0.95
TOP_SHARE: Final = 0.10

ONE_CLASS: Final = "all outcomes are the same"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure and its interval; ``value`` is None, with the reason, where it cannot be had."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def written(self) -> dict[str, float | str | None]:
        """As JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Rows to judge, in the order of falling risk, n each; ``ends`` are the places where a group of equal risks ends.

    ``reached`` says which rows are among the highest risks of their week that the team can take on.
    """

    risk: Floats
    left: Floats
    arr: Floats
    ends: NDArray[np.intp]
    reached: NDArray[np.bool_]


def evaluate(
    data: Dataset, risk: Floats, *, capacity: int = 50, draws: int = DRAWS, seed: int = 7
) -> dict[str, Metric]:
    """Every metric of risks (n,) for decided snapshots, with 95 % bootstrap intervals by account.

    AUC, average precision, Brier score, log loss, ECE (10 bins of equal size), lift in the tenth with the highest risk,
    and the share of the losses, and of their ARR, among the ``capacity`` highest risks of each week of cutoffs.
    """
    if not len(data):
        return {name: Metric(value=None, reason="no snapshots") for name in METRICS}
    order = np.argsort(-risk, kind="stable")
    counts = _drawn(data.accounts[order], draws, seed)
    judged = in_order(data, risk, order, capacity)
    return {name: _metric(name, judged, counts) for name in METRICS}


def in_order(data: Dataset, risk: Floats, order: NDArray[np.intp], capacity: int) -> Judged:
    """The rows in the order of falling risk, ready to be judged."""
    sorted_risk = np.clip(risk[order], 1e-9, 1 - 1e-9)
    week = data.keys["cutoff"].dt.to_period("W").iloc[order]
    return Judged(
        risk=sorted_risk,
        left=data.left[order],
        arr=data.keys["arr"].to_numpy(dtype=float)[order],
        ends=np.flatnonzero(np.append(np.diff(sorted_risk) != 0, True)),
        reached=(week.groupby(week.to_numpy()).cumcount() < capacity).to_numpy(),
    )


def by_lead(data: Dataset, risk: Floats, *, capacity: int = 50, draws: int = DRAWS) -> dict[int, dict[str, Metric]]:
    """The metrics of each lead time."""
    leads = data.keys["lead_days"].to_numpy()
    found = {}
    for lead in sorted(set(leads.tolist())):
        rows = leads == lead
        found[int(lead)] = evaluate(data.take(rows), risk[rows], capacity=capacity, draws=draws)
    return found


def _drawn(accounts: NDArray[np.intp], draws: int, seed: int) -> Floats:
    """How often each row stands in each bootstrap sample of accounts, (draws, n)."""
    clusters = int(accounts.max()) + 1
    chosen = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    return np.asarray(chosen[:, accounts], dtype=float)


def _metric(name: str, judged: Judged, counts: Floats) -> Metric:
    formula, needs_both = METRICS[name]
    if needs_both and len(np.unique(judged.left)) < 2:
        return Metric(value=None, reason=ONE_CLASS)
    if name == "arr_recall_at_capacity" and not np.nansum(judged.arr * judged.left) > 0:
        return Metric(value=None, reason="no ARR is known of those who left")
    # The figure itself comes from scikit-learn where it has the metric; the formulas here judge all draws at once.
    once = REFERENCE.get(name)
    value = once(judged.left, judged.risk) if once else formula(judged, np.ones((1, len(judged.risk))))[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = formula(judged, counts)
    drawn = drawn[np.isfinite(drawn)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
    return Metric(value=float(value), low=_finite(low), high=_finite(high))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _totals(judged: Judged, counts: Floats) -> tuple[Floats, Floats]:
    """Cumulated numbers of left and stayed at the end of each group of equal risks, (draws, groups)."""
    left = np.cumsum(counts * judged.left, axis=1)[:, judged.ends]
    stayed = np.cumsum(counts * (1 - judged.left), axis=1)[:, judged.ends]
    return left, stayed


def _auc(judged: Judged, counts: Floats) -> Floats:
    left, stayed = _totals(judged, counts)
    fresh = np.diff(stayed, axis=1, prepend=0.0)
    area = (fresh * (left - np.diff(left, axis=1, prepend=0.0) / 2)).sum(axis=1)
    return np.asarray(area / (left[:, -1] * stayed[:, -1]), dtype=float)


def _average_precision(judged: Judged, counts: Floats) -> Floats:
    left, stayed = _totals(judged, counts)
    precision = left / np.maximum(left + stayed, 1e-12)
    return np.asarray((precision * np.diff(left, axis=1, prepend=0.0)).sum(axis=1) / left[:, -1], dtype=float)


def _brier(judged: Judged, counts: Floats) -> Floats:
    return np.asarray(counts @ (judged.risk - judged.left) ** 2 / counts.sum(axis=1), dtype=float)


def _log_losses(judged: Judged, counts: Floats) -> Floats:
    losses = -(judged.left * np.log(judged.risk) + (1 - judged.left) * np.log1p(-judged.risk))
    return np.asarray(counts @ losses / counts.sum(axis=1), dtype=float)


def _ece(judged: Judged, counts: Floats) -> Floats:
    """Bins are those of the whole sample, so that the draws differ by their rows only."""
    bins = np.minimum(np.arange(len(judged.risk)) * BINS // len(judged.risk), BINS - 1)
    member = np.eye(BINS)[bins]
    gap = counts @ (member * (judged.risk - judged.left)[:, None])
    return np.asarray(np.abs(gap).sum(axis=1) / counts.sum(axis=1), dtype=float)


def _first(counts: Floats, most: Floats) -> Floats:
    """The part of each row that lies among the first ``most`` of its draw, (draws, n)."""
    before = np.cumsum(counts, axis=1) - counts
    return np.clip(most[:, None] - before, 0.0, counts)


def _lift(judged: Judged, counts: Floats) -> Floats:
    total = counts.sum(axis=1)
    top = _first(counts, np.ceil(total * TOP_SHARE))
    return np.asarray((top @ judged.left / top.sum(axis=1)) / (counts @ judged.left / total), dtype=float)


def _recall(judged: Judged, counts: Floats) -> Floats:
    return np.asarray(counts @ (judged.left * judged.reached) / (counts @ judged.left), dtype=float)


def _arr_recall(judged: Judged, counts: Floats) -> Floats:
    lost = np.nan_to_num(judged.arr) * judged.left
    return np.asarray(counts @ (lost * judged.reached) / (counts @ lost), dtype=float)


Formula: TypeAlias = Callable[[Judged, Floats], Floats]

REFERENCE: Final[Mapping[str, Callable[[Floats, Floats], float]]] = {
    "auc": roc_auc_score,
    "average_precision": average_precision_score,
    "brier": brier_score_loss,
    "log_loss": partial(log_loss, labels=(0, 1)),
}

METRICS: Final[Mapping[str, tuple[Formula, bool]]] = {
    "auc": (_auc, True),
    "average_precision": (_average_precision, True),
    "brier": (_brier, False),
    "log_loss": (_log_losses, False),
    "ece": (_ece, False),
    "lift_at_10_percent": (_lift, True),
    "recall_at_capacity": (_recall, True),
    "arr_recall_at_capacity": (_arr_recall, True),
}
"""Each metric's formula over the draws, and whether it needs outcomes of both kinds."""


def calibration_table(left: Floats, risk: Floats, weights: Floats) -> pd.DataFrame:
    """Mean risk and observed rate in bins of equal size: columns ``risk``, ``rate``, ``outcomes``."""
    order = np.argsort(risk, kind="stable")
    bins = np.arange(len(risk)) * BINS // max(len(risk), 1)
    frame = pd.DataFrame({"bin": bins, "w": weights[order], "r": (weights * risk)[order], "l": (weights * left)[order]})
    sums = frame.groupby("bin").sum()
    return pd.DataFrame({"risk": sums["r"] / sums["w"], "rate": sums["l"] / sums["w"], "outcomes": sums["w"]})


def lift_table(left: Floats, risk: Floats) -> pd.DataFrame:
    """Share of those who left found within the share looked at, highest risk first: columns ``share``, ``found``."""
    order = np.argsort(-risk, kind="stable")
    found = np.cumsum(left[order]) / max(left.sum(), 1)
    places = np.unique(np.linspace(0, len(left) - 1, 101).astype(int))
    return pd.DataFrame({"share": (places + 1) / len(left), "found": found[places]})

"""How good risks were, with intervals: bootstrap by account, because an account's snapshots rise and fall together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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

CELLS_AT_ONCE: Final = 4_000_000
"""Draws times rows judged at a time: a few arrays of 32 MB."""

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

    ``order`` are their places in the data, ``accounts`` numbers of their accounts. ``reached`` says which rows are
    among the highest risks of their week that the team can take on.
    """

    order: NDArray[np.intp]
    accounts: NDArray[np.intp]
    risk: Floats
    left: Floats
    arr: Floats
    ends: NDArray[np.intp]
    reached: NDArray[np.bool_]


def evaluate(
    data: Dataset,
    risk: Floats,
    *,
    capacity: int = 50,
    draws: int = DRAWS,
    seed: int = 7,
    reached: NDArray[np.bool_] | None = None,
) -> dict[str, Metric]:
    """Every metric of risks (n,) for decided snapshots, with 95 % bootstrap intervals by account.

    AUC, average precision, Brier score, log loss, ECE (10 bins of equal size), lift in the tenth with the highest risk,
    and the share of the losses, and of their ARR, among those the team can reach: ``reached`` (n,), or else the
    ``capacity`` highest risks of each week of cutoffs.
    """
    if not len(data):
        return {name: Metric(value=None, reason="no snapshots") for name in METRICS}
    judged = in_order(data, risk, np.argsort(-risk, kind="stable"), capacity)
    if reached is not None:
        judged = replace(judged, reached=reached[judged.order])
    return _judge(judged, draws, seed)


def _judge(judged: Judged, draws: int, seed: int) -> dict[str, Metric]:
    """Every metric with its interval, a few draws at a time."""
    chosen = drawn(int(judged.accounts.max()) + 1, draws, seed)
    at_once = max(1, CELLS_AT_ONCE // len(judged.risk))
    found: dict[str, list[Floats]] = {name: [] for name in METRICS}
    for start in range(0, draws, at_once):
        counts = chosen[start : start + at_once, judged.accounts].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, (formula, _) in METRICS.items():
                found[name].append(formula(judged, counts))
    return {name: _metric(name, judged, np.concatenate(found[name])) for name in METRICS}


def in_order(data: Dataset, risk: Floats, order: NDArray[np.intp], capacity: int) -> Judged:
    """The rows in the order of falling risk, ready to be judged."""
    sorted_risk = np.clip(risk[order], 1e-9, 1 - 1e-9)
    # Its first moment: periods would be made into objects one by one.
    week = data.keys["cutoff"].dt.to_period("W").dt.start_time.iloc[order]
    return Judged(
        order=order,
        accounts=data.accounts[order],
        risk=sorted_risk,
        left=data.left[order],
        arr=data.keys["arr"].to_numpy(dtype=float)[order],
        ends=np.flatnonzero(np.append(np.diff(sorted_risk) != 0, True)),
        reached=(week.groupby(week.to_numpy()).cumcount() < capacity).to_numpy(),
    )


def by_lead(data: Dataset, risk: Floats, *, capacity: int = 50, draws: int = DRAWS) -> dict[int, dict[str, Metric]]:
    """The metrics of each lead time."""
    leads = [int(lead) for lead in data.keys["lead_days"]]
    found = by_group(data, risk, leads, capacity=capacity, draws=draws)
    return {int(str(lead)): found[lead] for lead in sorted(found, key=lambda lead: int(str(lead)))}


def by_group(
    data: Dataset,
    risk: Floats,
    groups: Sequence[object],
    *,
    capacity: int = 50,
    draws: int = DRAWS,
    reached: NDArray[np.bool_] | None = None,
) -> dict[object, dict[str, Metric]]:
    """The metrics of each group of rows, in order of appearance; ``groups`` (n,) says which a row belongs to."""
    places, names = pd.factorize(np.array(groups, dtype=object))
    found = {}
    for place, name in enumerate(names):
        rows = places == place
        of = None if reached is None else reached[rows]
        found[name] = evaluate(data.take(rows), risk[rows], capacity=capacity, draws=draws, reached=of)
    return found


def drawn(clusters: int, draws: int, seed: int) -> NDArray[np.int64]:
    """How often each account stands in each bootstrap sample, (draws, accounts)."""
    return np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)


def _metric(name: str, judged: Judged, draws: Floats) -> Metric:
    formula, needs_both = METRICS[name]
    if needs_both and len(np.unique(judged.left)) < 2:
        return Metric(value=None, reason=ONE_CLASS)
    if name == "arr_recall_at_capacity" and not np.nansum(judged.arr * judged.left) > 0:
        return Metric(value=None, reason="no ARR is known of those who left")
    # The figure itself comes from scikit-learn where it has the metric; the formulas here judge all draws at once.
    once = REFERENCE.get(name)
    value = once(judged.left, judged.risk) if once else formula(judged, np.ones((1, len(judged.risk))))[0]
    draws = draws[np.isfinite(draws)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail]) if len(draws) else (np.nan, np.nan)
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

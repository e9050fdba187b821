"""The figures of a rolling backtest: how good what was said turned out, in all and for each kind of account."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training import groups
from training.dataset import Dataset, Floats
from training.evaluate import Metric, by_group, evaluate

Figures: TypeAlias = dict[str, Any]
"""``snapshots``, ``left`` (share), ``said`` (mean risk), and each metric with its interval or the reason it lacks."""

KINDS: Final[Mapping[str, Callable[[Dataset], Sequence[object]]]] = {
    "by_lead_days": lambda data: [int(lead) for lead in data.keys["lead_days"]],
    "by_segment": groups.segments,
    "by_size": groups.sizes,
    "by_term": groups.terms,
    "by_quarter": groups.quarters,
}
"""What figures are told by."""


def figures(data: Dataset, risk: Floats, *, capacity: int, ranks: Floats | None = None) -> Figures:
    """``overall``, each of `KINDS`, and ``by_term_and_lead_days``, ready to be written as JSON.

    ``ranks`` (n,) are places in the book of that day: an account counts as reached when its rank is within the team's
    weekly capacity. Without any, the looks of each week are ranked among themselves.
    """
    reached = None if ranks is None or np.isnan(ranks).all() else np.nan_to_num(ranks, nan=np.inf) <= capacity
    told = Told(data=data, risk=risk, capacity=capacity, reached=reached)
    found: Figures = {"overall": _of(evaluate(data, risk, capacity=capacity, reached=reached), told)}
    for kind, label in KINDS.items():
        found[kind] = _grouped(told, label(data))
    terms = np.array(groups.terms(data), dtype=object)
    found["by_term_and_lead_days"] = {}
    for term in dict.fromkeys(terms.tolist()):
        part = told.take(terms == term)
        found["by_term_and_lead_days"][term] = _grouped(part, KINDS["by_lead_days"](part.data))
    return found


@dataclass(frozen=True, kw_only=True)
class Told:
    """Looks with the risks told of them, and whether the team would have reached them (None: not known)."""

    data: Dataset
    risk: Floats
    capacity: int
    reached: NDArray[np.bool_] | None

    def take(self, rows: NDArray[np.bool_]) -> "Told":
        """Some of the looks."""
        reached = None if self.reached is None else self.reached[rows]
        return replace(self, data=self.data.take(rows), risk=self.risk[rows], reached=reached)


def _grouped(told: Told, labels: Sequence[object]) -> Figures:
    """The figures of each group, in the order of their names."""
    metrics = by_group(told.data, told.risk, labels, capacity=told.capacity, reached=told.reached)
    ordered = sorted(metrics, key=lambda name: (0, name, "") if isinstance(name, int) else (1, 0, str(name)))
    places = np.array(labels, dtype=object)
    return {str(name): _of(metrics[name], told.take(places == name)) for name in ordered}


def _of(metrics: Mapping[str, Metric], told: Told) -> Figures:
    return {
        "snapshots": len(told.data),
        "accounts": int(told.data.keys["account_id"].nunique()),
        "left": float(told.data.left.mean()) if len(told.data) else None,
        "said": float(told.risk.mean()) if len(told.data) else None,
        **{name: metric.written() for name, metric in metrics.items()},
    }

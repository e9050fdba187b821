"""The base rate of each kind of account, drawn towards the overall one: what to beat, and what to build upon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.dataset import Dataset, Floats
from training.score import Part, Rates, kind_classes
from training.task import Task

TERM_SIGNAL: Final = "term_days"
DUE_SIGNAL: Final = "days_to_renewal"
DUE_PRIOR: Final = 1.0
"""Outcomes at the overall rate that each class is given beforehand where classes are also parted by the days left."""


TERM_EDGES: Final = (75.0, 150.0, 300.0)
"""Days that part monthly, quarterly, half-yearly and yearly terms: who may leave seldom leaves more often each time."""


@dataclass(frozen=True)
class BaseRate:
    """Its strengths are how many outcomes at the wider rate each kind is given beforehand (a beta prior).

    ``due_edges`` also part accounts by the days until their contract ends, where the outcome comes with the renewal.
    """

    name: str = "base rate"
    strengths: tuple[float, ...] = (300.0, 30.0)
    due_edges: tuple[float, ...] = ()

    def fit(self, task: Task) -> Mapping[float, Part]:
        """Count, weighted by outcomes: overall, by term length, and by term length and segment."""
        return {prior: _rates(task.data, prior, self.due_edges) for prior in self.strengths}


def _rates(data: Dataset, prior: float, due_edges: tuple[float, ...]) -> Rates:
    values, weights = data.signals.to_numpy(dtype=float), data.weights
    term, due = (
        list(data.signals.columns).index(name) if name in data.signals else None for name in (TERM_SIGNAL, DUE_SIGNAL)
    )
    due = due if due_edges else None
    classes = np.array(kind_classes(values, ((term, TERM_EDGES), (due, due_edges))))
    kinds = np.array([f"{place} {name}" for place, name in zip(classes, data.segments, strict=True)])
    # One outcome of a coin beforehand keeps the rate off zero and one.
    overall = (weights @ data.left + 0.5) / (weights.sum() + 1)
    # Terms of different lengths differ by construction, so their rates are drawn together less than segments are; and
    # who is due differs from who is not by so much that the rate of all says next to nothing of either.
    drawn = min(prior, 30.0) if due is None else DUE_PRIOR
    by_class = _shrunk(classes, data.left, weights, np.full(len(data), overall), drawn)
    wider = np.array([by_class[place] for place in classes])
    by_kind = _shrunk(kinds, data.left, weights, wider, prior)
    return Rates(
        other=_log_odds(overall),
        classes={name: _log_odds(rate) for name, rate in by_class.items()},
        kinds={name: _log_odds(rate) for name, rate in by_kind.items()},
        edges=TERM_EDGES,
        term=term,
        due_edges=due_edges,
        due=due,
    )


def _shrunk(names: np.ndarray, left: Floats, weights: Floats, wider: Floats, prior: float) -> dict[str, float]:
    """The rate of each name, with ``prior`` outcomes at the wider rate beforehand."""
    found = {}
    for name in sorted(set(names.tolist())):
        rows = names == name
        found[name] = float((weights[rows] @ left[rows] + prior * wider[rows][0]) / (weights[rows].sum() + prior))
    return found


def _log_odds(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))

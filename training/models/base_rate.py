"""The base rate of each kind of account: what to beat, and what to build upon.

Before any outcome is seen, terms of all lengths are thought to be left at the same rate a day, and segments of a term
alike; how far the rates then part is learnt from the outcomes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaln

from training.dataset import Dataset, Floats
from training.score import Part, Rates, kind_classes
from training.task import Task

TERM_SIGNAL: Final = "term_days"
DUE_SIGNAL: Final = "days_to_renewal"

TERM_EDGES: Final = (75.0, 150.0, 300.0)
"""Days that part monthly, quarterly, half-yearly and yearly terms: who may leave seldom leaves more often each time."""

DUE_APART: Final = 1.0
"""How far apart, in log-odds, classes lie that also say when a contract ends: who is due differs widely from others."""

MOST_HAZARD: Final = 50.0
"""Beyond it, times the shortest term, nobody stays."""

SMALLEST: Final = 0.05
"""Outcomes beforehand that a beta has at least: below, rates near zero and one are likelier than any between."""

APART: Final = np.geomspace(0.02, 4, 40)
"""Standard deviations in log-odds that are looked at."""


@dataclass(frozen=True)
class BaseRate:
    """Its strength is how far apart the rates of segments are thought to lie before any outcome is seen, as the
    standard deviation of their log-odds: .5 where the odds of two usual segments differ by up to two thirds.

    ``due_edges`` also part accounts by the days until their contract ends, where the outcome comes with the renewal.
    """

    name: str = "base rate"
    strengths: tuple[float, ...] = (0.5,)
    due_edges: tuple[float, ...] = ()

    def fit(self, task: Task) -> Mapping[float, Part]:
        """Count, weighted by outcomes: overall, by term length, and by term length and segment."""
        return {apart: _rates(task.data, apart, self.due_edges) for apart in self.strengths}


def _rates(data: Dataset, apart: float, due_edges: tuple[float, ...]) -> Rates:
    values, weights = data.signals.to_numpy(dtype=float), data.weights
    term, due = (
        list(data.signals.columns).index(name) if name in data.signals else None for name in (TERM_SIGNAL, DUE_SIGNAL)
    )
    due = due if due_edges else None
    classes = np.array(kind_classes(values, ((term, TERM_EDGES), (due, due_edges))))
    kinds = np.array([f"{place} {name}" for place, name in zip(classes, data.segments, strict=True)])
    # One outcome of a coin beforehand keeps the rate off zero and one.
    overall = (weights @ data.left + 0.5) / (weights.sum() + 1)
    wider, between, one = np.full(len(data), overall), DUE_APART, np.zeros(len(data), dtype=int)
    if due is None and term is not None:
        wider, between = _by_term(values[:, term], classes, weights, wider), apart
    by_class = _drawn(classes, one, data.left, weights, wider, between)
    wider = np.array([by_class[place] for place in classes])
    by_kind = _drawn(kinds, np.unique(classes, return_inverse=True)[1], data.left, weights, wider, apart)
    return Rates(
        other=_log_odds(overall),
        classes={name: _log_odds(rate) for name, rate in by_class.items()},
        kinds={name: _log_odds(rate) for name, rate in by_kind.items()},
        edges=TERM_EDGES,
        term=term,
        due_edges=due_edges,
        due=due,
    )


def _by_term(days: Floats, classes: NDArray[np.str_], weights: Floats, even: Floats) -> Floats:
    """The rate of each row's class if who may leave every month were as likely to be gone after a year as who may not.

    A constant hazard (Cox 1972) gives as many losses as there are; where terms are not known, the rate of all stays.
    """
    known = np.isfinite(days) & (days > 0)
    if not known.any():
        return even
    years, mass = days[known] / 365, weights[known]
    target = mass @ even[known]

    def beyond(hazard: float) -> float:
        return float(mass @ -np.expm1(-hazard * years) - target)

    hazard = float(brentq(beyond, 0.0, MOST_HAZARD / years.min()))
    rates = even.copy()
    rates[known] = -np.expm1(-hazard * years)
    _, place = np.unique(classes, return_inverse=True)
    return np.asarray((np.bincount(place, weights * rates) / np.bincount(place, weights))[place], dtype=float)


def _drawn(
    names: NDArray[np.str_], within: NDArray[np.intp], left: Floats, weights: Floats, wider: Floats, apart: float
) -> dict[str, float]:
    """The rate of each name, drawn towards its wider one as far as its siblings do not differ more than by chance.

    Each rate is beta around the wider one (empirical Bayes: Casella 1985). How far apart they lie is not known but
    averaged over: the marginal likelihood of the counts, times a half-normal prior (Gelman 2006) of scale ``apart``.
    """
    found, first, place = np.unique(names, return_index=True, return_inverse=True)
    lost, all_of = (np.bincount(place, weights=each) for each in (weights * left, weights))
    mean = wider[first]
    # A beta of as many outcomes beforehand has this standard deviation in log-odds, to first order.
    prior = np.maximum(1 / (APART[:, None] ** 2 * mean * (1 - mean)) - 1, SMALLEST)
    a, b = prior * mean, prior * (1 - mean)
    # Who has no sibling differs from nobody: the wider rate is its own.
    siblings = np.bincount(within[first])[within[first]] > 1
    fit = (betaln(a + lost, b + all_of - lost) - betaln(a, b)) @ siblings
    # On a grid that is even in the logarithm, the density is times the value itself.
    fit += np.log(APART) - (APART / apart) ** 2 / 2
    believed = np.exp(fit - fit.max())
    rates = np.where(siblings, (believed / believed.sum()) @ ((a + lost) / (prior + all_of)), mean)
    return dict(zip(found.tolist(), rates.tolist(), strict=True))


def _log_odds(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))

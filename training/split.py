"""Splits along time: learn from what was decided before an origin, test on snapshots looked at from then on."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import DataError
from training.dataset import Dataset

LAG_QUANTILE: Final = 0.95
"""Share of the lost accounts whose loss must have had time to become known."""

FIRST_ORIGIN: Final = 0.35
"""Share of the outcomes before the first origin: a fold that learns from little says little of the final model."""

LEAST_OF_EACH: Final = 10
"""Outcomes of either kind from which a comparison says anything by itself."""

LEAST: Final = 10
"""Outcomes that a whole dataset must have, of both kinds."""

LEAST_LEARNT: Final = 5
"""Outcomes that a fold must learn from: with so few, every candidate says little more than the base rate."""

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One split: the origin, and masks over the dataset of what is learnt from and what is tested on."""

    origin: pd.Timestamp
    learn: Mask
    test: Mask


def decision_lag(data: Dataset, before: pd.Timestamp) -> pd.Timedelta:
    """How long after the end of a term a loss becomes known, judged from what was decided before a moment."""
    lost = data.decided & (data.keys["decided_on"] < before).to_numpy() & (data.left == 1)
    if not lost.any():
        return pd.Timedelta(0)
    lags = (data.keys["decided_on"] - data.keys["ends_on"])[lost].dropna()
    return max(pd.Timedelta(0), lags.quantile(LAG_QUANTILE)) if len(lags) else pd.Timedelta(0)


def learnable(data: Dataset, before: pd.Timestamp) -> Mask:
    """Snapshots whose outcome was decided before a moment, and would have been whichever way it went.

    Renewals are often decided at once and losses only after a grace period: of the latest terms, only the renewals are
    decided. Learning from them would teach that accounts stay. So a term counts once its end and the usual lag of a
    loss have passed.
    """
    decided = data.decided & (data.keys["decided_on"] < before).to_numpy()
    ends = data.keys["ends_on"].fillna(data.keys["decided_on"])
    return decided & (ends + decision_lag(data, before) <= before).to_numpy()


def holdout(data: Dataset, split: pd.Timestamp) -> Fold:
    """Learn from before one date, test on every decided snapshot with a cutoff from it on."""
    learn = learnable(data, split)
    return Fold(origin=split, learn=learn, test=_untouched(data, learn) & (data.keys["cutoff"] >= split).to_numpy())


def forward_folds(data: Dataset, count: int) -> tuple[Fold, ...]:
    """Up to ``count`` origins along time, each tested on the snapshots up to the next one.

    ``data`` holds decided snapshots only. Raises DataError when no origin has outcomes of both kinds on both sides.
    """
    cutoffs = data.keys["cutoff"]
    first = _first_origin(data)
    later = (cutoffs >= first).to_numpy()
    edges = [first, *_even_edges(cutoffs[later], data.weights[later], count)]
    ends = [*edges[1:], cutoffs.max() + pd.Timedelta(days=1)]
    found = tuple(stretch(data, start, end) for start, end in zip(edges, ends, strict=True))
    useful = tuple(fold for fold in found if fold.test.any() and _has_enough(data, fold.learn))
    if not useful:
        raise DataError("the outcomes cover too short a time to test a model on later ones than it learnt from")
    return useful


def check_enough(data: Dataset, happened: str = "left", otherwise: str = "stayed") -> None:
    """DataError unless there are outcomes of both kinds, and enough to learn a base rate from and to test it.

    ``happened`` and ``otherwise`` are the words for them.
    """
    weights = data.weights
    left, stayed = weights[data.left == 1].sum(), weights[data.left == 0].sum()
    if left + stayed < LEAST or not left or not stayed:
        raise DataError(
            f"too few outcomes to learn from: {left:.0f} {happened} and {stayed:.0f} {otherwise} among "
            f"{data.keys['account_id'].nunique()} accounts; at least {LEAST} are needed, and both kinds"
        )


def rarer(data: Dataset) -> float:
    """How many decided outcomes are of the rarer kind."""
    left = data.weights @ data.left
    return float(min(left, data.weights.sum() - left))


def stretch(data: Dataset, start: pd.Timestamp, end: pd.Timestamp) -> Fold:
    """Learn from before one date, test on decided snapshots with a cutoff from it on and before another."""
    learn = learnable(data, start)
    inside = ((data.keys["cutoff"] >= start) & (data.keys["cutoff"] < end)).to_numpy()
    return Fold(origin=start, learn=learn, test=_untouched(data, learn) & inside)


def _untouched(data: Dataset, learn: Mask) -> Mask:
    """Decided snapshots of contracts that are not learnt from."""
    contracts = data.keys["contract_id"]
    learnt = contracts[learn].dropna().unique()
    return data.decided & ~learn & ~(contracts.isin(learnt) & contracts.notna()).to_numpy()


def _has_enough(data: Dataset, rows: Mask) -> bool:
    return bool(data.weights[rows].sum() >= LEAST_LEARNT)


def _first_origin(data: Dataset) -> pd.Timestamp:
    """The earliest cutoff, from `FIRST_ORIGIN` of the outcomes on, before which enough is decided."""
    candidates = _even_edges(data.keys["cutoff"], data.weights, 40)
    shares = np.linspace(0, 1, len(candidates) + 1, endpoint=False)[1:]
    for origin, share in zip(candidates, shares, strict=True):
        if share >= FIRST_ORIGIN and _has_enough(data, learnable(data, origin)):
            return origin
    raise DataError("the outcomes cover too short a time to test a model on later ones than it learnt from")


def _even_edges(cutoffs: pd.Series, weights: NDArray[np.float64], count: int) -> list[pd.Timestamp]:
    """Moments that cut the outcomes into ``count`` parts of about equal weight: count - 1 of them at most."""
    order = np.argsort(cutoffs.to_numpy(), kind="stable")
    mass = np.cumsum(weights[order])
    places = np.searchsorted(mass, mass[-1] * np.arange(1, count) / count)
    edges = pd.DatetimeIndex(cutoffs.to_numpy()[order][places])
    return sorted({edge for edge in edges if edge > cutoffs.min()})

"""The leak alarm: what a model must not learn from, because it knows of the outcome what nobody knew then.

Each check is a function from decided snapshots to leaks and stands in `CHECKS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.dataset import Dataset, Floats
from training.split import LEAST_OF_EACH

KNOWS_TOO_MUCH: Final = 0.95
"""AUC of one signal alone that nothing honest has reached on renewals."""

MOST_ROWS: Final = 20_000
"""Snapshots looked at; more make no difference to a leak of this size."""

ONLY_LEFT: Final = 0.98
"""Share of losses among those a signal speaks of, from which on it speaks of losses only."""

CHANCE: Final = 1e-6
"""How unlikely that share must be by chance, for one signal of some hundreds."""

LISTED: Final = 3
"""Signals of one kind of leak that are named; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One leak: its kind, and what it is in a line."""

    kind: str
    sentence: str


def leaks(data: Dataset) -> tuple[Leak, ...]:
    """Every leak found in decided snapshots (open ones are left out)."""
    decided = data.take(data.decided)
    return tuple(leak for check in CHECKS for leak in check(decided))


def after_the_decision(data: Dataset) -> Iterator[Leak]:
    """Snapshots taken when the outcome was decided already: their signals hold what followed it."""
    late = (data.keys["cutoff"] > data.keys["decided_on"]).to_numpy()
    if late.any():
        first = data.keys[late].iloc[0]
        yield Leak(
            kind="after the decision",
            sentence=f"{late.sum():,} snapshots look from after the decision, the first at {first['account_id']} on "
            f"{first['cutoff']:%Y-%m-%d}, decided {first['decided_on']:%Y-%m-%d}",
        )


def contradicting(data: Dataset) -> Iterator[Leak]:
    """One account and term with two outcomes: whichever is true, half of it teaches the other."""
    keys = data.keys.assign(left=data.left)
    if "starts_on" not in keys:
        keys = keys.assign(starts_on=None)
    silent = keys["contract_id"].isna()
    term = ["account_id", "starts_on", "ends_on"]
    # Without contracts, the account and the day are the term.
    keys = keys.assign(ends_on=keys["ends_on"].where(~silent, keys["cutoff"]))
    outcomes = keys.groupby(term, dropna=False)["left"].nunique()
    twice = outcomes[outcomes > 1]
    if len(twice):
        account, _, ends = next(iter(twice.index))
        yield Leak(
            kind="contradicting outcomes",
            sentence=f"{len(twice):,} {'terms have' if len(twice) > 1 else 'term has'} two outcomes, the first of "
            f"account {account} up to {ends:%Y-%m-%d}",
        )


def knowing(data: Dataset) -> Iterator[Leak]:
    """Signals that tell the outcome nearly by themselves."""
    part, weights = _thinned(data)
    found = []
    for name in part.signals.columns:
        values = part.signals[name].to_numpy(dtype=float)
        auc = alone(values, part.left, weights)
        if auc > KNOWS_TOO_MUCH:
            found.append((name, auc))
    found.sort(key=lambda each: -each[1])
    for name, auc in found[:LISTED]:
        yield Leak(
            kind="knows too much",
            sentence=f"{name} tells the outcome by itself (AUC {auc:.3f} alone); is it written after the decision?",
        )
    yield from _rest("knows too much", len(found))


def following(data: Dataset) -> Iterator[Leak]:
    """Signals that speak only of accounts that left: known for no others, or out of the ordinary for no others."""
    part, weights = _thinned(data)
    base = float(np.average(part.left, weights=weights))
    contract = part.keys["contract_id"].fillna(part.keys["account_id"]).to_numpy()
    found = []
    for name in part.signals.columns:
        for what, present in _presence(part.signals[name].to_numpy(dtype=float)):
            if part.left[present].mean() < ONLY_LEFT / 2:
                continue
            terms = pd.DataFrame({"term": contract[present], "left": part.left[present]}).groupby("term")["left"].max()
            count, share = len(terms), float(terms.mean()) if len(terms) else 0.0
            if count >= LEAST_OF_EACH and share >= ONLY_LEFT and base**count < CHANCE:
                found.append((name, what, int(terms.sum()), count))
    for name, what, left, count in found[:LISTED]:
        yield Leak(
            kind="consequence of leaving",
            sentence=f"{name} is {what} almost only where accounts left ({left} of {count}); a consequence of leaving?",
        )
    yield from _rest("consequence of leaving", len(found))


def _rest(kind: str, count: int) -> Iterator[Leak]:
    if count > LISTED:
        yield Leak(kind=kind, sentence=f"{count - LISTED} more signals of this kind: {kind}")


def _presence(values: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Where a signal speaks: where it is known, if it seldom is; where it is not its usual value, if that is usual."""
    known = ~np.isnan(values)
    if 0 < known.mean() < 0.5:
        yield "known", known
    if known.any():
        distinct, counts = np.unique(values[known], return_counts=True)
        usual = distinct[counts.argmax()]
        if counts.max() > known.sum() / 2 and len(distinct) > 1:
            yield f"other than {usual:g}", known & (values != usual)


def alone(values: Floats, left: Floats, weights: Floats) -> float:
    """AUC of one signal, either way round, where it is known; 0.5 where too few outcomes are."""
    known = ~np.isnan(values)
    lost, kept = (weights[known & (left == outcome)].sum() for outcome in (1, 0))
    if min(lost, kept) < LEAST_OF_EACH:
        return 0.5
    at = np.flatnonzero(known)
    at = at[np.argsort(values[at])]
    # Lost and kept up to the end of each group of equal values; of equal ones, half count.
    ends = np.flatnonzero(np.append(np.diff(values[at]) != 0, True))
    below = np.cumsum(weights[at] * left[at])[ends], np.cumsum(weights[at] * (1 - left[at]))[ends]
    of_lost, of_kept = np.diff(below[0], prepend=0.0), np.diff(below[1], prepend=0.0)
    auc = float((of_kept * (below[0] - of_lost / 2)).sum() / (lost * kept))
    return max(auc, 1 - auc)


def _thinned(data: Dataset) -> tuple[Dataset, Floats]:
    """At most about `MOST_ROWS` snapshots, evenly taken, and what each brings of an outcome."""
    step = max(1, len(data) // MOST_ROWS)
    rows = np.arange(0, len(data), step)
    return data.take(rows), data.weights[rows]


CHECKS: Final[tuple[Callable[[Dataset], Iterator[Leak]], ...]] = (
    after_the_decision,
    contradicting,
    knowing,
    following,
)
"""Everything that is looked for before a model learns; after it, see `training.train.Trained.easier`."""

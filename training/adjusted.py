"""What goes with an outcome once everything else is held still: adjusted differences, honest about repeated rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

BINS = 5
"""Sizes, ages and activities are compared within fifths: no shape is assumed for what they do."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """For each of f columns: the adjusted ``difference`` in the outcome with its ``low`` and ``high`` end, and ``p``.

    NaN where a column does not vary once the controls are known.
    """

    difference: Floats
    low: Floats
    high: Floats
    p: Floats


def controls(numbers: pd.DataFrame, names: pd.DataFrame) -> Floats:
    """(n, c): a column of ones, a dummy for every fifth of each number and for every value of each name but one."""
    columns = [np.ones(len(numbers))]
    for name in numbers:
        ranks = numbers[name].rank(method="average", pct=True).fillna(0.0).to_numpy()
        fifth = np.ceil(ranks * BINS)
        columns += [(fifth == one).astype(np.float64) for one in np.unique(fifth)[1:]]
    for name in names:
        codes = names[name].astype(str).to_numpy()
        columns += [(codes == one).astype(np.float64) for one in np.unique(codes)[1:]]
    return np.column_stack(columns)


def differences(
    outcome: Floats, uses: Floats, held: Floats, cluster: NDArray[np.int64], *, level: float = 0.95
) -> Differences:
    """Difference in the outcome (n) between rows with and without each of ``uses`` (n, f), ``held`` (n, c) being equal.

    A linear model (Frisch and Waugh, 1933); rows of one cluster go together (Liang and Zeger, 1986). The test imposes
    that there is no difference, which keeps its promise also where one side is small (Cameron and Miller, 2015).
    """
    base, _ = np.linalg.qr(held[:, _independent(held)])
    left = outcome - base @ (base.T @ outcome)
    own = uses - base @ (base.T @ uses)
    weight = (own**2).sum(axis=0)
    varies = weight > 1e-9 * max(1, outcome.size)
    safe = np.where(varies, weight, 1.0)
    slope = own.T @ left / safe
    clusters = int(cluster.max(initial=-1)) + 1
    fair = clusters / max(clusters - 1, 1)
    error = (
        np.sqrt(fair * (_by_cluster(own * (left[:, None] - own * slope), cluster, clusters) ** 2).sum(axis=0)) / safe
    )
    spread = np.sqrt(fair * (_by_cluster(own * left[:, None], cluster, clusters) ** 2).sum(axis=0))
    varies &= spread > 0
    freedom = max(clusters - 1, 1)
    score = np.where(varies, slope * safe, 0.0) / np.where(varies, spread, 1.0)
    reach = float(stats.t.ppf(0.5 + level / 2, freedom))
    p = 2 * stats.t.sf(np.abs(score), freedom)
    slope, error, p = (np.where(varies, one, np.nan) for one in (slope, error, p))
    return Differences(difference=slope, low=slope - reach * error, high=slope + reach * error, p=p)


def false_discoveries(p: Floats) -> Floats:
    """q-values: claiming those below a level is wrong in at most that share of claims (Benjamini, Hochberg, 1995)."""
    q = np.full(p.size, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known])
    return q


def _by_cluster(rows: Floats, cluster: NDArray[np.int64], clusters: int) -> Floats:
    order = np.argsort(cluster, kind="stable")
    starts = np.searchsorted(cluster[order], np.arange(clusters))
    sums: Floats = np.add.reduceat(rows[order], starts, axis=0)
    return sums


def _independent(held: Floats) -> NDArray[np.int64]:
    """Columns that none of those before them explain."""
    _, r = np.linalg.qr(held)
    size = np.abs(np.diag(r))
    return np.flatnonzero(size > 1e-8 * size.max(initial=1.0))

"""Standing: where a value stands among all accounts of the book, so that what moves everybody moves nobody.

A holiday, an outage, or a product whose use shrinks for years changes levels, but not who is ahead of whom.
"""

from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd

from features.signal import Signal, SignalColumn, Standing, columns

MONTHS = 12
"""An account is compared with the books of so many months: a year evens out seasons and fills small books."""

FEWEST = 20
"""Fewer looks than this say nothing about where an account stands."""


def ranked(catalogue: Iterable[Signal]) -> tuple[SignalColumn, ...]:
    """The columns of a catalogue that are standings."""
    return tuple(column for column in columns(catalogue) if isinstance(column.signal.measure, Standing))


def months(cutoffs: Iterable[date]) -> tuple[date, ...]:
    """The days whose books some cutoff is compared with: the beginnings of its month and of those before it."""
    return tuple(sorted({month for cutoff in cutoffs for month in _months(cutoff)}))


def stand(values: pd.DataFrame, cutoffs: pd.Series, book: pd.DataFrame, catalogue: tuple[Signal, ...]) -> pd.DataFrame:
    """The share of the past year's books below each value, ties by half: (n, ranked columns), NaN where not known.

    ``values`` holds the ranked signals' own columns, ``cutoffs`` (n,) datetime64. ``book`` is what the whole book
    looked like on the days of `months`: one row an account and day, ``cutoff`` (datetime64) and the same columns.
    """
    wanted = ranked(catalogue)
    places = pd.DataFrame(np.nan, index=values.index, columns=[column.name for column in wanted])
    month = cutoffs.dt.to_period("M").dt.to_timestamp()
    for start in month.unique():
        rows = month == start
        since = start - pd.DateOffset(months=MONTHS - 1)
        peers = book[(book["cutoff"] >= since) & (book["cutoff"] <= start)]
        for column in wanted:
            own = values.loc[rows, _base(column)].to_numpy(dtype=float)
            places.loc[rows, column.name] = share_below(own, peers[_base(column)].to_numpy(dtype=float))
    return places


def share_below(values: np.ndarray, peers: np.ndarray) -> np.ndarray:
    """The share of peers below each value, those equal counting half; NaN where the value or enough peers are lacking.

    >>> share_below(np.array([1.0, 9.0]), np.array([0.0, 1.0, 2.0, 3.0] * 5)).tolist()
    [0.375, 1.0]
    """
    known = np.sort(peers[~np.isnan(peers)])
    if len(known) < FEWEST:
        return np.full(len(values), np.nan)
    below = np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), np.nan, below / (2 * len(known)))


def _base(column: SignalColumn) -> str:
    """The column whose standing it is."""
    assert isinstance(column.signal.measure, Standing)
    return column.name.replace(column.signal.name, column.signal.measure.of, 1)


def _months(cutoff: date) -> list[date]:
    """The firsts of the month of a cutoff and of those before it that it is compared with."""
    last = cutoff.year * 12 + cutoff.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - MONTHS + 1, last + 1)]

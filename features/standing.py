"""Standing: where a value stands among all accounts of the book, so that what moves everybody moves nobody.

A holiday, an outage, or a product whose use shrinks for years changes levels, but not who is ahead of whom.
"""

from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd

from features.signal import Signal, SignalColumn, Standing, column_name, columns

MONTHS = 12
"""An account is compared with the books of so many months: a year evens out seasons and fills small books."""

AGES = (90.0, 365.0, 1095.0)
"""Days since its creation that part new accounts, those of the first year, those of three, and old ones."""

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
    looked like on the days of `months`: one row an account and day, ``cutoff`` (datetime64) and the same columns. Both
    tell the ``segment``, without which, and without ``account_age``, all accounts are of one kind.
    """
    wanted = ranked(catalogue)
    places = {}
    month, held = _month_number(cutoffs), _month_number(book["cutoff"])
    kinds = _kinds(values), _kinds(book)
    for column in wanted:
        base = _base(column)
        own, peers = values[base].to_numpy(dtype=float), book[base].to_numpy(dtype=float)
        assert isinstance(column.signal.measure, Standing)
        if column.signal.measure.among == "all":
            places[column.name] = _standings(own, month, peers, held)
            continue
        place = np.full(len(own), np.nan)
        for kind in set(kinds[0]):
            rows = kinds[0] == kind
            alike = kinds[1] == kind
            place[rows] = _standings(own[rows], month[rows], peers[alike], held[alike])
        places[column.name] = place
    return pd.DataFrame(places, index=values.index, columns=[column.name for column in wanted])


def _kinds(looks: pd.DataFrame) -> np.ndarray:
    """The segment and the class of age of each look, as one text, (n,)."""
    segments = looks["segment"].astype(str) if "segment" in looks else pd.Series("", index=looks.index)
    ages = looks["account_age"] if "account_age" in looks else pd.Series(np.nan, index=looks.index)
    classes = np.where(ages.isna(), -1, np.searchsorted(AGES, ages.fillna(0.0), side="right"))
    return np.char.add(np.char.add(classes.astype(str), " "), segments.to_numpy(dtype=str))


def _standings(own: np.ndarray, month: np.ndarray, peers: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The share of the past year's peers below each value, those equal counting half; NaN without enough of them.

    ``month`` numbers the months of ``own``, ``held`` those of ``peers``.
    """
    places = np.full(len(own), np.nan)
    # Every value is ranked once; a month's comparison is then a running count over ranks.
    levels, ranks = np.unique(np.concatenate([own, peers]), return_inverse=True)
    known = ~np.isnan(peers)
    for now in np.unique(month):
        inside = known & (held > now - MONTHS) & (held <= now)
        count = int(inside.sum())
        if count < FEWEST:
            continue
        equal = np.bincount(ranks[len(own) :][inside], minlength=len(levels))
        twice = 2 * np.cumsum(equal) - equal
        rows = (month == now) & ~np.isnan(own)
        places[rows] = twice[ranks[: len(own)][rows]] / (2 * count)
    return places


def _month_number(days: pd.Series) -> np.ndarray:
    return np.asarray(days.dt.year * 12 + days.dt.month)


def _base(column: SignalColumn) -> str:
    """The column whose standing it is."""
    assert isinstance(column.signal.measure, Standing)
    return column_name(column.signal.measure.of, column.window)


def _months(cutoff: date) -> list[date]:
    """The firsts of the month of a cutoff and of those before it that it is compared with."""
    last = cutoff.year * 12 + cutoff.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - MONTHS + 1, last + 1)]

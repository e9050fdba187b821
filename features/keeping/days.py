"""Days as numbers since 1970, and stretches of days that follow each other."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

EPOCH: Final = date(1970, 1, 1)

Runs = tuple[tuple[int, int], ...]
"""First and last day of each stretch."""


def number(day: date) -> int:
    """The day as a number."""
    return (day - EPOCH).days


def day_of(day: int) -> date:
    """The day of a number."""
    return EPOCH + timedelta(days=day)


def runs(days: Iterable[int]) -> Runs:
    """Days that follow each other, as first and last.

    >>> runs([5, 1, 2, 3])
    ((1, 3), (5, 5))
    """
    found: list[tuple[int, int]] = []
    for day in sorted(set(days)):
        if found and found[-1][1] == day - 1:
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return tuple(found)


def days_in(stretches: Runs) -> Iterator[int]:
    """Every day of some stretches."""
    for first, last in stretches:
        yield from range(first, last + 1)

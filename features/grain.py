"""A grain: one kind of row that signals aggregate."""

from dataclasses import dataclass
from typing import Literal

AGE = "date_diff('day', {day}, s.cutoff)"


def age_of(day: str) -> str:
    """The SQL of how many days before the cutoff a day lies; yesterday is 1."""
    return AGE.format(day=day)


@dataclass(frozen=True, kw_only=True)
class Grain:
    """One kind of row: how to get it, and how a window is told on it.

    ``rows`` yields ``key`` and the columns that measures use. ``{lookback}`` is the oldest age any window needs,
    ``{bit}`` the window bit of ``age``, ``{edge}`` the nearest age from it on at which some window begins or ends:
    for every window it says the same as the age itself. ``windows`` is "age" (rows have an age), "mask" (rows have a
    mask of window bits) or "none".
    """

    name: str
    rows: str
    windows: Literal["age", "mask", "none"] = "none"
    key: Literal["snapshot_id", "cutoff"] = "snapshot_id"
    needs: tuple[str, ...] = ()

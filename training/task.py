"""What a model is given to learn."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from training.dataset import Dataset, Floats

ANCHORS: Final = ("term_days", "days_to_renewal")
"""Where in which term one looks from is the question, not evidence to be cautious about, and no reason to leave."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Decided snapshots; ``ground`` (n,) the log-odds of each account's kind, to build upon.

    ``directions``, one per signal: above zero where more of it can only raise risk, below where only lower, 0 where
    either may be; how far from zero says how much the signal counts among the others before any outcome is seen.
    """

    data: Dataset
    ground: Floats
    directions: tuple[float, ...]


def balanced(directions: Sequence[float], families: Sequence[str]) -> tuple[float, ...]:
    """Directions such that every family counts the same, however many signals it has."""
    sizes = Counter(family for family, direction in zip(families, directions, strict=True) if direction)
    return tuple(direction / max(sizes[family], 1) for direction, family in zip(directions, families, strict=True))

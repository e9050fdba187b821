"""What a model is given to learn."""

from dataclasses import dataclass
from typing import Final

from training.dataset import Dataset, Floats

ANCHORS: Final = ("term_days", "days_to_renewal")
"""Where in which term one looks from is the question, not evidence to be cautious about, and no reason to leave."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Decided snapshots; ``ground`` (n,) the log-odds of each account's kind, to build upon.

    ``directions``, one per signal: +1 where more of it can only raise risk, -1 where only lower, 0 where either may be.
    """

    data: Dataset
    ground: Floats
    directions: tuple[int, ...]

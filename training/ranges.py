"""What tuning may choose a model's values from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Values: TypeAlias = Mapping[str, float]
"""A value for each name of a model's ranges."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """From ``low`` to ``high``; ``ratio`` where steps are ratios, as for all that is multiplied; ``whole`` numbers."""

    low: float
    high: float
    ratio: bool = False
    whole: bool = False

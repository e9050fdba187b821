"""Kinds of accounts that figures are told for: size, term, segment, quarter."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from training.dataset import Dataset

SIZES: Final = 3
"""Thirds of the ARR: small, middle and large accounts of this book."""

MOST_GROUPS: Final = 12
"""More segments than these are told together as `REST`."""

REST: Final = "all others"
UNKNOWN: Final = "not known"

TERMS: Final[tuple[tuple[int, str], ...]] = ((300, "yearly"), (150, "half-yearly"), (75, "quarterly"), (0, "monthly"))
"""The name of terms of at least so many days."""


def segments(data: Dataset) -> list[str]:
    """The segment of each row; those with the fewest rows together."""
    names = pd.Series([name or UNKNOWN for name in data.segments], dtype=object)
    kept = names.value_counts().index[:MOST_GROUPS]
    return names.where(names.isin(kept), REST).tolist()


def sizes(data: Dataset) -> list[str]:
    """Thirds by ARR, told by their bounds; one group where the ARR is not known or all alike."""
    arr = data.keys["arr"].to_numpy(dtype=float)
    if not np.isfinite(arr).any():
        return [UNKNOWN] * len(data)
    edges = np.unique(np.nanquantile(arr, np.arange(1, SIZES) / SIZES))
    names = _between([f"{edge:,.0f}" for edge in edges])
    places = np.searchsorted(edges, arr, side="right")
    return [names[place] if np.isfinite(value) else UNKNOWN for place, value in zip(places, arr, strict=True)]


def terms(data: Dataset) -> list[str]:
    """How long the contract runs, by name."""
    if "starts_on" not in data.keys:
        return [UNKNOWN] * len(data)
    days = (data.keys["ends_on"] - data.keys["starts_on"]).dt.days
    return [
        UNKNOWN if np.isnan(length) else next(name for least, name in TERMS if length >= least)
        for length in days.to_numpy(dtype=float)
    ]


def quarters(data: Dataset) -> list[str]:
    """The quarter of each cutoff: 2026 Q1."""
    return [f"{cutoff.year} Q{cutoff.quarter}" for cutoff in data.keys["cutoff"]]


def _between(edges: Sequence[str]) -> list[str]:
    """The stretches that edges cut: under the first, between two, from the last on."""
    if not edges:
        return ["any"]
    inner = [f"ARR {low} to {high}" for low, high in pairwise(edges)]
    return [f"ARR under {edges[0]}", *inner, f"ARR {edges[-1]} and over"]

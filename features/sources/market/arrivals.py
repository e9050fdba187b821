"""Things that happen now and then: moments of a Poisson process within stretches of days."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.sources.market.accounts import Ints
from features.sources.market.causes import Floats
from features.sources.market.settings import MarketSettings


def arrivals(rate: Floats, begins: Floats, stops: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """For each moment the number of its stretch, and the moment in days; ``rate`` is per day."""
    length = np.maximum(stops - begins, 0)
    number = rng.poisson(rate * length)
    row = np.repeat(np.arange(number.size), number)
    return row, begins[row] + rng.random(row.size) * length[row]


def moments(days: Floats, settings: MarketSettings) -> NDArray[Any]:
    """Days since the first one as times, to the second."""
    seconds = settings.first.astype("datetime64[s]") + np.round(days * 86_400).astype(np.int64)
    return np.asarray(seconds, dtype="datetime64[us]")


def known_moments(days: Floats, settings: MarketSettings) -> NDArray[Any]:
    """Times as `moments`, empty where the record ends before them or there is none (NaN)."""
    seen = days < settings.days
    return np.where(seen, moments(np.where(seen, days, 0.0), settings), np.datetime64("NaT", "us"))


def known_dates(days: Floats, settings: MarketSettings) -> NDArray[Any]:
    """Whole days as dates, empty where the record ends before them or there is none (NaN)."""
    seen = days < settings.days
    dates = settings.first + np.floor(np.where(seen, days, 0.0)).astype(np.int64)
    return np.where(seen, dates.astype("datetime64[s]"), np.datetime64("NaT", "s"))


def numbered(frame: pd.DataFrame, column: str, prefix: str, by: str) -> pd.DataFrame:
    """Rows in order of time, with an id in front."""
    ordered = frame.sort_values([by, "account_id"], kind="stable", ignore_index=True)
    ordered.insert(0, column, [f"{prefix}-{i:06d}" for i in range(len(ordered))])
    return ordered

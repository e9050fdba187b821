"""What a simulated market is asked to be, and what its segments are like."""

import zlib
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from features.errors import SettingsError

Growth = Literal["usual", "planted", "chance"]
GROWTHS: Final[tuple[Growth, ...]] = ("usual", "planted", "chance")

LEADS: Final = {False: (30, 60, 90, 120, 180), True: (7, 14, 21)}
"""Days before the renewal at which the truth is told, by whether the term is a month (True) or a year (False)."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One kind of customer. ``seats`` is the (median, spread in logs) bought first, ``list_price`` per seat and year.

    ``base_log_odds`` is what an account of average fit without any cause has of leaving at a renewal.
    """

    name: str
    share: float
    seats: tuple[float, float]
    plan: str
    list_price: float
    base_log_odds: float
    monthly_share: float
    care: tuple[float, float, float]
    owners: int


SEGMENTS: Final[tuple[Segment, ...]] = (
    Segment(
        name="startup",
        share=0.4,
        seats=(7, 0.45),
        plan="team",
        list_price=480,
        base_log_odds=-3.85,
        monthly_share=0.4,
        care=(0.7, 0.25, 0.05),
        owners=2,
    ),
    Segment(
        name="mid-market",
        share=0.4,
        seats=(17, 0.45),
        plan="business",
        list_price=720,
        base_log_odds=-4.00,
        monthly_share=0.0,
        care=(0.4, 0.4, 0.2),
        owners=4,
    ),
    Segment(
        name="enterprise",
        share=0.2,
        seats=(36, 0.4),
        plan="enterprise",
        list_price=960,
        base_log_odds=-4.15,
        monthly_share=0.0,
        care=(0.15, 0.4, 0.45),
        owners=3,
    ),
)


@dataclass(frozen=True, kw_only=True)
class MarketSettings:
    """How large the market is, how long it is watched, and which instrumentation faults it has.

    The record begins on ``first_day`` and ends ``months`` later; ``volume`` scales the number of events. ``growth``
    says who buys more (`features.sources.market.growth`). Raises SettingsError.
    """

    accounts: int = 600
    months: int = 36
    seed: int = 7
    faults: tuple[str, ...] = ()
    first_day: date = date(2023, 7, 1)
    volume: float = 1.0
    growth: Growth = "usual"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if self.accounts < 1:
            raise SettingsError(f"accounts = {self.accounts}: a market needs at least one account")
        if not 1 <= self.months <= 240:
            raise SettingsError(f"months = {self.months}: a market is watched for 1 to 240 months")
        if self.seed < 0:
            raise SettingsError(f"seed = {self.seed}: a seed is a whole number from 0")
        if self.volume <= 0:
            raise SettingsError(f"volume = {self.volume}: it scales the number of events and must be positive")
        if self.growth not in GROWTHS:
            raise SettingsError(f"growth = {self.growth!r}: it is one of {', '.join(GROWTHS)}")
        if self.first_day.day != 1:
            raise SettingsError(f"first_day = {self.first_day}: the record begins with a month")

    @property
    def first(self) -> np.datetime64:
        """The first day, from which all day numbers count."""
        return np.datetime64(self.first_day, "D")

    @property
    def days(self) -> int:
        """How many days are watched; also the number of the day after the last one."""
        end = np.datetime64(self.first_day, "M") + self.months
        return int((end.astype("datetime64[D]") - self.first).astype(int))

    def stream(self, concern: str) -> np.random.Generator:
        """The random numbers of one concern: changing one concern leaves the others as they were."""
        return np.random.default_rng([self.seed, zlib.crc32(concern.encode())])

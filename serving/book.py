"""The scored book: one run over every open account, and what it said about each of them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

Band = Literal["high", "medium", "low"]
BANDS: Final[tuple[Band, ...]] = ("high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One driver of one account's risk: a family's signed share in log-odds, and the signal that carries most of it.

    ``now``, ``before`` and ``typical`` (the median of healthy peers) are None where not known.
    """

    family: str
    signal: str
    contribution: float
    now: float | None
    before: float | None
    typical: float | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One scoring of the whole book. ``number`` grows with every run; None until the store has given one.

    ``signals`` names the file of the signals it scored, ``base`` is the mean risk that bands are relative to.
    ``usable`` is False when no signal beat the base rate: every risk is then a base rate, value and date rank alone.
    """

    cutoff: date
    made_at: datetime
    model_name: str
    model_version: str
    fingerprint: str
    signals: str
    mode: str
    base: float
    usable: bool
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Warmth:
    """What a run's temperatures come from: the model of buying more, and how far ahead it looks.

    ``usable`` is False when no signal beat the base rate beyond chance, as ``verdict`` says: then there are none.
    """

    model_name: str
    model_version: str
    horizon_days: int
    usable: bool
    verdict: str

    @property
    def lacking(self) -> str | None:
        """Why there is no temperature; None where there is."""
        return None if self.usable else f"{self.model_name} version {self.model_version} has no usable signal"


NO_WARMTH: Final = "no model of buying more had scored this book; `ebb train --target expansion` makes one"


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """How likely one account is to buy more: ``value`` is 100 x the calibrated chance that it does in the horizon.

    ``base`` is the log-odds that ``reasons`` add to; they are measured against the average account.
    """

    account_id: str
    value: float
    base: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one run said about one account. Money is None where the ARR is not known, dates where there is no contract.

    ``days_to_renewal`` counts from the cutoff; ``base`` is the log-odds that ``reasons`` add to. ``place`` is where it
    stands in the ranked book, from 1; None until the store has ranked it.
    """

    account_id: str
    contract_id: str | None
    name: str | None
    owner: str | None
    segment: str | None
    risk: float
    base: float
    band: Band
    arr: float | None
    arr_at_risk: float | None
    starts_on: date | None
    ends_on: date | None
    days_to_renewal: int | None
    reasons: tuple[Reason, ...] = field(default=())
    plan: str | None = None
    place: int | None = None

"""What a backtest said: one run, and the score of every look as it was said, never rewritten."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from serving.book import Band


@dataclass(frozen=True, kw_only=True)
class Said:
    """One look at an account, the risk it was given then, and what came of it (``outcome`` 1: lost).

    ``rank`` is its place ``among`` the accounts open at the start of that month, None where no book was open.
    ``sentence`` is the strongest driver that raised the risk; None where nothing did, and for accounts never lost.
    """

    account_id: str
    contract_id: str | None
    name: str | None
    owner: str | None
    segment: str | None
    origin: date
    cutoff: date
    lead_days: int
    ends_on: date | None
    decided_on: date | None
    arr: float | None
    outcome: int
    risk: float
    rank: int | None
    among: int | None
    band: Band
    sentence: str | None


@dataclass(frozen=True, kw_only=True)
class BacktestRun:
    """One backtest: over which data, with which origins, how good. ``digest`` is that of all it said."""

    made_at: datetime
    cutoff: date
    mode: str
    fingerprint: str
    digest: str
    capacity: int
    origins: Sequence[Mapping[str, Any]]
    figures: Mapping[str, Any]
    number: int | None = None


def digest(said: Sequence[Said]) -> str:
    """SHA-256 (hex) over every score in order: equal digest, nothing was rewritten."""
    found = hashlib.sha256()
    for one in said:
        found.update(json.dumps(asdict(one), sort_keys=True, default=str).encode())
    return found.hexdigest()

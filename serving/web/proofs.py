"""What the last backtest proves: what was said before each loss, and whether risks mean what they say."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from serving.backtests import Loss, by_band, lost
from serving.desk import Desk
from serving.said import BacktestRun, Said

LEADS: Final = (120, 90, 60, 30)
NEAR_DAYS: Final = 15
"""A look counts for a lead when it was so near to it."""

SHOWN: Final = 100
EDGES: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0)


@dataclass(frozen=True, kw_only=True)
class Before:
    """One loss with what was said at each of `LEADS`; None where nobody looked then."""

    loss: Loss
    looks: tuple[Said | None, ...]


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Looks given a risk from ``low`` to ``high``: the mean that was said, and the share that left."""

    low: float
    high: float
    looks: int
    said: float
    left: float


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the last backtest shows."""

    run: BacktestRun
    losses: tuple[Before, ...]
    count: int
    warned: int
    bands: list[dict[str, object]]
    buckets: tuple[Bucket, ...]


class Proofs:
    """The proof of the last backtest, worked out once for each. Raises StoreError."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._lock = threading.Lock()
        self._kept: Proof | None = None

    def latest(self) -> Proof | None:
        """The proof of the last backtest; None where there was none yet."""
        number = self._desk.store.last_backtest()
        if number is None:
            return None
        with self._lock:
            if self._kept is None or self._kept.run.number != number:
                found = self._desk.store.backtest(number)
                self._kept = None if found is None else _proof(*found)
            return self._kept


def _proof(run: BacktestRun, said: Sequence[Said]) -> Proof:
    losses = lost(said)
    return Proof(
        run=run,
        losses=tuple(Before(loss=loss, looks=tuple(_at(loss, lead) for lead in LEADS)) for loss in losses[:SHOWN]),
        count=len(losses),
        warned=sum(loss.warned is not None for loss in losses),
        bands=by_band(said),
        buckets=_buckets(said),
    )


def _at(loss: Loss, lead: int) -> Said | None:
    """The look nearest to so many days before."""
    days, one = min(loss.said, key=lambda told: abs(told[0] - lead))
    return one if abs(days - lead) <= NEAR_DAYS else None


def _buckets(said: Sequence[Said]) -> tuple[Bucket, ...]:
    found = []
    for low, high in itertools.pairwise(EDGES):
        part = [one for one in said if low <= one.risk < high or (one.risk == high == 1.0)]
        if part:
            mean, left = sum(one.risk for one in part) / len(part), sum(one.outcome for one in part) / len(part)
            found.append(Bucket(low=low, high=high, looks=len(part), said=mean, left=left))
    return tuple(found)

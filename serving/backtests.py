"""Backtests as they are kept: what a rolling backtest said, with bands, and each loss with what was said before it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from features.facts import Facts
from serving.config import Settings
from serving.rating import band
from serving.said import BacktestRun, Said, digest
from training.dataset import Dataset
from training.figures import figures
from training.losses import losses
from training.rolling import Rolling

KEYS: Final = (
    *("account_id", "contract_id", "name", "owner", "segment"),
    *("cutoff", "lead_days", "ends_on", "decided_on", "arr"),
)

SHOWN_LOOKS: Final = 5
"""The looks nearest to the loss that stand beside it: 180, 120, 90, 60 and 30 days before the end of a year."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One account that was lost, and what was said before: (days before, what) with the farthest first."""

    lost_on: date
    arr: float | None
    said: tuple[tuple[int, Said], ...]

    @property
    def account(self) -> Said:
        """The last look, which names the account."""
        return self.said[-1][1]

    @property
    def warned(self) -> int | None:
        """How many days before the loss its risk was first said to be high; None when it never was."""
        return next((days for days, one in self.said if one.band == "high"), None)

    @property
    def sentence(self) -> str | None:
        """The strongest driver when it was first said to be high, else the one told last."""
        told = [one.sentence for days, one in self.said if days == self.warned] or [self.account.sentence]
        return told[0]


def kept(rolling: Rolling, facts: Facts, settings: Settings) -> tuple[BacktestRun, tuple[Said, ...]]:
    """A backtest as the store keeps it."""
    said = _said(rolling, settings)
    capacity = settings.team.weekly_capacity
    origins = [{**asdict(one), "origin": f"{one.origin:%Y-%m-%d}"} for one in rolling.origins]
    run = BacktestRun(
        made_at=datetime.now(UTC),
        cutoff=facts.cutoff,
        mode=settings.outcome.mode,
        fingerprint=facts.fingerprint,
        digest=digest(said),
        capacity=capacity,
        origins=origins,
        figures=figures(
            rolling.looks, rolling.risk, capacity=capacity, ranks=rolling.said["rank"].to_numpy(dtype=float)
        ),
    )
    return run, said


def _said(rolling: Rolling, settings: Settings) -> tuple[Said, ...]:
    table = rolling.looks.keys.reindex(columns=list(KEYS))
    table = pd.concat([table.assign(outcome=rolling.looks.left.astype(int)), rolling.said], axis=1)
    known = table.astype(object).where(table.notna(), None).to_dict("records")
    rows = [{str(key): value for key, value in row.items()} for row in known]
    overall = float(rolling.risk.mean())
    return tuple(_one(row, overall, settings) for row in rows)


def _one(row: dict[str, Any], overall: float, settings: Settings) -> Said:
    mean = row.pop("mean_risk")
    days = {key: _day(row[key]) for key in ("origin", "cutoff", "ends_on", "decided_on")}
    counts = {key: None if row[key] is None else int(row[key]) for key in ("lead_days", "rank", "among")}
    texts = {key: row[key] or None for key in ("name", "owner", "segment")}
    of = band(row["risk"], overall if mean is None else mean, settings.bands)
    return Said(**{**row, **days, **counts, **texts, "band": of})


def _day(value: pd.Timestamp | None) -> date | None:
    return None if value is None else value.date()


def lost(said: Sequence[Said]) -> tuple[Loss, ...]:
    """Every loss with what was said before it, the largest ARR first, then the latest."""
    table = pd.DataFrame([vars(one) for one in said])
    for name in ("cutoff", "ends_on", "decided_on"):
        table[name] = pd.to_datetime(table[name])
    looks = Dataset(keys=table, signals=pd.DataFrame(index=table.index), left=table["outcome"].to_numpy(dtype=float))
    found = []
    for _, rows in losses(looks).groupby("loss"):
        told = [(int(days), said[at]) for days, at in zip(rows["days_before"], rows["look"], strict=True)]
        found.append(Loss(lost_on=rows["lost_on"].iloc[0].date(), arr=told[-1][1].arr, said=tuple(told)))
    return tuple(sorted(found, key=lambda loss: (-(loss.arr or 0.0), -loss.lost_on.toordinal())))


def shown(loss: Loss) -> Loss:
    """The loss with its nearest looks only."""
    return replace(loss, said=loss.said[-SHOWN_LOOKS:])


def by_band(said: Sequence[Said]) -> list[dict[str, object]]:
    """How often accounts of each band were lost: band, looks, accounts, mean risk, share lost."""
    rows: list[dict[str, object]] = []
    for name in ("high", "medium", "low"):
        part = [one for one in said if one.band == name]
        if part:
            rows.append(
                {
                    "band": name,
                    "looks": len(part),
                    "accounts": len({one.account_id for one in part}),
                    "said": float(np.mean([one.risk for one in part])),
                    "left": float(np.mean([one.outcome for one in part])),
                }
            )
    return rows

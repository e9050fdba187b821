"""A past and a book of any size, made from a seed: yearly terms looked at four times, signals of the catalogue."""

import numpy as np
import pandas as pd

from features.signal import SignalColumn, columns
from features.signals import CATALOGUE
from serving.signal_book import SignalBook
from training.dataset import Dataset

LEADS = (30, 60, 90, 120)
TELLING = 12
"""Signals that the outcome hangs on, two of them only together."""

SAME = 0.7
"""How much the looks at one contract differ, the contracts differing by one."""


def signals_of(count: int) -> tuple[SignalColumn, ...]:
    """So many columns of the catalogue, of all families."""
    every = columns(CATALOGUE)
    return tuple(every[at] for at in np.linspace(0, len(every) - 1, count).astype(int))


def past(snapshots: int, signals: int, seed: int = 7) -> Dataset:
    """Five years of decided terms, four looks each, four terms an account; a loss is known 31 days after the end."""
    draw = np.random.default_rng(seed)
    contracts = snapshots // len(LEADS)
    contract = np.repeat(np.arange(contracts), len(LEADS))
    own = draw.normal(size=(contracts, signals))
    pull = own[:, :TELLING] @ draw.normal(size=TELLING) * 0.25 + 0.3 * own[:, 0] * own[:, 1]
    left = (draw.random(contracts) < 1 / (1 + np.exp(2 - pull))).astype(float)
    ends = pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(365, 5 * 365, contracts), unit="D")
    lead = pd.to_timedelta(np.tile(LEADS, contracts), unit="D")
    known = pd.to_timedelta(np.where(left == 1, 31, 2), unit="D")
    keys = pd.DataFrame(
        {
            "account_id": (contract % (contracts // 4)).astype(str),
            "contract_id": contract.astype(str),
            "cutoff": ends[contract] - lead,
            "lead_days": np.tile(LEADS, contracts),
            "ends_on": ends[contract],
            "decided_on": (ends + known)[contract],
            "arr": 12_000.0,
            "segment": np.where(contract % 2, "small", "large"),
        }
    )
    values = own[contract] + SAME * draw.normal(size=(len(contract), signals))
    return Dataset(keys=keys, signals=_frame(values, draw), left=left[contract])


def book(accounts: int, signals: int, seed: int = 8) -> SignalBook:
    """Open accounts, with their signals now and before."""
    draw = np.random.default_rng(seed)
    numbers = np.arange(accounts)
    cutoff = pd.Timestamp("2026-01-01")
    keys = pd.DataFrame(
        {
            "account_id": numbers.astype(str),
            "contract_id": numbers.astype(str),
            "name": [f"Account {number}" for number in numbers],
            "owner": np.where(numbers % 3, "one", "another"),
            "segment": np.where(numbers % 2, "small", "large"),
            "arr": 12_000.0,
            "starts_on": cutoff - pd.Timedelta(days=275),
            "ends_on": cutoff + pd.Timedelta(days=90),
            "cutoff": cutoff,
            "days_to_renewal": 90.0,
        }
    )
    now, before = (_frame(draw.normal(size=(accounts, signals)), draw) for _ in range(2))
    return SignalBook(keys=keys, now=now, before=before)


def _frame(values: np.ndarray, draw: np.random.Generator) -> pd.DataFrame:
    """Every third a count, every fifth with gaps, as signals are."""
    values[:, ::3] = np.floor(np.exp(values[:, ::3] + 1))
    for column in range(1, values.shape[1], 5):
        values[draw.random(len(values)) < 0.1, column] = np.nan
    return pd.DataFrame(values, columns=[column.name for column in signals_of(values.shape[1])])

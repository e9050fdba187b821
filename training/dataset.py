"""What a model learns from: one row per snapshot, its signals, and its outcome where it is decided."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.bool_] | NDArray[np.intp]

KEY_COLUMNS: Final = (
    "account_id",
    "contract_id",
    "cutoff",
    "lead_days",
    "ends_on",
    "decided_on",
    "arr",
    "segment",
)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Snapshots: ``keys`` says which (see `KEY_COLUMNS`), ``signals`` what was known, ``left`` what came of it.

    The three have n rows in the same order. Signals are floats, NaN where not known. ``left`` is 1 left, 0 stayed, NaN
    open. ``contract_id`` is None where accounts leave by falling silent. Raises DataError when the shapes do not fit.
    """

    keys: pd.DataFrame
    signals: pd.DataFrame
    left: Floats

    def __post_init__(self) -> None:
        missing = [column for column in KEY_COLUMNS if column not in self.keys]
        if missing:
            raise DataError(f"snapshots lack {', '.join(missing)}; they have {', '.join(map(str, self.keys.columns))}")
        if not len(self.keys) == len(self.signals) == len(self.left):
            raise DataError(
                f"{len(self.keys)} snapshots, {len(self.signals)} rows of signals, {len(self.left)} outcomes"
            )

    def __len__(self) -> int:
        return len(self.left)

    def take(self, rows: Rows) -> "Dataset":
        """The snapshots of a mask or of positions."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Dataset(
            keys=self.keys.iloc[at].reset_index(drop=True),
            signals=self.signals.iloc[at].reset_index(drop=True),
            left=self.left[at],
        )

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Whether the outcome is known at all, (n,)."""
        return ~np.isnan(self.left)

    @cached_property
    def accounts(self) -> NDArray[np.intp]:
        """A number for each account, (n,): the clusters of every standard error and bootstrap."""
        return pd.factorize(self.keys["account_id"])[0]

    @cached_property
    def segments(self) -> list[str]:
        """The segment of each row; empty where not known."""
        return self.keys["segment"].fillna("").astype(str).tolist()

    @cached_property
    def weights(self) -> Floats:
        """How much of an outcome each row brings, (n,): they sum to the number of outcomes.

        The snapshots of one contract share its one outcome. Snapshots of an account that may fall silent have outcomes
        of their own, but their horizons overlap: each brings the share of its horizon that passes until the next
        cutoff. The share is the same for all: weighting by account would tilt the model to accounts seen only once.
        """
        contracts = self.keys["contract_id"]
        if contracts.notna().any():
            return (1.0 / contracts.groupby(contracts, dropna=False).transform("size")).to_numpy(dtype=float)
        return np.full(len(self), self._fresh_share())

    def _fresh_share(self) -> float:
        cutoffs = np.unique(self.keys["cutoff"].to_numpy(dtype="datetime64[s]").astype(float))
        horizon = (self.keys["decided_on"] - self.keys["cutoff"]).dt.total_seconds().median()
        if len(cutoffs) < 2 or not horizon > 0:
            return 1.0
        return float(min(1.0, np.median(np.diff(cutoffs)) / horizon))

    def fingerprint(self) -> str:
        """A digest of every key, signal and outcome: equal data, equal digest."""
        digest = hashlib.sha256(",".join(self.signals.columns).encode())
        for frame in (self.keys[list(KEY_COLUMNS)].astype(str), self.signals, pd.DataFrame({"left": self.left})):
            digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        return digest.hexdigest()[:16]


def concat(parts: Iterable[Dataset]) -> Dataset:
    """Several datasets below one another; their signals must be the same."""
    several = tuple(parts)
    return Dataset(
        keys=pd.concat([part.keys for part in several], ignore_index=True),
        signals=pd.concat([part.signals for part in several], ignore_index=True),
        left=np.concatenate([part.left for part in several]),
    )

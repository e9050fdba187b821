"""The signals of one scored book, kept beside the store: the service scores from them, exactly as the batch did."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from uuid import uuid4

import pandas as pd

from features.errors import StoreError

BOOK: Final = "book"
"""Where under home the books are."""

KEPT: Final = 2
"""How many books are kept: the latest, and the one a service may still be reading."""

KEY, NOW, BEFORE = "key.", "now.", "before."


@dataclass(frozen=True, kw_only=True)
class SignalBook:
    """One row per account, in three frames of the same index 0..n-1.

    ``keys``: account_id, contract_id, name, owner, segment, plan (text or None), arr, days_to_renewal (float),
    starts_on, ends_on, cutoff (datetime64). ``now`` and ``before``: one float column per signal column, NaN where not
    known.
    """

    keys: pd.DataFrame
    now: pd.DataFrame
    before: pd.DataFrame

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def places(self) -> dict[str, int]:
        """Account id -> its row."""
        return {name: place for place, name in enumerate(self.keys["account_id"])}

    def rows(self, places: Sequence[int]) -> "SignalBook":
        """Some of the accounts, in that order."""
        parts = (frame.iloc[list(places)].reset_index(drop=True) for frame in (self.keys, self.now, self.before))
        keys, now, before = parts
        return SignalBook(keys=keys, now=now, before=before)

    def write(self, folder: Path, name: str) -> None:
        """Write the book whole, or not at all; StoreError when it cannot be written."""
        parts = (self.keys.add_prefix(KEY), self.now.add_prefix(NOW), self.before.add_prefix(BEFORE))
        target, partial = file_of(folder, name), folder / f".{uuid4().hex}.partial"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pd.concat(parts, axis=1).to_parquet(partial, index=False)
            partial.replace(target)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path, name: str) -> "SignalBook":
        """Read the book of a run; StoreError when it is not there."""
        path = file_of(folder, name)
        try:
            frame = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the signals of the scored book, {path}, cannot be read; `ebb score` writes them"
            ) from error
        keys, now, before = (_part(frame, prefix) for prefix in (KEY, NOW, BEFORE))
        return cls(keys=keys, now=now, before=before)


def _part(frame: pd.DataFrame, prefix: str) -> pd.DataFrame:
    names = [name for name in map(str, frame.columns) if name.startswith(prefix)]
    return frame[names].set_axis([name.removeprefix(prefix) for name in names], axis=1)


def file_of(folder: Path, name: str) -> Path:
    """Where a book stands."""
    return folder / f"{name}.parquet"


def forget_old(folder: Path) -> None:
    """Remove all but the latest books; scores themselves are never removed."""
    books = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    for path in books[:-KEPT]:
        path.unlink(missing_ok=True)
        path.with_suffix(".forecast.json").unlink(missing_ok=True)

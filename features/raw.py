"""What a source hands over: one query per table, before any cast."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from features.engines.duckdb import DuckEngine


@dataclass(frozen=True, kw_only=True)
class Raw:
    """One table as the source has it.

    ``sql`` is a query of every column by Ebb's name, in whatever type the source has, plus ``_file`` (VARCHAR) and
    ``_row`` (BIGINT, 1 = the first data row of that file). ``broken`` is a query of ``_file, _row, _line, reason`` for
    the lines that could not be split into columns. ``in_place`` names the Parquet files that the query does no more
    than read: no copy need be kept of rows that are all usable. ``scratch`` names tables to drop once the table
    has been taken in.
    """

    sql: str
    columns: tuple[str, ...]
    broken: str | None = None
    scratch: tuple[str, ...] = ()
    in_place: tuple[Path, ...] = ()


class Source(Protocol):
    """A place facts come from."""

    @property
    def name(self) -> str:
        """What people call it: `files`, `simulated`."""
        ...

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """The tables it has, by the names of `features.domain`. Raises SourceError."""
        ...

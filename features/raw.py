"""What a source hands over: one query per table, before any cast."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from features.domain import TABLES
from features.engines.duckdb import DuckEngine

ORDER = tuple(sorted((table.name for table in TABLES), key=lambda name: name != "accounts"))
"""The tables as they are taken in: accounts first, for the others are checked against them."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """One table as the source has it.

    ``sql`` is a query of every column by Ebb's name, in whatever type the source has, plus ``_file`` (VARCHAR) and
    ``_row`` (BIGINT, 1 = the first data row of that file). ``broken`` is a query of ``_file, _row, _line, reason`` for
    the lines that could not be split into columns, ``unmapped`` one of the records that no account could be found for.
    ``in_place`` are the Parquet files that the query does no more than read, by what `_file` calls them, and ``reads``
    is what it reads of each: no copy need be made of their rows, and a condition on `filename` and `file_row_number`
    may follow the query. ``scratch`` names tables to drop once the table has been taken in.
    """

    sql: str
    columns: tuple[str, ...]
    broken: str | None = None
    unmapped: str | None = None
    scratch: tuple[str, ...] = ()
    in_place: Mapping[str, Path] = field(default_factory=dict)
    reads: str = ""


class Source(Protocol):
    """A place facts come from."""

    @property
    def name(self) -> str:
        """What people call it: `files`, `simulated`."""
        ...

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """The tables it has, by the names of `features.domain`. Raises SourceError."""
        ...


def sharing(raws: Mapping[str, Raw], scratch: tuple[str, ...]) -> Mapping[str, Raw]:
    """The tables of a source that all stand on the same scratch tables: the one taken in last gives them up."""
    last = max(raws, key=ORDER.index)
    return {**raws, last: replace(raws[last], scratch=(*raws[last].scratch, *scratch))}

"""Text files: opened plain or gzipped, as UTF-8; and the table of text cells that they are read into."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd

from features.engines.duckdb import DuckEngine, identifier, quoted
from features.errors import SourceError
from features.raw import Raw


@dataclass(frozen=True, kw_only=True)
class BrokenLine:
    """A line that could not be split into columns."""

    row: int
    line: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A scratch table of text cells with `_file` and `_row`, and one of the broken lines."""

    table: str
    engine: DuckEngine

    @property
    def cells(self) -> str:
        """The table of the lines that could be split."""
        return f"_text_{self.table}"

    @property
    def lines(self) -> str:
        """The table of the lines that could not."""
        return f"_broken_{self.table}"

    def create(self, columns: Sequence[str]) -> None:
        """Create both, empty, with these columns of text."""
        declared = ", ".join(f"{identifier(name)} VARCHAR" for name in (*columns, "_file"))
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {self.cells} ({declared}, _row BIGINT)")
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.lines} (_file VARCHAR, _row BIGINT, _line VARCHAR, reason VARCHAR)"
        )

    def add_broken(self, file: str, broken: Sequence[BrokenLine]) -> None:
        """Keep the broken lines of one file."""
        if not broken:
            return
        rows = [(file, line.row, line.line, line.reason) for line in broken]
        self.engine.register("_batch", pd.DataFrame(rows, columns=["_file", "_row", "_line", "reason"]))
        self.engine.execute(f"INSERT INTO {self.lines} BY NAME FROM _batch")
        self.engine.execute("DROP TABLE _batch")

    def fill(self, file: str, values: Mapping[str, str | None]) -> None:
        """Give every row of one file the same value in these columns."""
        if values:
            cells = ", ".join(f"{identifier(k)} = {'NULL' if v is None else quoted(v)}" for k, v in values.items())
            self.engine.execute(f"UPDATE {self.cells} SET {cells} WHERE _file = {quoted(file)}")

    def raw(self, columns: Sequence[str]) -> Raw:
        """What the source hands over."""
        held = bool(self.engine.rows(f"SELECT 1 FROM {self.lines} LIMIT 1"))
        return Raw(
            sql=f"SELECT * FROM {self.cells}",
            columns=tuple(columns),
            broken=f"SELECT * FROM {self.lines}" if held else None,
            scratch=(self.cells, self.lines),
        )


def opened(path: Path) -> IO[str]:
    """The file as text, without a byte-order mark, its line ends as they are."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def complain_of_encoding(path: Path, label: str) -> None:
    """Raise a SourceError naming the first line that is not UTF-8, if there is one."""
    with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise SourceError(f"{label} line {number} is not UTF-8 text; save the file as UTF-8") from None

"""A file of the whole scored book, CSV or Parquet, for a warehouse, a spreadsheet or another program.

CSV as RFC 4180 has it, in UTF-8. A text that begins as a formula gets an apostrophe, as OWASP's "CSV Injection" has it:
no spreadsheet runs what somebody wrote into the name of an account.
"""

# ruff: noqa: RUF009 -- setting() declares a field, as dataclasses.field does

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from features.errors import SettingsError
from serving.config import setting
from serving.output import cell
from serving.push.parcels import Book, Parcel
from serving.push.record import COLUMNS, beside, record
from serving.push.replaced import Replaced

SUFFIXES: Final = (".csv", ".parquet")
NUMBERS: Final = ("risk", "arr", "arr_at_risk")


@dataclass(frozen=True, kw_only=True)
class File(Replaced):
    """The book as a CSV or Parquet file."""

    kind: ClassVar[str] = "file"
    writes: ClassVar[str] = "the whole book as CSV or Parquet, a row an account"
    limits: ClassVar[str] = "none; cells that begin a formula are neutralised in CSV"
    idempotent: ClassVar[str] = "replaced whole, in one step; the same book gives the same bytes"
    at_once: ClassVar[int] = 1

    name: str
    path: Path = setting(Path(), "the file; its ending says which: .csv or .parquet")

    def __post_init__(self) -> None:
        if self.path.suffix not in SUFFIXES:
            raise SettingsError(
                f"[destinations.{self.name}] path is {str(self.path)!r}, but should end in .csv or .parquet"
            )

    def parcels(self, book: Book) -> list[Parcel]:
        """One parcel, the file; it tells of its cutoff too, as whoever reads it must know how old it is."""
        rows = [{**record(item), **beside(book.run)} for item in book.items]
        return [Parcel(key="book", content={"rows": rows})]

    def write(self, parcel: Parcel, path: Path) -> None:
        """As the ending of the file says."""
        (_csv if self.path.suffix == ".csv" else _parquet)(path, parcel.content["rows"])


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(rows[0]) if rows else list(COLUMNS)


def _csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_columns(rows))
        writer.writerows([cell(value) for value in row.values()] for row in rows)


def _parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        **dict.fromkeys(_columns(rows), pa.string()),
        **dict.fromkeys(NUMBERS, pa.float64()),
        "reasons": pa.list_(pa.string()),
    }
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(list(kinds.items()))), path)

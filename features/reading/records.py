"""The records of an export: one JSON object each, whether the files are JSON Lines, JSON, CSV or Parquet."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import duckdb
import pandas as pd

from features.engines.duckdb import DuckEngine, identifier, quoted
from features.errors import SourceError
from features.reading import csv, documents, jsonl
from features.reading.names import listed
from features.reading.text import BrokenLine, TextTable, complain_of_encoding, opened

BATCH = 50_000
"""Elements of a document handed to the engine at a time."""

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
"""Endings of the files of exports; text files may be gzipped on top."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of one export in a scratch table: `_file`, `_row`, part (see `Export`), line (JSON text), good.

    ``broken`` is a query of those that could not be read, as `features.raw.Raw` wants it.
    """

    tool: str
    engine: DuckEngine

    @property
    def table(self) -> str:
        """The scratch table."""
        return f"_records_{self.tool}"

    @property
    def lines(self) -> str:
        """The scratch table of records that could not be read."""
        return f"_broken_{self.tool}"

    @property
    def broken(self) -> str:
        """What `features.raw.Raw.broken` wants."""
        return f"SELECT _file, _row, _line, reason FROM {self.lines}"


@dataclass(frozen=True, kw_only=True)
class Export:
    """A folder as a tool exported it, or one file of it.

    ``parts`` are the names of files or folders to read where the tool writes tables (CSV, Parquet): each of their
    records carries that name as its part; none given, all are read. ``named`` turns a column name of a table into the
    record's key.
    """

    tool: str
    folder: Path
    endings: tuple[str, ...] = ENDINGS
    parts: tuple[str, ...] = ()
    named: Callable[[str], str] = field(default=str)

    def read(self, engine: DuckEngine) -> Records:
        """Every record. Raises SourceError when the folder, its files or any record in them are missing."""
        records = Records(tool=self.tool, engine=engine)
        jsonl.create(records.table, engine)
        engine.execute(f"ALTER TABLE {records.table} ADD COLUMN part VARCHAR")
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {records.lines} (_file VARCHAR, _row BIGINT, _line VARCHAR, reason VARCHAR)"
        )
        for path in self._files():
            self._read(path, records)
        if not engine.rows(f"SELECT 1 FROM {records.table} UNION ALL SELECT 1 FROM {records.lines} LIMIT 1"):
            raise SourceError(f"the {self.tool} export in {self.folder} is empty: its files hold no record")
        return records

    def called(self, path: Path) -> str:
        """One file's name as messages give it."""
        return path.name if path == self.folder else path.relative_to(self.folder).as_posix()

    def _files(self) -> list[Path]:
        if not self.folder.exists():
            raise SourceError(f"{self.folder} is not there; it should be a {self.tool} export")
        there = [self.folder] if self.folder.is_file() else sorted(self.folder.rglob("*"))
        files = [path for path in there if path.is_file() and not path.name.startswith((".", "_"))]
        read = [path for path in files if self._ending(path) and (self._part(path) or not self._is_table(path))]
        if not read:
            named = f" named {', '.join(self.parts)}" * bool(self.parts)
            raise SourceError(
                f"{self.folder} holds no file of a {self.tool} export: looked for {', '.join(self.endings)} (text also "
                f"gzipped){named}; it holds {listed([self.called(path) for path in files])}"
            )
        return read

    def _ending(self, path: Path) -> str:
        name = path.name.lower().removesuffix(".gz")
        return next((ending for ending in self.endings if name.endswith(ending)), "")

    def _is_table(self, path: Path) -> bool:
        return self._ending(path) in (".csv", ".parquet") and bool(self.parts)

    def _part(self, path: Path) -> str:
        """The table a file belongs to: by its own name, or by that of a folder around it."""
        names = [path.name.split(".")[0], *(parent.name for parent in path.parents)]
        return next((part for name in names for part in self.parts if name.lower() == part.lower()), "")

    def _read(self, path: Path, records: Records) -> None:
        label, ending, part = self.called(path), self._ending(path), self._part(path)
        try:
            self._load(path, label, ending, records)
        except UnicodeDecodeError:
            complain_of_encoding(path, label)
            raise
        except (duckdb.Error, OSError, EOFError) as fault:
            told = str(fault).strip().splitlines()[0]
            raise SourceError(f"{label} cannot be read as {ending}: {told}") from fault
        records.engine.execute(f"UPDATE {records.table} SET part = {quoted(part)} WHERE part IS NULL")

    def _load(self, path: Path, label: str, ending: str, records: Records) -> None:
        if ending == ".csv":
            _read_csv(path, label, records, self.named)
        elif ending == ".parquet":
            _read_parquet(path, label, records)
        elif ending == ".json" and documents.is_document(path):
            _read_document(path, label, records)
        else:
            _read_lines(path, label, records)


def _read_lines(path: Path, label: str, records: Records) -> None:
    lines = f"{records.table}_lines"
    jsonl.create(lines, records.engine)
    jsonl.load(path, label, lines, records.engine)
    keep(lines, records, "it is not a JSON object")


def keep(lines: str, records: Records, reason: str) -> None:
    """Move lines to the records, the broken ones with their reason to the broken."""
    records.engine.execute(f"INSERT INTO {records.table} BY NAME SELECT * FROM {lines} WHERE good")
    records.engine.execute(
        f"INSERT INTO {records.lines} BY NAME SELECT _file, _row, line AS _line, {quoted(reason)} AS reason "
        f"FROM {lines} WHERE NOT good"
    )
    records.engine.execute(f"DROP TABLE {lines}")


def _read_document(path: Path, label: str, records: Records) -> None:
    with opened(path) as file:
        each = documents.elements(file.read())
    while batch := list(islice(each, BATCH)):
        _insert_elements(label, batch, records)


def _insert_elements(label: str, batch: list[documents.Element | BrokenLine], records: Records) -> None:
    good = [element for element in batch if not isinstance(element, BrokenLine)]
    if good:
        records.engine.register("_batch", pd.DataFrame(good, columns=["_row", "line"]))
        records.engine.execute(
            f"INSERT INTO {records.table} BY NAME SELECT *, {quoted(label)} AS _file, true AS good FROM _batch"
        )
        records.engine.execute("DROP TABLE _batch")
    broken = tuple(line for line in batch if isinstance(line, BrokenLine))
    TextTable(table=records.tool, engine=records.engine).add_broken(label, broken)


def _read_csv(path: Path, label: str, records: Records, named: Callable[[str], str]) -> None:
    head = csv.head(path, label)
    names = dict(zip(head.names, _unlike(named(name) for name in head.names), strict=True))
    text = TextTable(table=f"{records.tool}_csv", engine=records.engine)
    text.create(tuple(names.values()))
    csv.load(text, path, label, head, names)
    _insert_rows(text.cells, tuple(names.values()), "_file", "_row", records)
    records.engine.execute(f"INSERT INTO {records.lines} BY NAME SELECT * FROM {text.lines}")
    records.engine.execute(f"DROP TABLE {text.cells}")
    records.engine.execute(f"DROP TABLE {text.lines}")


def _read_parquet(path: Path, label: str, records: Records) -> None:
    scan = f"read_parquet({quoted(str(path))}, hive_partitioning = false)"
    names = tuple(str(row[0]) for row in records.engine.rows(f"DESCRIBE SELECT * FROM {scan}"))
    _insert_rows(scan, names, quoted(label), "file_row_number + 1", records)


def _insert_rows(relation: str, names: tuple[str, ...], file: str, row: str, records: Records) -> None:
    """Each row of a table as one JSON object."""
    packed = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in names)
    records.engine.execute(
        f"INSERT INTO {records.table} BY NAME SELECT {file} AS _file, {row} AS _row, "
        f"to_json(struct_pack({packed}))::VARCHAR AS line, true AS good FROM {relation}"
    )


def _unlike(names: Iterator[str]) -> Iterator[str]:
    """Names with a number behind those that come again, whatever their case."""
    seen: dict[str, int] = {}
    for name in names:
        count = seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        yield name if count == 1 else f"{name}_{count}"


def compact(name: str) -> str:
    """A label or an API name in one spelling: ``Close Date``, ``CloseDate`` and ``close_date`` are ``closedate``."""
    return re.sub(r"[^0-9a-z]", "", name.casefold()) or "_"


def at(*keys: str, of: str = "line") -> str:
    """The SQL of a value by its path of keys, as text; NULL where there is none or it is empty."""
    return f"nullif(json_extract_string({of}, {quoted(_pointer(keys))}), '')"


def json_at(*keys: str, of: str = "line") -> str:
    """The SQL of a JSON value by its path of keys."""
    return f"json_extract({of}, {quoted(_pointer(keys))})"


def first(*expressions: str) -> str:
    """The SQL of the first that is known."""
    return expressions[0] if len(expressions) == 1 else f"coalesce({', '.join(expressions)})"


def _pointer(keys: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)

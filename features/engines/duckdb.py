"""DuckDB: the embedded engine, one connection, spilling to a folder when memory runs short."""

import importlib.util
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd
import pyarrow as pa

from features.errors import SourceError


class DuckEngine:
    """One DuckDB connection, in UTC, that never fetches an extension from outside.

    ``spill`` is a folder for what does not fit in memory. Errors of DuckDB pass through unchanged.
    """

    in_parts = True
    """What is aggregated together then fits the processor's caches."""

    def __init__(self, *, spill: Path | None = None, threads: int | None = None, memory_limit: str | None = None):
        self._connection = duckdb.connect()
        self._held: dict[Path, tuple[int, Callable[[], object]]] = {}
        self.execute("SET TimeZone = 'UTC'")
        self.execute("SET autoinstall_known_extensions = false")
        # In a notebook without ipywidgets DuckDB has no progress bar, and refuses to have it switched off.
        with suppress(duckdb.InvalidInputException):
            self.execute("SET enable_progress_bar = false")
        if spill is not None:
            spill.mkdir(parents=True, exist_ok=True)
            self._connection.execute(f"SET temp_directory = {quoted(str(spill))}")
        if threads is not None:
            self._connection.execute(f"SET threads = {int(threads)}")
        if memory_limit is not None:
            self._connection.execute(f"SET memory_limit = {quoted(memory_limit)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()
        for _, let_go in self._held.values():
            let_go()
        self._held.clear()

    def holding(self, path: Path) -> int:
        """A descriptor of a file, opened once and kept, with any lock on it, as long as the engine is there."""
        if path not in self._held:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            self._held[path] = descriptor, weakref.finalize(self, os.close, descriptor)
        return self._held[path][0]

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement for its effect."""
        self._connection.execute(sql, list(parameters))

    @contextmanager
    def unordered(self) -> Iterator[None]:
        """Let statements give their rows in any order, unless they say one: nothing waits for the row before it."""
        self.execute("SET preserve_insertion_order = false")
        try:
            yield
        finally:
            self.execute("SET preserve_insertion_order = true")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run one query; its rows as plain tuples."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def load(self, extension: str) -> bool:
        """Load one of DuckDB's extensions where it is installed, in DuckDB's own folder or as a Python package."""
        for name in (extension, f"{extension}_scanner"):
            places = [name]
            package = importlib.util.find_spec(f"duckdb_extension_{name}")
            if package is not None and package.origin is not None:
                inside = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
                places.append(quoted(str(inside / f"{name}.duckdb_extension")))
            for place in places:
                with suppress(duckdb.Error):
                    self.execute(f"LOAD {place}")
                    return True
        return False

    def make_room(self, name: str) -> None:
        """Forget the table or view of that name."""
        for kind in ("TABLE", "VIEW"):
            # IF EXISTS minds one of the other kind.
            with suppress(duckdb.CatalogException):
                self.execute(f"DROP {kind} IF EXISTS {name}")

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Run one query; its rows as a data frame."""
        return self._connection.execute(sql, list(parameters)).df()

    def arrow(self, sql: str) -> pa.Table:
        """Run one query; its rows as an Arrow table."""
        return self._connection.execute(sql).to_arrow_table()

    def register(self, name: str, frame: pd.DataFrame) -> None:
        """Copy a data frame into a table of that name, replacing what was there."""
        self._connection.register("incoming", frame)
        self.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def append(self, name: str, rows: pa.Table) -> None:
        """Add an Arrow table's rows to a table that has its columns."""
        self._connection.register("incoming", rows)
        self.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        self._connection.unregister("incoming")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Faults of the files that are read as one SourceError line; those of a query pass through."""
    try:
        yield
    except duckdb.Error as fault:
        spoilt = (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException)
        # A page that cannot be decoded has no class of its own.
        if not isinstance(fault, spoilt) and type(fault) is not duckdb.Error:
            raise
        raise SourceError(f"{what} cannot be read: {str(fault).strip().splitlines()[0]}") from fault


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'

"""What the facts are, as one number: equal for equal content, whatever the file format or the order of rows."""

import hashlib
from collections.abc import Iterable, Mapping

from features.domain import TABLES
from features.engines import Engine
from features.engines.duckdb import identifier


def fingerprint(engine: Engine, totals: Mapping[str, tuple[int, int]]) -> str:
    """SHA-256 (hex) over every table's columns, types, number of rows and sum of row hashes.

    ``totals`` holds the last two for tables that were read already.
    """
    parts = [_of_table(table.name, engine, totals.get(table.name)) for table in TABLES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def total(columns: Iterable[str]) -> str:
    """The SQL of the sum of row hashes over some columns, in alphabetical order."""
    # A sum does not depend on the order of rows and, unlike an exclusive or, does not lose pairs of equal ones.
    return f"sum(hash({', '.join(identifier(column) for column in sorted(columns))}))"


def _of_table(name: str, engine: Engine, read: tuple[int, int] | None) -> str:
    columns = sorted((str(row[0]), str(row[1])) for row in engine.rows(f"DESCRIBE {name}"))
    count, hashes = read or engine.rows(f"SELECT count(*), {total(column for column, _ in columns)} FROM {name}")[0]
    return f"{name} {columns} {count} {hashes}"

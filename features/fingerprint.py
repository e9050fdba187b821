"""What the facts are, as one number: equal for equal content, whatever the file format or the order of rows."""

import hashlib

from features.domain import TABLES
from features.engines.duckdb import DuckEngine, identifier


def fingerprint(engine: DuckEngine) -> str:
    """SHA-256 (hex) over every table's columns, types, number of rows and sum of row hashes."""
    parts = [_of_table(table.name, engine) for table in TABLES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _of_table(name: str, engine: DuckEngine) -> str:
    columns = sorted((str(row[0]), str(row[1])) for row in engine.rows(f"DESCRIBE {name}"))
    cells = ", ".join(identifier(column) for column, _ in columns)
    # A sum does not depend on the order of rows and, unlike an exclusive or, does not lose pairs of equal ones.
    count, total = engine.rows(f"SELECT count(*), sum(hash({cells})) FROM {name}")[0]
    return f"{name} {columns} {count} {total}"

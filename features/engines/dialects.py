"""The plan in other engines' SQL, for a person to read."""

from typing import Final, Literal, get_args

import sqlglot
from sqlglot.errors import ErrorLevel

Dialect = Literal["duckdb", "spark", "snowflake", "bigquery", "postgres", "databricks"]

DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
"""What the plan is written in."""


def written(sql: str, dialect: Dialect) -> str:
    """One DuckDB statement in a dialect, indented."""
    return sqlglot.transpile(sql, read="duckdb", write=dialect, pretty=True, unsupported_level=ErrorLevel.IGNORE)[0]

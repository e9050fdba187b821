"""Casts: from whatever type a source has to the declared one, as SQL. What cannot be cast becomes NULL.

Times are turned to UTC; a text without an offset is UTC already. A time is accepted for a date and a date for a time.
NaN means "not known". An empty text is missing; an id is otherwise used as it is.
"""

from collections.abc import Mapping

from features.domain import Column, Kind
from features.engines.duckdb import identifier, quoted

NATIVE: Mapping[Kind, tuple[str, ...]] = {
    "text": (),
    "time": ("TIMESTAMP", "DATE"),
    "date": ("TIMESTAMP", "DATE"),
    "number": (
        "DOUBLE",
        "FLOAT",
        "DECIMAL",
        "BIGINT",
        "INTEGER",
        "SMALLINT",
        "TINYINT",
        "HUGEINT",
        "UBIGINT",
        "UINTEGER",
        "USMALLINT",
        "UTINYINT",
    ),
    "whole": ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT"),
    "flag": ("BOOLEAN",),
}
"""Beginnings of the DuckDB types that are cast straight; every other type is cast by way of its text."""

EXACT = 2**53
"""Whole numbers up to here are exact in a DOUBLE (IEEE 754), so an id read as 17.0 is 17."""


def typed(column: Column, source_type: str) -> str:
    """The SQL expression of the cell in the declared type; NULL where that is impossible."""
    cell = identifier(column.name)
    if column.kind == "text":
        return _one_of(column, as_text(column.name, source_type))
    if is_native(column.kind, source_type):
        return (
            cell
            if source_type == column.sql_type != "DOUBLE"
            else _known(column, f"TRY_CAST({cell} AS {column.sql_type})")
        )
    return _known(column, _from_text(column, f"trim({as_text(column.name, source_type)})"))


def is_native(kind: Kind, source_type: str) -> bool:
    """Whether the source's type is cast straight; a list of such a type is not."""
    return source_type.startswith(NATIVE[kind]) and not source_type.endswith("]")


def as_text(name: str, source_type: str) -> str:
    """The SQL expression of the cell as text; a whole number kept as a float loses its `.0`, an empty text is NULL."""
    cell = identifier(name)
    if source_type == "VARCHAR":
        return f"nullif({cell}, '')"
    if source_type in ("DOUBLE", "FLOAT"):
        whole = f"{cell} = trunc({cell}) AND abs({cell}) < {EXACT}"
        return f"CASE WHEN isnan({cell}) THEN NULL WHEN {whole} THEN {cell}::BIGINT::VARCHAR ELSE {cell}::VARCHAR END"
    return f"nullif({cell}::VARCHAR, '')"


def is_given(name: str, source_type: str) -> str:
    """The SQL condition that the cell holds something."""
    cell = identifier(name)
    if source_type in ("DOUBLE", "FLOAT"):
        return f"({cell} IS NOT NULL AND NOT isnan({cell}))"
    if source_type == "VARCHAR":
        return f"(trim({cell}) <> '' AND lower(trim({cell})) <> 'nan')"
    return f"{cell} IS NOT NULL"


def has_offset(text: str) -> str:
    """The SQL condition that a text time says its distance from UTC."""
    return f"regexp_matches({text}, '[0-9]:[0-9][0-9].*([zZ]|[+-][0-9]+(:?[0-9]+)*| [A-Za-z/_]+)\\s*$')"


def _from_text(column: Column, text: str) -> str:
    if column.kind == "time":
        # DuckDB wants seconds before an offset; ISO 8601 does not.
        seconds = f"regexp_replace({text}, '([0-9]:[0-9][0-9])([zZ+-]| [A-Za-z])', '\\1:00\\2')"
        return f"coalesce(TRY_CAST({text} AS TIMESTAMPTZ), TRY_CAST({seconds} AS TIMESTAMPTZ))::TIMESTAMP"
    if column.kind == "date":
        # A date cast takes the first ten characters and ignores what follows: a time after them must itself be one.
        odd = f"length({text}) > 10 AND TRY_CAST({text} AS TIMESTAMPTZ) IS NULL"
        return f"CASE WHEN {odd} THEN NULL ELSE TRY_CAST({text} AS DATE) END"
    if column.kind == "whole":
        number = f"TRY_CAST({text} AS DOUBLE)"
        return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"
    if column.kind == "flag":
        return f"TRY_CAST(regexp_replace({text}, '\\.0$', '') AS BOOLEAN)"
    return f"TRY_CAST({text} AS {column.sql_type})"


def _known(column: Column, value: str) -> str:
    if column.kind != "number":
        return value
    return f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"


def _one_of(column: Column, text: str) -> str:
    if not column.one_of:
        return text
    return (
        f"CASE WHEN lower(trim({text})) IN ({', '.join(quoted(v) for v in column.one_of)}) THEN lower(trim({text})) END"
    )

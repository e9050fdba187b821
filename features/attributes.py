"""Further columns of `accounts` and `traits`: kept under their own names, as numbers where every value is one."""

from collections.abc import Mapping

from features.conform import as_text, is_native
from features.domain import Table
from features.engines.duckdb import DuckEngine, identifier
from features.raw import Raw

PLAIN_NUMBER = "^\\s*[+-]?(0|[1-9][0-9]*)?(\\.[0-9]*)?([eE][+-]?[0-9]+)?\\s*$"
"""What a number looks like; a leading zero (a postal code, a telephone number) says that it is a label."""


def attributes(table: Table, raw: Raw, types: Mapping[str, str], engine: DuckEngine) -> Mapping[str, str]:
    """The SQL expression of each further column of an open table that holds anything: DOUBLE, BOOLEAN or VARCHAR."""
    declared = {column.name for column in table.columns} | {"known_at"}
    names = [name for name in types if name not in declared] if table.open_columns else []
    return {name: value for name in names if (value := _value(name, types[name], raw, engine)) is not None}


def _value(name: str, source_type: str, raw: Raw, engine: DuckEngine) -> str | None:
    text = as_text(name, source_type)
    number = f"TRY_CAST({text} AS DOUBLE)"
    plain = f"regexp_matches({text}, '{PLAIN_NUMBER}') AND isfinite({number})"
    held, numbers, flags = engine.rows(
        f"SELECT count({text}), bool_and(coalesce({plain}, false)) FILTER ({text} IS NOT NULL), "
        f"bool_and(lower({text}) IN ('true', 'false')) FROM ({raw.sql})"
    )[0]
    if not held:
        return None
    if is_native("number", source_type):
        cell = f"{identifier(name)}::DOUBLE"
        return f"CASE WHEN isfinite({cell}) THEN {cell} END"
    if numbers:
        return number
    return f"({text})::BOOLEAN" if flags else text

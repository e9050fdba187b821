"""Sifting one table in one pass: usable rows become the typed table, the others stay behind with their fault."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from features.attributes import attributes
from features.conform import is_given, typed
from features.domain import Column, Table
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.faults import GIVEN, RAW, Fault, faults, repeated
from features.fingerprint import total
from features.raw import Raw


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """What came of one table.

    ``unusable`` is a query of the raw cells (``raw …``), ``_file``, ``_row`` and ``_fault``, an index into ``faults``.
    ``filled`` counts each column's values and ``hashes`` sums row hashes where one pass told both, which it does when
    the table is only a view of files in place.
    """

    read: int
    accepted: int
    types: Mapping[str, str]
    columns: tuple[str, ...]
    faults: tuple[Fault, ...]
    unusable: str
    scratch: tuple[str, ...] = ()
    filled: Mapping[str, int] | None = None
    hashes: int = 0


def sift(table: Table, raw: Raw, engine: DuckEngine, *, now: date, accounts: bool) -> Sifted:
    """Create the typed table from the usable rows. ``accounts``: whether account ids can be looked up in `accounts`."""
    types = {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE {raw.sql}")}
    types = {name: types[name] for name in raw.columns}
    further = attributes(table, raw, types, engine)
    known_faults = faults(table, frozenset(types), now, accounts)
    checked = f"SELECT *, {_first_fault(known_faults)} AS _fault FROM ({_cells(table, raw, types, further)})"
    columns = (*(column.name for column in table.columns), *further)
    if raw.in_place and not table.key:
        found = Sifted(read=0, accepted=0, types=types, columns=columns, faults=known_faults, unusable="")
        view = _view(table, raw, engine, checked, further, found)
        if view is not None:
            return view
    scratch: tuple[str, ...] = ()
    if table.key:
        known_faults = (*known_faults, *repeated(table))
        scratch = (f"_checked_{table.name}",)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {scratch[0]} AS {_numbered(table, checked, len(known_faults))}")
        checked = f"SELECT * FROM {scratch[0]}"
    _make_room(table, engine)
    engine.execute(
        f"CREATE TABLE {table.name} AS SELECT {_final(table, further)} FROM ({checked}) WHERE _fault IS NULL"
    )
    if table.key:
        _keep_places(table, checked, engine)
    return Sifted(
        read=_count(engine, f"({raw.sql})"),
        accepted=_count(engine, table.name),
        types=types,
        columns=columns,
        faults=known_faults,
        unusable=f"SELECT * FROM ({checked}) WHERE _fault IS NOT NULL",
        scratch=scratch,
    )


def empty(table: Table, engine: DuckEngine) -> None:
    """Create the typed table of a table that the source does not have."""
    cells = ", ".join(f"NULL::{column.sql_type} AS {identifier(column.name)}" for column in table.columns)
    _make_room(table, engine)
    engine.execute(f"CREATE TABLE {table.name} AS SELECT {_final(table, {})} FROM (SELECT {cells}) WHERE false")


def _view(
    table: Table, raw: Raw, engine: DuckEngine, checked: str, further: Mapping[str, str], found: Sifted
) -> Sifted | None:
    """A view in place of a copy, when one pass over the files finds no unusable row."""
    final = f"SELECT {_final(table, further)}, _fault FROM ({checked})"
    names = (*found.columns, *(() if "known_at" in found.columns else ("known_at",)))
    counts = ", ".join(f"count({identifier(name)})" for name in found.columns)
    read, unusable, hashes, *filled = engine.rows(
        f"SELECT count(*), count(_fault), {total(names)}, {counts} FROM ({final})"
    )[0]
    if unusable:
        return None
    _make_room(table, engine)
    cells = _cells(table, raw, found.types, further)
    engine.execute(f"CREATE VIEW {table.name} AS SELECT {_final(table, further)} FROM ({cells})")
    values = {name: int(str(count)) for name, count in zip(found.columns, filled, strict=True)}
    return replace(found, read=int(str(read)), accepted=int(str(read)), filled=values, hashes=int(str(hashes or 0)))


def _make_room(table: Table, engine: DuckEngine) -> None:
    """Forget the table of an earlier intake, whether it was one or a view."""
    for (kind,) in engine.rows(
        f"SELECT table_type FROM information_schema.tables WHERE table_name = {quoted(table.name)} "
        "AND table_schema = current_schema() AND table_catalog = current_catalog()"
    ):
        engine.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {table.name}")


def _keep_places(table: Table, checked: str, engine: DuckEngine) -> None:
    """Remember file and row of every accepted key, so that findings beyond single rows can name them."""
    key = ", ".join(identifier(name) for name in table.key)
    engine.execute(
        f"CREATE OR REPLACE TABLE places_{table.name} AS "
        f"SELECT {key}, _file, _row FROM ({checked}) WHERE _fault IS NULL"
    )


def _cells(table: Table, raw: Raw, types: Mapping[str, str], further: Mapping[str, str]) -> str:
    """Each row's raw cells, whether they hold something, and the cells in their declared types."""
    cells = ["_file", "_row"]
    cells += [f"{identifier(name)} AS {identifier(RAW + name)}" for name in raw.columns]
    for column in table.columns:
        cells.append(f"{_cell(column, types)} AS {identifier(column.name)}")
        if column.name in types:
            cells.append(f"{is_given(column.name, types[column.name])} AS {identifier(GIVEN + column.name)}")
    cells += [f"{value} AS {identifier(name)}" for name, value in further.items()]
    return f"SELECT {', '.join(cells)} FROM ({raw.sql})"


def _cell(column: Column, types: Mapping[str, str]) -> str:
    if column.name not in types:
        return f"NULL::{column.sql_type}"
    return typed(column, types[column.name])


def _first_fault(known: tuple[Fault, ...]) -> str:
    cases = " ".join(f"WHEN {fault.when} THEN {index}" for index, fault in enumerate(known))
    return f"CASE {cases} END::UTINYINT"


def _numbered(table: Table, checked: str, count: int) -> str:
    """Usable rows that repeat an earlier key get one of the last two faults: the same row, or another of that key."""
    key = ", ".join(identifier(name) for name in table.key)
    cells = ", ".join(identifier(column.name) for column in table.columns)
    again = f"CASE WHEN hash({cells}) = first_value(hash({cells})) OVER same THEN {count - 2} ELSE {count - 1} END"
    return (
        f"SELECT * REPLACE (CASE WHEN _fault IS NULL AND row_number() OVER same > 1 THEN {again} "
        "ELSE _fault END AS _fault), "
        f"first_value(_file) OVER same AS _first_file, first_value(_row) OVER same AS _first_row FROM ({checked}) "
        f"WINDOW same AS (PARTITION BY {key}, _fault IS NULL ORDER BY _file, _row)"
    )


def _final(table: Table, further: Mapping[str, str]) -> str:
    cells = [_filled(column) for column in table.columns if column.name != "known_at"]
    cells += [identifier(name) for name in further]
    return ", ".join([*cells, f"{table.known_at} AS known_at"])


def _filled(column: Column) -> str:
    name = identifier(column.name)
    return name if column.default is None else f"coalesce({name}, {column.default})::{column.sql_type} AS {name}"


def _count(engine: DuckEngine, relation: str) -> int:
    return int(str(engine.rows(f"SELECT count(*) FROM {relation}")[0][0]))

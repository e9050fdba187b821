"""Sifting one table: usable rows become the typed table, the others stay behind with their fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from features.attributes import attributes
from features.checked import Checked, final
from features.domain import Table
from features.engines.duckdb import DuckEngine, identifier
from features.faults import faults, repeated
from features.keeping.checks import ASIDE, OF_PIECE, Found, KeptChecks
from features.raw import Raw
from features.tally import Tally, added, tallies


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """What came of one table.

    ``aside`` is a query of the rows that cannot be used, as they are set aside; ``tally`` is there where one pass told
    it, which it does when the table is only a view of files in place; ``found`` says it of every row group, where that
    is kept.
    """

    read: int
    accepted: int
    types: Mapping[str, str]
    columns: tuple[str, ...]
    aside: str
    scratch: tuple[str, ...] = ()
    tally: Tally | None = None
    found: Found | None = None


def sift(
    table: Table, raw: Raw, engine: DuckEngine, *, now: date, accounts: bool, keep: KeptChecks | None = None
) -> Sifted:
    """Create the typed table from the usable rows.

    ``accounts`` says whether account ids can be looked up in `accounts`; ``keep`` is where what is found in the row
    groups of files in place is kept.
    """
    types = {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE {raw.sql}")}
    types = {name: types[name] for name in raw.columns}
    further = attributes(table, raw, types, engine)
    known = faults(table, frozenset(types), now, accounts)
    if table.key:
        checked = Checked(table=table, raw=raw, types=types, further=further, faults=(*known, *repeated(table)))
        return _keyed(checked, engine)
    checked = Checked(table=table, raw=raw, types=types, further=further, faults=known)
    if raw.in_place:
        return _in_place(checked, engine) if keep is None else _kept(checked, engine, now, keep)
    return _copied(checked, engine, checked.rows())


def empty(table: Table, engine: DuckEngine) -> None:
    """Create the typed table of a table that the source does not have."""
    cells = ", ".join(f"NULL::{column.sql_type} AS {identifier(column.name)}" for column in table.columns)
    engine.make_room(table.name)
    engine.execute(f"CREATE TABLE {table.name} AS SELECT {final(table, {})} FROM (SELECT {cells}) WHERE false")


def _keyed(checked: Checked, engine: DuckEngine) -> Sifted:
    """A table whose rows must not repeat a key; file and row of every accepted key are remembered for findings."""
    table, held = checked.table, f"_checked_{checked.table.name}"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {held} AS {_numbered(checked)}")
    sifted = _copied(checked, engine, f"SELECT * FROM {held}", scratch=(held,))
    key = ", ".join(identifier(name) for name in table.key)
    engine.execute(
        f"CREATE OR REPLACE TABLE places_{table.name} AS SELECT {key}, _file, _row FROM {held} WHERE _fault IS NULL"
    )
    return sifted


def _copied(checked: Checked, engine: DuckEngine, rows: str, scratch: tuple[str, ...] = ()) -> Sifted:
    """The usable of some checked rows as a table of its own."""
    table = checked.table
    engine.make_room(table.name)
    usable = f"SELECT {final(table, checked.further)} FROM ({rows}) WHERE _fault IS NULL"
    engine.execute(f"CREATE TABLE {table.name} AS {usable}")
    return Sifted(
        read=_count(engine, f"({checked.raw.sql})"),
        accepted=_count(engine, table.name),
        types=checked.types,
        columns=checked.columns,
        aside=checked.reasons(f"SELECT * FROM ({rows}) WHERE _fault IS NOT NULL"),
        scratch=scratch,
    )


def _in_place(checked: Checked, engine: DuckEngine) -> Sifted:
    """A view of the files, once one pass over them has told which rows to leave out."""
    tally = added(tallies(checked, engine).values())
    aside = f"_aside_{checked.table.name}"
    if tally.accepted < tally.read:
        unusable = f"SELECT * FROM ({checked.rows()}) WHERE _fault IS NOT NULL"
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {aside} AS {checked.reasons(unusable)}")
    return _viewed(checked, engine, tally, aside, f"SELECT * FROM {aside}")


def _kept(checked: Checked, engine: DuckEngine, now: date, keep: KeptChecks) -> Sifted:
    """The same, of which only the row groups that were not there before are read."""
    found = keep.check(checked, engine, now)
    tally = added(one.tally for one in found.seen.values())
    return _viewed(checked, engine, tally, ASIDE, f"SELECT * EXCLUDE ({OF_PIECE}) FROM {ASIDE}", found)


def _viewed(
    checked: Checked, engine: DuckEngine, tally: Tally, aside: str, rows: str, found: Found | None = None
) -> Sifted:
    table = checked.table
    engine.make_room(table.name)
    left_out = f" ANTI JOIN (SELECT _file, _row FROM {aside}) USING (_file, _row)"
    cells = f"({checked.cells()})" + left_out * (tally.accepted < tally.read)
    # A view of what lies in a temporary table can only be temporary itself.
    kind = "TEMP VIEW" if tally.accepted < tally.read else "VIEW"
    engine.execute(f"CREATE {kind} {table.name} AS SELECT {final(table, checked.further)} FROM {cells}")
    return Sifted(
        read=tally.read,
        accepted=tally.accepted,
        types=checked.types,
        columns=checked.columns,
        aside=rows,
        tally=tally,
        found=found,
    )


def _numbered(checked: Checked) -> str:
    """Usable rows that repeat an earlier key get one of the last two faults: the same row, or another of that key."""
    table, count = checked.table, len(checked.faults)
    key = ", ".join(identifier(name) for name in table.key)
    cells = ", ".join(identifier(column.name) for column in table.columns)
    again = f"CASE WHEN hash({cells}) = first_value(hash({cells})) OVER same THEN {count - 2} ELSE {count - 1} END"
    return (
        f"SELECT * REPLACE (CASE WHEN _fault IS NULL AND row_number() OVER same > 1 THEN {again} "
        "ELSE _fault END AS _fault), "
        "first_value(_file) OVER same AS _first_file, first_value(_row) OVER same AS _first_row "
        f"FROM ({checked.rows()}) WINDOW same AS (PARTITION BY {key}, _fault IS NULL ORDER BY _file, _row)"
    )


def _count(engine: DuckEngine, relation: str) -> int:
    return int(str(engine.rows(f"SELECT count(*) FROM {relation}")[0][0]))

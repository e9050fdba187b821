"""Times of which some say their distance from UTC and some do not, in one column."""

from collections.abc import Mapping

from features.conform import has_offset, typed
from features.domain import Table
from features.engines.duckdb import DuckEngine, identifier
from features.facts import Finding
from features.raw import Raw


def mixed_zones(table: Table, raw: Raw, types: Mapping[str, str], engine: DuckEngine) -> list[Finding]:
    """One finding for each column of mixed times; it counts those without a zone, which are read as UTC."""
    texts = [c.name for c in table.columns if c.kind == "time" and types.get(c.name) == "VARCHAR"]
    found = (_finding(table, name, raw, engine) for name in texts)
    return [finding for finding in found if finding is not None]


def _finding(table: Table, name: str, raw: Raw, engine: DuckEngine) -> Finding | None:
    cell = identifier(name)
    bare, zoned, first = engine.rows(
        f"SELECT count(*) FILTER (NOT zoned), count(*) FILTER (zoned), min((_file, _row)) FILTER (NOT zoned) "
        f"FROM (SELECT _file, _row, {has_offset(cell)} AS zoned FROM ({raw.sql}) "
        f"WHERE {typed(table.column(name), 'VARCHAR')} IS NOT NULL)"
    )[0]
    if not bare or not zoned or not isinstance(first, tuple):
        return None
    return Finding(
        kind="mixed time zones",
        table=table.name,
        count=int(str(bare)),
        sentence=f"{bare} times in {name} name no time zone and {zoned} do; those without were read as UTC",
        file=str(first[0]),
        row=int(first[1]),
    )

"""The rows of one table as SQL: their raw cells, the cells in their declared types, and the first fault of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.conform import is_given, typed
from features.domain import Column, Table
from features.engines.duckdb import identifier, quoted
from features.faults import GIVEN, RAW, Fault
from features.raw import Raw

OURS = ("_file", "_row", "_line", "kind", "reason")
"""Columns of a rejected row that are not the source's."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How the rows of a table are cast and checked.

    ``types`` are those of the source's columns, ``further`` the SQL of columns that are not declared, ``faults`` the
    ways in which a row can be unusable. A method's ``where`` narrows a raw query that allows it (see `Raw`).
    """

    table: Table
    raw: Raw
    types: Mapping[str, str]
    further: Mapping[str, str]
    faults: tuple[Fault, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the typed table but for a ``known_at`` that is not declared."""
        return (*(column.name for column in self.table.columns), *self.further)

    def cells(self, where: str = "") -> str:
        """Each row's raw cells, whether they hold something, and the cells in their declared types."""
        cells = ["_file", "_row"]
        cells += [f"{identifier(name)} AS {identifier(RAW + name)}" for name in self.raw.columns]
        for column in self.table.columns:
            cells.append(f"{_cell(column, self.types)} AS {identifier(column.name)}")
            if column.name in self.types:
                given = is_given(column.name, self.types[column.name])
                cells.append(f"{given} AS {identifier(GIVEN + column.name)}")
        cells += [f"{value} AS {identifier(name)}" for name, value in self.further.items()]
        return f"SELECT {', '.join(cells)} FROM ({self.raw.sql} {where})"

    def rows(self, where: str = "") -> str:
        """The same with ``_fault``, an index into the faults, NULL for a usable row."""
        cases = " ".join(f"WHEN {fault.when} THEN {index}" for index, fault in enumerate(self.faults))
        return f"SELECT *, CASE {cases} END::UTINYINT AS _fault FROM ({self.cells(where)})"

    def reasons(self, unusable: str) -> str:
        """Unusable rows as they are set aside: the source's cells as texts, then file, row, kind and reason."""
        cells = [f"{identifier(RAW + name)}::VARCHAR AS {identifier(_apart(name))}" for name in self.raw.columns]
        kinds = " ".join(f"WHEN {index} THEN {quoted(fault.kind)}" for index, fault in enumerate(self.faults))
        reasons = " ".join(f"WHEN {index} THEN {fault.reason}" for index, fault in enumerate(self.faults))
        cells += [
            "_file",
            "_row",
            "NULL::VARCHAR AS _line",
            f"CASE _fault {kinds} END AS kind",
            f"CASE _fault {reasons} END AS reason",
        ]
        return f"SELECT {', '.join(cells)} FROM ({unusable})"


def final(table: Table, further: Mapping[str, str]) -> str:
    """The select list from typed cells to the columns of the table, defaults filled in."""
    cells = [_filled(column) for column in table.columns if column.name != "known_at"]
    cells += [identifier(name) for name in further]
    return ", ".join([*cells, f"{table.known_at} AS known_at"])


def _cell(column: Column, types: Mapping[str, str]) -> str:
    if column.name not in types:
        return f"NULL::{column.sql_type}"
    return typed(column, types[column.name])


def _filled(column: Column) -> str:
    name = identifier(column.name)
    return name if column.default is None else f"coalesce({name}, {column.default})::{column.sql_type} AS {name}"


def _apart(name: str) -> str:
    return f"their_{name}" if name.casefold() in OURS else name

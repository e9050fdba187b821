"""From the columns a file has to Ebb's names for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.domain import TABLES, Table
from features.engines.duckdb import identifier
from features.errors import SourceError

SHOWN = 12
"""How many names an error lists before it stops."""

RESERVED = ("_file", "_row", "_line")
"""Names that say where a row came from; a file's own columns of these names are left out."""


def listed(names: Sequence[str]) -> str:
    """Names for a message: all of a few, the first of many, or `nothing`."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "nothing"


@dataclass(frozen=True, kw_only=True)
class Renaming:
    """The column map of one table: their name to our name."""

    table: Table
    ours: Mapping[str, str]

    def names(self, theirs: Sequence[str], label: str) -> Mapping[str, str]:
        """Our name for each of their columns that is used.

        Upper and lower case and blanks around a name do not matter. A mapped column displaces one that has the name.
        Raises SourceError when a required column is missing or the map names a column that is not there.
        """
        unknown = [name for name in self.ours if name not in theirs]
        if unknown:
            raise SourceError(
                f"the column map of {self.table.name} names {unknown[0]}, which {label} does not have; "
                f"it has {listed(list(theirs))}"
            )
        declared = {column.name for column in self.table.columns}
        taken = {ours.casefold() for ours in self.ours.values()}
        named: dict[str, str] = {}
        for their in theirs:
            tidy = their.strip()
            ours = tidy.casefold() if tidy.casefold() in declared else tidy
            if their in self.ours:
                named[their] = self.ours[their]
            elif ours.casefold() not in taken and ours and ours not in RESERVED:
                taken.add(ours.casefold())
                named[their] = ours
        self._complain(tuple(named.values()), theirs, label)
        return named

    def _complain(self, named: Sequence[str], theirs: Sequence[str], label: str) -> None:
        missing = [name for name in self.table.required_columns if name not in named]
        if missing:
            raise SourceError(
                f"{label} has no column {' and no column '.join(missing)}; it has {listed(list(theirs))}. "
                "If one of these is it, say so in ebb.toml: "
                f'[data.columns.{self.table.name}] "their name" = "{missing[0]}"'
            )


def renamings(columns: Mapping[str, Mapping[str, str]]) -> Mapping[str, Renaming]:
    """The column map of every table. Raises SourceError when it names a table or column that Ebb does not know."""
    known = [table.name for table in TABLES]
    for name in columns:
        if name not in known:
            raise SourceError(f"the column map names a table {name}; Ebb knows {', '.join(known)}")
    made = {table.name: Renaming(table=table, ours=dict(columns.get(table.name, {}))) for table in TABLES}
    for renaming in made.values():
        _check(renaming)
    return made


def _check(renaming: Renaming) -> None:
    declared = [column.name for column in renaming.table.columns]
    seen: set[str] = set()
    for their, ours in renaming.ours.items():
        if ours not in declared and not renaming.table.open_columns:
            raise SourceError(
                f"the column map of {renaming.table.name} calls {their} {ours}; Ebb knows {', '.join(declared)}"
            )
        if ours in seen:
            raise SourceError(f"the column map of {renaming.table.name} gives {ours} twice")
        seen.add(ours)


def renamed(names: Mapping[str, str]) -> str:
    """The select list that gives each column its name in Ebb."""
    return ", ".join(f"{identifier(their)} AS {identifier(ours)}" for their, ours in names.items())

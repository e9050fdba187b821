"""Facts from a folder of Parquet, CSV or JSON Lines files, one file (or folder of files) per table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from features.engines.duckdb import DuckEngine
from features.errors import SourceError
from features.raw import Raw
from features.reading.names import Renaming, renamings
from features.sources.files import csv, jsonl, parquet, remote
from features.sources.files.folder import TableFiles, find, is_remote

READERS: Mapping[str, Callable[[TableFiles, Renaming, DuckEngine], Raw]] = {
    "Parquet": parquet.read,
    "CSV": csv.read,
    "JSON Lines": jsonl.read,
}


@dataclass(frozen=True, kw_only=True)
class Files:
    """A folder of files named as the tables: ``events.parquet``, ``contracts.csv``, ``events/*.jsonl``.

    A table may be one file, a folder of them (also partitioned: ``events/year=2026/…``), or lie elsewhere: ``places``
    names a file, a folder, a pattern or an ``s3://`` address for it. ``columns`` maps, for each table, the names in the
    file to Ebb's names. ``elsewhere`` names tables that another engine reads.
    """

    folder: Path
    places: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return "files"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """The tables of the folder. Raises SourceError when the folder, a file or a required column is not there."""
        renaming = renamings(self.columns)
        for name in self.places:
            if name not in renaming:
                raise SourceError(f"a place is given for a table {name}; Ebb knows {', '.join(renaming)}")
        found = {
            files.table.name: _read(files, renaming[files.table.name], engine)
            for files in find(self.folder, self.places)
            if files.table.name not in self.elsewhere
        }
        for name, place in self.places.items():
            if is_remote(place) and name not in self.elsewhere:
                found[name] = remote.read(place, renaming[name], engine)
        return found

    def parquet(self, name: str) -> tuple[str, ...]:
        """The addresses of a table's Parquet files, or the one given as its place; none where it is not Parquet."""
        place = self.places.get(name, "")
        if is_remote(place):
            return (place,)
        held = [files for files in find(self.folder, self.places) if files.table.name == name]
        # Hadoop takes an address as it is written: a space or a plus in it is not encoded.
        return tuple(f"file://{path.absolute()}" for files in held if files.format == "Parquet" for path in files.paths)


def _read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    try:
        return READERS[files.format](files, renaming, engine)
    except (duckdb.Error, OSError, EOFError) as fault:
        told = str(fault).strip().splitlines()[0]
        raise SourceError(f"{files.label} cannot be read as {files.format}: {told}") from fault

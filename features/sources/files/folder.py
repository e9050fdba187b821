"""Which files of a folder hold which table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.domain import TABLES, Table
from features.errors import SourceError
from features.reading.names import listed

FORMATS: Mapping[str, str] = {
    ".parquet": "Parquet",
    ".csv": "CSV",
    ".csv.gz": "CSV",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".jsonl.gz": "JSON Lines",
    ".ndjson.gz": "JSON Lines",
}
"""How a file's name ends, and what it then is."""


@dataclass(frozen=True, kw_only=True)
class TableFiles:
    """The files of one table, all of one format."""

    table: Table
    format: str
    folder: Path
    paths: tuple[Path, ...]

    @property
    def label(self) -> str:
        """What messages call them: ``events.csv`` or ``events/ (12 files)``."""
        first = self.called(self.paths[0])
        return first if len(self.paths) == 1 else f"{self.table.name}/ ({len(self.paths)} files)"

    def called(self, path: Path) -> str:
        """One file's name as messages and findings give it, with forward slashes."""
        return path.relative_to(self.folder).as_posix()


def find(folder: Path) -> tuple[TableFiles, ...]:
    """The tables of a folder. Raises SourceError when there is no folder, no known table or no events."""
    if not folder.is_dir():
        raise SourceError(
            f"{folder} is {'a file, not' if folder.exists() else 'not there; it should be'} a folder of data files"
        )
    found = tuple(files for table in TABLES if (files := _files_of(table, folder)) is not None)
    missing = [table.name for table in TABLES if table.required and table.name not in {f.table.name for f in found}]
    if missing:
        there = listed(sorted(path.name + "/" * path.is_dir() for path in folder.iterdir()))
        looked = ", ".join(f"{missing[0]}{ending}" for ending in (".parquet", ".csv", ".jsonl"))
        raise SourceError(
            f"{folder} has no {missing[0]} table: looked for {looked} or a folder {missing[0]}/; it holds {there}"
        )
    return found


def _files_of(table: Table, folder: Path) -> TableFiles | None:
    paths = [path for ending in FORMATS if (path := folder / f"{table.name}{ending}").is_file()]
    if (folder / table.name).is_dir():
        inside = sorted((folder / table.name).rglob("*"))
        paths += [path for path in inside if path.is_file() and _format(path) is not None]
    if not paths:
        return None
    places = {path.parent if path.parent == folder else folder / table.name for path in paths}
    formats = {found for path in paths if (found := _format(path)) is not None}
    single = [path for path in paths if path.parent == folder]
    if len(formats) > 1 or len(places) > 1 or len(single) > 1:
        there = listed([path.relative_to(folder).as_posix() for path in paths])
        raise SourceError(f"{folder} has {table.name} more than once: {there}; keep one of them")
    return TableFiles(table=table, format=formats.pop(), folder=folder, paths=tuple(paths))


def _format(path: Path) -> str | None:
    endings = [ending for ending in FORMATS if path.name.lower().endswith(ending)]
    return FORMATS[endings[0]] if endings and not path.name.startswith((".", "_")) else None

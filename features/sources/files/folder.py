"""Which files of a folder hold which table."""

from collections.abc import Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from urllib.parse import unquote

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


NAMES = tuple(table.name for table in TABLES)

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""How a partitioned folder writes that a value is not known."""


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
        return (path.relative_to(self.folder) if path.is_relative_to(self.folder) else path).as_posix()

    def partitions(self, path: Path) -> Mapping[str, str | None]:
        """What the names of the folders around a file say: ``country=de/`` is a column `country`."""
        inside = Path(self.called(path)).parts[:-1]
        pairs = (part.split("=", 1) for part in inside if "=" in part)
        return {unquote(key): None if value == NO_PARTITION else unquote(value) for key, value in pairs}


def find(folder: Path, places: Mapping[str, str]) -> tuple[TableFiles, ...]:
    """The tables of a folder; ``places`` names a file, a folder or a pattern (`*`) for those that lie elsewhere.

    Raises SourceError when there is no folder, no known table or no events.
    """
    whole = folder.is_dir()
    if (name := folder.name.split(".")[0]) in NAMES and folder.is_file() and _format(folder):
        folder, places = folder.parent, {name: folder.name, **places}
    elif not whole and not places:
        raise SourceError(
            f"{folder} is {'a file, not' if folder.exists() else 'not there; it should be'} a folder of data files"
        )
    tables = [table for table in TABLES if not is_remote(places.get(table.name, ""))]
    looked_up = (
        _placed(t, folder, places) if t.name in places else (_files_of(t, folder) if whole else None) for t in tables
    )
    found = tuple(files for files in looked_up if files)
    there_are = {files.table.name for files in found} | set(places)
    missing = [table.name for table in TABLES if table.required and table.name not in there_are]
    if missing:
        there = (
            listed(sorted(path.name + "/" * path.is_dir() for path in folder.iterdir()))
            if folder.is_dir()
            else "nothing"
        )
        looked = ", ".join(f"{missing[0]}{ending}" for ending in (".parquet", ".csv", ".jsonl"))
        raise SourceError(
            f"{folder} has no {missing[0]} table: looked for {looked} or a folder {missing[0]}/; it holds {there}"
        )
    return found


def _placed(table: Table, folder: Path, places: Mapping[str, str]) -> TableFiles:
    """The files at the place that is given for a table."""
    place = places[table.name]
    start = folder / place
    if start.is_dir():
        paths = sorted(path for path in start.rglob("*") if path.is_file() and _format(path) is not None)
    else:
        # Path.glob takes no absolute pattern.
        paths = sorted(Path(name) for name in glob(str(start), recursive=True))  # noqa: PTH207  see above
        paths = [path for path in paths if path.is_file() and not path.name.startswith((".", "_"))]
    if not paths:
        raise SourceError(f"there is no file at {place}, where the table {table.name} should be")
    formats = {_format(path) for path in paths}
    if None in formats or len(formats) > 1:
        raise SourceError(
            f"the files at {place} are not all of one format that Ebb reads ({', '.join(FORMATS)}): "
            f"{listed([path.name for path in paths])}"
        )
    return TableFiles(table=table, format=str(formats.pop()), folder=folder, paths=tuple(paths))


def is_remote(place: str) -> bool:
    """Whether a place is an address rather than a path."""
    return "://" in place


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

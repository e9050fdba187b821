"""Parquet files, read in place and in their own types."""

from pathlib import Path

import duckdb

from features.engines.duckdb import DuckEngine, quoted
from features.errors import SourceError
from features.raw import Raw
from features.reading.names import Renaming, renamed
from features.sources.files.folder import TableFiles


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table, in one scan over all its files. Raises SourceError when one of them cannot be read."""
    for path in files.paths:
        _check(path, files.called(path), engine)
    paths = ", ".join(quoted(str(path)) for path in files.paths)
    hive = str(any(files.partitions(path) for path in files.paths)).lower()
    # Values of folder names are texts: an id like 007 stays one.
    scan = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = {hive}, hive_types_autocast = false)"
    theirs = tuple(str(row[0]) for row in engine.rows(f"DESCRIBE SELECT * FROM {scan}"))
    names = renaming.names(theirs, files.label)
    reads = renamed(names)
    sql = f"SELECT {reads}, {_file(files)} AS _file, file_row_number + 1 AS _row FROM {scan}"
    in_place = {files.called(path): path for path in files.paths}
    return Raw(sql=sql, columns=tuple(names.values()), in_place=in_place, reads=reads)


def _file(files: TableFiles) -> str:
    if len(files.paths) == 1:
        return quoted(files.called(files.paths[0]))
    inside = quoted(str(files.folder) + "/")
    return f"CASE WHEN starts_with(filename, {inside}) THEN substr(filename, length({inside}) + 1) ELSE filename END"


def _check(path: Path, label: str, engine: DuckEngine) -> None:
    try:
        engine.rows(f"SELECT 1 FROM parquet_file_metadata({quoted(str(path))})")
    except (duckdb.Error, OSError) as fault:
        raise SourceError(f"{label} is not a readable Parquet file: {str(fault).strip().splitlines()[0]}") from fault

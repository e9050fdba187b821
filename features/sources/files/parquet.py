"""Parquet files, read in place and in their own types."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from features.conform import as_text
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.errors import SourceError
from features.raw import Raw
from features.reading.names import Renaming, renamed
from features.sources.files.folder import TableFiles

WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT", "DOUBLE"})
MOMENTS = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"})
"""Types that DuckDB turns into one another without loss or fault."""


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table, in one scan over all its files. Raises SourceError when one of them cannot be read."""
    for path in files.paths:
        _check(path, files.called(path), engine)
    scan = _scan(files, files.paths)
    theirs = _types(scan, engine)
    names = renaming.names(tuple(theirs), files.label)
    mixed = _mixed(files, engine)
    if mixed:
        return _as_texts(files, names, mixed, engine)
    reads = renamed(names)
    sql = f"SELECT {reads}, {_file(files)} AS _file, file_row_number + 1 AS _row FROM {scan}"
    in_place = {files.called(path): path for path in files.paths}
    return Raw(sql=sql, columns=tuple(names.values()), in_place=in_place, reads=reads)


def _scan(files: TableFiles, paths: Iterable[Path]) -> str:
    listed = ", ".join(quoted(str(path)) for path in paths)
    hive = str(any(files.partitions(path) for path in files.paths)).lower()
    # Values of folder names are texts: an id like 007 stays one.
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = {hive}, hive_types_autocast = false)"


def _types(scan: str, engine: DuckEngine) -> Mapping[str, str]:
    return {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE SELECT * FROM {scan}")}


def _mixed(files: TableFiles, engine: DuckEngine) -> frozenset[str]:
    """Columns whose types in the files have nothing in common but that they can be written as text."""
    listed = ", ".join(quoted(str(path)) for path in files.paths)
    shapes = engine.rows(
        f"""SELECT any_value(file_name) FROM (
          SELECT file_name, string_agg(concat_ws('|', name, type, logical_type, converted_type, num_children), '/') AS s
          FROM parquet_schema([{listed}]) GROUP BY file_name) GROUP BY s"""
    )
    found: dict[str, set[str]] = {}
    for (path,) in shapes if len(shapes) > 1 else ():
        for name, kind in _types(_scan(files, [Path(str(path))]), engine).items():
            found.setdefault(name, set()).add(kind)
    return frozenset(
        name for name, kinds in found.items() if len(kinds) > 1 and not (kinds <= WHOLE or kinds <= MOMENTS)
    )


def _as_texts(files: TableFiles, names: Mapping[str, str], mixed: frozenset[str], engine: DuckEngine) -> Raw:
    """The table file by file, columns of mixed types as texts."""
    scans = []
    for path in files.paths:
        scan = _scan(files, [path])
        types = _types(scan, engine)
        cells = [
            f"{as_text(their, types[their]) if their in mixed else identifier(their)} AS {identifier(ours)}"
            for their, ours in names.items()
            if their in types
        ]
        where = f"{quoted(files.called(path))} AS _file, file_row_number + 1 AS _row"
        scans.append(f"SELECT {', '.join([*cells, where])} FROM {scan}")
    return Raw(sql=" UNION ALL BY NAME ".join(scans), columns=tuple(names.values()))


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

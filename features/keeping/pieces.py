"""Pieces: the row groups of Parquet files, each known by what it holds, so that one that was read is not read again.

A file whose size and time of writing are as they were is taken to be the same, as backup tools do; of any other the
bytes of each row group tell which of them are new.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted

SETTLED: Final = 2.0
"""Seconds after which a file can no longer change without its time of writing telling."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One row group of one file. ``label`` is what the file is called; ``key`` changes with anything it holds."""

    key: str
    label: str
    path: Path
    first_row: int
    rows: int


Prints = Mapping[str, Mapping[str, object]]
"""Per file, by its label: size, time of writing, and key, first row and rows of each row group."""


def pieces(engine: DuckEngine, files: Mapping[str, Path], before: Prints) -> tuple[list[Piece], Prints]:
    """Every row group of the files, and the prints to know them by next time."""
    prints: dict[str, Mapping[str, object]] = {}
    written: dict[str, tuple[int, int]] = {}
    for label, path in files.items():
        told = path.stat()
        same = {"size": told.st_size, "written": told.st_mtime_ns}
        known = before.get(label, {})
        if known and {name: known[name] for name in same} == same:
            prints[label] = known
        else:
            settled = time.time() - told.st_mtime > SETTLED
            written[label] = told.st_size, told.st_mtime_ns if settled else -1
    read = _read(engine, {label: files[label] for label in written})
    for label, (size, at) in written.items():
        prints[label] = {"size": size, "written": at, "groups": read.get(label, [])}
    found = [
        Piece(key=str(key), label=label, path=path, first_row=int(first), rows=int(rows))
        for label, path in files.items()
        for key, first, rows in _groups(prints[label])
    ]
    return found, prints


def _groups(print_: Mapping[str, object]) -> Sequence[tuple[str, int, int]]:
    groups = print_["groups"]
    assert isinstance(groups, list)
    return groups


def _read(engine: DuckEngine, files: Mapping[str, Path]) -> dict[str, list[tuple[str, int, int]]]:
    """Key, first row and rows of every row group, from the footers and the bytes."""
    if not files:
        return {}
    paths = ", ".join(quoted(str(path)) for path in files.values())
    shapes = engine.rows(
        f"""SELECT file_name,
          string_agg(concat_ws('|', name, type, converted_type, logical_type), '/' ORDER BY name, type)
        FROM parquet_schema([{paths}]) GROUP BY file_name"""
    )
    schemas = {str(file): shape for file, shape in shapes}
    chunks = engine.rows(
        f"""SELECT file_name, row_group_id, any_value(row_group_num_rows),
          string_agg(concat_ws('|', path_in_schema, type, num_values, encodings, compression, stats_min_value,
            stats_max_value, total_uncompressed_size), '/' ORDER BY column_id),
          list((CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset)
                     ELSE data_page_offset END, total_compressed_size) ORDER BY column_id)
        FROM parquet_metadata([{paths}]) GROUP BY file_name, row_group_id ORDER BY file_name, row_group_id"""
    )
    labels = {str(path): label for label, path in files.items()}
    found: dict[str, list[tuple[str, int, int]]] = {}
    for file, _, rows, told, places in chunks:
        label = labels[str(file)]
        before = found.setdefault(label, [])
        first = before[-1][1] + before[-1][2] if before else 0
        assert isinstance(places, list)
        print_ = hashlib.sha256(f"{label}|{first}|{rows}|{schemas[str(file)]}|{told}".encode())
        print_.update(_bytes(Path(str(file)), places))
        before.append((print_.hexdigest()[:32], first, int(str(rows))))
    return found


def _bytes(path: Path, places: Iterable[tuple[int, int]]) -> bytes:
    """The print of some stretches (from, length) of a file."""
    print_ = hashlib.sha256()
    with path.open("rb") as file:
        for start, length in places:
            file.seek(start)
            print_.update(file.read(length))
    return print_.digest()

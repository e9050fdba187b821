"""JSON Lines files: one object per line, every value read as text."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from features.engines.duckdb import DuckEngine, identifier, quoted
from features.errors import SourceError
from features.raw import Raw
from features.sources.files.folder import TableFiles
from features.sources.files.names import Renaming
from features.sources.files.text import TextTable, complain_of_encoding

LONGEST_LINE = 2**26
"""Bytes; an object with long free text still fits."""

NO_DELIMITER = "\x01"
"""Never stands in JSON, which writes control characters as escapes: so a line is one cell."""


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table as text; `_row` is the line. Raises SourceError when a file is not UTF-8 or lacks a required column."""
    text = TextTable(table=files.table.name, engine=engine)
    lines = f"_lines_{files.table.name}"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {lines} (_file VARCHAR, _row BIGINT, line VARCHAR, good BOOLEAN)")
    for path in files.paths:
        _load(path, files.called(path), lines, engine)
    keys = f"SELECT unnest(json_keys(line)) AS key, _row FROM {lines} WHERE good"
    theirs = tuple(str(row[0]) for row in engine.rows(f"SELECT key FROM ({keys}) GROUP BY key ORDER BY min(_row), key"))
    names = renaming.names(theirs, files.label)
    columns = tuple(names.values())
    text.create(columns)
    engine.execute(f"INSERT INTO {text.cells} BY NAME SELECT {_cells(names)}, _file, _row FROM {lines} WHERE good")
    engine.execute(
        f"INSERT INTO {text.lines} BY NAME SELECT _file, _row, line AS _line, 'it is not a JSON object' AS reason "
        f"FROM {lines} WHERE NOT good"
    )
    engine.execute(f"DROP TABLE {lines}")
    return text.raw(columns)


def _load(path: Path, label: str, lines: str, engine: DuckEngine) -> None:
    scan = (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = false, delim = {quoted(NO_DELIMITER)}, "
        f"quote = '', escape = '', columns = {{'line': 'VARCHAR'}}, "
        f"strict_mode = false, max_line_size = {LONGEST_LINE})"
    )
    # A file of one column keeps its blank lines, so a row's number is its line.
    numbered = f"SELECT line, row_number() OVER () AS _row FROM {scan}"
    good = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
    try:
        engine.execute(
            f"INSERT INTO {lines} BY NAME SELECT {quoted(label)} AS _file, _row, line, {good} AS good "
            f"FROM ({numbered}) WHERE trim(line) <> ''"
        )
    except duckdb.Error as fault:
        complain_of_encoding(path, label)
        raise SourceError(f"{label} cannot be read as JSON Lines: {str(fault).strip().splitlines()[0]}") from fault


def _cells(names: Mapping[str, str]) -> str:
    """Each value by its JSON pointer (RFC 6901), as text."""
    pointers = {their: "/" + their.replace("~", "~0").replace("/", "~1") for their in names}
    return ", ".join(
        f"nullif(json_extract_string(line, {quoted(pointers[their])}), '') AS {identifier(ours)}"
        for their, ours in names.items()
    )

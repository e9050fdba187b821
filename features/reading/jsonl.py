"""Lines of a text file as a table; of JSON Lines, which of them are objects."""

from pathlib import Path

import duckdb

from features.engines.duckdb import DuckEngine, quoted
from features.errors import SourceError
from features.reading.text import complain_of_encoding

LONGEST_LINE = 2**26
"""Bytes; an object with long free text still fits."""

NO_DELIMITER = "\x01\x02\x03\x04"
"""Never stands in JSON, which writes control characters as escapes, nor elsewhere: so a line is one cell."""


OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
"""The SQL condition that a line is one JSON object."""


def create(lines: str, engine: DuckEngine) -> None:
    """Create the table of lines, empty: `_file`, `_row` (the number of the line), line, good."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {lines} (_file VARCHAR, _row BIGINT, line VARCHAR, good BOOLEAN)")


def load(path: Path, label: str, lines: str, engine: DuckEngine, good: str = OBJECT) -> None:
    """Read one file into the table of lines; ``good`` is the SQL condition of a whole one. Raises SourceError."""
    scan = (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = false, delim = {quoted(NO_DELIMITER)}, "
        f"quote = '', escape = '', columns = {{'line': 'VARCHAR'}}, "
        f"strict_mode = false, max_line_size = {LONGEST_LINE})"
    )
    # A file of one column keeps its blank lines, so a row's number is its line.
    numbered = f"SELECT line, row_number() OVER () AS _row FROM {scan}"
    try:
        engine.execute(
            f"INSERT INTO {lines} BY NAME SELECT {quoted(label)} AS _file, _row, line, {good} AS good "
            f"FROM ({numbered}) WHERE trim(line) <> ''"
        )
    except duckdb.Error as fault:
        complain_of_encoding(path, label)
        raise SourceError(f"{label} cannot be read as lines of text: {str(fault).strip().splitlines()[0]}") from fault

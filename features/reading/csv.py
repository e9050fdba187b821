"""CSV files, every cell as text. A clean file goes through DuckDB; one with broken lines is read line by line."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

import duckdb

from features.engines.duckdb import identifier, quoted
from features.errors import SourceError
from features.reading.mend import header, mend
from features.reading.names import listed, renamed
from features.reading.text import TextTable, complain_of_encoding, opened

DELIMITERS = (",", ";", "\t", "|")
"""What may stand between cells; the one that splits the header into most names is taken."""

LONGEST_LINE = 2**24
"""Bytes; longer than any sane row, short enough to buffer."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The names in a header, the delimiter, and how many blank lines come before it."""

    names: tuple[str, ...]
    delimiter: str
    blank: int


def head(path: Path, label: str) -> Head:
    """The header of a file. Raises SourceError when it is missing, names a column twice or is not UTF-8."""
    try:
        with opened(path) as file:
            blank = list(takewhile(lambda line: not line.strip(), file))
        with opened(path) as file:
            line = next(islice(file, len(blank), None), "")
        delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))
        with opened(path) as file:
            names = tuple(header(file, delimiter))
    except UnicodeDecodeError:
        complain_of_encoding(path, label)
        raise
    if not names:
        raise SourceError(f"{label} is empty: it has no header line")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        again = f"the column {twice[0]} twice" if twice[0] else "columns without a name"
        raise SourceError(f"{label} has {again}; its header is {listed(names)}")
    return Head(names=names, delimiter=delimiter, blank=len(blank))


def load(text: TextTable, path: Path, label: str, head: Head, names: Mapping[str, str]) -> None:
    """Read one file into the text table; ``names`` gives each header name that is used its name in the table."""
    try:
        text.engine.execute(_insert(text, path, label, head, names))
    except duckdb.Error:
        complain_of_encoding(path, label)
        mend(path, label, text, head.delimiter, names)


def _insert(text: TextTable, path: Path, label: str, head: Head, names: Mapping[str, str]) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in head.names)
    scan = (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = true, skip = {head.blank}, "
        f"delim = {quoted(head.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"strict_mode = true, max_line_size = {LONGEST_LINE})"
    )
    # In a file of one column a blank line is no row, as it is none in files of several.
    blank = f" WHERE {identifier(head.names[0])} IS NOT NULL" if len(head.names) == 1 else ""
    return (
        f"INSERT INTO {text.cells} BY NAME "
        f"SELECT {renamed(names)}, {quoted(label)} AS _file, row_number() OVER () AS _row FROM {scan}{blank}"
    )

"""A CSV file with broken lines, read line by line: what can be split is kept, each broken line is set aside alone.

An unclosed quote would swallow the lines after it. So a quoted cell may run over several lines, but when that leads to
no row of the right width, only the line in which it began is broken and reading goes on with the next.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO

import pandas as pd

from features.engines.duckdb import quoted
from features.reading.text import BrokenLine, TextTable, opened

LONGEST_CELL = 1000
"""Lines that one quoted cell may run over before its quote counts as unclosed."""

BATCH = 50_000
"""Rows handed to the engine at a time."""

Row = tuple[int, list[str]]


def mend(path: Path, label: str, text: TextTable, delimiter: str, names: Mapping[str, str]) -> None:
    """Read the file into the text table; its broken lines into the table of broken lines."""
    with opened(path) as file:
        head = header(file, delimiter)
        split = rows(file, delimiter, len(head))
        while batch := list(islice(split, BATCH)):
            text.add_broken(label, [line for line in batch if isinstance(line, BrokenLine)])
            _insert(text, label, [row for row in batch if not isinstance(row, BrokenLine)], head, names)


def header(file: IO[str], delimiter: str) -> list[str]:
    """The first record that is not blank; the file stands behind it afterwards."""
    return next((cells for cells in csv.reader(file, delimiter=delimiter) if any(cell.strip() for cell in cells)), [])


def rows(file: Iterable[str], delimiter: str, width: int) -> Iterator[Row | BrokenLine]:
    """Each data row after the header with its number (blank lines do not count), or why its line is broken."""
    source = iter(file)
    ahead: deque[str] = deque()
    number = 0
    while line := ahead.popleft() if ahead else next(source, ""):
        cells, reason = _split(line, delimiter, width)
        if cells is None and line.count('"') % 2:
            more = _closing(source, ahead)
            cells, _ = _split(line + "".join(more), delimiter, width)
            if cells is None:
                ahead.extendleft(reversed(more))
        if cells is not None and not any(cells) and not line.strip('\r\n"'):
            continue
        number += 1
        yield (number, cells) if cells is not None else BrokenLine(row=number, line=line.rstrip("\r\n"), reason=reason)


def _split(line: str, delimiter: str, width: int) -> tuple[list[str] | None, str]:
    """The cells of one record, or None and the reason."""
    if not line.strip("\r\n"):
        return [""] * width, ""
    try:
        records = list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as fault:
        return None, "a quote is opened and never closed" if line.count('"') % 2 else f"it cannot be split: {fault}"
    cells = records[0] if len(records) == 1 else []
    if len(cells) == width + 1 and cells[-1] == "":
        cells = cells[:-1]
    if len(cells) == width:
        return cells, ""
    return None, f"it has {_counted(len(cells))} where the header has {width}"


def _closing(source: Iterator[str], ahead: deque[str]) -> list[str]:
    """The lines up to and with the one that closes the quote, or as many as a cell may run over."""
    taken: list[str] = []
    while len(taken) < LONGEST_CELL and (line := ahead.popleft() if ahead else next(source, "")):
        taken.append(line)
        if line.count('"') % 2:
            break
    return taken


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def _insert(text: TextTable, label: str, batch: list[Row], head: list[str], names: Mapping[str, str]) -> None:
    if not batch:
        return
    used = [index for index, name in enumerate(head) if name in names]
    cells = {names[head[index]]: [row[index] or None for _, row in batch] for index in used}
    frame = pd.DataFrame(cells | {"_row": [number for number, _ in batch]}).astype(dict.fromkeys(cells, "object"))
    text.engine.register("_batch", frame)
    text.engine.execute(f"INSERT INTO {text.cells} BY NAME SELECT *, {quoted(label)} AS _file FROM _batch")
    text.engine.execute("DROP TABLE _batch")

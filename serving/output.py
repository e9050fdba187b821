"""Results on stdout: as a table for people, as CSV or as JSON for programs."""

import csv
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would run."""

UNWATCHED_WIDTH: Final = 120
"""How wide a table is written where no terminal says how wide it is."""


class Format(StrEnum):
    """How results are written."""

    table = "table"
    csv = "csv"
    json = "json"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a result: the key of its values, its title for people and how they are shown there.

    A column of long texts ``wraps`` and takes what room is left.
    """

    key: str
    title: str
    shown: Callable[[object], str] = str
    right: bool = False
    wraps: bool = False
    keep: Literal["person", "program", "both"] = "both"


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Lines with a mark before each, for people."""

    lines: tuple[tuple[str, str], ...]


def write(rows: Sequence[Mapping[str, object]], columns: Sequence[Column], form: Format, title: str = "") -> None:
    """Write rows to stdout; ``title`` stands above a table."""
    if form is Format.json:
        sys.stdout.write(
            json.dumps([_picked(row, columns) for row in rows], indent=2, ensure_ascii=False, default=str) + "\n"
        )
    elif form is Format.csv:
        _csv(rows, columns)
    else:
        _table(rows, [column for column in columns if column.keep != "program"], title)


def _picked(row: Mapping[str, object], columns: Sequence[Column]) -> dict[str, object]:
    return {column.key: row[column.key] for column in columns if column.keep != "person"}


def _csv(rows: Sequence[Mapping[str, object]], columns: Sequence[Column]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.key for column in columns if column.keep != "person"])
    for row in rows:
        writer.writerow([cell(value) for value in _picked(row, columns).values()])


def cell(value: object) -> str:
    """A value as a CSV cell; a text that begins as a formula gets an apostrophe, so that no spreadsheet runs it."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return cell("; ".join(str(item) for item in value))
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(FORMULA) else text


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[Column], title: str) -> None:
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNWATCHED_WIDTH
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, leading=int(_is_tall(rows)))
    for column in columns:
        table.add_column(
            column.title, justify="right" if column.right else "left", overflow="fold", no_wrap=not column.wraps
        )
    for row in rows:
        table.add_row(*(_person(column, row[column.key]) for column in columns))
    if title:
        console.print(escape(printable(title)))
    if rows:
        console.print(table)


def _is_tall(rows: Sequence[Mapping[str, object]]) -> bool:
    return any(isinstance(value, Marked) for row in rows for value in row.values())


def _person(column: Column, value: object) -> RenderableType:
    """A value as a person reads it; a dash where it is not known."""
    if not isinstance(value, Marked):
        return escape(printable("–" if value is None or value == "" else column.shown(value)))
    grid = Table.grid(padding=(0, 1))
    for mark, line in value.lines:
        grid.add_row(mark, escape(printable(line)))
    return grid


def printable(text: str) -> str:
    """A text without control characters, which could rewrite what stands on the screen."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def percent(value: object) -> str:
    """0.314 -> 31 %."""
    return f"{float(str(value)):.0%}".replace("%", " %")


def money(value: object) -> str:
    """12345.6 -> 12,346."""
    return f"{float(str(value)):,.0f}"


def number(value: object) -> str:
    """22723.4 -> 22,723; 0.85612 -> 0.856."""
    known = float(str(value))
    return f"{known:,.0f}" if abs(known) >= 100 else f"{known:.3g}"


def short(length: int) -> Callable[[object], str]:
    """Shows a text cut to a length, with an ellipsis."""
    return lambda value: str(value) if len(str(value)) <= length else f"{str(value)[: length - 1]}…"

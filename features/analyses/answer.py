"""An answer to a question about the whole book: sentences, tables and a chart, the same wherever it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import altair as alt
import pandas as pd

from features.errors import DataError
from features.facts import Facts

Kind = Literal["text", "date", "whole", "number", "share", "money", "flag"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of a sheet: its name, its title for people, what kind of value it holds, and what it means.

    A "share" lies in 0 to 1. A long text ``wraps``; ``apart`` is for programs only.
    """

    name: str
    title: str
    kind: Kind
    meaning: str
    wraps: bool = False
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A named table of an answer; ``frame`` has exactly the columns of ``fields``, in their order.

    People are shown the first ``most`` rows (None: all), programs all of them. Raises ValueError at other columns.
    """

    name: str
    fields: tuple[Field, ...]
    frame: pd.DataFrame
    most: int | None = None

    def __post_init__(self) -> None:
        named = [one.name for one in self.fields]
        if list(self.frame.columns) != named:
            raise ValueError(f"sheet {self.name} has the columns {list(self.frame.columns)} and declares {named}")

    def records(self) -> list[dict[str, Any]]:
        """Its rows as plain values, as JSON has them; what is not known is None, dates are ISO 8601."""
        columns = [_plain(self.frame[one.name], one.kind) for one in self.fields]
        return [dict(zip((one.name for one in self.fields), row, strict=True)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an analysis found: ``says`` in sentences, the first of them the answer; the first sheet is the main one.

    ``asked`` holds the options it was asked with, ``cutoff`` from when it looks.
    """

    name: str
    cutoff: date
    says: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    chart: alt.TopLevelMixin | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    def sheet(self, name: str) -> Sheet:
        """The sheet of a name; KeyError when there is none."""
        for sheet in self.sheets:
            if sheet.name == name:
                return sheet
        raise KeyError(f"{self.name} has no sheet {name}; it has {', '.join(sheet.name for sheet in self.sheets)}")


def need(facts: Facts, analysis: str, *wanted: str) -> None:
    """Raise DataError where the facts lack a table (``"contracts"``) or a column (``"contracts.arr"``)."""
    for name in wanted:
        table, _, column = name.partition(".")
        if not facts.knows(table, column or None):
            what = (
                f"the column {column} of the table {table}" if column and facts.knows(table) else f"the table {table}"
            )
            raise DataError(f"{analysis} cannot be computed: {what} is missing")


def percent(share: float, digits: int = 0) -> str:
    """A share as a sentence tells it.

    >>> percent(0.314), percent(0.0314, 1)
    ('31 %', '3.1 %')
    """
    return f"{100 * share:.{digits}f} %"


def _plain(values: pd.Series, kind: Kind) -> list[Any]:
    known = values.notna()
    if kind == "date":
        texts = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        return [text if there else None for text, there in zip(texts, known, strict=True)]
    made: dict[Kind, type] = {"whole": int, "number": float, "share": float, "money": float, "flag": bool, "text": str}
    return [made[kind](value) if there else None for value, there in zip(values, known, strict=True)]

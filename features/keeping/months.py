"""Months: the rows of a step in one file a month, of which only those that change are written anew."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from features.engines.duckdb import DuckEngine, quoted
from features.keeping.days import Runs, day_of, runs
from features.keeping.folder import written
from features.keeping.step import Files


def rewritten(engine: DuckEngine, folder: Path, name: str, rows: Mapping[str, str], old: Files) -> dict[str, str]:
    """The file of every month, of which those of ``rows``, the SQL of what they hold now, are written anew."""
    months = dict(old)
    for month, sql in rows.items():
        months.pop(month, None)
        if engine.rows(f"SELECT 1 FROM ({sql}) LIMIT 1"):
            months[month] = written(folder, f"usage.{name}.{month}", sql, engine)
    if not months:
        # An empty one, for its columns.
        months["none"] = written(folder, f"usage.{name}", f"SELECT * FROM {name} WHERE false", engine)
    elif len(months) > 1:
        months.pop("none", None)
    return dict(sorted(months.items()))


def by_month(days: Iterable[int]) -> dict[str, list[int]]:
    """Days by their months."""
    found: dict[str, list[int]] = {}
    for day in sorted(days):
        found.setdefault(month_of(day_of(day)), []).append(day)
    return found


def month_of(day: date) -> str:
    """What the month of a day is called."""
    return f"{day:%Y-%m}"


def opened_rows(folder: Path, name: str, opened: Iterable[int], old: Files) -> dict[str, str]:
    """The SQL of what each month of the opened days holds now: their rows in the table and its other days."""
    found = {}
    for month, days in by_month(opened).items():
        inside = within("day", runs(days))
        found[month] = f"SELECT * FROM {name} WHERE {inside}"
        if month in old:
            found[month] += f" UNION ALL SELECT * FROM {quoted(str(folder / old[month]))} WHERE NOT ({inside})"
    return found


def all_of(folder: Path, files: Files) -> str:
    """The SQL of the rows of some files."""
    return f"SELECT * FROM read_parquet([{', '.join(quoted(str(folder / name)) for name in files.values())}])"


def within(moment: str, stretches: Runs) -> str:
    """The SQL condition that a moment lies in some stretches of days."""
    each = (f"{moment} >= DATE '{day_of(first)}' AND {moment} < DATE '{day_of(last + 1)}'" for first, last in stretches)
    return " OR ".join(f"({one})" for one in each)

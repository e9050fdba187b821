"""The signals for a notebook: computed for every account at some cutoffs, or as SQL to read."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from serving.options import Config, Data, Home, Outcome, settings
from serving.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

Every = Literal["month", "week", "day"]
Dialect = Literal["duckdb", "spark", "snowflake", "bigquery", "postgres", "databricks"]

DAY = "%Y-%m-%d"


def build(
    since: Annotated[datetime, typer.Option("--from", formats=[DAY], metavar="DATE", help="The first cutoff.")],
    until: Annotated[datetime, typer.Option("--to", formats=[DAY], metavar="DATE", help="No cutoff after this day.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The Parquet file to write.")],
    every: Annotated[Every, typer.Option("--every", help="The distance between cutoffs.")] = "month",
    outcome: Outcome = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Compute every signal of every account at some cutoffs, for a notebook: account_id, cutoff, a column each."""
    from features import table
    from serving.steps import catalogue, mode_of
    from serving.taking import facts_of

    looked = tuple(cutoffs(since.date(), until.date(), every))
    if not looked:
        raise typer.BadParameter(f"{until.date()} is before {since.date()}", param_hint="--to")
    chosen, progress = settings(config, data, home, outcome__mode=outcome), Progress()
    with facts_of(chosen, progress) as facts:
        with progress.step(f"compute the signals at {len(looked)} cutoffs"):
            found = table.every(facts, mode_of(facts, chosen), cutoffs=looked, catalogue=catalogue(facts, chosen))
        frame = found.signals
        frame.insert(0, "account_id", found.keys["account_id"])
        frame.insert(1, "cutoff", found.keys["cutoff"])
        _write(frame, out)
    progress.say(f"wrote {len(frame):,} rows of {frame.shape[1] - 2} signal columns to {out}")


def sql(
    dialect: Annotated[Dialect, typer.Option("--dialect", help="Whose SQL.")] = "duckdb",
) -> None:
    """Print the plan of all signals as SQL: the rollups of events, then the signals of the table `snapshots`."""
    from features import habits, usage
    from features.domain import TABLES
    from features.engines.dialects import written
    from features.plan import plan_of
    from features.signals import CATALOGUE

    known = {each.name: frozenset(column.name for column in each.columns) for each in TABLES}
    rollups = usage.rollups() | habits.rollups(late=True)
    steps = [*rollups.items(), *((step.table, step.sql) for step in plan_of(CATALOGUE, known).statements)]
    for name, text in steps:
        made = f"CREATE TABLE {name} AS {text}" if name else text
        typer.echo(f"-- {name or 'the signals'}\n{written(made, dialect)};\n")


def cutoffs(since: date, until: date, every: Every) -> Iterator[date]:
    """The days from one to another; a month without that day has its last one instead.

    >>> [str(day) for day in cutoffs(date(2025, 1, 31), date(2025, 3, 31), "month")]
    ['2025-01-31', '2025-02-28', '2025-03-31']
    """
    step, cutoff = 0, since
    while cutoff <= until:
        yield cutoff
        step += 1
        cutoff = (
            _months_later(since, step) if every == "month" else since + timedelta(days=step * (7, 1)[every == "day"])
        )


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _write(frame: "pd.DataFrame", out: Path) -> None:
    """Written whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.fresh")
    frame.to_parquet(fresh, index=False)
    fresh.replace(out)

"""Steps whose days rest on the days before them: what changed is made anew from the first day that changed.

Only the keys (an account, an account's feature) of which rows came or went are touched, each from its own first such
day on. What comes before that day stays as it is; of it a step carries on what it needs to know.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from features.engines.duckdb import DuckEngine, quoted
from features.keeping.days import runs
from features.keeping.months import all_of, by_month, month_of, rewritten, within
from features.keeping.step import Files, Step

TOUCHED = "touched"
ROWS = "rows_since"
FRESH = "fresh_since"


def changed(name: str) -> str:
    """The table of the rows of a step that came or went."""
    return f"changed_{name}"


def compare(engine: DuckEngine, name: str, new: str, old: str) -> None:
    """Leave the rows that are in only one of two queries in the table of changes."""
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {changed(name)} AS (({new}) EXCEPT ({old})) UNION ALL (({old}) EXCEPT ({new}))"
    )


def compare_days(engine: DuckEngine, folder: Path, name: str, opened: Iterable[int], old: Files) -> None:
    """The same for the opened days of a step, which are in the table of its name, and what was kept of them."""
    months = {month: days for month, days in by_month(opened).items() if month in old}
    inside = within("day", runs(day for days in months.values() for day in days)) or "false"
    files = {month: old[month] for month in months} or {"any": next(iter(old.values()))}
    compare(engine, name, f"SELECT * FROM {name}", f"{all_of(folder, files)} WHERE {inside}")


def carried_on(engine: DuckEngine, folder: Path, step: Step, old: Files) -> dict[str, str]:
    """The files of a step after the changes of its source; its own are then told as well.

    The source is there by its name; so is the step, as it was.
    """
    on = " AND ".join([*(f"t.{key} = x.{key}" for key in step.keys), f"{step.day} >= t.since"])
    first = _touched(engine, step)
    if first is None:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {changed(step.name)} AS SELECT * FROM {step.name} WHERE false")
        return dict(old)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {ROWS} AS {_rows(step, first)}")
    sql = step.sql.replace("{rows}", ROWS)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {FRESH} AS SELECT x.* FROM ({sql}) x JOIN {TOUCHED} t ON {on}")
    before = {month: name for month, name in old.items() if month == "none" or month >= month_of(first)}
    kept = all_of(folder, before or old)
    compare(engine, step.name, f"SELECT * FROM {FRESH}", f"SELECT x.* FROM ({kept}) x JOIN {TOUCHED} t ON {on}")
    rows = {}
    for month in _months(engine, step, changed(step.name)):
        rows[month] = f"SELECT * FROM {FRESH} WHERE {_in(month, step.day)}"
        if month in old:
            stays = f"SELECT x.* FROM {quoted(str(folder / old[month]))} x ANTI JOIN {TOUCHED} t ON {on}"
            rows[month] += f" UNION ALL {stays}"
    files = rewritten(engine, folder, step.name, rows, old)
    for table in (ROWS, FRESH, TOUCHED):
        engine.execute(f"DROP TABLE {table}")
    return files


def begun(engine: DuckEngine, folder: Path, step: Step) -> dict[str, str]:
    """The files of a step of which nothing is kept."""
    engine.execute(f"CREATE TABLE {step.name} AS {step.sql.replace('{rows}', step.source)}")
    rows = {
        month: f"SELECT * FROM {step.name} WHERE {_in(month, step.day)}" for month in _months(engine, step, step.name)
    }
    return rewritten(engine, folder, step.name, rows, {})


def _touched(engine: DuckEngine, step: Step) -> date | None:
    """The earliest day from which keys are touched; these are in their table."""
    cells = ", ".join([*step.keys, "min(day) AS since"])
    groups = f"GROUP BY {', '.join(step.keys)}" if step.keys else "HAVING count(*) > 0"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS SELECT {cells} FROM {changed(step.source)} {groups}")
    first = engine.rows(f"SELECT min(since) FROM {TOUCHED}")[0][0]
    return first if isinstance(first, date) else None


def _rows(step: Step, first: date) -> str:
    """The SQL of what the step reads of its source for the touched keys."""
    on = " AND ".join([*(f"t.{key} = s.{key}" for key in step.keys), "s.day >= t.since"])
    carry = step.carry.replace("{since}", f"DATE '{first}'")
    # The first condition says nothing new, but spares the files before it.
    later = f"SELECT * FROM {step.source} WHERE day >= DATE '{first}'"
    return f"SELECT s.* FROM ({later}) s JOIN {TOUCHED} t ON {on} UNION ALL BY NAME ({carry})"


def _months(engine: DuckEngine, step: Step, table: str) -> list[str]:
    """The months of the rows of a step in some table."""
    return [str(month) for (month,) in engine.rows(f"SELECT DISTINCT strftime({step.day}, '%Y-%m') FROM {table}")]


def _in(month: str, day: str) -> str:
    """The SQL condition that a day lies in a month; unlike that of its name it spares what lies in no such month."""
    return f"{day} >= DATE '{month}-01' AND {day} < DATE '{month}-01' + INTERVAL 1 MONTH"

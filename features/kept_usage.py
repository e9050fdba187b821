"""Usage kept between runs: rollups by day in one file a month, of which a new day rewrites only its own days.

A row group of the events that came or went, or of which other rows are set aside, opens the days it holds; every other
day stays as it was rolled up. So a refresh is cheap where files are in order of time, whole new files are added, or a
file grows at its end by the same writer; rows in no order, or a file written anew in another layout, are rolled up
again as a whole.

The manifest is written last and by one rename, and files are never changed in place: a run that is killed at any moment
leaves what was there before, and the next one ends with the same bits.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from features.engines import Engine
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.keeping.days import Runs, day_of, days_in, runs
from features.keeping.folder import forget, locked, read_manifest, write_manifest, written

VERSION: Final = 2
"""Of the layout; another one is rolled up anew."""

MANIFEST: Final = "manifest.json"

MANY: Final = 16
"""Stretches of days that are each scanned by themselves; of more of them, all between the first and last."""


Kind = Literal["by day", "scratch", "numbers", "whole"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rollup: a query of the events or of earlier steps, and what is kept of it.

    ``by day``: it has a column `day`, and a day's rows come from the same day of earlier steps: kept by month.
    ``scratch``: the same, but only other steps read it. ``numbers``: its first column numbers the others, which
    identify something: numbers once given are kept, and new ones come after them. ``whole``: small, and computed each
    time from what is kept. ``{where}`` stands for the condition on the rows of the events.
    """

    name: str
    sql: str
    kind: Kind = "by day"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is kept: the days of each row group read, and the files of each step, by month or all in one."""

    rollup: str = ""
    pieces: Mapping[str, Runs] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _nobody(_: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class KeptUsage:
    """The folder of what is kept of events that are read in place from Parquet files.

    ``pieces`` are the row groups there are, by what they hold and which of their rows are usable, with the days of
    these. ``reads`` says how rows are read: another reading is rolled up anew. ``say`` is told of waiting.
    """

    folder: Path
    pieces: Mapping[str, Runs]
    reads: str
    say: Callable[[str], None] = _nobody

    def refresh(self, engine: Engine, steps: Sequence[Step]) -> tuple[date, ...]:
        """Bring what is kept up to the files and make every step but the scratch ones a table or view of its name.

        Returns the days that were rolled up.
        """
        assert isinstance(engine, DuckEngine)  # what is kept are files that DuckDB reads in place
        with locked(self.folder, self.say):
            told = [VERSION, self.reads, *(f"{step.name} {step.kind} {step.sql}" for step in steps)]
            version = hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()
            old = self._manifest(version)
            changed = old.pieces.keys() ^ self.pieces.keys()
            opened = {d for key in changed for held in (old.pieces, self.pieces) for d in days_in(held.get(key, ()))}
            files = old.files
            if changed or not files:
                files = self._rolled(engine, steps, opened, old.files)
                write_manifest(self.folder / MANIFEST, vars(Manifest(rollup=version, pieces=self.pieces, files=files)))
            named = {name for months in files.values() for name in months.values()}
            forget(self.folder, "usage.*.parquet", named, engine)
            for step in steps:
                self._made(engine, step, files.get(step.name, {}))
        return tuple(day_of(day) for day in sorted(opened))

    def _manifest(self, version: str) -> Manifest:
        """What is kept by those rollups; nothing when there is no whole manifest of them."""
        read: dict[str, Any] = read_manifest(self.folder / MANIFEST)
        if read.get("rollup") != version:
            return Manifest()
        if not all((self.folder / name).exists() for months in read["files"].values() for name in months.values()):
            return Manifest()
        pieces = {key: tuple((first, last) for first, last in held) for key, held in read["pieces"].items()}
        return Manifest(rollup=version, pieces=pieces, files=read["files"])

    def _rolled(
        self, engine: DuckEngine, steps: Sequence[Step], opened: set[int], old: Mapping[str, Mapping[str, str]]
    ) -> dict[str, dict[str, str]]:
        """Roll the opened days up and write what they change; every step's files."""
        files = {name: dict(months) for name, months in old.items()}
        by_day = [step for step in steps if step.kind in ("by day", "scratch")]
        for step in steps:
            if step.kind == "numbers":
                files[step.name] = self._numbered(engine, step, files.get(step.name, {}))
            elif step in by_day:
                _roll(engine, step, opened)
        for step in by_day:
            if step.kind == "by day":
                files[step.name] = self._by_month(engine, step, opened, files.get(step.name, {}))
            engine.make_room(step.name)
        return files

    def _numbered(self, engine: DuckEngine, step: Step, old: Mapping[str, str]) -> dict[str, str]:
        """The file of the numbers given so far and of those for what is new among the opened days."""
        engine.make_room(step.name)
        engine.execute(f"CREATE TABLE {step.name} AS {step.sql}")
        if not old:
            return {"all": written(self.folder, f"usage.{step.name}", f"SELECT * FROM {step.name}", engine)}
        number, *keys = (identifier(name) for name in _columns(engine, step.name))
        kept = quoted(str(self.folder / old["all"]))
        new = f"SELECT * FROM {step.name} ANTI JOIN {kept} USING ({', '.join(keys)})"
        rows = (
            f"SELECT * FROM {kept} UNION ALL SELECT ((SELECT max({number}) FROM {kept}) + "
            f"row_number() OVER (ORDER BY {number}))::INTEGER, {', '.join(keys)} FROM ({new})"
        )
        added = engine.rows(f"SELECT count(*) FROM ({new})") != [(0,)]
        name = written(self.folder, f"usage.{step.name}", rows, engine) if added else old["all"]
        engine.make_room(step.name)
        engine.execute(f"CREATE TABLE {step.name} AS SELECT * FROM {quoted(str(self.folder / name))}")
        return {"all": name}

    def _by_month(self, engine: DuckEngine, step: Step, opened: set[int], old: Mapping[str, str]) -> dict[str, str]:
        """The file of every month, of which those of the opened days are written anew."""
        months = dict(old)
        opened_in: dict[str, list[int]] = {}
        for day in sorted(opened):
            opened_in.setdefault(f"{day_of(day):%Y-%m}", []).append(day)
        for month, days in opened_in.items():
            within = _within("day", runs(days))
            rows = f"SELECT * FROM {step.name} WHERE {within}"
            if month in old:
                kept = quoted(str(self.folder / old[month]))
                rows += f" UNION ALL SELECT * FROM {kept} WHERE NOT ({within})"
            months.pop(month, None)
            if engine.rows(f"SELECT 1 FROM ({rows}) LIMIT 1"):
                months[month] = written(self.folder, f"usage.{step.name}.{month}", rows, engine)
        if not months:
            # An empty one, for its columns.
            months["none"] = written(
                self.folder, f"usage.{step.name}", f"SELECT * FROM {step.name} WHERE false", engine
            )
        elif len(months) > 1:
            months.pop("none", None)
        return dict(sorted(months.items()))

    def _made(self, engine: DuckEngine, step: Step, files: Mapping[str, str]) -> None:
        """The step as a view of its files, or computed from the others."""
        engine.make_room(step.name)
        if step.kind == "whole":
            engine.execute(f"CREATE TABLE {step.name} AS {step.sql}")
        elif step.kind != "scratch":
            paths = ", ".join(quoted(str(self.folder / name)) for name in files.values())
            engine.execute(f"CREATE VIEW {step.name} AS SELECT * FROM read_parquet([{paths}])")


def _roll(engine: DuckEngine, step: Step, opened: Iterable[int]) -> None:
    """A step over the opened days alone, as a table of its name."""
    engine.make_room(step.name)
    if "{where}" not in step.sql:
        engine.execute(f"CREATE TABLE {step.name} AS {step.sql}")
        return
    engine.execute(f"CREATE TABLE {step.name} AS {step.sql.replace('{where}', 'WHERE false')}")
    stretches = runs(opened)
    if len(stretches) > MANY:
        between = _within("occurred_at", ((stretches[0][0], stretches[-1][1]),))
        where = f"WHERE {between} AND ({_within('CAST(occurred_at AS DATE)', stretches)})"
        engine.execute(f"INSERT INTO {step.name} {step.sql.replace('{where}', where)}")
        return
    for stretch in stretches:
        where = f"WHERE {_within('occurred_at', (stretch,))}"
        engine.execute(f"INSERT INTO {step.name} {step.sql.replace('{where}', where)}")


def _within(moment: str, stretches: Runs) -> str:
    """The SQL condition that a moment lies in some stretches of days."""
    each = (f"{moment} >= DATE '{day_of(first)}' AND {moment} < DATE '{day_of(last + 1)}'" for first, last in stretches)
    return " OR ".join(f"({one})" for one in each)


def _columns(engine: DuckEngine, table: str) -> list[str]:
    return [str(row[0]) for row in engine.rows(f"DESCRIBE {table}")]

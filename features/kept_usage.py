"""Usage kept between runs: rollups by day in one file a month, of which a new day rewrites only its own days.

A row group of the events that came or went, or of which other rows are set aside, opens the days it holds; every other
day stays as it was rolled up. So a refresh is cheap where files are in order of time, whole new files are added, or a
file grows at its end by the same writer; rows in no order, or a file written anew in another layout, are rolled up
again as a whole. What rests on earlier days, such as a gap between days of use, is made anew for the accounts of which
rows came or went, from the first such day on.

The manifest is written last and by one rename, and files are never changed in place: a run that is killed at any moment
leaves what was there before, and the next one ends with the same bits.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from features.engines import Engine
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.keeping.days import Runs, day_of, days_in, runs
from features.keeping.folder import forget, locked, read_manifest, write_manifest, written
from features.keeping.months import all_of, opened_rows, rewritten, within
from features.keeping.since import begun, carried_on, changed, compare_days
from features.keeping.step import Files, Step

VERSION: Final = 3
"""Of the layout; another one is rolled up anew."""

MANIFEST: Final = "manifest.json"

MANY: Final = 16
"""Stretches of days that are each scanned by themselves; of more of them, all between the first and last."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is kept: the days of each row group read, and the files of each step, by month or all in one."""

    rollup: str = ""
    pieces: Mapping[str, Runs] = field(default_factory=dict)
    files: Mapping[str, Files] = field(default_factory=dict)


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
            told = [VERSION, self.reads, *steps]
            version = hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()
            old = self._manifest(version)
            differ = old.pieces.keys() ^ self.pieces.keys()
            opened = {d for key in differ for held in (old.pieces, self.pieces) for d in days_in(held.get(key, ()))}
            files = old.files
            if differ or not files:
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
        self, engine: DuckEngine, steps: Sequence[Step], opened: set[int], old: Mapping[str, Files]
    ) -> dict[str, dict[str, str]]:
        """Roll the opened days up and write what they change; every step's files."""
        files = {name: dict(months) for name, months in old.items()}
        by_day = [step for step in steps if step.kind in ("by day", "scratch")]
        since = [step for step in steps if step.kind == "since"]
        for step in steps:
            if step.kind == "numbers":
                files[step.name] = self._numbered(engine, step, files.get(step.name, {}))
            elif step in by_day:
                _roll(engine, step, opened)
        sources = {step.source for step in since}
        for step in by_day:
            if step.kind == "by day":
                kept = files.get(step.name, {})
                if kept and step.name in sources:
                    compare_days(engine, self.folder, step.name, opened, kept)
                rows = opened_rows(self.folder, step.name, opened, kept)
                files[step.name] = rewritten(engine, self.folder, step.name, rows, kept)
            engine.make_room(step.name)
            if step.name in sources:
                self._made(engine, step, files[step.name])
        for step in since:
            files[step.name] = self._carried_on(engine, step, files.get(step.name, {}))
        for step in steps:
            engine.execute(f"DROP TABLE IF EXISTS {changed(step.name)}")
        return files

    def _carried_on(self, engine: DuckEngine, step: Step, old: Files) -> dict[str, str]:
        """The files of a step that rests on earlier days; it is then there by its name."""
        engine.make_room(step.name)
        if old:
            self._made(engine, step, old)
        files = carried_on(engine, self.folder, step, old) if old else begun(engine, self.folder, step)
        self._made(engine, step, files)
        return files

    def _numbered(self, engine: DuckEngine, step: Step, old: Files) -> dict[str, str]:
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

    def _made(self, engine: DuckEngine, step: Step, files: Files) -> None:
        """The step as a view of its files, or computed from the others."""
        engine.make_room(step.name)
        if step.kind == "whole":
            engine.execute(f"CREATE TABLE {step.name} AS {step.sql}")
        elif step.kind != "scratch":
            engine.execute(f"CREATE VIEW {step.name} AS {all_of(self.folder, files)}")


def _roll(engine: DuckEngine, step: Step, opened: Iterable[int]) -> None:
    """A step over the opened days alone, as a table of its name."""
    engine.make_room(step.name)
    if "{where}" not in step.sql:
        engine.execute(f"CREATE TABLE {step.name} AS {step.sql}")
        return
    engine.execute(f"CREATE TABLE {step.name} AS {step.sql.replace('{where}', 'WHERE false')}")
    stretches = runs(opened)
    if len(stretches) > MANY:
        between = within("occurred_at", ((stretches[0][0], stretches[-1][1]),))
        where = f"WHERE {between} AND ({within('CAST(occurred_at AS DATE)', stretches)})"
        engine.execute(f"INSERT INTO {step.name} {step.sql.replace('{where}', where)}")
        return
    for stretch in stretches:
        where = f"WHERE {within('occurred_at', (stretch,))}"
        engine.execute(f"INSERT INTO {step.name} {step.sql.replace('{where}', where)}")


def _columns(engine: DuckEngine, table: str) -> list[str]:
    return [str(row[0]) for row in engine.rows(f"DESCRIBE {table}")]

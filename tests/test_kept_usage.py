"""Usage kept between runs: only what changed is rolled up again, and whatever happens the bits are the same."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd

from features import usage
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.sources.files import Files
from tests.kept_tables import rollups

FIRST = datetime.fromisoformat("2025-01-01T09:00")
TODAY = date(2026, 6, 1)
ROOT = Path(__file__).parents[1]


def events(days: range, each: int = 40) -> pd.DataFrame:
    """Some events on each of some days, in order of time."""
    chance = random.Random(days.start)
    rows = [
        (
            f"a{chance.randint(1, 4)}",
            f"u{chance.randint(1, 9)}",
            f"e{chance.randint(1, 5)}",
            FIRST + timedelta(days=day, minutes=n),
        )
        for day in days
        for n in range(each)
    ]
    return pd.DataFrame(rows, columns=["account_id", "user_id", "event", "occurred_at"])


def write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """One file of events, a row group for about every two days."""
    (folder / "events").mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "events" / name, row_group_size=80, index=False)


def facts_of(folder: Path, home: Path | None) -> Facts:
    """The facts of a folder; with a home, usage is kept there."""
    source = Files(folder=folder, columns={})
    return take_in(source, DuckEngine(threads=1), None, TODAY, keep=home and home / "usage")


def refreshed(folder: Path, home: Path) -> list[str]:
    """The days that a refresh rolled up."""
    facts = facts_of(folder, home)
    assert facts.kept is not None
    return [str(day) for day in facts.kept.refresh(facts.engine, usage.steps())]


def rolled(folder: Path, home: Path | None = None) -> dict[str, list[tuple[object, ...]]]:
    """Every rollup, kept or not."""
    facts = facts_of(folder, home)
    usage.build(facts)
    return rollups(facts.engine)


def kept_files(home: Path) -> dict[str, bytes]:
    """Every kept file, named by its content, and the manifest."""
    return {path.name: path.read_bytes() for path in sorted((home / "usage").iterdir()) if path.suffix == ".parquet"}


def test_what_is_kept_is_the_rollup(tmp_path):
    """The first run rolls everything up; the second nothing, and both give what one without a home gives."""
    write(tmp_path, "one.parquet", events(range(60)))
    assert len(refreshed(tmp_path, tmp_path / "home")) == 60
    assert refreshed(tmp_path, tmp_path / "home") == []
    assert rolled(tmp_path, tmp_path / "home") == rolled(tmp_path)


def test_a_new_day_costs_a_day(tmp_path):
    """A new file opens its day; a file that grew at its end opens the days of its last row group and the new one."""
    write(tmp_path, "one.parquet", events(range(60)))
    refreshed(tmp_path, tmp_path / "home")
    write(tmp_path, "two.parquet", events(range(60, 61)))
    assert refreshed(tmp_path, tmp_path / "home") == ["2025-03-02"]
    write(tmp_path, "two.parquet", events(range(60, 62)))
    assert refreshed(tmp_path, tmp_path / "home") == ["2025-03-02", "2025-03-03"]
    assert rolled(tmp_path, tmp_path / "home") == rolled(tmp_path)


def test_a_late_fact_opens_its_own_day(tmp_path):
    """A fact of an old day among those of a new one opens these two days only; taking it back opens them again."""
    write(tmp_path, "one.parquet", events(range(200)))
    refreshed(tmp_path, tmp_path / "home")
    late = pd.concat([events(range(200, 201), 9), events(range(5, 6), 1)])
    write(tmp_path, "two.parquet", late)
    assert refreshed(tmp_path, tmp_path / "home") == ["2025-01-06", "2025-07-20"]
    assert rolled(tmp_path, tmp_path / "home") == rolled(tmp_path)
    (tmp_path / "events" / "two.parquet").unlink()
    assert refreshed(tmp_path, tmp_path / "home") == ["2025-01-06", "2025-07-20"]
    assert rolled(tmp_path, tmp_path / "home") == rolled(tmp_path)


def test_refreshing_ends_with_the_bits_of_a_full_build(tmp_path):
    """Files kept after ten refreshes are those of one build of the whole, by name and by content."""
    for day in range(10):
        write(tmp_path / "data", f"{day}.parquet", events(range(day * 7, day * 7 + 7)))
        refreshed(tmp_path / "data", tmp_path / "bit by bit")
    refreshed(tmp_path / "data", tmp_path / "at once")
    assert kept_files(tmp_path / "bit by bit") == kept_files(tmp_path / "at once")


def test_another_reading_is_rolled_up_anew(tmp_path):
    """A column that begins to be read opens every day."""
    write(tmp_path, "one.parquet", events(range(9)))
    refreshed(tmp_path, tmp_path / "home")
    write(tmp_path, "one.parquet", events(range(9)).assign(quantity=2.0))
    assert len(refreshed(tmp_path, tmp_path / "home")) == 9
    assert rolled(tmp_path, tmp_path / "home") == rolled(tmp_path)


def test_times_that_must_be_cast_are_kept_too(tmp_path):
    """Times kept as texts, in a column of another name, open their own days like others."""
    columns = {"events": {"when": "occurred_at"}}
    texts = events(range(200)).astype({"occurred_at": str}).rename(columns={"occurred_at": "when"})
    write(tmp_path, "one.parquet", texts[:4000])
    source, home = Files(folder=tmp_path, columns=columns), tmp_path / "home"
    take = partial(take_in, source, rejected=None, now=TODAY, keep=home)
    kept = take(engine=DuckEngine(threads=1)).kept
    assert kept is not None
    assert len(kept.refresh(take(engine=DuckEngine(threads=1)).engine, usage.steps())) == 100
    write(tmp_path, "two.parquet", texts[4000:4040])
    facts = take(engine=DuckEngine(threads=1))
    assert facts.kept is not None
    assert [str(day) for day in facts.kept.refresh(facts.engine, usage.steps())] == ["2025-04-11"]
    assert facts.engine.rows("SELECT sum(events) FROM user_day") == [(4040,)]


REFRESH = """
import sys
from pathlib import Path
from features import usage
from tests.test_kept_usage import facts_of
facts = facts_of(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
facts.kept.refresh(facts.engine, usage.steps())
print("done", flush=True)
"""


@contextmanager
def started(program: str, said: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has just said a word."""
    line = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{said}\n"
        yield process


HOLD = """
import fcntl, os, sys, time
with open(sys.argv[1], "a+") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    print("held", flush=True)
    time.sleep(1)
"""


def test_two_at_once(tmp_path):
    """Of two processes one waits and says for which; both end well."""
    write(tmp_path, "one.parquet", events(range(30)))
    facts = facts_of(tmp_path, tmp_path / "home")
    said: list[str] = []
    assert facts.kept is not None
    kept = replace(facts.kept, say=said.append)
    with started(REFRESH, "ready", tmp_path, tmp_path / "home") as other:
        kept.refresh(facts.engine, usage.steps())
        assert other.wait(timeout=30) == 0
    with started(HOLD, "held", kept.folder / "lock") as holder:
        assert kept.refresh(facts.engine, usage.steps()) == ()
        number = holder.pid
    assert said[-1:] == [f"waiting for process {number}, which is working in {kept.folder}"]

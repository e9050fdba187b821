"""What a new day, and a late fact of an old one, cost beside the full build: from the files to the rollups."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from features import usage
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.sources import Files

BEFORE = "(SELECT * FROM {events} WHERE occurred_at < {last})"
"""The log but for its last day, the 31st of December: none is dearer to add than the last of a month and quarter."""
NEW_DAY = """(SELECT * REPLACE (occurred_at + INTERVAL 1 DAY AS occurred_at) FROM {events}
WHERE occurred_at >= {last} - INTERVAL 1 DAY AND occurred_at < {last})"""
"""The day before once more, as that day: in the log itself half of it is missing."""
LATE_FACT = "(FROM {events} LIMIT 1 OFFSET 99)"
"""One more fact of the first day."""


def refresh(log: Path) -> dict[str, float]:
    """Seconds (and of the processor) of the full build, the first kept one, a new day and a late fact; their shares."""
    with tempfile.TemporaryDirectory() as scratch:
        data, home = Path(scratch) / "data", Path(scratch) / "home"
        (data / "events").mkdir(parents=True)
        for name in ("accounts", "contracts"):
            shutil.copy(log / f"{name}.parquet", data)
        add(log, BEFORE, data / "events" / "0.parquet")
        told = timed("first", lambda: rolled_up(data, home))
        for name, rows in (("day", NEW_DAY), ("late", LATE_FACT)):
            add(log, rows, data / "events" / f"{name}.parquet")
            told |= timed(name, lambda: rolled_up(data, home))
        told |= timed("full", lambda: rolled_up(data, None))
    shares = {f"{name}_share": told[f"{name}_cpu_s"] / told["full_cpu_s"] for name in ("day", "late")}
    return told | shares


def add(log: Path, rows: str, path: Path) -> None:
    """A file of some events made of those of the log."""
    events = f"'{log / 'events.parquet'}'"
    last = f"(SELECT CAST(max(occurred_at) AS DATE) FROM {events})"
    with duckdb.connect() as connection:
        rows = rows.format(events=events, last=last)
        connection.execute(f"COPY {rows} TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 500000)")


def rolled_up(data: Path, home: Path | None) -> None:
    """From the files to the rollups."""
    with DuckEngine(threads=2, memory_limit="4GB", spill=data / "spill") as engine:
        usage.build(take_in(Files(folder=data), engine, None, keep=home))


def timed(name: str, work: Callable[[], None]) -> dict[str, float]:
    """Seconds of the clock and of the processor, which other work on the machine disturbs less."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {f"{name}_s": time.perf_counter() - wall, f"{name}_cpu_s": time.process_time() - cpu}

"""Rollups that rest on earlier days are kept: whatever becomes known when, they hold the bits of a full build."""

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import usage
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.sources.files import Files
from tests.kept_tables import rollups

FIRST = datetime.fromisoformat("2025-01-01T09:00")
TODAY = date(2026, 11, 1)
DAYS = 400
COLUMNS = ("account_id", "user_id", "event", "occurred_at", "known_at")

EVENT = st.tuples(
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["z", "y", "x"]),
    st.integers(0, DAYS),
    st.sampled_from([0, 0, 0, 1, 2, 20, 100, 300]),
)
CHANGES = st.lists(st.tuples(st.sampled_from("1234"), st.lists(EVENT, max_size=20)), min_size=1, max_size=4)


def write(folder: Path, name: str, events: list[tuple[str | None, str, int, int]]) -> None:
    """One file of events: who (nobody: an account of this file alone), which feature, on which day, known how late."""
    path = folder / "events" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        (who or f"c{9 - int(name)}", "u", what, FIRST + timedelta(days=day), FIRST + timedelta(days=day + late))
        for who, what, day, late in events
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    times = dict.fromkeys(COLUMNS[3:], "datetime64[us]")
    frame.astype({**dict.fromkeys(COLUMNS[:3], "str"), **times}).to_parquet(path, row_group_size=5, index=False)


def built(folder: Path, home: Path | None) -> dict[str, list[tuple[object, ...]]]:
    """Every rollup, kept or not."""
    with DuckEngine(threads=1) as engine:
        usage.build(take_in(Files(folder=folder), engine, None, TODAY, keep=home))
        return rollups(engine)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_any_history_of_late_facts(changes: list[tuple[str, list[tuple[str | None, str, int, int]]]]) -> None:
    """Facts that come, go and become known late, over months and quarters: gaps, beginnings, marks and days agree."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch) / "data", Path(scratch) / "home"
        write(folder, "0", [("a", "z", day, 0) for day in range(0, DAYS, 9)])
        built(folder, home)
        for name, events in changes:
            write(folder, name, events)
            assert built(folder, home) == built(folder, None)


def test_a_use_that_becomes_known_parts_a_gap(tmp_path: Path) -> None:
    """A late day within a gap over several months ends it from the day it is known; taken back, the gap is whole."""
    write(tmp_path, "0", [("a", "z", 0, 0), ("a", "z", 200, 0)])
    whole = built(tmp_path, tmp_path / "home")
    assert [row[1:] for row in whole["gap"][1:]] == [(date(2025, 7, 20), date(2025, 7, 20), None, 200)]
    write(tmp_path, "1", [("a", "z", 100, 150)])
    parted = built(tmp_path, tmp_path / "home")
    assert [row[1:] for row in parted["gap"][1:]] == [
        (date(2025, 4, 11), date(2025, 9, 8), None, 100),
        (date(2025, 7, 20), date(2025, 7, 20), date(2025, 9, 8), 200),
        (date(2025, 7, 20), date(2025, 9, 8), None, 100),
    ]
    write(tmp_path, "1", [])
    assert built(tmp_path, tmp_path / "home") == whole


def test_only_what_changed_is_made_anew(tmp_path: Path) -> None:
    """One more event of an old day changes no file of what does not change by it."""
    write(tmp_path, "0", [(who, "z", day, 0) for day in range(0, DAYS, 9) for who in ("a", "b")])
    built(tmp_path, tmp_path / "home")
    before = {path.name for path in (tmp_path / "home").iterdir()}
    write(tmp_path, "1", [("a", "z", 9, 0)])
    built(tmp_path, tmp_path / "home")
    new = {path.name for path in (tmp_path / "home").iterdir()} - before
    assert {name.rsplit(".", 2)[0] for name in new if name.startswith("usage.")} == {
        f"usage.{name}.2025-01" for name in ("account_day", "feature_day", "fleet_day", "user_day")
    }

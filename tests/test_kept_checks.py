"""What checking found is kept: whatever comes, goes or changes, the outcome is that of checking everything."""

import hashlib
import json
import signal
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import snapshots, table, usage
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.keeping import checks
from features.sources.files import Files
from tests.kept_tables import rollups
from tests.test_kept_usage import started

TODAY = date(2026, 6, 1)
FIRST = datetime.fromisoformat("2025-08-01T09:00")
ACCOUNTS = ("a1", "a2", "a3")

ROW = st.sampled_from(["good"] * 6 + ["nobody", "stranger", "newcomer", "tomorrow", "negative", "robot"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"),
            st.sampled_from(["1", "2", "3/4"]),
            st.lists(ROW, min_size=1, max_size=9),
            st.sampled_from(["plain", "numbers for ids", "dates", "texts", "no users", "late"]),
        ),
        st.tuples(st.just("remove"), st.sampled_from(["1", "2", "3/4"])),
        st.tuples(st.just("accounts"), st.sampled_from([ACCOUNTS, ACCOUNTS[:2], (*ACCOUNTS, "n"), None])),
        st.tuples(st.just("today"), st.integers(-2, 3)),
    ),
    min_size=2,
    max_size=7,
)


def rows(kinds: list[str], form: str) -> pd.DataFrame:
    """Events of some kinds, in a form that changes the types of columns."""
    found: list[dict[str, Any]] = []
    for place, kind in enumerate(kinds):
        at = TODAY + timedelta(days=1) if kind == "tomorrow" else FIRST + timedelta(days=29 * (place % 10))
        event = {
            "account_id": {"nobody": None, "stranger": "who", "newcomer": "n"}.get(kind, ACCOUNTS[place % 3]),
            "occurred_at": at,
            "event": "edit",
            "user_id": f"u{place % 4}",
            "duration_s": -1.0 if kind == "negative" else None,
            "actor": "robot" if kind == "robot" else "human",
        }
        found.append(event)
    frame = pd.DataFrame(found).astype({"occurred_at": "datetime64[us]", "duration_s": float})
    if form == "numbers for ids":
        return frame.assign(user_id=range(len(frame)))
    if form == "dates":
        return frame.assign(occurred_at=frame["occurred_at"].dt.date)
    if form == "texts":
        return frame.assign(occurred_at=frame["occurred_at"].astype(str) + "+02:00")
    if form == "late":
        return frame.assign(known_at=frame["occurred_at"] + pd.Timedelta(days=2))
    return frame.drop(columns="user_id") if form == "no users" else frame


def write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """One file of events in row groups of three rows."""
    path = folder / "events" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, row_group_size=3, index=False)


def changed(folder: Path, change: tuple[Any, ...]) -> None:
    """The folder after one change."""
    kind, what, *how = change
    if kind == "write":
        write(folder, what, rows(*how))
    elif kind == "remove":
        (folder / "events" / f"{what}.parquet").unlink(missing_ok=True)
    elif kind == "accounts" and what is None:
        (folder / "accounts.parquet").unlink(missing_ok=True)
    elif kind == "accounts":
        folder.mkdir(exist_ok=True)
        pd.DataFrame({"account_id": what}).to_parquet(folder / "accounts.parquet")


def told(folder: Path, home: Path | None, today: date) -> dict[str, object]:
    """All that intake says and leaves behind, and the rollup of it."""
    with tempfile.TemporaryDirectory() as scratch, DuckEngine(threads=1) as engine:
        out = Path(scratch) / "rejected"
        facts = take_in(Files(folder=folder), engine, out, today, keep=home)
        usage.build(facts)
        return {
            "facts": (facts.known, facts.fingerprint, facts.cutoff, facts.findings),
            "rejected": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()},
            "events": engine.rows("SELECT * FROM events ORDER BY ALL"),
            "accounts": engine.rows("SELECT * FROM accounts ORDER BY ALL"),
            **rollups(engine),
        }


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_any_history_ends_as_if_there_were_none(changes: list[tuple[Any, ...]]) -> None:
    """After any files, faults, types, accounts and days, what is kept and checked anew agree in every bit."""
    today = TODAY
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch) / "data", Path(scratch) / "home"
        write(folder, "0", rows(["good"] * 7, "plain"))
        changed(folder, ("accounts", ACCOUNTS))
        for change in (None, *changes):
            if change is not None:
                changed(folder, change)
                today += timedelta(days=change[1] if change[0] == "today" else 0)
            assert told(folder, home, today) == told(folder, None, today)


def checked_on(home: Path, today: date) -> int:
    """How many row groups were last checked on a day."""
    pieces = json.loads((home / checks.MANIFEST).read_text(encoding="utf-8"))["pieces"]
    return sum(piece["today"] == str(today) for piece in pieces.values())


def test_only_new_row_groups_are_checked(tmp_path: Path) -> None:
    """A new file costs its row groups, faults in old ones nothing; a moved folder and a touched file neither."""
    data, home = tmp_path / "data", tmp_path / "home"
    write(data, "1", rows(["good", "robot", "stranger"] * 3, "plain"))
    changed(data, ("accounts", ACCOUNTS))
    told(data, home, TODAY)
    assert checked_on(home, TODAY) == 3
    write(data, "2", rows(["good"] * 4, "plain"))
    told(data, home, TODAY + timedelta(days=1))
    assert (checked_on(home, TODAY), checked_on(home, TODAY + timedelta(days=1))) == (3, 2)
    (data / "events" / "1.parquet").touch()
    data.rename(tmp_path / "moved")
    told(tmp_path / "moved", home, TODAY + timedelta(days=2))
    assert (checked_on(home, TODAY), checked_on(home, TODAY + timedelta(days=1))) == (3, 2)


def test_what_it_was_checked_against_changes(tmp_path: Path) -> None:
    """Another account that was unknown opens the row groups that name unknown ones; one that is gone opens all."""
    write(tmp_path, "1", rows(["good"] * 3 + ["newcomer"] + ["good"] * 2, "plain"))
    found = []
    for days, accounts in enumerate((ACCOUNTS, (*ACCOUNTS, "x"), (*ACCOUNTS, "n"), ACCOUNTS[:2])):
        today = TODAY + timedelta(days=days)
        changed(tmp_path, ("accounts", accounts))
        assert told(tmp_path, tmp_path / "home", today) == told(tmp_path, None, today)
        found.append(checked_on(tmp_path / "home", today))
    assert found == [2, 0, 1, 2]


def test_a_value_changed_in_place_is_seen(tmp_path: Path) -> None:
    """Another id of the same length in the middle of a row group leaves its size and extremes, and is seen."""
    frame = rows(["good"] * 9, "plain")
    write(tmp_path, "1", frame)
    told(tmp_path, tmp_path / "home", TODAY)
    write(tmp_path, "1", frame.assign(account_id=["a1", "a3", "a3", *frame["account_id"][3:]]))
    assert told(tmp_path, tmp_path / "home", TODAY) == told(tmp_path, None, TODAY)


TAKE = """
import sys
from datetime import date
from pathlib import Path
from features import snapshots, table, usage
from tests.test_kept_checks import TODAY, told
print("ready", flush=True)
told(Path(sys.argv[1]), Path(sys.argv[2]), TODAY)
print("done", flush=True)
"""


def test_killed_at_any_moment_of_intake(tmp_path: Path) -> None:
    """After kill -9 at moments all over intake and rollup, the next run ends with the same bits."""
    data, home = tmp_path / "data", tmp_path / "home"
    changed(data, ("accounts", ACCOUNTS))
    write(data, "1", rows(["good", "stranger", "negative"] * 30, "plain"))
    whole = told(data, None, TODAY)
    with started(TAKE, "ready", data, tmp_path / "timed") as process:
        began = time.monotonic()
        process.wait()
        lasts = time.monotonic() - began
    killed = 0
    for place in range(4):
        with started(TAKE, "ready", data, home) as process:
            time.sleep(lasts * (place + 0.5) / 5)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert told(data, home, TODAY) == whole
        (home / checks.MANIFEST).unlink()
        (home / "manifest.json").unlink()
    assert killed > 0


def test_two_intakes_at_once(tmp_path: Path) -> None:
    """Two processes that take in and roll up in one home at once both end, and leave what one would have."""
    data, home = tmp_path / "data", tmp_path / "home"
    write(data, "1", rows(["good", "negative"] * 30, "plain"))
    with started(TAKE, "ready", data, home) as one, started(TAKE, "ready", data, home) as other:
        assert (one.wait(timeout=60), other.wait(timeout=60)) == (0, 0)
    assert told(data, home, TODAY) == told(data, None, TODAY)


def signals_of(facts: Facts) -> pd.DataFrame:
    """Every signal of every account at two cutoffs."""
    found = table.every(facts, snapshots.Renewal(), cutoffs=(date(2025, 12, 1), date(2026, 6, 1)))
    return pd.concat([found.keys, found.signals], axis=1).sort_values(["account_id", "cutoff"], ignore_index=True)


def test_signals_are_those_of_a_full_build(tmp_path: Path) -> None:
    """Accounts and features that come later are numbered later, and no bit of any rollup or signal tells."""
    for place, kinds in enumerate((["good"] * 20, ["stranger", "newcomer", "good"] * 3, ["good", "nobody"])):
        events = rows(kinds, "late" if place == 1 else "plain")
        write(
            tmp_path,
            str(place),
            events.assign(user_id=[f"{9 - place}{n}" for n in range(len(kinds))], event=f"e{-place}"),
        )
        kept = take_in(Files(folder=tmp_path), DuckEngine(threads=1), None, TODAY, keep=tmp_path / "home")
        whole = take_in(Files(folder=tmp_path), DuckEngine(threads=1), None, TODAY)
        pd.testing.assert_frame_equal(signals_of(kept), signals_of(whole), check_exact=True)
        assert rollups(kept.engine) == rollups(whole.engine)

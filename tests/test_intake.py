"""Every row read is either accepted, typed and in UTC, or set aside with its reason."""

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.domain import TABLES
from features.engines.duckdb import DuckEngine
from features.errors import SourceError
from tests.folders import ACCOUNTS, EVENTS, Cells, kinds, rejects, table_written, taken, written

CONTRACT_FAULTS = {
    "c1,a,2025-01-01,2026-02-30,,,": "ends_on 2026-02-30 is not a date",
    "c2,a,2025-01-01,2025-01-01,,,": "ends_on 2025-01-01 is also starts_on: a contract of no days",
    "c3,a,2025-01-01,2024-01-01,,,": "ends_on 2024-01-01 is before starts_on 2025-01-01",
    "c4,a,2025-01-01,2026-01-01,lost,,": "outcome lost is not one of renewed, expanded, downgraded, churned",
    "c5,a,2025-01-01,2026-01-01,renewed,2027-01-01,": "decided_on 2027-01-01 is in the future",
    "c6,a,1925-01-01,2026-01-01,,,": "starts_on 1925-01-01 is before 1970",
    "c7,a,2025-01-01,10000-01-01,,,": "ends_on 10000-01-01 is after the year 9999",
    "c8,a,2025-01-01,2026-01-01,,,-5": "arr -5 is below 0",
    "c9,a,2025-01-01,2026-01-01,,,1e999": "arr 1e999 is not a finite number",
    'c10,a,2025-01-01,2026-01-01,,,"1,5"': "arr 1,5 is not a number",
    "c11,who,2025-01-01,2026-01-01,,,": "account_id who is not in accounts",
    "c12,,2025-01-01,2026-01-01,,,": "account_id is missing",
    ",a,2025-01-01,2026-01-01,,,": "contract_id is missing",
    "c13,a,,2026-01-01,,,": "starts_on is missing",
    "c0,a,2025-01-01,2026-01-01,,,": "the same row as contracts.csv row 1",
    "c0,b,2025-01-01,2026-01-01,,,": "contract_id c0 is already in contracts.csv row 1",
    "c14,a,2025-01-01 noon,2026-01-01,,,": "starts_on 2025-01-01 noon is not a date",
}


@pytest.mark.parametrize("line", CONTRACT_FAULTS)
def test_unusable_contracts_are_set_aside_with_their_reason(tmp_path: Path, line: str) -> None:
    """Each kind of unusable row goes to `rejected/` with file, row and a reason that repeats the cell."""
    header = "contract_id,account_id,starts_on,ends_on,outcome,decided_on,arr\nc0,a,2025-01-01,2026-01-01,,,\n"
    files = {"events.csv": EVENTS, "accounts.csv": ACCOUNTS, "contracts.csv": f"{header}{line}\n"}
    facts = taken(written(tmp_path / "in", files), tmp_path / "out")
    assert rejects(tmp_path / "out", "contracts") == [(2, CONTRACT_FAULTS[line])]
    assert facts.engine.rows("SELECT contract_id FROM contracts") == [("c0",)]
    [finding] = facts.findings
    assert (finding.count, finding.file, finding.row, finding.set_aside) == (1, "contracts.csv", 2, True)
    assert finding.sentence == f"1 row was set aside; contracts.csv row 2: {CONTRACT_FAULTS[line]}"


EVENT_FAULTS = {
    "a,2026-06-02,edit,,": "occurred_at 2026-06-02 is in the future",
    "a,infinity,edit,,": "occurred_at infinity is in the future",
    "a,1969-12-31,edit,,": "occurred_at 1969-12-31 is before 1970",
    "a,soon,edit,,": "occurred_at soon is not a time",
    "a,2026-01-05,,,": "event is missing",
    "a,2026-01-05,edit,-1,": "duration_s -1 is below 0",
    "a,2026-01-05,edit,,robot": "actor robot is not one of human, api",
    f"a,{'x' * 100},edit,,": f"occurred_at {'x' * 60}… is not a time",
}


@pytest.mark.parametrize("line", EVENT_FAULTS)
def test_unusable_events_are_set_aside_with_their_reason(tmp_path: Path, line: str) -> None:
    """Events too; a reason shows the beginning of a long cell."""
    content = f"account_id,occurred_at,event,duration_s,actor\na,2026-01-05,edit,,\n{line}\n"
    facts = taken(written(tmp_path / "in", {"events.csv": content}), tmp_path / "out")
    assert rejects(tmp_path / "out", "events") == [(2, EVENT_FAULTS[line])]
    assert facts.engine.rows("SELECT count(*) FROM events") == [(1,)]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-05", datetime(2026, 1, 5)),  # noqa: DTZ001  a TIMESTAMP has no zone: it is UTC by declaration
        ("2026-01-05T10:00Z", datetime(2026, 1, 5, 10)),  # noqa: DTZ001  the same
        ("2026-01-05T10:00:30.5+0530", datetime(2026, 1, 5, 4, 30, 30, 500000)),  # noqa: DTZ001  the same
        (" 2026-01-05 10:00+02 ", datetime(2026, 1, 5, 8)),  # noqa: DTZ001  the same
        ("2026-01-05 10:00:00 Europe/Berlin", datetime(2026, 1, 5, 9)),  # noqa: DTZ001  the same
    ],
)
def test_times_become_utc(tmp_path: Path, text: str, utc: datetime) -> None:
    """A text with an offset is turned to UTC; one without is UTC already."""
    facts = taken(written(tmp_path, {"events.csv": f"account_id,occurred_at,event\na,{text},edit\n"}))
    assert facts.engine.rows("SELECT occurred_at, known_at FROM events") == [(utc, utc)]


def test_mixed_zones_are_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """A column with and without offsets is one finding that counts those without."""
    content = (
        "account_id,occurred_at,event\na,2026-01-05T10:00+02:00,edit\nb,2026-01-05T10:00,edit\nc,2026-01-06,edit\n"
    )
    facts = taken(written(tmp_path, {"events.csv": content}))
    assert [(f.kind, f.count, f.row, f.set_aside) for f in facts.findings] == [("mixed time zones", 2, 2, False)]
    assert facts.engine.rows("SELECT count(*) FROM events") == [(3,)]


def test_typed_parquet_is_cast(tmp_path: Path) -> None:
    """Zoned times, dates, integers, floats for ids and NaN arrive as declared."""
    frame = pd.DataFrame(
        {
            "account_id": [1.0, 2.0],
            "occurred_at": pd.to_datetime(["2026-01-05 10:00", "2026-01-06 10:00"]).tz_localize("Europe/Berlin"),
            "event": pd.Categorical(["edit", "view"]),
            "quantity": [float("nan"), 3.0],
            "duration_s": [5, 6],
            "actor": ["API", None],
        }
    )
    frame.to_parquet(tmp_path / "events.parquet")
    found = taken(tmp_path).engine.rows(
        "SELECT account_id, occurred_at::VARCHAR, quantity, duration_s, actor FROM events"
    )
    assert sorted(found) == [
        ("1", "2026-01-05 09:00:00", 1.0, 5.0, "api"),
        ("2", "2026-01-06 09:00:00", 3.0, 6.0, "human"),
    ]


def test_nested_attributes_are_kept_as_text(tmp_path: Path) -> None:
    """A list or a struct among the further columns is no number and stays readable; an infinite number is not known."""
    query = (
        "SELECT 'a' AS account_id, [1, 2] AS tags, {'x': 1} AS more, 'inf'::DOUBLE AS size, DATE '2020-01-01' AS day"
    )
    with DuckEngine() as engine:
        engine.execute(f"COPY ({query}) TO '{tmp_path / 'accounts.parquet'}'")
    facts = taken(written(tmp_path, {"events.csv": EVENTS}))
    assert facts.engine.rows("SELECT tags, more, size, day FROM accounts") == [
        ("[1, 2]", "{'x': 1}", None, "2020-01-01")
    ]


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    """Files of different columns and types are one table; a rejected row names its own file."""
    (tmp_path / "events" / "2026").mkdir(parents=True)
    with DuckEngine() as engine:
        for name, account, at in (("1", "'a'", "TIMESTAMP '2026-01-05'"), ("2026/2", "5", "DATE '2999-01-05'")):
            query = f"SELECT {account} AS account_id, {at} AS occurred_at, 'edit' AS event"
            engine.execute(f"COPY ({query}) TO '{tmp_path / 'events' / name}.parquet'")
    [finding] = taken(tmp_path).findings
    assert finding.sentence.startswith("1 row was set aside; events/2026/2.parquet row 1: occurred_at 2999-01-05")


def test_facts_hold_every_declared_column(tmp_path: Path) -> None:
    """Each declared table is there with its declared types and a known_at that is never empty."""
    contracts = "contract_id,account_id,starts_on,ends_on,seats\nc,a,2025-01-01,2026-01-01,\n"
    facts = taken(written(tmp_path, {"events.csv": EVENTS, "contracts.csv": contracts}))
    for table in TABLES:
        held = {str(row[0]): str(row[1]) for row in facts.engine.rows(f"DESCRIBE {table.name}")}
        assert held == {column.name: column.sql_type for column in table.columns} | {"known_at": "TIMESTAMP"}
        assert facts.engine.rows(f"SELECT count(*) FROM {table.name} WHERE known_at IS NULL") == [(0,)]
    assert dict(facts.known) == {
        "events": {"account_id", "occurred_at", "event"},
        "contracts": {"contract_id", "account_id", "starts_on", "ends_on"},
    }


def test_accounts_are_derived_where_there_is_no_table(tmp_path: Path) -> None:
    """Without accounts, whoever has a contract or an event is an account whose beginning is not known."""
    contracts = "contract_id,account_id,starts_on,ends_on\nc,only,2025-01-01,2026-01-01\n"
    facts = taken(written(tmp_path, {"events.csv": EVENTS, "contracts.csv": contracts}))
    assert facts.engine.rows("SELECT account_id, created_at FROM accounts ORDER BY 1") == [
        ("a", None),
        ("b", None),
        ("only", None),
    ]
    assert not facts.knows("accounts")


@pytest.mark.parametrize(
    ("last", "cutoff"),
    [("2026-01-06", "2026-01-07"), ("2026-01-06T23:59:59Z", "2026-01-07"), ("2026-06-01", "2026-06-02")],
)
def test_cutoff_is_the_midnight_after_the_last_fact(tmp_path: Path, last: str, cutoff: str) -> None:
    """The last fact lies before the cutoff; terms that are agreed ahead do not move it."""
    contracts = "contract_id,account_id,starts_on,ends_on\nc,a,2026-05-01,2027-05-01\n"
    files = {"events.csv": f"{EVENTS}a,{last},edit\n", "contracts.csv": contracts}
    assert taken(written(tmp_path, files)).cutoff == date.fromisoformat(cutoff)


def test_no_usable_event_is_fatal(tmp_path: Path) -> None:
    """Where nothing is left, a fatal finding says so beside the reason."""
    facts = taken(written(tmp_path, {"events.csv": EVENTS, "accounts.csv": "account_id\nz\n"}))
    assert [(f.kind, f.fatal) for f in facts.findings] == [("unknown account", False), ("no rows", True)]


def test_rejected_is_replaced_whole(tmp_path: Path) -> None:
    """What an earlier take-in set aside is gone after the next, and stays when the next one fails."""
    out = tmp_path / "out"
    taken(written(tmp_path / "bad", {"events.csv": EVENTS + "c,never,edit\n"}), out)
    assert [path.name for path in out.iterdir()] == ["events.parquet"]
    with pytest.raises(SourceError):
        taken(tmp_path / "nowhere", out)
    assert [path.name for path in out.iterdir()] == ["events.parquet"]
    taken(written(tmp_path / "good", {"events.csv": EVENTS}), out)
    assert list(out.iterdir()) == []


def test_take_in_is_idempotent(tmp_path: Path) -> None:
    """Taking in what was taken in accepts everything and changes nothing."""
    with DuckEngine() as engine:
        first = taken(written(tmp_path / "a", {"events.csv": EVENTS + "c,never,edit\n", "accounts.csv": ACCOUNTS}))
        (tmp_path / "b").mkdir()
        for name in ("events", "accounts"):
            engine.register(name, first.engine.frame(f"SELECT * EXCLUDE (known_at) FROM {name}"))
            engine.execute(f"COPY {name} TO '{tmp_path / 'b' / name}.parquet'")
    second = taken(tmp_path / "b")
    assert second.findings == ()
    assert second.engine.rows("FROM events ORDER BY ALL") == first.engine.rows("FROM events ORDER BY ALL")


TIMES = st.sampled_from(
    ["2026-01-05", "2026-01-05 10:00", "2026-01-05T10:00:00+02:00", "2026-02-30", "2999-01-01", "1900-01-01", "x", None]
)
NUMBERS = st.sampled_from(["1", "1.0", "-1", "1e308", "1e309", "nan", "inf", " 7 ", "seven", "1,5", None])
# CSV cannot tell an empty cell from a missing one, so the empty text stands for neither; a NUL is no text anywhere.
IDS = st.one_of(
    st.sampled_from(["a", "b", "A", " a", '"', ",", "'", "é😀", "a\nb", "NULL", "0", "1.0"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), min_size=1, max_size=8),
    st.none(),
)
EVENT_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": IDS,
            "occurred_at": TIMES,
            "event": IDS,
            "user_id": IDS,
            "quantity": NUMBERS,
            "duration_s": NUMBERS,
            "actor": st.sampled_from(["human", "API", "robot", None]),
            "known_at": TIMES,
        }
    ),
    min_size=1,
    max_size=12,
)
CONTRACT_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "contract_id": st.sampled_from(["1", "2", None]),
            "account_id": st.sampled_from(["a", "b"]),
            "starts_on": TIMES,
            "ends_on": st.sampled_from(["2026-01-05", "2026-03-01", "2027-01-01", "never", None]),
            "arr": NUMBERS,
            "auto_renew": st.sampled_from(["true", "0", "maybe", None]),
            "outcome": st.sampled_from(["renewed", "Churned", "lost", None]),
        }
    ),
    min_size=1,
    max_size=12,
)
FUZZ = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(events=EVENT_ROWS, contracts=CONTRACT_ROWS)
def test_formats_agree_and_nothing_is_lost(events: list[Cells], contracts: list[Cells]) -> None:
    """For any rows, accepted and set aside make up what was read, and every format gives the same facts and reasons."""
    seen = set()
    with tempfile.TemporaryDirectory() as scratch:
        for ending in (".csv", ".jsonl", ".parquet"):
            folder, out = Path(scratch) / f"in{ending}", Path(scratch) / f"out{ending}"
            table_written(folder, "events", ending, events)
            table_written(folder, "contracts", ending, contracts)
            facts = taken(folder, out)
            reasons = []
            for name, rows in (("events", events), ("contracts", contracts)):
                [(accepted,)] = facts.engine.rows(f"SELECT count(*) FROM {name}")
                aside = rejects(out, name) if (out / f"{name}.parquet").exists() else []
                assert accepted == len(rows) - len(aside)
                assert sum(f.count for f in facts.findings if f.set_aside and f.table == name) == len(aside)
                reasons.append(tuple((row, reason.replace(ending, "")) for row, reason in aside))
            seen.add((facts.fingerprint, facts.cutoff, tuple(reasons)))
    assert len(seen) == 1


@FUZZ
@given(
    times=st.lists(st.datetimes(datetime(1960, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=8),  # noqa: DTZ001  as above
    zone=st.sampled_from([None, "UTC", "America/New_York", "Asia/Kolkata"]),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    numbers=st.lists(st.floats(), min_size=8, max_size=8),
)
def test_typed_columns_lose_nothing(
    times: list[datetime], zone: str | None, unit: Literal["s", "ms", "us", "ns"], numbers: list[float]
) -> None:
    """For any zone, unit and float, what is accepted is finite and past, and with the rest makes up the whole."""
    at = pd.DatetimeIndex(times).as_unit(unit)
    at = at.tz_localize("UTC").tz_convert(zone) if zone else at
    frame = pd.DataFrame({"account_id": 7, "occurred_at": at, "event": "edit", "duration_s": numbers[: len(at)]})
    with tempfile.TemporaryDirectory() as scratch:
        frame.to_parquet(Path(scratch) / "events.parquet")
        facts = taken(Path(scratch))
        [(accepted, sane)] = facts.engine.rows(
            "SELECT count(*), count(*) FILTER (occurred_at BETWEEN '1970-01-01' AND '2026-06-02' AND "
            "coalesce(isfinite(duration_s) AND duration_s >= 0, true)) FROM events"
        )
    assert accepted == sane
    assert int(str(accepted)) + sum(f.count for f in facts.findings if f.set_aside) == len(frame)
    assert kinds(facts.findings).count("no rows") == (accepted == 0)

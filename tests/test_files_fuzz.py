"""Whatever a file holds, each of its rows is used or set aside with a reason, or one line says why none can be."""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import quality
from features.errors import EbbError
from features.facts import Facts
from tests.folders import rejects, taken

FUZZ = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

NAMES = ("account_id", "occurred_at", "event", "user_id", "quantity", "duration_s", "actor", "known_at")

# Ten-year gaps, offsets, leap seconds, epochs in several units, words that read as times.
TIMES = """
2026-01-05T10:00:00Z 2026-01-05 2016-01-05T10:00+05:45 2006-02-29 1970-01-01 1969-12-31T23:59:59
2026-06-01T23:59:59-12:00 2015-06-30T23:59:60Z 1736071200 1736071200000 0 -1 infinity -infinity now today epoch
05/01/2026 20260105 24:00 2026-13-01 292277-01-01 2026-01-05T10:00:00Europe/Berlin 2026-01-05T10:00:00.123456789Z NaT
""".split()  # noqa: SIM905  a line of words reads better
NUMBERS = "1 0 -0.0 -5 1e308 -1e308 1e309 nan -nan inf 1_000 1,5 0x10 007 ١٢ 1e-320 9007199254740993 true".split()  # noqa: SIM905  as above
TEXTS = [
    "a",
    "b",
    "A",
    " a ",
    "",
    " ",
    "NULL",
    "None",
    "é😀",
    "a\nb",
    "a\r\nb",
    'say "hi"',
    "'",
    ",",
    ";",
    "\t",
    "\\",
    "%s",
    "{}",
]

# A carriage return that is not quoted ends a line of CSV by itself.
cells = st.one_of(
    st.none(),
    st.sampled_from([*TIMES, *NUMBERS, *TEXTS]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12),
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.one_of(st.sampled_from(["a", "b"]), cells),
            "occurred_at": st.one_of(st.sampled_from(TIMES), cells),
            "event": st.one_of(st.just("edit"), cells),
        },
        optional=dict.fromkeys(NAMES[3:], cells),
    ),
    min_size=1,
    max_size=10,
)


def counted(folder: Path) -> tuple[int, int] | str:
    """Rows accepted and set aside, of all that can be said about them, or the line that says why there are none."""
    out = folder.with_name(folder.name + "-out")
    try:
        facts = taken(folder, out)
    except EbbError as fault:
        return str(fault)
    aside = rejects(out, "events") if (out / "events.parquet").exists() else []
    assert all(reason for _, reason in aside)
    assert sum(f.count for f in facts.findings if f.set_aside and f.table == "events") == len(aside)
    quality.report(facts, mode="inactivity")
    return accepted(facts), len(aside)


def accepted(facts: Facts) -> int:
    """How many events are in use; each of them sane."""
    [(whole, sane)] = facts.engine.rows(
        """SELECT count(*), count(*) FILTER (
          account_id <> '' AND event <> '' AND occurred_at >= '1970-01-01' AND known_at >= occurred_at
          AND known_at < '2026-06-02' AND isfinite(quantity)
          AND coalesce(isfinite(duration_s) AND duration_s >= 0, true)
          AND actor IN ('human', 'api')) FROM events"""
    )
    assert whole == sane
    return int(str(whole))


def check(files: Mapping[str, bytes], count: int | None) -> None:
    """Of a folder with these files, accepted and set aside make up ``count`` (None: whatever it is, no stack trace)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "in"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        found = counted(folder)
        if count is not None:
            assert not isinstance(found, str), found
            assert sum(found) == count
        elif isinstance(found, str):
            assert len(found.splitlines()) == 1


def as_csv(found: Sequence[Mapping[str, str | None]], **dialect: Any) -> str:
    """Rows as a CSV file, their columns those that any row has."""
    names = list(dict.fromkeys(name for row in found for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, **dialect)
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


@FUZZ
@given(
    found=rows,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    mark=st.booleans(),
    packed=st.booleans(),
    twice=st.booleans(),
)
def test_csv_of_any_cells(
    found: list[dict[str, str | None]], delimiter: str, end: str, quoting: Any, mark: bool, packed: bool, twice: bool
) -> None:
    """Any cells in any dialect, with a byte-order mark, gzipped, with every row twice: nothing is lost."""
    found = found * 2 if twice else found
    text = as_csv(found, delimiter=delimiter, lineterminator=end, quoting=quoting)
    content = text.encode("utf-8-sig" if mark else "utf-8")
    check({"events.csv.gz": gzip.compress(content)} if packed else {"events.csv": content}, len(found))


@FUZZ
@given(
    found=rows,
    encoding=st.sampled_from(["latin-1", "utf-16", "cp1252", "utf-8"]),
    cut=st.integers(0, 60),
    junk=st.binary(max_size=20),
)
def test_spoilt_csv(found: list[dict[str, str | None]], encoding: str, cut: int, junk: bytes) -> None:
    """Another encoding, a file cut short, bytes thrown in: lines are set aside, or one line says what is wrong."""
    content = as_csv(found).encode(encoding, errors="replace")
    check({"events.csv": content[: len(content) - cut] + junk + content[len(content) - cut :]}, None)
    check({"events.csv": content[: len(content) - cut]}, None)


values = st.recursive(
    st.one_of(cells, st.booleans(), st.integers(-(2**70), 2**70), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b/c", "~"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@FUZZ
@given(
    found=st.lists(st.dictionaries(st.sampled_from([*NAMES, "Event", "x"]), values), min_size=1, max_size=8),
    broken=st.lists(st.sampled_from(["{", "[]", "null", "3", '{"a": }', "{} {}", "\x01", '{"account_id": "a"'])),
    blank=st.integers(0, 2),
)
def test_json_lines_of_any_values(found: list[dict[str, Any]], broken: list[str], blank: int) -> None:
    """Values of any type and depth, keys that come and go, lines that are no objects: nothing is lost."""
    whole = [{"account_id": "a", "occurred_at": "2026-01-05", "event": "edit"}, *found]
    lines = [json.dumps(value, ensure_ascii=False) for value in whole] + broken + [""] * blank
    check({"events.jsonl": "\n".join(lines).encode()}, len(whole) + len(broken))


TYPES = [
    *(pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(20, 3)),
    *(pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string()), pa.bool_(), pa.null()),
    *(pa.date32(), pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("us", "Asia/Kolkata")),
    *(pa.time64("us"), pa.duration("us"), pa.list_(pa.int64()), pa.struct([("x", pa.string())])),
]
"""What a Parquet file's column can be."""


def of_type(kind: pa.DataType) -> st.SearchStrategy[Any]:  # noqa: C901  one branch for each kind
    """Values of an Arrow type."""
    moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  a TIMESTAMP without a zone
    found: st.SearchStrategy[Any]
    if pa.types.is_integer(kind):
        found = st.integers(0 if kind == pa.uint64() else -100, 127)
    elif pa.types.is_floating(kind):
        found = st.floats(width=32)
    elif pa.types.is_decimal(kind):
        found = st.sampled_from([Decimal("1.5"), Decimal("-7"), Decimal("99999999999999999.999")])
    elif pa.types.is_boolean(kind):
        found = st.booleans()
    elif pa.types.is_date(kind):
        found = st.dates(date(1, 1, 1), date(9999, 12, 31))
    elif pa.types.is_timestamp(kind):
        found = moments.map(lambda at: at.replace(tzinfo=UTC)) if kind.tz else moments
    elif pa.types.is_time(kind):
        found = st.just(time_of_day(10, 30))
    elif pa.types.is_duration(kind):
        found = st.just(timedelta(days=-1, seconds=5))
    elif pa.types.is_list(kind):
        found = st.lists(st.integers(0, 3), max_size=2)
    elif pa.types.is_struct(kind):
        found = st.fixed_dictionaries({"x": st.sampled_from(TEXTS)})
    elif pa.types.is_binary(kind):
        found = st.binary(max_size=6)
    else:
        found = st.none() if pa.types.is_null(kind) else st.sampled_from([*TIMES, *NUMBERS, *TEXTS])
    return st.one_of(st.none(), found)


@st.composite
def typed_tables(draw: st.DrawFn) -> pa.Table:
    """A table of events whose columns have any types."""
    count = draw(st.integers(1, 8))
    columns = {}
    for name in NAMES:
        if name in NAMES[:3] or draw(st.booleans()):
            usual = {"occurred_at": pa.timestamp("us"), "quantity": pa.float64()}.get(name, pa.string())
            kind = draw(st.sampled_from([usual] * 8 + TYPES))
            columns[name] = pa.array(draw(st.lists(of_type(kind), min_size=count, max_size=count)), kind)
    order = draw(st.permutations(list(columns)))
    return pa.table({name: columns[name] for name in order})


@FUZZ
@given(tables=st.lists(typed_tables(), min_size=1, max_size=3), group=st.integers(1, 4))
def test_parquet_of_any_types(tables: list[pa.Table], group: int) -> None:
    """Columns of any types, in any order, differing between files of one table: nothing is lost."""
    files = {}
    for place, table in enumerate(tables):
        content = io.BytesIO()
        pq.write_table(table, content, row_group_size=group)
        files[f"events/{place}.parquet"] = content.getvalue()
    check(files, sum(table.num_rows for table in tables))


@FUZZ
@given(junk=st.binary(max_size=200), cut=st.integers(0, 300))
def test_spoilt_parquet(junk: bytes, cut: int) -> None:
    """A Parquet file cut short or overwritten is one line that names it."""
    content = io.BytesIO()
    pq.write_table(pa.table({"account_id": ["a"], "occurred_at": ["2026-01-05"], "event": ["edit"]}), content)
    whole = content.getvalue()
    check({"events.parquet": whole[:cut] + junk + whole[cut + len(junk) :]}, None)
    check({"events.parquet": whole[: len(whole) - cut]}, None)

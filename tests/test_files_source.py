"""A folder of files is read whatever its format; what cannot be read is said in one line."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from features.errors import SourceError
from tests.folders import EVENTS, Cells, kinds, rejects, table_written, taken, written

ROWS: list[Cells] = [
    {"account_id": 'a, "b" 😀', "occurred_at": "2026-01-05 10:00:00", "event": "edit", "quantity": "2.5"},
    {"account_id": "z" * 10_000, "occurred_at": "2026-01-06T10:00+02:00", "event": "two\r\nlines", "quantity": None},
]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_awkward_ids_survive_in_every_format(tmp_path: Path, ending: str) -> None:
    """An id with comma, quotes, emoji or 10,000 characters and a text of two lines arrive as they are."""
    table_written(tmp_path, "events", ending, ROWS)
    facts = taken(tmp_path)
    found = facts.engine.rows(
        "SELECT account_id, event, quantity, occurred_at::VARCHAR FROM events ORDER BY occurred_at"
    )
    assert found == [
        (ROWS[0]["account_id"], "edit", 2.5, "2026-01-05 10:00:00"),
        ("z" * 10_000, "two\r\nlines", 1.0, "2026-01-06 08:00:00"),
    ]


def test_formats_agree(tmp_path: Path) -> None:
    """The same content has one fingerprint, whatever the format and the order of rows."""
    for ending in (".csv", ".jsonl", ".parquet"):
        table_written(tmp_path / ending, "events", ending, ROWS[:: -1 if ending == ".jsonl" else 1])
    assert len({taken(tmp_path / ending).fingerprint for ending in (".csv", ".jsonl", ".parquet")}) == 1


@pytest.mark.parametrize(
    "content",
    [
        EVENTS.replace("\n", "\r\n"),
        EVENTS.replace("\n", "\r"),
        "\ufeff" + EVENTS,
        EVENTS.replace(",", ";"),
        EVENTS.replace(",", "\t"),
        "\n\n" + EVENTS.replace("\n", "\n\n"),
        EVENTS.replace("account_id", " Account_ID "),
        EVENTS.replace("\n", "\r\n", 1),
        EVENTS.rstrip("\n"),
    ],
    ids=[
        "CRLF",
        "CR",
        "BOM",
        "semicolons",
        "tabs",
        "blank lines",
        "name in capitals",
        "mixed line ends",
        "no last end",
    ],
)
def test_csv_dialects(tmp_path: Path, content: str) -> None:
    """Common dialects of CSV give the same facts."""
    plain, other = written(tmp_path / "plain", {"events.csv": EVENTS}), written(tmp_path / "x", {"events.csv": content})
    assert taken(other).fingerprint == taken(plain).fingerprint
    assert taken(other).findings == ()


def test_gzipped_and_many_files(tmp_path: Path) -> None:
    """A table may be gzipped, or a folder of files with different columns; each row knows its own file."""
    more = "event,account_id,occurred_at,quantity\nedit,c,2026-13-01,4\n"
    files: dict[str, str | bytes] = {"events/1.csv.gz": gzip.compress(EVENTS.encode()), "events/2.csv": more}
    facts = taken(written(tmp_path, files))
    assert [(f.count, f.file, f.row) for f in facts.findings] == [(1, "events/2.csv", 1)]
    assert facts.engine.rows("SELECT count(*) FROM events") == [(2,)]


def test_broken_csv_lines_are_set_aside_alone(tmp_path: Path) -> None:
    """Too few cells, too many, or an unclosed quote cost their own line; later rows keep their numbers."""
    content = (
        "account_id,occurred_at,event\na,2026-01-05,edit\nb,2026-01-05\n"
        '"c\nd",2026-01-05,edit\ne,"unclosed,edit\nf,2026-02-30,edit\ng,2026-01-05,edit,edit\nh,2026-01-05,edit\n'
    )
    facts = taken(written(tmp_path / "in", {"events.csv": content}), tmp_path / "out")
    assert facts.engine.rows("SELECT account_id FROM events ORDER BY 1") == [("a",), ("c\nd",), ("h",)]
    assert rejects(tmp_path / "out", "events") == [
        (2, "it has 2 cells where the header has 3"),
        (4, "a quote is opened and never closed"),
        (5, "occurred_at 2026-02-30 is not a time"),
        (6, "it has 4 cells where the header has 3"),
    ]
    told = {finding.kind: finding.sentence for finding in facts.findings}
    assert told["broken line"] == "3 lines were set aside; events.csv row 2: it has 2 cells where the header has 3"


def test_broken_json_lines_are_set_aside(tmp_path: Path) -> None:
    """What is no JSON object is set aside; the number is the line's, blank ones counted."""
    good = '{"account_id": 5, "occurred_at": "2026-01-05", "event": "edit", "more": {"x": [1]}}\n'
    facts = taken(written(tmp_path / "in", {"events.jsonl": good + "{broken\n\n[1]\n" + good}), tmp_path / "out")
    assert facts.engine.rows("SELECT account_id FROM events") == [("5",), ("5",)]
    assert rejects(tmp_path / "out", "events") == [(2, "it is not a JSON object"), (4, "it is not a JSON object")]


BAD_FOLDERS: Mapping[str, tuple[Mapping[str, str | bytes], str]] = {
    "empty folder": (
        {},
        "has no events table: looked for events.parquet, events.csv, events.jsonl .* it holds nothing",
    ),
    "other names": ({"event.csv": EVENTS, "truth/x.csv": ""}, "it holds event.csv, truth/"),
    "missing column": (
        {"events.csv": "account_id,when,event\n"},
        r"events.csv has no column occurred_at; it has account_id, when, event. .*\[data.columns.events\]",
    ),
    "missing JSON key": (
        {"events.jsonl": '{"account_id": 1}\n'},
        "events.jsonl has no column occurred_at and no column event",
    ),
    "two formats": (
        {"events.csv": EVENTS, "events.jsonl": "{}"},
        "has events more than once: events.csv, events.jsonl",
    ),
    "file and folder": ({"events.csv": EVENTS, "events/1.csv": EVENTS}, "more than once: events.csv, events/1.csv"),
    "no header": ({"events.csv": ""}, "events.csv is empty: it has no header line"),
    "column twice": ({"events.csv": "event,event\n"}, "events.csv has the column event twice"),
    "latin-1": ({"events.csv": (EVENTS + "é,2026-01-05,x").encode("latin-1")}, "events.csv line 4 is not UTF-8 text"),
    "latin-1 JSON": ({"events.jsonl": '{"a": "é"}'.encode("latin-1")}, "events.jsonl line 1 is not UTF-8 text"),
    "UTF-16": ({"events.csv": EVENTS.encode("utf-16")}, "events.csv line 1 is not UTF-8 text"),
    "no Parquet": ({"events.parquet": "nonsense"}, "events.parquet is not a readable Parquet file"),
    "no gzip": ({"events.csv.gz": EVENTS}, "events.csv.gz cannot be read as CSV"),
}


@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_bad_folders_are_said_in_one_line(tmp_path: Path, name: str) -> None:
    """Each unreadable folder gives one line that names file, fault and what is there."""
    files, said = BAD_FOLDERS[name]
    with pytest.raises(SourceError, match=said) as fault:
        taken(written(tmp_path, files))
    assert "\n" not in str(fault.value)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """A missing folder and a file in its place are told apart."""
    with pytest.raises(SourceError, match="is not there"):
        taken(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="is a file, not a folder"):
        taken(written(tmp_path, {"x": ""}) / "x")


def test_column_map(tmp_path: Path) -> None:
    """Their names become ours; a mapped column displaces one that has the name already."""
    content = "org,account_id,when,event\nacme,17,2026-01-05,edit\n"
    facts = taken(
        written(tmp_path, {"events.csv": content}), columns={"events": {"org": "account_id", "when": "occurred_at"}}
    )
    assert facts.engine.rows("SELECT account_id FROM events") == [("acme",)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"event": {"a": "b"}}, "names a table event; Ebb knows events"),
        ({"events": {"a": "b"}}, "calls a b; Ebb knows account_id"),
        ({"events": {"org": "account_id"}}, "names org, which events.csv does not have; it has account_id"),
        ({"events": {"event": "actor", "account_id": "actor"}}, "gives actor twice"),
    ],
)
def test_a_wrong_column_map_is_said(tmp_path: Path, columns: Mapping[str, Mapping[str, str]], said: str) -> None:
    """A column map that names what is not there is an error, not a silence."""
    with pytest.raises(SourceError, match=said):
        taken(written(tmp_path, {"events.csv": EVENTS}), columns=columns)


def test_further_columns_of_accounts_are_kept(tmp_path: Path) -> None:
    """Further columns become numbers where all are, a leading zero makes a label, and empty ones are left out."""
    content = "account_id,size,zip,vip,note,known_at\na,3,01234,true,,x\nb,1e3,80000,false,,\n"
    facts = taken(written(tmp_path, {"events.csv": EVENTS, "accounts.csv": content}))
    found = facts.engine.rows("SELECT size, zip, vip FROM accounts ORDER BY account_id")
    assert found == [(3.0, "01234", True), (1000.0, "80000", False)]
    assert facts.known["accounts"] == {"account_id", "size", "zip", "vip"}
    assert kinds(facts.findings) == []

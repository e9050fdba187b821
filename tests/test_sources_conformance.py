"""Every source tells the same facts: one market written in the format of each tool, and what all sources owe."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import outcomes
from features.combined import Combined, Part
from features.engines.duckdb import DuckEngine
from features.errors import SourceError
from features.facts import Facts
from features.fingerprint import fingerprint
from features.intake import take_in
from features.raw import Source
from features.sources import EXPORTS, SOURCES, Database, Files, Segment
from features.sources.amplitude import Amplitude
from features.sources.hubspot import HubSpot
from features.sources.market import MarketSettings, simulate
from features.sources.mixpanel import Mixpanel
from features.sources.posthog import PostHog
from features.sources.salesforce import Salesforce
from features.sources.simulated import Simulated, write
from features.sources.snowplow import Snowplow
from features.sources.stripe import Stripe
from serving.config import KINDS
from tests import exports
from tests.folders import rejects, written
from tests.frames import Frames, facts, market

TOLD = ("accounts", "events", "users")


def in_sqlite(tables: exports.Tables, folder: Path) -> None:
    """A SQLite database of the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "facts.db") as connection:
        for name in TOLD:
            tables[name].to_sql(name, connection, index=False)


def in_files(tables: exports.Tables, folder: Path) -> None:
    """A folder of Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TOLD:
        tables[name].to_parquet(folder / f"{name}.parquet")


USE: Mapping[str, tuple[exports.Writer, Callable[[Path], Source], tuple[str, ...]]] = {
    "files": (in_files, lambda folder: Files(folder=folder), TOLD),
    "database": (in_sqlite, lambda folder: Database(url=f"sqlite:///{folder / 'facts.db'}"), TOLD),
    "segment": (exports.segment, lambda folder: Segment(folder=folder), TOLD),
    "segment warehouse": (exports.segment_warehouse, lambda folder: Segment(folder=folder), TOLD),
    "posthog": (exports.posthog, lambda folder: PostHog(folder=folder), TOLD),
    "amplitude": (exports.amplitude, lambda folder: Amplitude(folder=folder), TOLD),
    "mixpanel": (exports.mixpanel, lambda folder: Mixpanel(folder=folder), TOLD),
    "snowplow": (exports.snowplow, lambda folder: Snowplow(folder=folder), ("events",)),
}
"""How the use of a product is written and read, and the tables that the format carries."""

AGREED: Mapping[str, tuple[exports.Writer, Callable[[Path], Source]]] = {
    "salesforce": (exports.salesforce, lambda folder: Salesforce(folder=folder)),
    "hubspot": (exports.hubspot, lambda folder: HubSpot(folder=folder)),
    "stripe": (exports.stripe, lambda folder: Stripe(folder=folder)),
}
"""How contracts are written and read."""


def small() -> dict[str, pd.DataFrame]:
    """A few hundred rows of a market."""
    tables = dict(market(14, 8, "W"))
    tables["events"] = tables["events"].iloc[:600]
    return tables


def test_every_kind_is_a_source() -> None:
    """What settings can name is what there is, and every export is tested here."""
    others = (Files(folder=Path()), Database(url="sqlite://"), Simulated())
    assert sorted(KINDS) == sorted(source.name for source in (*others, *EXPORTS))
    assert len(KINDS) == len(SOURCES)
    assert {source.name for source in EXPORTS} <= {*USE, *AGREED}


@pytest.mark.parametrize("name", USE)
def test_the_same_facts_whatever_the_tool(tmp_path: Path, name: str) -> None:
    """Events, accounts and users arrive bit for bit: times in UTC, ids, late events, attributes."""
    write_export, source, told = USE[name]
    tables = {table: frame for table, frame in small().items() if table in told}
    write_export(small(), tmp_path)
    found, expected = facts(source(tmp_path)), facts(Frames(tables=tables))
    for other in set(TOLD) - set(told):
        found.engine.execute(f"CREATE OR REPLACE TABLE {other} AS SELECT * FROM {other} WHERE false")
        expected.engine.execute(f"CREATE OR REPLACE TABLE {other} AS SELECT * FROM {other} WHERE false")
    assert found.findings == ()
    assert fingerprint(found.engine, {}) == fingerprint(expected.engine, {})


def terms(found: Facts) -> list[tuple[object, ...]]:
    """Contracts with what came of them, to the unit of money; cents of a price a seat are rounded."""
    outcomes.lay(found)
    return found.engine.rows(
        """SELECT account_id, starts_on, ends_on, round(arr), seats, plan, outcome_left,
        CASE WHEN outcome_left = 1 THEN decided_on END FROM terms ORDER BY ALL"""
    )


@pytest.mark.parametrize("name", AGREED)
def test_the_same_contracts_whatever_the_tool(tmp_path: Path, name: str) -> None:
    """Terms, ARR, seats, plans, who left and when that was decided follow from deals and subscriptions."""
    write_export, source = AGREED[name]
    tables = market(60, 20, "W")
    write_export(tables, tmp_path)
    expected = facts(Frames(tables={table: tables[table] for table in ("events", "accounts", "contracts")}))
    found = facts(source(tmp_path))
    assert [finding for finding in found.findings if finding.set_aside] == []
    assert sum(row[6] == 1 for row in terms(expected)) >= 3
    different = set(terms(found)) ^ set(terms(expected))
    assert {row[:3] for row in different if abs(float(str(row[3])) % 1) > 0} == set()
    assert [row for row in different if not any(nearly(row, other) for other in different if other != row)] == []


def nearly(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Equal but for rounding of the ARR."""
    return one[:3] + one[4:] == other[:3] + other[4:] and abs(float(str(one[3])) - float(str(other[3]))) <= 1


TRACK = {"type": "track", "userId": "u", "event": "e", "timestamp": "2026-01-05T10:00:00+02:00"}
EVENT = {"event": "e", "distinct_id": "u", "timestamp": "2026-01-05T10:00:00+02:00"}
AMPLITUDE = {"event_type": "e", "user_id": "u", "event_time": "2026-01-05 08:00:00.000000"}
MIXPANEL = {"event": "e", "properties": {"distinct_id": "u", "time": 1767600000}}
GROUP = {"schema": "iglu:x/account/jsonschema/1-0-0", "data": {"id": "a"}}
LINES: Mapping[str, tuple[type[Source], str, str, str]] = {
    "segment": (
        Segment,
        "x.jsonl",
        json.dumps(TRACK | {"context": {"groupId": "a"}, "unheard_of": {"x": [1]}}),
        json.dumps(TRACK),
    ),
    "posthog": (
        PostHog,
        "x.jsonl",
        json.dumps(EVENT | {"properties": {"$groups": {"company": "a"}, "unheard_of": 1}}),
        json.dumps(EVENT),
    ),
    "amplitude": (
        Amplitude,
        "x.json",
        json.dumps(AMPLITUDE | {"groups": {"company": ["a"]}, "unheard_of": None}),
        json.dumps(AMPLITUDE | {"user_id": "v"}),
    ),
    "mixpanel": (
        Mixpanel,
        "x.jsonl",
        json.dumps(MIXPANEL | {"properties": MIXPANEL["properties"] | {"company_id": ["a", "b"]}, "unheard_of": 1}),  # type: ignore[operator]
        json.dumps(MIXPANEL | {"properties": MIXPANEL["properties"] | {"distinct_id": "v"}}),  # type: ignore[operator]
    ),
    "snowplow": (
        Snowplow,
        "x.tsv",
        exports.snowplow_line(
            derived_tstamp="2026-01-05 08:00:00", event="struct", se_action="e", user_id="u",
            contexts=json.dumps({"data": [GROUP]}),
        ),
        exports.snowplow_line(derived_tstamp="2026-01-05 08:00:00", event="struct", se_action="e", user_id="v"),
    ),
}  # fmt: skip
"""For each product-analytics tool one whole record of account a, and one of a user in no account."""


@pytest.mark.parametrize("name", LINES)
def test_what_cannot_be_used_is_set_aside_with_its_line(tmp_path: Path, name: str) -> None:
    """A broken record and one without an account cost themselves only; unknown fields cost nothing; times are UTC."""
    source, file, good, homeless = LINES[name]
    homeless = homeless.replace('"u"', '"v"')
    folder = written(tmp_path / "in", {file: f"{good}\n{{broken\n{homeless}\n{good}\n"})
    found = take_in(source(folder=folder), DuckEngine(), tmp_path / "out")  # type: ignore[call-arg]
    assert (
        found.engine.rows("SELECT account_id, occurred_at::VARCHAR, user_id FROM events")
        == [("a", "2026-01-05 08:00:00", "u")] * 2
    )
    broken, unmapped = rejects(tmp_path / "out", "events")
    assert broken[0] == 2
    assert unmapped == (3, "user v is in no account and tells no e-mail address")
    assert [(finding.kind, finding.count, finding.file, finding.set_aside) for finding in found.findings] == [
        ("broken line", 1, file, True),
        ("no account", 1, file, True),
    ]


@pytest.mark.parametrize("source", EXPORTS)
def test_an_empty_export_is_one_line(tmp_path: Path, source: type[Segment]) -> None:
    """A folder that is missing, empty, of other files, or whose files hold nothing is said in one clear line."""
    name = {"snowplow": "x.tsv", "salesforce": "x.csv", "hubspot": "x.csv"}.get(source.name, "x.json")
    for folder, said in (
        (tmp_path / "none", f"none is not there; it should be a {source.name} export"),
        (written(tmp_path / "bare", {"readme.md": "x"}), f"holds no file of a {source.name} export: .*readme.md"),
        (
            written(tmp_path / "void", {name: "Id\n" if name.endswith("csv") else "\n"}),
            "is empty: its files hold no record",
        ),
    ):
        with pytest.raises(SourceError, match=said) as fault:
            facts(source(folder=folder))
        assert "\n" not in str(fault.value)


@pytest.mark.parametrize("name", LINES)
@given(pieces=st.lists(st.sampled_from(["good", "homeless", "{", "[1]", "null", '"x"', "{}", "😀", '{"event": 7}'])))
@settings(max_examples=15, deadline=None)
def test_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory, name: str, pieces: list[str]) -> None:
    """Accepted and set aside are as many as were read, whatever the file holds."""
    source, file, good, homeless = LINES[name]
    lines = [{"good": good, "homeless": homeless.replace('"u"', '"w"')}.get(piece, piece) for piece in pieces]
    if not lines:
        return
    folder = tmp_path_factory.mktemp("lost")
    # A first line that is whole makes it a file of lines whatever follows.
    written(folder, {f"in/{file}": "\n".join([good, *lines]) + "\n"})
    found = take_in(source(folder=folder / "in"), DuckEngine(), folder / "out")  # type: ignore[call-arg]
    accepted = found.engine.rows("SELECT count(*) FROM events")[0][0]
    aside = sum(finding.count for finding in found.findings if finding.set_aside)
    assert int(str(accepted)) + aside == 1 + len(lines)


def test_gzip_and_broken_gzip(tmp_path: Path) -> None:
    """A gzipped export is read; one that is none is said in one line."""
    good = LINES["segment"][2].encode()
    assert facts(Segment(folder=written(tmp_path / "a", {"x.jsonl.gz": gzip.compress(good)}))).knows("events")
    with pytest.raises(SourceError, match=r"^x.jsonl.gz cannot be read"):
        facts(Segment(folder=written(tmp_path / "b", {"x.jsonl.gz": good})))


def test_write_and_read_again(tmp_path: Path) -> None:
    """The simulated market as a source and as written to a folder are the same facts."""
    asked = MarketSettings(accounts=8, months=4, seed=2)
    write(simulate(asked), tmp_path)
    assert facts(Simulated(settings=asked)).fingerprint == facts(Files(folder=tmp_path)).fingerprint


def test_combined_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    """Use from one tool and contracts from another are the facts of both."""
    tables = market(14, 8, "W")
    exports.segment(tables, tmp_path / "use")
    exports.salesforce(tables, tmp_path / "crm")
    use, crm = Segment(folder=tmp_path / "use"), Salesforce(folder=tmp_path / "crm")
    both = facts(Combined(parts=(Part(source=use), Part(source=crm))))
    assert both.engine.rows("SELECT count(*) FROM events") == facts(use).engine.rows("SELECT count(*) FROM events")
    assert terms(both) == terms(facts(crm))
    assert both.findings == ()

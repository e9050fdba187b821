"""A database is a source: its tables or queries, read in batches, nothing written, every fault one line."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from features.engines.duckdb import DuckEngine
from features.errors import SourceError
from features.facts import Facts
from features.intake import take_in
from features.sources.database import Database
from tests import postgres
from tests.folders import rejects

MILLION = 1_000_000


def lite(folder: Path, *statements: str) -> str:
    """The address of a SQLite database after these statements."""
    with sqlite3.connect(folder / "facts.db") as connection:
        for statement in statements:
            connection.execute(statement)
    return f"sqlite:///{folder / 'facts.db'}"


def taken(database: Database, rejected: Path | None = None) -> Facts:
    """What intake makes of it."""
    return take_in(database, DuckEngine(threads=2), rejected)


EVENTS = "CREATE TABLE events (account_id TEXT, occurred_at TEXT, event TEXT, quantity REAL)"
ROWS = "INSERT INTO events VALUES ('a', '2026-01-05 10:00:00', 'edit 100%', 0.1), ('b', 'soon', 'edit', NULL)"


def test_tables_of_our_names_are_read(tmp_path: Path) -> None:
    """Without any query the tables called as Ebb calls them are taken; a row that is unusable is told by its number."""
    url = lite(tmp_path, EVENTS, ROWS, "CREATE TABLE other (x INTEGER)")
    facts = taken(Database(url=url), tmp_path / "out")
    assert facts.engine.rows("SELECT account_id, event, quantity FROM events") == [("a", "edit 100%", 0.1)]
    assert rejects(tmp_path / "out", "events") == [(2, "occurred_at soon is not a time")]


def test_queries_and_column_maps(tmp_path: Path) -> None:
    """A query beats the table of that name; a column map renames what it answers."""
    query = "SELECT account_id AS org, occurred_at, event FROM events WHERE event LIKE '%100%';"
    source = Database(
        url=lite(tmp_path, EVENTS, ROWS), queries={"events": query}, columns={"events": {"org": "account_id"}}
    )
    assert taken(source).engine.rows("SELECT account_id FROM events") == [("a",)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "nonsense"}, "no SQLAlchemy address; one looks like postgresql://"),
        ({"url": "sqlite:////nowhere/facts.db"}, "/nowhere/facts.db is not there; it should be a SQLite database"),
        (
            {"url": "oracle+unheard://u:secret@h/d"},
            r"oracle\+unheard://u:\*\*\*@h/d needs a driver that is not installed",
        ),
        ({"url": "postgresql://u:secret@127.0.0.1:1/d"}, r"postgresql\+psycopg://u:\*\*\*@127.0.0.1:1/d"),
        ({"queries": {"event": "SELECT 1"}}, "the queries name a table event; Ebb knows events"),
        ({"queries": {"events": "SELECT missing_one FROM events"}}, "cannot be read: no such column: missing_one"),
        ({"queries": {"events": "SELECT 1 AS event, 2 AS event"}}, "has the column event twice"),
        ({"queries": {"events": "DELETE FROM events"}}, "cannot be read: "),
        ({"columns": {"events": {"org": "account_id"}}}, "names org, which database/events does not have"),
    ],
)
def test_faults_are_one_line(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    """Each fault is said in one line without the password, and nothing is written."""
    url = lite(tmp_path, EVENTS, ROWS)
    with pytest.raises(SourceError, match=said) as fault:
        taken(Database(**({"url": url} | changes)))  # type: ignore[arg-type]
    assert "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)
    with sqlite3.connect(tmp_path / "facts.db") as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_a_database_without_our_tables(tmp_path: Path) -> None:
    """What there is instead is named, and how to say what to read."""
    with pytest.raises(SourceError, match=r"it has other\. Say what to read in ebb.toml: \[data.database.queries\]"):
        taken(Database(url=lite(tmp_path, "CREATE TABLE other (x INTEGER)")))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A PostgreSQL of this machine."""
    pytest.importorskip("psycopg", reason=f"needs the driver of PostgreSQL: {postgres.HOW}")
    with postgres.running() as url:
        yield url


def test_a_million_events_of_postgresql(address: str) -> None:
    """A million events arrive whole, in UTC, with a bounded number of them in memory at a time."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE events AS SELECT 'a' || i % 500 AS account_id, 'e' || i % 20 AS event, "
                "timestamptz '2024-01-01 00:00:00+02' + i * interval '30 s' AS occurred_at, "
                "'u' || i % 5000 AS user_id, "
                f"(i % 7)::numeric / 10 AS quantity FROM generate_series(1, {MILLION}) i"
            )
        )
    engine.dispose()
    facts = taken(Database(url=address))
    assert facts.findings == ()
    told = "count(*), min(occurred_at)::VARCHAR, count(DISTINCT user_id), round(sum(quantity)) FROM events"
    assert facts.engine.rows(f"SELECT {told}") == [(MILLION, "2023-12-31 22:00:30", 5000, 300000.0)]


def test_postgresql_types_and_schemas(address: str) -> None:
    """Types that only a database has arrive as declared; views count; a schema can be named; nothing can be written."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA crm",
            "CREATE TABLE crm.terms (id uuid, org text, since date, until date, price numeric(12, 2), renews boolean)",
            "INSERT INTO crm.terms VALUES "
            "('6f2f0a06-55d4-4a5e-8f8c-2b1d3f0f1a11', 'a', '2025-01-01', '2026-01-01', 1200.50, true)",
            "CREATE VIEW crm.contracts AS SELECT id AS contract_id, org AS account_id, since AS starts_on, "
            "until AS ends_on, price AS arr, renews AS auto_renew FROM crm.terms",
        ):
            connection.execute(text(statement))
    engine.dispose()
    facts = taken(Database(url=address, schema="crm"))
    assert facts.engine.rows("SELECT contract_id, starts_on::VARCHAR, arr, auto_renew FROM contracts") == [
        ("6f2f0a06-55d4-4a5e-8f8c-2b1d3f0f1a11", "2025-01-01", 1200.5, True)
    ]
    deleting = "WITH gone AS (DELETE FROM crm.terms RETURNING *) SELECT id AS contract_id FROM gone"
    with pytest.raises(SourceError, match="cannot be read: "):
        taken(Database(url=address, schema="crm", queries={"contracts": deleting}))
    assert taken(Database(url=address, schema="crm")).engine.rows("SELECT count(*) FROM contracts") == [(1,)]

"""DuckDB reading a database by its own extension and SQLAlchemy reading it give the same facts.

The extension must be of DuckDB's very version, so both come from a folder of their own, in a process of its own.
"""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests import mariadb, postgres

ROOT = Path(__file__).parents[1]
BESIDE = Path(os.environ.get("EBB_DUCKDB", ROOT / ".venv" / "duckdb-extensions"))
HOW = "pip install --no-deps --target .venv/duckdb-extensions " + " ".join(
    ("duckdb==1.5.5", *(f"duckdb-extension-{name}-scanner==1.5.5" for name in ("postgres", "sqlite", "mysql")))
)

TAKE = """
import json, sys
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.sources import database
from features.sources.database import Database
url, attach = sys.argv[1], sys.argv[2] == "attach"
engine = DuckEngine(threads=1)
if attach:
    assert engine.load(sys.argv[3])
    assert database._copy(database._parsed(url), "SELECT * FROM accounts", "whether_it_can", engine)
facts = take_in(Database(url=url, attach=attach), engine, None)
rows = {name: engine.rows(f"FROM {name} ORDER BY ALL") for name in ("events", "accounts", "contracts")}
told = [facts.fingerprint, str(facts.cutoff), {k: sorted(v) for k, v in facts.known.items()}, rows]
print(json.dumps([*told, [finding.sentence for finding in facts.findings]], default=str))
"""


def told(url: str, how: str, extension: str) -> object:
    """What intake makes of a database, read in one way or the other."""
    search = os.pathsep.join((str(BESIDE), str(ROOT)))
    line = [sys.executable, "-c", TAKE, url, how, extension]
    ran = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": search}, timeout=240)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


TABLES = (
    "CREATE TABLE accounts (account_id TEXT, since DATE, size NUMERIC(8, 2), vip BOOLEAN)",
    "INSERT INTO accounts VALUES ('a', '2024-01-05', 5.50, true), ('b', NULL, NULL, false), ('7', NULL, 1, NULL)",
    "CREATE TABLE contracts (contract_id INTEGER, account_id TEXT, starts_on DATE, ends_on DATE, arr NUMERIC(12, 2))",
    "INSERT INTO contracts VALUES (1, 'a', '2024-01-01', '2025-01-01', 10.5), (2, 'b', '2024-01-01', NULL, -1), "
    "(3, 'who', '2024-01-01', '2025-01-01', NULL)",
    "INSERT INTO events VALUES ('a', '2024-05-01 10:00:00', 'edit 100%', 0.1), "
    "('b', '2024-05-02 10:00:00.25', 'view', 3), ('7', '1969-01-01 00:00:00', 'old', NULL), "
    "('', '2024-05-02 10:00:00', 'nobody', NULL)",
)


@pytest.fixture(autouse=True)
def extensions() -> None:
    """Skips where they are not."""
    if not (BESIDE / "duckdb_extension_sqlite_scanner").is_dir():
        pytest.skip(f"needs DuckDB's extensions: {HOW}")


def test_postgresql_both_ways() -> None:
    """Types of PostgreSQL, infinite dates and zoned times too."""
    pytest.importorskip("psycopg", reason=f"needs the driver of PostgreSQL: {postgres.HOW}")
    with postgres.running() as url:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            for statement in (
                "CREATE TABLE events (account_id TEXT, occurred_at TIMESTAMPTZ, event TEXT, quantity NUMERIC)",
                *TABLES,
                "INSERT INTO contracts VALUES (4, 'a', '2025-01-01', 'infinity', 1), "
                "(5, 'a', '2026-01-01', '10000-01-01', 1)",
            ):
                connection.execute(text(statement))
        engine.dispose()
        assert told(url, "attach", "postgres") == told(url, "plain", "postgres")


def test_mariadb_both_ways() -> None:
    """Types of MariaDB and MySQL; a time is what it is in UTC, whatever the clock of the server."""
    pytest.importorskip("pymysql", reason=f"needs the driver of MariaDB: {mariadb.HOW}")
    if not (BESIDE / "duckdb_extension_mysql_scanner").is_dir():
        pytest.skip(f"needs DuckDB's extension for MySQL: {HOW}")
    with mariadb.running() as url:
        engine = create_engine(url.replace("mysql:", "mysql+pymysql:"))
        with engine.begin() as connection:
            for statement in (
                "SET GLOBAL time_zone = '+02:00'",
                "CREATE TABLE events "
                "(account_id TEXT, occurred_at TIMESTAMP(6) NULL, event TEXT, quantity DECIMAL(9, 2))",
                *(one.replace("1969-", "1979-") for one in TABLES),
            ):
                connection.execute(text(statement))
        engine.dispose()
        assert told(url, "attach", "mysql") == told(url, "plain", "mysql")


def test_sqlite_both_ways(tmp_path: Path) -> None:
    """SQLite, whose columns hold values of any type."""
    with sqlite3.connect(tmp_path / "facts.db") as connection:
        connection.execute("CREATE TABLE events (account_id TEXT, occurred_at TIMESTAMP, event TEXT, quantity REAL)")
        for statement in TABLES:
            connection.execute(statement)
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    assert told(url, "attach", "sqlite") == told(url, "plain", "sqlite")

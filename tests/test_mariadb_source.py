"""MariaDB, and with it MySQL's protocol, is a source: types, times and faults as they are there; nothing is written."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from features.engines.duckdb import DuckEngine
from features.errors import SourceError
from features.intake import take_in
from features.sources.database import Database
from tests import mariadb

MANY = 20_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A MariaDB of this machine, whose clock is not that of UTC."""
    pytest.importorskip("pymysql", reason=f"needs the driver of MariaDB: {mariadb.HOW}")
    with mariadb.running() as url:
        run(url, "SET GLOBAL time_zone = '+02:00'")
        yield url


def run(url: str, *statements: str) -> None:
    """Run some statements in a session of its own."""
    engine = create_engine(url.replace("mysql:", "mysql+pymysql:"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    """What a query says of what intake makes of it."""
    return take_in(database, DuckEngine(threads=1), None).engine.rows(query)


def test_events_of_mariadb(address: str) -> None:
    """Many events arrive whole, zoned times in UTC, with decimals, percent signs and unknown values."""
    run(
        address,
        "CREATE TABLE events (account_id VARCHAR(9), event VARCHAR(20), occurred_at TIMESTAMP NULL, "
        "user_id INT UNSIGNED, quantity DECIMAL(9, 1))",
        "INSERT INTO events SELECT concat('a', seq % 500), if(seq % 20 = 0, 'edit 100%', 'view'), "
        f"TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq * 30 SECOND, nullif(seq % 5000, 0), seq % 7 / 10 "
        f"FROM seq_1_to_{MANY}",
    )
    told = "count(*), min(occurred_at)::VARCHAR, count(user_id), count(*) FILTER (event = 'edit 100%'), sum(quantity)"
    (found,) = rows(Database(url=address), f"SELECT {told} FROM events")
    assert found[:4] == (MANY, "2023-12-31 22:00:30", MANY - MANY // 5000, MANY // 20)
    assert found[4] == pytest.approx(sum(n % 7 for n in range(1, MANY + 1)) / 10)


def test_types_views_and_queries_of_mariadb(address: str) -> None:
    """Dates, booleans and a view in a schema arrive as declared; a query is read, and what would write is refused."""
    run(
        address,
        "CREATE DATABASE crm",
        "CREATE TABLE crm.terms "
        "(id BIGINT, org VARCHAR(9), since DATE, until DATE, price DECIMAL(12, 2), renews BOOLEAN)",
        "INSERT INTO crm.terms VALUES (7, 'a', '2025-01-01', '2026-01-01', 1200.50, true), "
        "(8, 'b', '2025-02-01', '2026-02-01', NULL, NULL)",
        "CREATE VIEW crm.contracts AS SELECT id AS contract_id, org AS account_id, since AS starts_on, "
        "until AS ends_on, price AS arr, renews AS auto_renew FROM crm.terms",
    )
    told = "SELECT contract_id, starts_on::VARCHAR, arr, auto_renew FROM contracts ORDER BY 1"
    expected = [("7", "2025-01-01", 1200.5, True), ("8", "2025-02-01", None, None)]
    assert rows(Database(url=address, schema="crm"), told) == expected
    query = {"contracts": "SELECT * FROM crm.contracts WHERE account_id LIKE 'a%'"}
    assert rows(Database(url=address, schema="crm", queries=query), told) == expected[:1]
    with pytest.raises(SourceError, match=r"mysql\+pymysql://root@127.0.0.1.*cannot be read: .*READ ONLY"):
        rows(
            Database(
                url=address, schema="crm", queries={"contracts": "DELETE FROM crm.terms RETURNING id AS contract_id"}
            ),
            told,
        )
    assert rows(Database(url=address, schema="crm"), "SELECT count(*) FROM contracts") == [(2,)]

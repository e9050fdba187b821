"""Empty score stores for tests: SQLite in a file, and a database of its own in a real PostgreSQL."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests import postgres

KINDS = ("sqlite", "postgresql")


@contextmanager
def served() -> Iterator[str]:
    """The address of a PostgreSQL; skips where there is none."""
    pytest.importorskip("psycopg", reason=f"needs the driver of PostgreSQL: {postgres.HOW}")
    with postgres.running() as url:
        yield url.replace("postgresql:", "postgresql+psycopg:")


@contextmanager
def emptied(server: str) -> Iterator[str]:
    """A new database of a PostgreSQL, gone afterwards."""
    name = f"ebb_{secrets.token_hex(6)}"
    run(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        run(server, f"DROP DATABASE {name} WITH (FORCE)")


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    """What anybody with another program does and sees."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            found = connection.execute(text(statement))
            return [tuple(row) for row in found] if found.returns_rows else []
    finally:
        engine.dispose()

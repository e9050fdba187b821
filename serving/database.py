"""The database that everything which must stay is kept in: SQLite for one person, PostgreSQL for a team."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.errors import SettingsError, StoreError
from serving import migrations

NUL: Final = chr(0)

CONNECT_SECONDS: Final = 5
"""How long a server of databases may take to answer at all."""

BUSY_SECONDS: Final = 30
"""How long a writer waits for another one's transaction before it gives up."""


class Database:
    """One SQLAlchemy address; tables are made, or brought forward, when it is opened. Raises StoreError."""

    def __init__(self, url: str):
        self._url = _parsed(url)
        if self.is_sqlite and self._url.database not in (None, "", ":memory:"):
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._engine = create_engine(self._url, **self._manners)
        except (NoSuchModuleError, ImportError) as error:
            raise SettingsError(
                f"the score store {self._shown} needs a driver that is not installed: {error}"
            ) from None
        if self.is_sqlite:
            _prepare_sqlite(self._engine)
        else:
            _spare_nul(self._engine)
        try:
            self._bring_forward()
        except BaseException:
            self.close()
            raise

    def _bring_forward(self) -> None:
        with self._named("opened"), self._engine.connect() as connection:
            current = migrations.step_of(connection) == migrations.HEAD
        if not current:
            with self.writing() as connection:
                migrations.bring_forward(connection)

    @property
    def _manners(self) -> dict[str, Any]:
        """A server that came back is found by itself; one that does not answer holds nobody up for long."""
        if self.is_sqlite:
            return {}
        waits = {"connect_timeout": CONNECT_SECONDS} if self._url.get_backend_name() == "postgresql" else {}
        return {"pool_pre_ping": True, "connect_args": waits}

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._url.get_backend_name() == "sqlite"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from."""
        with self._named("read"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that takes its turn among writers; it is there whole or not at all."""
        with self._named("written"), self._engine.execution_options(writing=True).begin() as connection:
            yield connection

    @property
    def _shown(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def _named(self, done: str) -> Iterator[None]:
        """Faults of the database as one StoreError line."""
        try:
            yield
        except SQLAlchemyError as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise StoreError(f"the score store {self._shown} cannot be {done}: {reason}") from error


def in_utc(moment: datetime) -> datetime:
    """SQLite keeps no time zone; what was written was UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise SettingsError(
            "store.url is no SQLAlchemy address; one looks like sqlite:////path/ebb.db or postgresql://host/ebb"
        ) from None


def _spare_nul(engine: Engine) -> None:
    """PostgreSQL holds no text with a NUL and fails at one: it is asked for the replacement character in its place.

    A path or an id that somebody made up is no fault of the store, and must not keep the record of calls from going on.
    """

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def spare(_: object, __: object, statement: str, values: Any, *___: object) -> tuple[str, Any]:
        return statement, [_spared(row) for row in values] if isinstance(values, list) else _spared(values)


def _spared(row: Any) -> Any:
    if not isinstance(row, dict) or not any(isinstance(value, str) and NUL in value for value in row.values()):
        return row
    return {name: value.replace(NUL, "�") if isinstance(value, str) else value for name, value in row.items()}


def _prepare_sqlite(engine: Engine) -> None:
    """Readers do not wait for the writer (WAL), writers wait for each other, and each transaction is really one."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")

"""A database: tables of Ebb's names, or a query for each, from PostgreSQL, MySQL, SQLite or whatever SQLAlchemy
speaks.

Where the user has DuckDB's own extension for it, DuckDB reads the database itself; nothing is ever fetched for that.
Else rows come through SQLAlchemy, a batch at a time, in one read-only transaction where the database has them, so that
all tables are of one moment. Every row is copied once into the engine: its number is its place in the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.domain import TABLES
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.errors import SourceError
from features.raw import Raw
from features.reading.names import listed, renamed, renamings

BATCH: Final = 50_000
"""Rows held at a time."""

EXTENSIONS: Final = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
"""DuckDB's extension for each kind of database."""

DRIVERS: Final = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
"""The driver of an address that names none, and the extra that installs it."""

SLASH: Final = "\\"

EXTRAS: Final = {"postgresql": "ebb[postgres]", "mysql": "ebb[mysql]", "mariadb": "ebb[mysql]"}


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database at an SQLAlchemy address; ``queries`` beat the tables of the same names, ``columns`` rename.

    ``attach`` lets DuckDB read by its own extension where that is installed.
    """

    url: str = field(repr=False)
    queries: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schema: str | None = None
    attach: bool = True
    name: str = "database"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """The tables there are. Raises SourceError when the database, a table or a required column is not there."""
        known = [table.name for table in TABLES]
        for name in self.queries:
            if name not in known:
                raise SourceError(f"the queries name a table {name}; Ebb knows {', '.join(known)}")
        url = _parsed(self.url)
        renaming = renamings(self.columns)
        with _named(url):
            database = create_engine(url)
            try:
                with database.connect() as connection:
                    _read_only(connection)
                    queries = _queries(connection, self.queries, self.schema)
                    attached = self.attach and _attached(url, engine)
                    raws = {}
                    for name, query in queries.items():
                        held = f"_database_{name}"
                        if not (attached and _copy(url, query, held, engine)):
                            _fetch(connection, name, query, held, engine)
                        label = f"{self.name}/{name}"
                        names = renaming[name].names(_columns(held, engine), label)
                        where = f"{quoted(label)} AS _file, (rowid + 1)::BIGINT AS _row"
                        sql = f"SELECT {renamed(names)}, {where} FROM {held}"
                        raws[name] = Raw(sql=sql, columns=tuple(names.values()), scratch=(held,))
            finally:
                database.dispose()
        return raws


def _parsed(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise SourceError(
            "the database address is no SQLAlchemy address; one looks like postgresql://user@host/name or "
            "sqlite:////path/facts.db"
        ) from None
    kind = url.get_backend_name()
    if kind == "sqlite" and not Path(str(url.database)).is_file():
        raise SourceError(f"{url.database} is not there; it should be a SQLite database")
    return url.set(drivername=f"{kind}+{DRIVERS[kind]}") if url.drivername in DRIVERS else url


@contextmanager
def _named(url: URL) -> Iterator[None]:
    """Faults of the database as one SourceError line without the password."""
    shown = url.render_as_string(hide_password=True)
    try:
        yield
    except (NoSuchModuleError, ImportError) as fault:
        extra = EXTRAS.get(url.get_backend_name())
        how = f"; install {extra}" if extra else ""
        raise SourceError(f"the database {shown} needs a driver that is not installed: {fault}{how}") from None
    except SQLAlchemyError as fault:
        reason = " ".join(str(getattr(fault, "orig", None) or fault).split())
        raise SourceError(f"the database {shown} cannot be read: {reason}") from fault


def _read_only(connection: Connection) -> None:
    """One transaction that writes nothing and sees one moment, where the database has such."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        connection.execute(text("SET LOCAL datestyle = 'ISO'"))
        if connection.dialect.driver == "psycopg":
            _dates_as_texts(connection)
    elif kind in ("mysql", "mariadb"):
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        connection.execute(text("SET SESSION time_zone = '+00:00'"))
        connection.commit()
    elif kind == "sqlite":
        connection.execute(text("PRAGMA query_only = ON"))


def _dates_as_texts(connection: Connection) -> None:
    """Dates as PostgreSQL writes them: Python has none after 9999, and one such row spoils not all."""
    from psycopg.types.string import TextLoader

    driver: Any = connection.connection.driver_connection
    for kind in ("date", "timestamp", "timestamptz"):
        driver.adapters.register_loader(kind, TextLoader)


def _queries(connection: Connection, given: Mapping[str, str], schema: str | None) -> Mapping[str, str]:
    """The query of each of Ebb's tables that the database has or that one is given for."""
    inspector = inspect(connection)
    there = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    quote = connection.dialect.identifier_preparer.quote
    found = {}
    for table in TABLES:
        if table.name in given:
            found[table.name] = given[table.name].strip().rstrip(";")
        elif table.name in there:
            found[table.name] = f"SELECT * FROM {quote(schema) + '.' if schema else ''}{quote(table.name)}"
    if not found:
        raise SourceError(
            f"the database has none of Ebb's tables ({', '.join(table.name for table in TABLES)}); "
            f"it has {listed(sorted(there))}. "
            'Say what to read in ebb.toml: [data.database.queries] events = "select …"'
        )
    return found


def _attached(url: URL, engine: DuckEngine) -> bool:
    """Whether DuckDB has its own extension for this database installed."""
    extension = EXTENSIONS.get(url.get_backend_name())
    return extension is not None and engine.load(extension)


def _copy(url: URL, query: str, held: str, engine: DuckEngine) -> bool:
    """Copy the answer to a query by DuckDB's extension; False when it cannot, for the driver to try."""
    kind = url.get_backend_name()
    address = str(url.database) if kind == "sqlite" else _dsn(url)
    try:
        if EXTENSIONS[kind] == "mysql":
            # Else times come by the clock of the server, and small numbers as what they may have been meant to be.
            engine.execute("SET mysql_session_time_zone = '+00:00'")
            engine.execute("SET mysql_tinyint1_as_boolean = false")
        engine.execute(f"ATTACH {quoted(address)} AS _attached (TYPE {EXTENSIONS[kind]}, READ_ONLY)")
        try:
            scan = f"{EXTENSIONS[kind]}_query('_attached', {quoted(query)})"
            engine.execute(f"CREATE OR REPLACE TEMP TABLE {held} AS SELECT * FROM {scan}")
        finally:
            engine.execute("DETACH _attached")
    except duckdb.Error:
        return False
    return True


def _dsn(url: URL) -> str:
    """The address as DuckDB's extensions want it: ``host=… dbname=…``, each value in quotes of their kind."""
    name, mark = ("dbname", "'") if url.get_backend_name() == "postgresql" else ("database", '"')
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, name: url.database}
    return " ".join(
        f"{key}={mark}{str(value).replace(SLASH, SLASH * 2).replace(mark, SLASH + mark)}{mark}"
        for key, value in parts.items()
        if value is not None
    )


def _fetch(connection: Connection, name: str, query: str, held: str, engine: DuckEngine) -> None:
    """Copy the answer to a query as texts, a batch at a time."""
    # A colon in a query is a colon: nothing is bound.
    answer = connection.execution_options(stream_results=True, yield_per=BATCH).exec_driver_sql(
        _literal(connection, query)
    )
    names = list(answer.keys())
    _complain_of_names(names, name)
    declared = ", ".join(f"{identifier(column)} VARCHAR" for column in names)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {held} ({declared})")
    for batch in answer.partitions(BATCH):
        engine.append(held, _texts(names, batch))


def _literal(connection: Connection, query: str) -> str:
    """The query as the driver takes it: those whose placeholders begin with % want a plain one doubled."""
    return query.replace("%", "%%") if connection.dialect.paramstyle in ("format", "pyformat") else query


def _complain_of_names(names: Sequence[str], table: str) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise SourceError(f"the query of {table} has the column {twice[0]} twice; it has {listed(names)}")


def _texts(names: Sequence[str], batch: Sequence[Any]) -> pa.Table:
    columns = zip(*batch, strict=True)
    return pa.table({name: pa.array(_text(values), pa.string()) for name, values in zip(names, columns, strict=True)})


def _text(values: Sequence[Any]) -> list[str | None]:
    """Values as texts that intake reads back as they were."""
    return [
        value
        if value is None or isinstance(value, str)
        else bytes(value).hex()
        if isinstance(value, bytes | bytearray | memoryview)
        else str(value)
        for value in values
    ]


def _columns(held: str, engine: DuckEngine) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in engine.rows(f"DESCRIBE {held}"))

"""The score store: every score ever given, in SQLite or PostgreSQL. A run is there whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event, func, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.errors import SettingsError, StoreError
from serving.book import Reason, Run, Score
from serving.ledger import BACKTEST_RUNS, BACKTEST_SCORES, METADATA, SCORE_RUNS, SCORES
from serving.said import BacktestRun, Said

BUSY_SECONDS: Final = 30
"""How long a writer waits for another one's transaction before it gives up."""

AT_ONCE: Final = 5_000
"""Rows handed to the database at a time; they are all of one transaction."""

ASKED_AT_ONCE: Final = 500
"""Accounts in one query: databases bound how many values a statement may carry."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which scores of a run are wanted. ``within_days`` keeps renewals from today's cutoff to so many days ahead."""

    owner: str | None = None
    segment: str | None = None
    within_days: int | None = None
    bottom: bool = False
    limit: int | None = None


class ScoreStore:
    """Scores at one SQLAlchemy address; the tables are made when they are not there. Raises StoreError."""

    def __init__(self, url: str):
        self._url = _parsed(url)
        if self._url.get_backend_name() == "sqlite" and self._url.database not in (None, "", ":memory:"):
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._engine = create_engine(self._url)
        except (NoSuchModuleError, ImportError) as error:
            raise SettingsError(
                f"the score store {self._shown} needs a driver that is not installed: {error}"
            ) from None
        if self._url.get_backend_name() == "sqlite":
            _prepare_sqlite(self._engine)
        with self._named("opened"):
            if not set(METADATA.tables) <= set(inspect(self._engine).get_table_names()):
                with self._writing() as connection:
                    METADATA.create_all(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def append(self, run: Run, scores: Sequence[Score]) -> int:
        """Add one run with all its scores, in one transaction; its number."""
        columns = [column.name for column in SCORE_RUNS.columns if column.name != "number"]
        with self._named("written"), self._writing() as connection:
            values = {name: getattr(run, name) for name in columns}
            number = connection.execute(insert(SCORE_RUNS).values(values)).inserted_primary_key[0]  # type: ignore[index]
            for start in range(0, len(scores), AT_ONCE):
                connection.execute(insert(SCORES), [_row(number, score) for score in scores[start : start + AT_ONCE]])
        return int(number)

    def latest(self) -> Run | None:
        """The latest run, which is the book; None when nothing was ever scored."""
        with self._named("read"), self._engine.connect() as connection:
            row = connection.execute(select(SCORE_RUNS).order_by(SCORE_RUNS.c.number.desc()).limit(1)).first()
        return None if row is None else _run(row)

    def before(self, run: Run) -> Run | None:
        """The latest run that looked from an earlier cutoff; None when there is none."""
        query = select(SCORE_RUNS).where(SCORE_RUNS.c.number < run.number, SCORE_RUNS.c.cutoff < run.cutoff)
        with self._named("read"), self._engine.connect() as connection:
            row = connection.execute(query.order_by(SCORE_RUNS.c.number.desc()).limit(1)).first()
        return None if row is None else _run(row)

    def scores_of(self, run: Run, account_ids: Sequence[str]) -> dict[str, Score]:
        """What one run said of some accounts; those that were not in its book are left out."""
        found: dict[str, Score] = {}
        with self._named("read"), self._engine.connect() as connection:
            for start in range(0, len(account_ids), ASKED_AT_ONCE):
                some = account_ids[start : start + ASKED_AT_ONCE]
                query = select(SCORES).where(SCORES.c.run == run.number, SCORES.c.account_id.in_(some))
                found.update((row.account_id, _score(row)) for row in connection.execute(query))
        return found

    def scores(self, run: Run, choice: Choice | None = None) -> tuple[Score, ...]:
        """Scores of one run, the most expected ARR lost first; where ARR is not known by risk, then by renewal date.

        A run without a usable signal is ranked by ARR, then by renewal date.
        """
        with self._named("read"), self._engine.connect() as connection:
            return tuple(_score(row) for row in connection.execute(_ranked(run, choice or Choice())))

    def score(self, run: int, account_id: str) -> Score | None:
        """One account's score of one run."""
        query = select(SCORES).where(SCORES.c.run == run, SCORES.c.account_id == account_id)
        with self._named("read"), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _score(row)

    def history(self, account_id: str, *, limit: int) -> tuple[tuple[Run, float], ...]:
        """One account's risks, the latest run first."""
        query = select(SCORES.c.risk, SCORE_RUNS).join(SCORE_RUNS, SCORES.c.run == SCORE_RUNS.c.number)
        query = query.where(SCORES.c.account_id == account_id).order_by(SCORES.c.run.desc()).limit(limit)
        with self._named("read"), self._engine.connect() as connection:
            return tuple((_run(row), row.risk) for row in connection.execute(query))

    def count(self, run: int) -> int:
        """How many accounts a run scored."""
        with self._named("read"), self._engine.connect() as connection:
            return connection.execute(select(func.count()).where(SCORES.c.run == run)).scalar_one()

    def append_backtest(self, run: BacktestRun, said: Sequence[Said]) -> BacktestRun:
        """Add one backtest with all it said, in one transaction; the run with its number."""
        values = {item.name: getattr(run, item.name) for item in fields(run) if item.name != "number"}
        with self._named("written"), self._writing() as connection:
            number = connection.execute(insert(BACKTEST_RUNS).values(values)).inserted_primary_key[0]  # type: ignore[index]
            for start in range(0, len(said), AT_ONCE):
                rows = [
                    {"run": number, "place": place, **vars(one)}
                    for place, one in enumerate(said[start : start + AT_ONCE], start)
                ]
                connection.execute(insert(BACKTEST_SCORES), rows)
        return replace(run, number=int(number))

    def backtest(self, number: int) -> tuple[BacktestRun, tuple[Said, ...]] | None:
        """One backtest and what it said, as it was said; None when there is no such run."""
        told = select(BACKTEST_SCORES).where(BACKTEST_SCORES.c.run == number).order_by(BACKTEST_SCORES.c.place)
        with self._named("read"), self._engine.connect() as connection:
            run = connection.execute(select(BACKTEST_RUNS).where(BACKTEST_RUNS.c.number == number)).first()
            rows = connection.execute(told).all()
        if run is None:
            return None
        values = {item.name: getattr(run, item.name) for item in fields(BacktestRun)}
        said = tuple(Said(**{item.name: getattr(row, item.name) for item in fields(Said)}) for row in rows)
        return BacktestRun(**{**values, "made_at": _in_utc(run.made_at)}), said

    def _writing(self) -> AbstractContextManager[Connection]:
        """One transaction that takes its turn among writers."""
        return self._engine.execution_options(writing=True).begin()

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


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise SettingsError(
            "store.url is no SQLAlchemy address; one looks like sqlite:////path/ebb.db or postgresql://host/ebb"
        ) from None


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


def _ranked(run: Run, choice: Choice) -> Select[Any]:
    query = select(SCORES).where(SCORES.c.run == run.number)
    if choice.owner is not None:
        query = query.where(SCORES.c.owner == choice.owner)
    if choice.segment is not None:
        query = query.where(SCORES.c.segment == choice.segment)
    if choice.within_days is not None:
        query = query.where(SCORES.c.days_to_renewal.between(0, choice.within_days))
    ends = SCORES.c.ends_on
    ranks = (SCORES.c.arr_at_risk, SCORES.c.risk) if run.usable else (SCORES.c.arr,)
    order = [rank.asc() if choice.bottom else rank.desc() for rank in ranks]
    date = ends.desc() if choice.bottom else ends.asc()
    query = query.order_by(ranks[0].is_(None), *order, ends.is_(None), date)
    return query.order_by(SCORES.c.account_id).limit(choice.limit)


def _row(number: int, score: Score) -> dict[str, object]:
    plain = {item.name: getattr(score, item.name) for item in fields(score) if item.name != "reasons"}
    return {"run": number, "reasons": [asdict(reason) for reason in score.reasons], **plain}


def _score(row: Row[Any]) -> Score:
    values = {item.name: getattr(row, item.name) for item in fields(Score)}
    return Score(**{**values, "reasons": tuple(Reason(**reason) for reason in row.reasons)})


def _run(row: Row[Any]) -> Run:
    values = {item.name: getattr(row, item.name) for item in fields(Run)}
    return Run(**{**values, "made_at": _in_utc(values["made_at"])})


def _in_utc(moment: datetime) -> datetime:
    """SQLite keeps no time zone; what was written was UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

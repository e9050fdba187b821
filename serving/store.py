"""The score store: every score ever given, in SQLite or PostgreSQL. A run is there whole or not at all."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd
from sqlalchemy import Row, Select, and_, case, func, insert, or_, select

from serving.book import Band, Reason, Run, Score, Temperature, Warmth
from serving.database import Database, in_utc
from serving.ledger import BACKTEST_RUNS, BACKTEST_SCORES, SCORE_RUNS, SCORES, TEMPERATURES, WARMTHS
from serving.said import BacktestRun, Said

AT_ONCE: Final = 5_000
"""Rows handed to the database at a time; they are all of one transaction."""

ASKED_AT_ONCE: Final = 500
"""Accounts in one query: databases bound how many values a statement may carry."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which scores of a run are wanted. ``within_days`` keeps renewals from today's cutoff to so many days ahead.

    ``after`` goes on behind an account: its place, and whether its value is not known.
    """

    owner: str | None = None
    segment: str | None = None
    plan: str | None = None
    band: Band | None = None
    within_days: int | None = None
    bottom: bool = False
    limit: int | None = None
    after: tuple[int, bool] | None = None


class ScoreStore:
    """Scores at one SQLAlchemy address; the tables are made when they are not there. Raises StoreError."""

    def __init__(self, url: str):
        self.database = Database(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()

    def append(
        self, run: Run, scores: Sequence[Score], warmth: Warmth | None = None, warm: Sequence[Temperature] = ()
    ) -> int:
        """Add one run with all its scores and temperatures, in one transaction; its number."""
        columns = [column.name for column in SCORE_RUNS.columns if column.name != "number"]
        places = placed(run, scores)
        with self.database.writing() as connection:
            values = {name: getattr(run, name) for name in columns}
            number = connection.execute(insert(SCORE_RUNS).values(values)).inserted_primary_key[0]  # type: ignore[index]
            for start in range(0, len(scores), AT_ONCE):
                some = scores[start : start + AT_ONCE]
                connection.execute(insert(SCORES), [_row(number, places[score.account_id], score) for score in some])
            if warmth is not None:
                connection.execute(insert(WARMTHS).values(run=number, **asdict(warmth)))
            for start in range(0, len(warm), AT_ONCE):
                rows = [{"run": number, **asdict(each)} for each in warm[start : start + AT_ONCE]]
                connection.execute(insert(TEMPERATURES), rows)
        return int(number)

    def warmth(self, run: Run) -> Warmth | None:
        """What a run's temperatures come from; None where no model of buying more had scored it."""
        with self.database.reading() as connection:
            row = connection.execute(select(WARMTHS).where(WARMTHS.c.run == run.number)).first()
        return None if row is None else Warmth(**{item.name: getattr(row, item.name) for item in fields(Warmth)})

    def temperatures(self, run: Run, account_ids: Sequence[str]) -> dict[str, Temperature]:
        """The temperatures of some accounts in one run; those that have none are left out."""
        found: dict[str, Temperature] = {}
        with self.database.reading() as connection:
            for start in range(0, len(account_ids), ASKED_AT_ONCE):
                some = account_ids[start : start + ASKED_AT_ONCE]
                query = select(TEMPERATURES).where(
                    TEMPERATURES.c.run == run.number, TEMPERATURES.c.account_id.in_(some)
                )
                for row in connection.execute(query):
                    reasons = tuple(Reason(**reason) for reason in row.reasons)
                    found[row.account_id] = Temperature(
                        account_id=row.account_id, value=row.value, base=row.base, reasons=reasons
                    )
        return found

    def latest(self) -> Run | None:
        """The latest run, which is the book; None when nothing was ever scored."""
        with self.database.reading() as connection:
            row = connection.execute(select(SCORE_RUNS).order_by(SCORE_RUNS.c.number.desc()).limit(1)).first()
        return None if row is None else _run(row)

    def run(self, number: int) -> Run | None:
        """The run of a number; None when there is none."""
        with self.database.reading() as connection:
            row = connection.execute(select(SCORE_RUNS).where(SCORE_RUNS.c.number == number)).first()
        return None if row is None else _run(row)

    def before(self, run: Run) -> Run | None:
        """The latest run that looked from an earlier cutoff; None when there is none."""
        query = select(SCORE_RUNS).where(SCORE_RUNS.c.number < run.number, SCORE_RUNS.c.cutoff < run.cutoff)
        with self.database.reading() as connection:
            row = connection.execute(query.order_by(SCORE_RUNS.c.number.desc()).limit(1)).first()
        return None if row is None else _run(row)

    def scores_of(self, run: Run, account_ids: Sequence[str]) -> dict[str, Score]:
        """What one run said of some accounts; those that were not in its book are left out."""
        found: dict[str, Score] = {}
        with self.database.reading() as connection:
            for start in range(0, len(account_ids), ASKED_AT_ONCE):
                some = account_ids[start : start + ASKED_AT_ONCE]
                query = select(SCORES).where(SCORES.c.run == run.number, SCORES.c.account_id.in_(some))
                found.update((row.account_id, _score(row)) for row in connection.execute(query))
        return found

    def scores(self, run: Run, choice: Choice | None = None) -> tuple[Score, ...]:
        """Scores of one run in the order of their places, or from the last place on."""
        with self.database.reading() as connection:
            return tuple(_score(row) for row in connection.execute(_ranked(run, choice or Choice())))

    def score(self, run: int, account_id: str) -> Score | None:
        """One account's score of one run."""
        query = select(SCORES).where(SCORES.c.run == run, SCORES.c.account_id == account_id)
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _score(row)

    def history(self, account_id: str, *, limit: int) -> tuple[tuple[Run, float], ...]:
        """One account's risks, the latest run first."""
        query = select(SCORES.c.risk, SCORE_RUNS).join(SCORE_RUNS, SCORES.c.run == SCORE_RUNS.c.number)
        query = query.where(SCORES.c.account_id == account_id).order_by(SCORES.c.run.desc()).limit(limit)
        with self.database.reading() as connection:
            return tuple((_run(row), row.risk) for row in connection.execute(query))

    def said_by(self, model_version: str, mode: str) -> pd.DataFrame:
        """What one version of the model said in use, the first time it looked from each cutoff; a row per account.

        Columns: cutoff, account_id, contract_id, segment, arr, risk, starts_on, ends_on, days_to_renewal.
        """
        runs = select(func.min(SCORE_RUNS.c.number)).where(
            SCORE_RUNS.c.model_version == model_version, SCORE_RUNS.c.mode == mode, SCORE_RUNS.c.usable
        )
        names = ("account_id", "contract_id", "segment", "arr", "risk", "starts_on", "ends_on", "days_to_renewal")
        query = select(SCORE_RUNS.c.cutoff, *(SCORES.c[name] for name in names)).join(
            SCORE_RUNS, SCORES.c.run == SCORE_RUNS.c.number
        )
        query = query.where(SCORE_RUNS.c.number.in_(runs.group_by(SCORE_RUNS.c.cutoff)))
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(SCORE_RUNS.c.number, SCORES.c.account_id)).all()
        return pd.DataFrame(rows, columns=["cutoff", *names])

    def count(self, run: int) -> int:
        """How many accounts a run scored."""
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).where(SCORES.c.run == run)).scalar_one()

    def append_backtest(self, run: BacktestRun, said: Sequence[Said]) -> BacktestRun:
        """Add one backtest with all it said, in one transaction; the run with its number."""
        values = {item.name: getattr(run, item.name) for item in fields(run) if item.name != "number"}
        with self.database.writing() as connection:
            number = connection.execute(insert(BACKTEST_RUNS).values(values)).inserted_primary_key[0]  # type: ignore[index]
            for start in range(0, len(said), AT_ONCE):
                rows = [
                    {"run": number, "place": place, **vars(one)}
                    for place, one in enumerate(said[start : start + AT_ONCE], start)
                ]
                connection.execute(insert(BACKTEST_SCORES), rows)
        return replace(run, number=int(number))

    def last_backtest(self) -> int | None:
        """The number of the latest backtest; None when there was none."""
        with self.database.reading() as connection:
            return connection.execute(select(func.max(BACKTEST_RUNS.c.number))).scalar()

    def backtest(self, number: int) -> tuple[BacktestRun, tuple[Said, ...]] | None:
        """One backtest and what it said, as it was said; None when there is no such run."""
        told = select(BACKTEST_SCORES).where(BACKTEST_SCORES.c.run == number).order_by(BACKTEST_SCORES.c.place)
        with self.database.reading() as connection:
            run = connection.execute(select(BACKTEST_RUNS).where(BACKTEST_RUNS.c.number == number)).first()
            rows = connection.execute(told).all()
        if run is None:
            return None
        values = {item.name: getattr(run, item.name) for item in fields(BacktestRun)}
        said = tuple(Said(**{item.name: getattr(row, item.name) for item in fields(Said)}) for row in rows)
        return BacktestRun(**{**values, "made_at": in_utc(run.made_at)}), said


def _ranked(run: Run, choice: Choice) -> Select[Any]:
    query = select(SCORES).where(SCORES.c.run == run.number)
    for name in ("owner", "segment", "plan", "band"):
        wanted = getattr(choice, name)
        if wanted is not None:
            query = query.where(SCORES.c[name] == wanted)
    if choice.within_days is not None:
        query = query.where(SCORES.c.days_to_renewal.between(0, choice.within_days))
    place = SCORES.c.place
    if choice.bottom:
        # Whose value is not known ranks last from either end.
        value = SCORES.c.arr_at_risk if run.usable else SCORES.c.arr
        unknown = case((value.is_(None), 1), else_=0)
        if choice.after is not None:
            at, last = choice.after
            query = query.where(or_(unknown > int(last), and_(unknown == int(last), place < at)))
        query = query.order_by(unknown, place.desc())
    else:
        if choice.after is not None:
            query = query.where(place > choice.after[0])
        query = query.order_by(place)
    return query.limit(choice.limit)


def placed(run: Run, scores: Sequence[Score]) -> dict[str, int]:
    """Account -> its place, from 1: the most expected ARR lost first; where ARR is not known by risk, then by date.

    A run without a usable signal is ranked by ARR, then by date.
    """

    def rank(score: Score) -> tuple[object, ...]:
        value = score.arr_at_risk if run.usable else score.arr
        risk = -score.risk if run.usable else 0.0
        return value is None, -(value or 0.0), risk, score.ends_on is None, score.ends_on or date.max, score.account_id

    return {score.account_id: place for place, score in enumerate(sorted(scores, key=rank), 1)}


def _row(number: int, place: int, score: Score) -> dict[str, object]:
    plain = {item.name: getattr(score, item.name) for item in fields(score) if item.name not in ("reasons", "place")}
    return {"run": number, "place": place, "reasons": [asdict(reason) for reason in score.reasons], **plain}


def _score(row: Row[Any]) -> Score:
    values = {item.name: getattr(row, item.name) for item in fields(Score)}
    return Score(**{**values, "reasons": tuple(Reason(**reason) for reason in row.reasons)})


def _run(row: Row[Any]) -> Run:
    values = {item.name: getattr(row, item.name) for item in fields(Run)}
    return Run(**{**values, "made_at": in_utc(values["made_at"])})

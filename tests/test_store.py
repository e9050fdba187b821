"""The score store: what was given stays, whole runs only, ranked reading."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_mock_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ExecutableDDLElement

from features.errors import SettingsError, StoreError
from serving.ledger import METADATA
from serving.store import Choice, ScoreStore
from tests.books import a_run, a_score


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ebb.db"


@pytest.fixture
def store(file: Path) -> Iterator[ScoreStore]:
    with ScoreStore(f"sqlite:///{file}") as opened:
        yield opened


def rows(file: Path, sql: str) -> list[tuple[object, ...]]:
    """What anybody with another program sees."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def test_what_was_written_is_read_back_equal(store: ScoreStore) -> None:
    """A run and its scores come back as they were given, reasons, dates and missing values too."""
    scores = (a_score("a"), a_score("b", arr=None, days=None, owner=None, reasons=()))
    number = store.append(a_run(), scores)
    assert store.latest() == a_run(number=number)
    assert store.scores(a_run(number=number)) == scores
    assert store.score(number, "b") == scores[1]
    assert store.score(number, "c") is None
    assert store.count(number) == 2


def test_an_empty_store_has_no_latest_run(store: ScoreStore) -> None:
    """Nothing scored yet is no fault."""
    assert store.latest() is None


def test_a_second_run_leaves_the_first_as_it_was(store: ScoreStore, file: Path) -> None:
    """Scoring again adds rows, and changes none."""
    first = store.append(a_run(), [a_score("a", risk=0.4)])
    before = rows(file, "SELECT * FROM scores")
    second = store.append(a_run(model_version="4"), [a_score("a", risk=0.7)])
    after = rows(file, "SELECT * FROM scores ORDER BY run")
    assert after[:1] == before
    assert [(run.number, risk) for run, risk in store.history("a", limit=9)] == [(second, 0.7), (first, 0.4)]
    latest = store.latest()
    assert latest is not None
    assert latest.model_version == "4"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scores SET risk = 0",
        "DELETE FROM scores",
        "INSERT OR REPLACE INTO scores SELECT * FROM scores",
        "UPDATE score_runs SET base = 0",
        "DELETE FROM score_runs",
        "INSERT OR REPLACE INTO score_runs SELECT * FROM score_runs",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(store: ScoreStore, file: Path, statement: str) -> None:
    """Whoever connects, by whatever program, can add rows and nothing else."""
    store.append(a_run(), [a_score("a")])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        rows(file, statement)


def test_postgresql_gets_the_same_guard() -> None:
    """The tables' definition for PostgreSQL brings triggers against UPDATE, DELETE and TRUNCATE."""
    ddl: list[str] = []

    def written(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        ddl.append(str(statement.compile(dialect=postgresql.dialect())))

    engine = create_mock_engine("postgresql://", written)
    METADATA.create_all(engine, checkfirst=False)
    assert any("BEFORE UPDATE OR DELETE OR TRUNCATE ON scores" in statement for statement in ddl)
    assert not any("RAISE(ABORT" in statement for statement in ddl)


def test_a_run_with_a_fault_leaves_nothing(store: ScoreStore) -> None:
    """Twice the same account in one run: the run is refused whole."""
    with pytest.raises(StoreError, match="cannot be written"):
        store.append(a_run(), [a_score("a"), a_score("b"), a_score("a")])
    assert store.latest() is None


def test_a_killed_writer_leaves_whole_runs_only(file: Path) -> None:
    """A kill -9 in the middle of writing: every run in the store has all its scores, and writing goes on."""
    program = (
        "import sys; from serving.store import ScoreStore; from tests.books import a_run, a_score\n"
        f"store = ScoreStore('sqlite:///{file}'); scores = [a_score(f'a{{i}}') for i in range(20000)]\n"
        "print('ready', flush=True)\n"
        "while True: store.append(a_run(), scores)\n"
    )
    here = str(Path(__file__).parents[1])
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=here)
    with writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.9)
        os.kill(writer.pid, signal.SIGKILL)
    with ScoreStore(f"sqlite:///{file}") as store:
        counts = rows(file, "SELECT number, (SELECT count(*) FROM scores WHERE run = number) FROM score_runs")
        assert {count for _, count in counts} <= {20000}
        assert store.count(store.append(a_run(), [a_score("a")])) == 1


def test_expected_arr_lost_ranks_first(store: ScoreStore) -> None:
    """Most risk x ARR first; accounts without ARR after them by risk, then by the nearer renewal."""
    scores = [
        a_score("late", arr=None, risk=0.5, days=90),
        a_score("soon", arr=None, risk=0.5, days=10),
        a_score("risky", risk=0.9, arr=100.0),
        a_score("big", risk=0.1, arr=5000.0),
    ]
    run = a_run(number=store.append(a_run(), scores))
    assert [score.account_id for score in store.scores(run)] == ["big", "risky", "soon", "late"]
    assert [score.account_id for score in store.scores(run, Choice(bottom=True))][:2] == ["risky", "big"]


def test_without_a_usable_signal_value_and_date_rank(store: ScoreStore) -> None:
    """The verdict "no usable signal": ARR first, then the nearer renewal, whatever the risk."""
    scores = [a_score("near", days=5), a_score("far", days=50, risk=0.9), a_score("big", arr=9000.0, risk=0.01)]
    run = a_run(number=store.append(a_run(usable=False), scores), usable=False)
    assert [score.account_id for score in store.scores(run)] == ["big", "near", "far"]


def test_choices_narrow(store: ScoreStore) -> None:
    """Owner, segment, days ahead and a limit each leave less."""
    scores = [
        a_score("a", owner="Kim", segment="small", days=10),
        a_score("b", owner="Kim", segment="large", days=50),
        a_score("c", owner="Lee", segment="large", days=-3),
    ]
    run = a_run(number=store.append(a_run(), scores))

    def names(choice: Choice) -> set[str]:
        return {score.account_id for score in store.scores(run, choice)}

    assert names(Choice(owner="Kim")) == {"a", "b"}
    assert names(Choice(segment="large")) == {"b", "c"}
    assert names(Choice(within_days=30)) == {"a"}
    assert len(names(Choice(limit=2))) == 2


@pytest.mark.parametrize("name", ['o\'brien, "x"; DROP TABLE scores', "🦊", "x" * 10_000, "a\u0000b"])
def test_any_text_is_an_account(store: ScoreStore, name: str) -> None:
    """Quotes, emoji, control characters and 10,000 characters go in and come out."""
    number = store.append(a_run(), [a_score(name)])
    found = store.score(number, name)
    assert found is not None
    assert found.account_id == name


@pytest.mark.parametrize(
    ("url", "said"), [("nonsense", "no SQLAlchemy address"), ("nosuch://host/db", "not installed")]
)
def test_a_wrong_address_is_one_line(url: str, said: str) -> None:
    """An address that is none, or that needs a driver, is said; nothing else happens."""
    with pytest.raises(SettingsError, match=said):
        ScoreStore(url)


def test_a_store_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    """A file that is no database is named."""
    (tmp_path / "ebb.db").write_text("this is no database, but long enough to be looked at " * 50)
    with pytest.raises(StoreError, match=r"ebb\.db cannot be opened"):
        ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}")

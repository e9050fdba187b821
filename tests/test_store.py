"""The score store: what was given stays, whole runs only, ranked reading."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DBAPIError

from features.errors import SettingsError, StoreError
from serving import migrations
from serving.access import tables as _access  # noqa: F401 -- its tables are declared too
from serving.book import Score
from serving.ledger import METADATA
from serving.push import pushes as _pushes  # noqa: F401 -- its tables are declared too
from serving.store import Choice, ScoreStore
from tests import stores
from tests.books import a_run, a_score


@pytest.fixture
def store(url: str) -> Iterator[ScoreStore]:
    with ScoreStore(url) as opened:
        yield opened


def test_what_was_written_is_read_back_equal(store: ScoreStore) -> None:
    """A run and its scores come back as they were given, reasons, dates and missing values too."""
    scores = (a_score("a"), a_score("b", arr=None, days=None, owner=None, reasons=()))
    number = store.append(a_run(), scores)
    assert store.latest() == a_run(number=number)
    kept = tuple(replace(score, place=place) for place, score in enumerate(scores, 1))
    assert store.scores(a_run(number=number)) == kept
    assert store.score(number, "b") == kept[1]
    assert store.score(number, "c") is None
    assert store.count(number) == 2


def test_an_empty_store_has_no_latest_run(store: ScoreStore) -> None:
    """Nothing scored yet is no fault."""
    assert store.latest() is None


def test_a_second_run_leaves_the_first_as_it_was(store: ScoreStore, url: str) -> None:
    """Scoring again adds rows, and changes none."""
    first = store.append(a_run(), [a_score("a", risk=0.4)])
    before = stores.run(url, "SELECT * FROM scores")
    second = store.append(a_run(model_version="4"), [a_score("a", risk=0.7)])
    after = stores.run(url, "SELECT * FROM scores ORDER BY run")
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
        "TRUNCATE scores",
        "INSERT INTO scores SELECT * FROM scores ON CONFLICT (run, account_id) DO UPDATE SET risk = 0",
        "UPDATE score_runs SET base = 0",
        "DELETE FROM score_runs",
        "INSERT OR REPLACE INTO score_runs SELECT * FROM score_runs",
        "TRUNCATE score_runs CASCADE",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(store: ScoreStore, url: str, statement: str) -> None:
    """Whoever connects, by whatever program, can add rows and nothing else."""
    store.append(a_run(), [a_score("a")])
    before = stores.run(url, "SELECT * FROM scores"), stores.run(url, "SELECT * FROM score_runs")
    # Each database knows some of the statements only; what it does not know it refuses too.
    with pytest.raises(DBAPIError):
        stores.run(url, statement)
    assert before == (stores.run(url, "SELECT * FROM scores"), stores.run(url, "SELECT * FROM score_runs"))


def test_a_run_with_a_fault_leaves_nothing(store: ScoreStore) -> None:
    """Twice the same account in one run: the run is refused whole."""
    with pytest.raises(StoreError, match="cannot be written"):
        store.append(a_run(), [a_score("a"), a_score("b"), a_score("a")])
    assert store.latest() is None


def test_a_killed_writer_leaves_whole_runs_only(url: str) -> None:
    """A kill -9 in the middle of writing: every run in the store has all its scores, and writing goes on."""
    program = (
        "import sys; from serving.store import ScoreStore; from tests.books import a_run, a_score\n"
        f"store = ScoreStore('{url}'); scores = [a_score(f'a{{i}}') for i in range(20000)]\n"
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
    with ScoreStore(url) as store:
        counts = stores.run(url, "SELECT number, (SELECT count(*) FROM scores WHERE run = number) FROM score_runs")
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
    """Owner, segment, plan, band, days ahead and a limit each leave less."""
    scores = [
        a_score("a", owner="Kim", segment="small", days=10, plan="pro"),
        a_score("b", owner="Kim", segment="large", days=50, band="low"),
        a_score("c", owner="Lee", segment="large", days=-3),
    ]
    run = a_run(number=store.append(a_run(), scores))

    def names(choice: Choice) -> set[str]:
        return {score.account_id for score in store.scores(run, choice)}

    assert names(Choice(owner="Kim")) == {"a", "b"}
    assert names(Choice(segment="large")) == {"b", "c"}
    assert names(Choice(within_days=30)) == {"a"}
    assert names(Choice(plan="pro")) == {"a"}
    assert names(Choice(band="low", owner="Kim")) == {"b"}
    assert len(names(Choice(limit=2))) == 2


@pytest.mark.parametrize("name", ['o\'brien, "x"; DROP TABLE scores', "🦊", "é" * 1_000])
def test_any_text_is_an_account(store: ScoreStore, name: str) -> None:
    """Quotes, emoji and a thousand characters go in and come out."""
    number = store.append(a_run(), [a_score(name)])
    found = store.score(number, name)
    assert found is not None
    assert found.account_id == name


@pytest.mark.parametrize("bottom", [False, True])
def test_pages_hold_every_account_once(store: ScoreStore, bottom: bool) -> None:
    """Page by page gives what the whole list gives, from either end, unknown values too."""
    scores = [a_score(f"a{n}", risk=(n % 7 + 1) / 10, arr=None if n % 5 == 0 else 100.0 * (n % 4)) for n in range(23)]
    run = a_run(number=store.append(a_run(), scores))
    whole = store.scores(run, Choice(bottom=bottom))
    paged: list[Score] = []
    after = None
    while page := store.scores(run, Choice(bottom=bottom, limit=4, after=after)):
        paged += page
        after = (page[-1].place or 0, page[-1].arr_at_risk is None)
    assert tuple(paged) == whole
    assert len(whole) == 23


def test_a_store_of_an_earlier_step_is_brought_forward(url: str) -> None:
    """What was said before stays as it was said; scores get the places that they always had; then nothing changes."""
    with ScoreStore(url) as store:
        first = store.append(a_run(), [a_score("a", risk=0.1), a_score("b", risk=0.9), a_score("c", arr=None)])
        second = store.append(a_run(usable=False), [a_score("a", arr=5.0, risk=0.9), a_score("b", risk=0.1)])
        kept = [store.scores(a_run(number=n, usable=n == first)) for n in (first, second)]
    back_to_the_first_step(url)
    with ScoreStore(url) as store:
        assert [store.scores(a_run(number=n, usable=n == first)) for n in (first, second)] == kept
        assert stores.run(url, "SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]
        with pytest.raises(DBAPIError, match="append-only"):
            stores.run(url, "UPDATE scores SET risk = 0")


def back_to_the_first_step(url: str) -> None:
    """A store as it was before steps were counted."""
    for index in ("scores_by_place",):
        stores.run(url, f"DROP INDEX {index}")
    tables = {name for (name,) in tables_of(url)}
    for table in ("alembic_version", *sorted(tables - FIRST_TABLES - {"alembic_version"})):
        stores.run(url, f"DROP TABLE {table}")
    for column in ("plan", "place"):
        stores.run(url, f"ALTER TABLE scores DROP COLUMN {column}")


FIRST_TABLES = {"score_runs", "scores", "backtest_runs", "backtest_scores"}


def tables_of(url: str) -> list[tuple[str]]:
    engine = create_engine(url)
    try:
        return [(name,) for name in inspect(engine).get_table_names()]
    finally:
        engine.dispose()


def test_the_steps_make_what_is_declared(url: str) -> None:
    """Tables, columns, indexes and keys of `METADATA` are those that the steps make; the last step is `HEAD`."""
    ScoreStore(url).close()
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), METADATA)
    finally:
        engine.dispose()
    assert found == []
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [migrations.HEAD]


def test_two_processes_make_one_store(url: str) -> None:
    """Both open it at once, the first time; both can use it."""
    program = f"from serving.store import ScoreStore; ScoreStore('{url}').close()"
    here = str(Path(__file__).parents[1])
    both = [subprocess.Popen([sys.executable, "-c", program], cwd=here, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told


def test_a_store_of_a_newer_ebb_is_left_alone(url: str) -> None:
    """One line says so."""
    ScoreStore(url).close()
    stores.run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="a newer Ebb"):
        ScoreStore(url)


@pytest.mark.parametrize(
    ("wrong", "said"), [("nonsense", "no SQLAlchemy address"), ("nosuch://host/db", "not installed")]
)
def test_a_wrong_address_is_one_line(wrong: str, said: str) -> None:
    """An address that is none, or that needs a driver, is said; nothing else happens."""
    with pytest.raises(SettingsError, match=said):
        ScoreStore(wrong)


def test_a_store_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    """A file that is no database is named."""
    (tmp_path / "ebb.db").write_text("this is no database, but long enough to be looked at " * 50)
    with pytest.raises(StoreError, match=r"ebb\.db cannot be opened"):
        ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}")

"""Events read by Spark in place: the facts DuckDB would take in; unusable rows are counted and written aside."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.engines.duckdb import DuckEngine
from features.engines.spark import SparkEngine
from features.engines.spark.starting import look_for_java
from features.errors import SettingsError, SourceError
from features.facts import Facts
from features.handover import Distant, take_in_there
from features.intake import take_in
from features.reading.names import renamings
from features.sources import Files
from serving.commands.signal_table import build
from tests.sparks import needs_spark, small_spark

pytestmark = needs_spark

TODAY = date(2026, 6, 1)
NOON = datetime.fromisoformat("2026-05-01T12:00")
ACCOUNTS = pd.DataFrame({"account_id": ["a", "b", "7"], "segment": ["small", "large", "small"]})


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    """One engine for the module."""
    with small_spark() as engine:
        yield engine


def events(**columns: list[object]) -> pd.DataFrame:
    """Four good events, with some columns as a test wants them."""
    good = {
        "customer": ["a", "a", "b", "b"],
        "occurred_at": [NOON, NOON + timedelta(days=1), NOON, NOON],
        "event": ["edit", "edit", "export", ""],
        "quantity": [1.0, 2.5, float("nan"), 3.0],
        "duration_s": [10, None, 30, 0],
        "actor": ["human", "API ", None, "human"],
    }
    return pd.DataFrame({**good, **columns})


def laid(folder: Path, frame: pd.DataFrame, *, accounts: bool = True) -> Path:
    """A data folder with the events in two files of a folder."""
    (folder / "events").mkdir(parents=True)
    frame.iloc[:2].to_parquet(folder / "events" / "1.parquet", index=False)
    frame.iloc[2:].to_parquet(folder / "events" / "2.parquet", index=False)
    if accounts:
        ACCOUNTS.to_parquet(folder / "accounts.parquet", index=False)
    return folder


def taken(folder: Path, spark: SparkEngine, aside: Path | None = None) -> tuple[Facts, Facts]:
    """The facts of a folder by both engines."""
    files = Files(folder=folder, columns={"events": {"customer": "account_id"}})
    here = take_in(files, DuckEngine(threads=1), None, now=TODAY)
    distant = Distant(
        places=files.parquet("events"),
        renaming=renamings(files.columns)["events"],
        aside=None if aside is None else f"file://{aside}",
    )
    without = replace(files, elsewhere=("events",))
    return here, take_in_there(without, DuckEngine(threads=1), spark, distant, None, now=TODAY)


ALL = (
    "SELECT account_id, occurred_at, event, user_id, quantity, duration_s, actor, known_at FROM events "
    "ORDER BY 1, 2, 3, 5"
)


@pytest.mark.parametrize("accounts", [True, False])
def test_events_read_in_place_are_the_same_facts(tmp_path: Path, spark: SparkEngine, accounts: bool) -> None:
    """Renamed, typed, filled in and known from the same moments, with the same cutoff and the same unknown columns."""
    here, there = taken(laid(tmp_path, events(event=["edit"] * 4), accounts=accounts), spark)
    listing = "SELECT account_id, known_at FROM accounts ORDER BY account_id"
    assert there.engine.rows(ALL) == here.engine.rows(ALL)
    assert there.engine.rows(listing) == here.engine.rows(listing)
    assert (there.known, there.cutoff, there.findings) == (here.known, here.cutoff, ())


SPOILT: dict[str, dict[str, list[object]]] = {
    "no account": {"customer": ["a", None, "x", "b"]},
    "ahead of time": {"occurred_at": [NOON, NOON + timedelta(days=400), datetime(1960, 1, 1), None]},  # noqa: DTZ001  UTC
    "not a number": {"quantity": [1.0, float("inf"), 2.0, 3.0], "duration_s": [-1.0, 2.0, 3.0, 4.0]},
    "nobody": {"actor": ["robot", "human", "api", None]},
}


@pytest.mark.parametrize("kind", SPOILT)
def test_rows_that_cannot_be_used_are_counted_and_written_aside(tmp_path: Path, spark: SparkEngine, kind: str) -> None:
    """The same faults as DuckDB finds; accepted and rejected are all that was read."""
    here, there = taken(laid(tmp_path / "some data+more", events(**SPOILT[kind])), spark, tmp_path / "aside")
    kinds = [sorted((f.kind, f.count) for f in facts.findings) for facts in (here, there)]
    assert kinds[0] == kinds[1] != []
    aside = pd.read_parquet(tmp_path / "aside")
    (accepted,) = there.engine.rows("SELECT count(*) FROM events")[0]
    assert accepted == here.engine.rows("SELECT count(*) FROM events")[0][0] == 4 - len(aside)
    assert set(aside["kind"]) == {found for found, _ in kinds[0]}
    assert aside["_file"].str.endswith(".parquet").all()
    assert aside["_row"].between(1, 2).all()


CONFIG = """
home = "home"
[outcome]
mode = "inactivity"
[data.columns.events]
customer = "account_id"
[engine]
kind = "{kind}"
master = "local[2]"
"""


def test_ebb_build_writes_the_same_with_either_engine(tmp_path: Path, spark: SparkEngine) -> None:
    """From a folder and an ebb.toml to the Parquet file of every signal."""
    laid(tmp_path / "data", events())
    day = datetime.fromisoformat("2026-05-02")
    for kind in ("duckdb", "spark"):
        (tmp_path / f"{kind}.toml").write_text(CONFIG.format(kind=kind))
        build(since=day, until=day, out=tmp_path / f"{kind}.parquet", config=tmp_path / f"{kind}.toml")
    duck, there = (pd.read_parquet(tmp_path / f"{kind}.parquet") for kind in ("duckdb", "spark"))
    assert len(duck) == 3
    pd.testing.assert_frame_equal(there, duck, rtol=1e-9, atol=1e-9)
    assert pd.read_parquet(tmp_path / "home" / "rejected" / "events")["reason"].tolist() == ["event is missing"]


def test_a_text_is_no_time_to_spark(tmp_path: Path, spark: SparkEngine) -> None:
    """Engines read texts as times each in its own way: such a file is refused, with the way out."""
    folder = laid(tmp_path, events(occurred_at=["2026-05-01"] * 4))
    with pytest.raises(SourceError, match="occurred_at is VARCHAR; Spark reads it only as a timestamp or a date"):
        taken(folder, spark)


def test_a_place_that_is_not_there_is_named(spark: SparkEngine) -> None:
    """One line with the address, for files and for tables of the catalog."""
    for place in ("file:///nowhere/events", "table://nowhere.events"):
        with pytest.raises(SourceError, match=f"^{place} cannot be read by Spark: .*$"):
            spark.scan("nothing", [place])


def test_without_java_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing Java is no stack trace."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(SettingsError, match=r"needs Java 17 or newer.*JAVA_HOME \(/nowhere\)"):
        look_for_java()

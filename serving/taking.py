"""Taking the facts in by the engine of the settings: DuckDB in this process, or Spark where the events are too many."""

from collections.abc import Iterator
from contextlib import contextmanager

from features import told
from features.engines.duckdb import DuckEngine
from features.engines.spark import SparkEngine
from features.facts import Facts
from features.handover import Distant, hand_over, take_in_there
from features.intake import take_in
from features.keeping.folder import locked
from features.reading.names import renamings
from features.sources import Files
from serving.config import Settings
from serving.progress import Progress
from serving.sent import Inbox
from serving.sources import source_of
from serving.store import ScoreStore


@contextmanager
def facts_of(settings: Settings, progress: Progress) -> Iterator[Facts]:
    """The accepted facts of the data folder; gives the memory back at the end. One at a time works in a home."""
    with locked(settings.home, progress.say), taken(settings, progress) as facts:
        counts = (f"{facts.engine.rows(f'SELECT count(*) FROM {name}')[0][0]:,} {name}" for name in facts.known)
        progress.say(f"  {', '.join(counts)}; cutoff {facts.cutoff}")
        yield _with_told(facts, settings, progress)


def _with_told(facts: Facts, settings: Settings, progress: Progress) -> Facts:
    """The facts with the outcomes that were sent to the service."""
    with ScoreStore(settings.store_url) as store:
        outcomes = Inbox(store).told()
    if outcomes:
        progress.say(f"  {len({one.contract_id for one in outcomes}):,} outcomes as people told them")
    return told.hold(facts, outcomes)


@contextmanager
def taken(settings: Settings, progress: Progress) -> Iterator[Facts]:
    """The accepted facts, in the engine that computes their signals; gives the memory back at the end."""
    where = "the database" if settings.data.kind == "database" else str(settings.data.folder)
    title = f"read {' and '.join((where, *settings.data.also))}"
    with DuckEngine(spill=settings.home / "spill", threads=settings.train.threads) as engine:
        if settings.engine.kind == "duckdb":
            source, rejected, keep = source_of(settings.data), settings.home / "rejected", settings.home / "usage"
            with progress.step(title):
                facts = take_in(source, engine, rejected, keep=keep, say=progress.say)
            yield facts
            return
        with progress.step(f"start Spark with master {settings.engine.master}"):
            spark = SparkEngine(master=settings.engine.master, options=settings.engine.options)
        with spark:
            with progress.step(title):
                facts = _handed_over(settings, engine, spark)
            yield facts


def _handed_over(settings: Settings, engine: DuckEngine, spark: SparkEngine) -> Facts:
    """Events in Parquet files, or in a table of Spark's, are read there in place; others are taken in here first."""
    data, rejected = settings.data, settings.home / "rejected"
    files = Files(folder=data.folder, places=data.places, columns=data.columns)
    places = files.parquet("events") if data.kind == "files" else ()
    if not places:
        return hand_over(take_in(source_of(data), engine, rejected), spark)
    aside = settings.engine.rejected or f"file://{rejected.absolute()}/events"
    distant = Distant(places=places, renaming=renamings(data.columns)["events"], aside=aside)
    return take_in_there(source_of(data, elsewhere=("events",)), engine, spark, distant, rejected)

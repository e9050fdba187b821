"""Handing facts over to Spark: the small tables as DuckDB took them in, the events read there, in place and checked.

Events that lie in Parquet files at any address Hadoop knows, or in a table of Spark's catalog, are never copied to this
machine. The rules of their rows are those of intake: the same SQL, carried. Events of any other source are taken in by
DuckDB and handed over like the rest.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from features.checked import Checked, final
from features.conform import is_native
from features.domain import EVENTS, Column
from features.engines.duckdb import DuckEngine, identifier
from features.engines.spark import SparkEngine
from features.errors import SourceError
from features.facts import Facts, Finding
from features.faults import GIVEN, Fault, faults
from features.intake import cutoff_of, take_in
from features.raw import ORDER, Raw, Source
from features.reading.names import Renaming, renamed
from features.rejected import findings_of

WHOLE = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT")
"""Types of ids whose text is the same everywhere."""

SCANNED = "_raw_events"
LISTED = "_listed"
"""Whether an event's account is in the table `accounts`."""


@dataclass(frozen=True, kw_only=True)
class Distant:
    """Where Spark finds the events: addresses of Parquet files or folders, or one `table://…`; `aside` is the address
    of the folder that rows which cannot be used are written to (none: nowhere).
    """

    places: tuple[str, ...]
    renaming: Renaming
    aside: str | None = None


def hand_over(facts: Facts, spark: SparkEngine) -> Facts:
    """The same facts, every table of them in Spark."""
    assert isinstance(facts.engine, DuckEngine)
    for (name,) in facts.engine.rows("SHOW TABLES"):
        spark.take(str(name), facts.engine.arrow(f"SELECT * FROM {identifier(str(name))}"))
    return replace(facts, engine=spark, kept=None)


def take_in_there(
    source: Source,
    engine: DuckEngine,
    spark: SparkEngine,
    distant: Distant,
    rejected: Path | None,
    now: date | None = None,
) -> Facts:
    """Facts of which Spark reads the events in place and ``engine`` takes in all other tables of the source.

    Raises SourceError when they cannot be read, or a time or number of the events has another type in the files.
    """
    today = now or datetime.now(UTC).date()
    others = take_in(source, engine, rejected, now, only=[name for name in ORDER if name != EVENTS.name])
    facts = hand_over(others, spark)
    told = _sift(spark, distant, today, listed="accounts" in others.known)
    if "accounts" not in others.known:
        spark.execute(
            "INSERT INTO accounts BY NAME SELECT DISTINCT account_id, TIMESTAMP '1900-01-01' AS known_at FROM events "
            "WHERE account_id NOT IN (SELECT account_id FROM accounts)"
        )
    known = {**others.known, EVENTS.name: told.known}
    return replace(
        facts,
        known=known,
        cutoff=cutoff_of(spark, today, {}),
        fingerprint=hashlib.sha256(f"{others.fingerprint} {told.fingerprint}".encode()).hexdigest(),
        findings=(*others.findings, *told.findings),
    )


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What the pass over the events said."""

    known: frozenset[str]
    fingerprint: str
    findings: tuple[Finding, ...]


def _sift(spark: SparkEngine, distant: Distant, today: date, *, listed: bool) -> _Told:
    """Make the view `events` of the usable rows; the others are counted by their fault and written aside."""
    checked = _checked(spark, distant, today, listed=listed)
    names = sorted(column.name for column in EVENTS.columns)
    counts = [f"count({identifier(name)})" for name in names]
    given = [name for name in names if name in checked.types]
    there = [f"count(*) FILTER (WHERE {identifier(GIVEN + name)})" for name in given]
    usable = f"hash({', '.join(map(identifier, names))})"
    read, unusable, hashes, *further = spark.rows(
        f"SELECT count(*), count(_fault), sum(CAST({usable} AS DECIMAL(38, 0))) FILTER (WHERE _fault IS NULL), "
        f"{', '.join((*counts, *there))} FROM ({checked.rows()})"
    )[0]
    filled = dict(zip(names, further, strict=False))
    held = dict(zip(given, further[len(names) :], strict=True))
    known = {name for name in names if (held.get(name) if name in EVENTS.filled_columns else filled[name])}
    rows = f"SELECT * FROM ({checked.rows()}) WHERE _fault IS NULL" if unusable else checked.cells()
    spark.execute(f"CREATE OR REPLACE VIEW events AS SELECT {final(EVENTS, {})} FROM ({rows})")
    found = _set_aside(spark, checked, distant.aside) if unusable else ()
    if read == unusable:
        sentence = "no row of events can be used"
        found = (*found, Finding(kind="no rows", table="events", count=0, sentence=sentence, fatal=True))
    return _Told(known=frozenset(known), fingerprint=f"{read} {unusable} {hashes}", findings=found)


def _checked(spark: SparkEngine, distant: Distant, today: date, *, listed: bool) -> Checked:
    """The events as Spark reads them, and what can be wrong with each of them."""
    spark.scan(SCANNED, distant.places)
    theirs = {name: kind for name, kind in spark.types(SCANNED).items() if name not in ("_file", "_row")}
    names = distant.renaming.names(tuple(theirs), ", ".join(distant.places))
    declared = {column.name for column in EVENTS.columns}
    names = {their: ours for their, ours in names.items() if ours in declared}
    types = {ours: theirs[their] for their, ours in names.items()}
    for name, kind in types.items():
        _complain(EVENTS.column(name), kind, distant)
    sql = f"SELECT {renamed(names)}, _file, _row FROM {SCANNED}"
    found = faults(EVENTS, frozenset(types), today, listed)
    if listed:
        # An account is looked up by a join: for a list of ids Spark would ask every row against every account.
        sql = (
            f"SELECT e.*, l.{LISTED} FROM ({sql}) e "
            f"LEFT JOIN (SELECT CAST(account_id AS VARCHAR) AS account_id, true AS {LISTED} FROM accounts) l "
            "ON l.account_id = CAST(e.account_id AS VARCHAR)"
        )
        found = tuple(_looked_up(fault) for fault in found)
    raw = Raw(sql=sql, columns=tuple(types))
    return Checked(table=EVENTS, raw=raw, types=types, further={LISTED: LISTED} if listed else {}, faults=found)


def _looked_up(fault: Fault) -> Fault:
    return replace(fault, when=f"{LISTED} IS NULL") if fault.kind == "unknown account" else fault


def _complain(column: Column, kind: str, distant: Distant) -> None:
    """Texts that are times or numbers are read differently by different engines: such files are refused."""
    if column.kind == "text":
        fits, wanted = kind == "VARCHAR" or kind in WHOLE, "a text or a whole number"
    else:
        fits, wanted = is_native(column.kind, kind), {"time": "a timestamp or a date"}.get(column.kind, "a number")
    if not fits:
        raise SourceError(
            f"{', '.join(distant.places)}: {column.name} is {kind}; Spark reads it only as {wanted}. Write it so, or "
            'let DuckDB read the events: [engine] kind = "duckdb"'
        )


def _set_aside(spark: SparkEngine, checked: Checked, place: str | None) -> tuple[Finding, ...]:
    """Write the rows that cannot be used, with file, row and reason; one finding for each kind of fault."""
    unusable = f"SELECT * FROM ({checked.rows()}) WHERE _fault IS NOT NULL"
    spark.execute(f"CREATE OR REPLACE TABLE _rejected AS {checked.reasons(unusable)}")
    if place is not None:
        spark.write("SELECT * FROM _rejected", place)
    found = findings_of(EVENTS, spark)
    spark.execute("DROP TABLE _rejected")
    return tuple(found)

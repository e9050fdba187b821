"""Intake: from a source's raw tables to typed facts; every row is either accepted or set aside with its reason."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from features import domain
from features.conform import is_given
from features.domain import Table
from features.engines import Engine
from features.engines.duckdb import DuckEngine, identifier, reading
from features.facts import Facts, Finding
from features.fingerprint import fingerprint
from features.keeping.checks import KeptChecks
from features.kept_usage import KeptUsage
from features.raw import ORDER, Raw, Source
from features.rejected import Rejected
from features.sift import Sifted, empty, sift
from features.tally import Tally, last_day
from features.zones import mixed_zones

FEEDS = ("events", "tickets", "surveys", "touches", "opportunities")
"""Tables that grow as things happen; the last of their facts tells how far the data reach."""

ESSENTIAL = ("events", "accounts", "contracts")
"""Tables that, where the source has them, cannot be empty."""


def take_in(
    source: Source,
    engine: DuckEngine,
    rejected: Path | None,
    now: date | None = None,
    *,
    keep: Path | None = None,
    only: Collection[str] = ORDER,
    say: Callable[[str], None] = lambda _: None,
) -> Facts:
    """Every table of the source, typed and checked row by row, in the engine.

    ``keep`` is a folder for the rollup of usage between runs; ``say`` is told of waiting for another process; ``only``
    names the tables to take in.

    Rows that cannot be used go to ``rejected/<table>.parquet`` (None: nowhere) with file, row and reason. ``now`` is
    the last day that can have happened, today if not given. Raises SourceError when the source cannot be read.
    """
    today = now or datetime.now(UTC).date()
    raws = {name: raw for name, raw in source.raw(engine).items() if name in only}
    known: dict[str, frozenset[str]] = {}
    told: dict[str, Tally] = {}
    kept: KeptUsage | None = None
    findings: list[Finding] = []
    with Rejected(folder=rejected, engine=engine) as aside:
        for table in map(domain.table, ORDER):
            raw = raws.get(table.name)
            if raw is None:
                empty(table, engine)
                continue
            checks = None if keep is None or table.name != "events" else KeptChecks(folder=keep, say=say)
            with reading(table.name):
                sifted = sift(table, raw, engine, now=today, accounts="accounts" in raws, keep=checks)
            findings += aside.take(table, raw, sifted)
            findings += mixed_zones(table, raw, sifted.types, engine)
            known[table.name] = _known(table, raw, sifted, engine)
            if sifted.tally is not None:
                told[table.name] = sifted.tally
            if sifted.found is not None and keep is not None:
                kept = KeptUsage(folder=keep, pieces=sifted.found.days, reads=sifted.found.version, say=say)
            for name in (*raw.scratch, *sifted.scratch):
                engine.execute(f"DROP TABLE {identifier(name)}")
    if "accounts" not in raws:
        _derive_accounts(engine)
    findings += _nothing_left(known, engine)
    return Facts(
        engine=engine,
        known=known,
        cutoff=cutoff_of(engine, today, told),
        fingerprint=fingerprint(
            engine, {name: (tally.accepted, tally.hashes) for name, tally in told.items() if tally.accepted}
        ),
        findings=tuple(findings),
        kept=kept,
    )


def _known(table: Table, raw: Raw, sifted: Sifted, engine: DuckEngine) -> frozenset[str]:
    """The columns with at least one value; a default and a derived known_at are not values."""
    plain = [name for name in sifted.columns if name not in table.filled_columns]
    own = table.filled_columns & set(raw.columns)
    if sifted.tally is not None:
        return frozenset({name for name in plain if sifted.tally.filled.get(name)} | (own & set(sifted.tally.given)))
    counts = engine.rows(f"SELECT {', '.join(f'count({identifier(name)})' for name in plain)} FROM {table.name}")[0]
    held = {name for name, count in zip(plain, counts, strict=True) if count}
    for name in own:
        if engine.rows(f"SELECT 1 FROM ({raw.sql}) WHERE {is_given(name, sifted.types[name])} LIMIT 1"):
            held.add(name)
    return frozenset(held)


def _derive_accounts(engine: DuckEngine) -> None:
    """Without a table of accounts, an account is whoever has a contract or an event."""
    engine.execute(
        "INSERT INTO accounts BY NAME SELECT account_id, TIMESTAMP '1900-01-01' AS known_at FROM "
        "(SELECT account_id FROM contracts UNION SELECT account_id FROM events)"
    )


def _nothing_left(known: Mapping[str, frozenset[str]], engine: DuckEngine) -> list[Finding]:
    """Tables that nothing can be learnt without and of which no row is left."""
    found = []
    for name in ESSENTIAL:
        if name in known and not engine.rows(f"SELECT 1 FROM {name} LIMIT 1"):
            sentence = f"no row of {name} can be used"
            found.append(Finding(kind="no rows", table=name, count=0, sentence=sentence, fatal=True))
    return found


def cutoff_of(engine: Engine, today: date, told: Mapping[str, Tally]) -> date:
    """The first midnight after the last thing that happened, after today when nothing did; ``told`` needs no scan."""
    after = today + timedelta(days=1)
    last = " UNION ALL ".join(
        f"SELECT max(known_at) AS known_at FROM {name} WHERE known_at < TIMESTAMP '{after}'"
        for name in FEEDS
        if name not in told
    )
    days = [engine.rows(f"SELECT CAST(max(known_at) AS DATE) FROM ({last})")[0][0]]
    days += [last_day(told[name]) for name in FEEDS if name in told]
    return max((day for day in days if isinstance(day, date)), default=today) + timedelta(days=1)

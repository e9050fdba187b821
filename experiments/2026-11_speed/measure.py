"""One measurement in a process of its own: `measure.py NAME FOLDER [OUT]` prints seconds and peak memory as JSON."""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
from refresh import refresh
from rivals import NEVER, RIVALS, WINDOWS

from features import plan, snapshots, standing, table, usage
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.signal import SignalColumn, columns
from features.signals import CATALOGUE
from features.sources import Files

CUTOFFS = tuple(date(2025, month, 1) for month in range(1, 13))
MODE = snapshots.Renewal()
PLAIN = tuple(f"{name}_{w}d" for name in ("events", "active_days", "active_users", "features") for w in WINDOWS)
MEMORY = "4GB"
"""What the engine may hold before it spills; Python and the result come on top."""


def engine() -> DuckEngine:
    spill = Path(tempfile.mkdtemp(prefix="ebb-spill-"))
    return DuckEngine(threads=2, memory_limit=MEMORY, spill=spill)


def facts_of(folder: Path) -> Facts:
    return take_in(Files(folder=folder, columns={}), engine(), None)


def bare(folder: Path) -> None:
    """The rollup alone, in memory: what any computation over days of use begins with."""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"""CREATE TABLE daily AS SELECT account_id, user_id, event, CAST(occurred_at AS DATE) AS day, count(*) AS n
            FROM '{folder / "events.parquet"}' GROUP BY ALL"""
        )


def catalogue(folder: Path) -> int:
    """From the files to every signal, standings too, of every account at twelve cutoffs."""
    return table.every(facts_of(folder), MODE, cutoffs=CUTOFFS).signals.size


def plain(folder: Path) -> pd.DataFrame:
    """From the files to the 21 plain window signals."""
    facts = facts_of(folder)
    wanted: tuple[SignalColumn, ...] = tuple(c for c in columns(CATALOGUE) if c.name in (*PLAIN, "recency"))
    usage.build(facts, plan.plan_of(CATALOGUE, facts.known, wanted).reads)
    snapshots.lay_accounts(facts, MODE, cutoffs=CUTOFFS)
    values = plan.run(facts, CATALOGUE, wanted=wanted)
    keys = facts.engine.frame("SELECT account_id, cutoff FROM snapshots ORDER BY snapshot_id")
    return pd.concat([keys, values], axis=1)


def account(folder: Path) -> dict[str, float]:
    """One account at one cutoff, once the rollups and the year's books are there: the median of 20."""
    facts = facts_of(folder)
    usage.build(facts)
    cutoff = date(2025, 12, 1)
    snapshots.lay_book(facts, MODE, cutoffs=standing.months([cutoff]))
    computed = plan.run(facts, CATALOGUE)
    keys = facts.engine.frame(
        "SELECT account_id, CAST(cutoff AS TIMESTAMP) AS cutoff FROM snapshots ORDER BY snapshot_id"
    )
    book = computed.assign(cutoff=keys["cutoff"])
    snapshots.lay_book(facts, MODE, cutoffs=(cutoff,))
    facts.engine.execute("CREATE TABLE today AS SELECT * FROM snapshots")
    names = [
        str(row[0]) for row in facts.engine.rows("SELECT account_id FROM today ORDER BY hash(account_id) LIMIT 20")
    ]
    times = []
    for name in names:
        started = time.perf_counter()
        facts.engine.execute("CREATE OR REPLACE TABLE snapshots AS SELECT * FROM today WHERE account_id = ?", [name])
        values = plan.run(facts, CATALOGUE)
        at = pd.Series([pd.Timestamp(cutoff)] * len(values))
        standing.stand(values, at, book, CATALOGUE)
        times.append(time.perf_counter() - started)
    return {"median": sorted(times)[len(times) // 2], "slowest": max(times)}


def rival(name: str) -> Callable[[Path], pd.DataFrame]:
    return lambda folder: RIVALS[name](folder, CUTOFFS)


MEASURES: dict[str, Callable[[Path], object]] = {
    "bare": bare,
    "catalogue": catalogue,
    "plain": plain,
    "account": account,
    "refresh": refresh,
    **{name: rival(name) for name in RIVALS},
}


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether two answers hold the same bits; who was silent in two years is missing from theirs."""
    names = [*PLAIN, "recency"]
    keyed = [
        frame.assign(cutoff=pd.to_datetime(frame["cutoff"])).set_index(["account_id", "cutoff"])
        for frame in (ours, theirs)
    ]
    found = keyed[1].reindex(keyed[0].index)[names].astype(float)
    filled = found.fillna(dict.fromkeys(PLAIN, 0.0) | {"recency": float(NEVER)})
    equal = bool((keyed[0][names].to_numpy() == filled.to_numpy()).all())
    return equal and bool(keyed[1].index.isin(keyed[0].index).all())


def main() -> None:
    name, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None
    started = time.perf_counter()
    answer = MEASURES[name](folder)
    seconds = time.perf_counter() - started
    if out is not None and isinstance(answer, pd.DataFrame):
        answer.to_parquet(out)
    told = {"seconds": seconds, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}
    print(json.dumps(told | (answer if isinstance(answer, dict) else {})))


if __name__ == "__main__":
    main()

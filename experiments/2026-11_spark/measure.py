"""One measurement in a process of its own: `measure.py ENGINE FOLDER MASTER` prints its seconds as JSON."""

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from features import plan, snapshots, usage
from features.engines.duckdb import DuckEngine
from features.engines.spark import SparkEngine
from features.facts import Facts
from features.handover import Distant, take_in_there
from features.intake import take_in
from features.reading.names import renamings
from features.signals import CATALOGUE
from features.sources import Files

CUTOFF = date(2025, 12, 1)


def facts_of(engine: str, folder: Path, master: str) -> Facts:
    duck = DuckEngine(threads=2, memory_limit="4GB", spill=Path(tempfile.mkdtemp(prefix="ebb-spill-")))
    if engine == "duckdb":
        return take_in(Files(folder=folder), duck, None)
    files = Files(folder=folder, elsewhere=("events",))
    distant = Distant(places=files.parquet("events"), renaming=renamings({})["events"])
    return take_in_there(files, duck, SparkEngine(master=master), distant, None)


def main() -> None:
    engine, folder, master = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if engine == "spark":
        SparkEngine(master=master).close()  # to start Spark is not what is measured
    told, last = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        told[name], last = round(now - last, 1), now
        print(f"  {name}: {told[name]} s", file=sys.stderr, flush=True)

    facts = facts_of(engine, folder, master)
    lap("read and check")
    usage.build(facts)
    lap("roll up")
    snapshots.lay_accounts(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    values = plan.run(facts, CATALOGUE)
    lap("signals")
    print(json.dumps({"seconds": round(sum(told.values()), 1), "steps": told, "values": int(values.size)}))


if __name__ == "__main__":
    main()

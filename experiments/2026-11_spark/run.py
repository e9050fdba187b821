"""How time grows on Spark from 3 to 30 million events: `run.py [--events 3e6,3e7] [--master local[2]]`.

Needs `../shared/bench/make_events.py`, the extra `ebb[spark]` and Java 17. Each size runs once, in its own process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MAKER = ROOT.parent / "shared" / "bench" / "make_events.py"


def log_of(events: float, folder: Path, maker: Path) -> Path:
    """A log of about so many events, made once."""
    made = folder / f"{events:.0e}"
    if not (made / "contracts.parquet").exists():
        subprocess.run([sys.executable, maker, str(events), made], check=True, stdout=subprocess.DEVNULL)
    return made


def measured(engine: str, log: Path, master: str) -> dict[str, object]:
    """One engine over one log, in its own process."""
    line = [sys.executable, HERE / "measure.py", engine, log, master]
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    print(f"{engine}, {log.name} events", flush=True)
    ran = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": search})
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", default="3e6,3e7")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "ebb-bench")
    parser.add_argument("--maker", type=Path, default=MAKER)
    given = parser.parse_args()
    if not given.maker.exists():
        print("skipped: put make_events.py in ../shared/bench to run this")
        return 0
    sizes = [float(size) for size in given.events.split(",")]
    result: dict[str, object] = {"master": given.master, "load": []}
    seconds = []
    for size in sizes:
        log = log_of(size, given.keep, given.maker)
        found = measured("spark", log, given.master)
        result[f"spark_{size:.0e}"] = found
        result[f"duckdb_{size:.0e}"] = measured("duckdb", log, given.master)
        seconds.append(float(str(found["seconds"])))
        result["load"] = [*result["load"], round(os.getloadavg()[0], 1)]  # type: ignore[misc]
        result["growth"] = {"events": size / sizes[0], "seconds": round(seconds[-1] / seconds[0], 2)}
        (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

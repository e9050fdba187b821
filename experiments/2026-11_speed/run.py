"""How fast signals are computed, beside others, in one run: prints the table and writes result.json.

run.py [--short] [--events 3e6,3e7] [--keep FOLDER] [--others PYTHON] [--spill 1e8]

`PYTHON` is an interpreter that has featuretools and tsfresh: they ask for an older pandas than Ebb.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MAKER = ROOT.parent / "shared" / "bench" / "make_events.py"
REPEATS = 3
"""Of each short measurement the fastest counts: the machine may be shared."""


def log_of(events: float, folder: Path, maker: Path) -> Path:
    """A log of about so many events, made once."""
    made = folder / f"{events:.0e}"
    if not (made / "contracts.parquet").exists():
        subprocess.run([sys.executable, maker, str(events), made], check=True, stdout=subprocess.DEVNULL)
    return made


def measured(name: str, log: Path, out: Path | None = None, repeats: int = 1) -> dict[str, float]:
    """The fastest of some runs, each in its own process."""
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    found = []
    for _ in range(repeats):
        line = [sys.executable, HERE / "measure.py", name, log, *([out] if out else [])]
        ran = subprocess.run(line, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": search})
        found.append(json.loads(ran.stdout.splitlines()[-1]))
    best = min(found, key=lambda one: one["seconds"])
    print(f"  {name}: {best['seconds']:.2f} s, {best['peak_gb']:.1f} GB", flush=True)
    return best


def catalogue(log: Path, repeats: int) -> dict[str, float]:
    """The whole catalogue against the bare rollup, run in turns."""
    before, ours, after = (
        measured("bare", log, repeats=repeats),
        measured("catalogue", log),
        measured("bare", log, repeats=repeats),
    )
    bare = (before["seconds"] + after["seconds"]) / 2
    return {"bare_s": bare, "seconds": ours["seconds"], "ratio": ours["seconds"] / bare, "peak_gb": ours["peak_gb"]}


def plain(log: Path, names: list[str], repeats: int) -> dict[str, dict[str, float | bool]]:
    """The plain window signals against others: how many times faster, and whether the bits are the same."""
    from measure import same

    found: dict[str, dict[str, float | bool]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "ours.parquet"
        ours = measured("plain", log, out, repeats)
        answer = pd.read_parquet(out)
        for name in names:
            theirs = measured(name, log, Path(scratch) / "theirs.parquet", repeats)
            equal = same(answer, pd.read_parquet(Path(scratch) / "theirs.parquet"))
            found[name] = {
                "seconds": theirs["seconds"],
                "ours_s": ours["seconds"],
                "times": theirs["seconds"] / ours["seconds"],
                "bit_equal": equal,
            }
    return found


def others(log: Path, python: Path) -> dict[str, dict[str, float]]:
    """Libraries that answer something comparable at the same cutoffs, against our plain window signals."""
    from measure import CUTOFFS
    from rivals import OTHERS

    found, ours = {}, measured("plain", log, repeats=REPEATS)
    for name in OTHERS:
        line = [python, "-W", "ignore", HERE / "rivals.py", name, log, *map(str, CUTOFFS)]
        ran = subprocess.run(line, check=True, capture_output=True, text=True)
        theirs = json.loads(ran.stdout.splitlines()[-1])["seconds"]
        print(f"  {name}: {theirs:.1f} s", flush=True)
        found[name] = {"seconds": theirs, "ours_s": ours["seconds"], "times": theirs / ours["seconds"]}
    return found


def rivals() -> list[str]:
    """Those that can be run here."""
    if importlib.util.find_spec("polars") is None:
        print("skipped: Polars by hand (install the extra `bench`)")
        return ["naive SQL"]
    return ["naive SQL", "Polars by hand"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--events", default="3e6,3e7")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "ebb-bench")
    parser.add_argument("--maker", type=Path, default=MAKER)
    parser.add_argument("--others", type=Path, help="an interpreter that has featuretools and tsfresh")
    parser.add_argument("--spill", type=float, help="compute the catalogue of so many events, too")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if not given.maker.exists():
        print("skipped: put make_events.py in ../shared/bench to run this")
        return 0
    if given.short:
        return short(log_of(1e6, given.keep, given.maker))
    sizes = [float(size) for size in given.events.split(",")]
    result: dict[str, object] = {}
    for size in sizes:
        print(f"{size:.0e} events", flush=True)
        log = log_of(size, given.keep, given.maker)
        result[f"catalogue_{size:.0e}"] = catalogue(log, REPEATS)
        result[f"refresh_{size:.0e}"] = measured("refresh", log)
        result[f"plain_{size:.0e}"] = plain(log, rivals(), 1 if size > 1e7 else REPEATS)
    result["pandas_1e6"] = plain(log_of(1e6, given.keep, given.maker), ["pandas by hand"], 1)
    if given.others is not None:
        result["others_1e6"] = others(log_of(1e6, given.keep, given.maker), given.others)
    if given.spill is not None:
        result[f"catalogue_{given.spill:.0e}"] = catalogue(log_of(given.spill, given.keep, given.maker), 1)
    result["account"] = measured("account", log_of(sizes[0], given.keep, given.maker))
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 0


def short(log: Path) -> int:
    """For every change: the same bits as the naive SQL, and ratios that only a real loss of speed misses."""
    ours, theirs = catalogue(log, 1), plain(log, ["naive SQL"], 1)["naive SQL"]
    faults = [] if theirs["bit_equal"] else ["the plain window signals differ from the naive SQL"]
    if ours["ratio"] > 60:
        faults.append(f"the catalogue takes {ours['ratio']:.0f} times the bare rollup")
    print("\n".join(faults) or f"bench: same bits, {ours['ratio']:.0f} times the bare rollup")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

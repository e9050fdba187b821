"""How long tuned training takes beside the bare fits it makes, and how much memory scoring a large book takes.

run.py [--short]: writes result.json and the table of README.md; short: small, bounds only, writes nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROCESSORS = "2"
"""For LightGBM; the linear algebra has one thread, so that neither waits for the other on a busy machine."""

LARGE = {"train": (100_000, 150, 20), "score": (100_000, 150)}
SMALL = {"train": (10_000, 50, 5), "score": (10_000, 150)}

TIMES = {
    "time within LightGBM": "times_within",
    "bare fits, bins made once": "times_bare_bins_shared",
    "bare fits, bins of their own": "times_bare",
}

MOST_TIMES, MOST_GB = 12.0, 1.5
"""What only a real loss of speed or memory exceeds on the small sizes, whose fits take hardly a second."""


def measured(name: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    """One measurement in a process of its own."""
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    threads = {"OMP_NUM_THREADS": PROCESSORS, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": search}
    line = [sys.executable, str(HERE / "measure.py"), name, *map(str, sizes)]
    ran = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    train, score = found["train"], found["score"]
    rows = [
        ("tuned training, s", train["ours"]),
        ("the same, within LightGBM, s", train["within_lightgbm"]),
        ("its bare fits, bins made once per table as here, s", train["bare_bins_shared"]),
        ("its bare fits, each with bins of its own, s", train["bare"]),
    ]
    lines = ["| what | time | of the processors |", "|---|---|---|"]
    lines += [f"| {name} | {each['s']:.0f} | {each['processor_s']:.0f} |" for name, each in rows]
    for name, key in TIMES.items():
        lines.append(f"| **times the {name}** | {train[key]['s']:.2f} | {train[key]['processor_s']:.2f} |")
    lines += [
        f"| trials, given up; fits | {train['trials']}, {train['given_up']}; {train['fits']} | |",
        f"| model chosen | {train['chosen']} | |",
        f"| {score['accounts']:,} accounts rated with {score['drivers']:,} drivers, s | {score['rated']['s']:.0f} "
        f"| {score['rated']['processor_s']:.0f} |",
        f"| the same, and kept in the store, s | {score['kept']['s']:.0f} | {score['kept']['processor_s']:.0f} |",
        f"| **peak memory of it, GB** | {score['peak_gb']:.2f} | |",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    found = {name: measured(name, sizes) for name, sizes in (SMALL if short else LARGE).items()}
    print(json.dumps(found, indent=2))
    if short:
        return bounds(found)
    (HERE / "result.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    marked = r"(<!-- figures -->\n).*?(<!-- end: figures -->)"
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(marked, rf"\g<1>{table(found)}\n\g<2>", text, flags=re.DOTALL), encoding="utf-8")
    return 0


def bounds(found: dict[str, Any]) -> int:
    """Whether the small sizes keep within what only a real loss exceeds."""
    times, peak = found["train"]["times_bare"]["processor_s"], max(each["peak_gb"] for each in found.values())
    faults = [f"tuned training takes {times:.1f} times its bare fits"] if times > MOST_TIMES else []
    faults += [f"peak memory is {peak:.1f} GB"] if peak > MOST_GB else []
    print("\n".join(faults) or f"bench: tuned training takes {times:.1f} times its bare fits, at most {peak:.1f} GB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

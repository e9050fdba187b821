"""What would have been said of openstack's renewals, quarter by quarter: the figures of `ebb backtest`, kept."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.resolve().parents[2] / "shared" / "data" / "openstack"
QUARTERS = 12
METRICS = ("auc", "average_precision", "brier", "ece", "lift_at_10_percent", "recall_at_capacity")
PART = "<!-- figures -->\n", "<!-- end: figures -->"


def backtest() -> dict:
    """The figures that `ebb backtest` writes."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        command = [Path(sys.executable).with_name("ebb"), "backtest", "--data", DATA, "--home", home]
        subprocess.run([*map(str, command), "--quarters", str(QUARTERS), "--out", scratch], check=True)
        return json.loads((home / "metrics.json").read_text(encoding="utf-8"))


def table(figures: dict) -> str:
    """A row for each lead time, and one for all."""
    lines = ["| days before | looks | left | " + " | ".join(METRICS) + " |", "|---" * (3 + len(METRICS)) + "|"]
    for lead, row in {**figures["by_lead_days"], "all": figures["overall"]}.items():
        cells = (f"{row[name]['value']:.3f} ({row[name]['low']:.3f} to {row[name]['high']:.3f})" for name in METRICS)
        lines.append(f"| {lead} | {row['snapshots']} | {row['left']:.1%} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def keep(figures: dict) -> None:
    """Write result.json and the table of the README."""
    kept = {name: figures[name] for name in ("overall", "by_lead_days", "by_quarter")}
    (HERE / "result.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(PART[0])
    readme.write_text(f"{before}{PART[0]}{table(figures)}{PART[1]}{rest.split(PART[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    keep(backtest())

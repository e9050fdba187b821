"""The latest look at the champion in use, as `ebb monitor` left it under home."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

FOLDER: Final = "monitor"
FILE: Final = "drift.csv"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What was seen from a cutoff: the verdict, the PSI of the scores (None where not known), and how much moved.

    ``weight`` is the share of what the model says that rests on the ``signals`` that moved.
    """

    cutoff: date
    verdict: str
    alarm: bool
    psi: float | None
    signals: int
    weight: float


def latest(home: Path) -> Drift | None:
    """The look from the latest cutoff; None where nobody ever looked, or what was left cannot be read."""
    for path in sorted((home / FOLDER).glob(f"*/{FILE}"), reverse=True):
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return _drift(date.fromisoformat(path.parent.name), list(csv.DictReader(file)))
        except (OSError, ValueError, KeyError, StopIteration):
            continue
    return None


def _drift(cutoff: date, rows: list[dict[str, str]]) -> Drift:
    verdict = next(row for row in rows if row["about"] == "verdict")
    scores = next((row for row in rows if row["about"] == "scores"), None)
    moved = [row for row in rows if row["about"] == "signal" and row["alarm"] == "True"]
    return Drift(
        cutoff=cutoff,
        verdict=verdict["name"],
        alarm=verdict["alarm"] == "True",
        psi=float(scores["psi"]) if scores is not None and scores["psi"] else None,
        signals=len(moved),
        weight=sum(float(row["weight"] or 0) for row in moved),
    )

"""Folders of data files for tests: one set of rows written as CSV, JSON Lines or Parquet."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from features.engines.duckdb import DuckEngine
from features.facts import Facts, Finding
from features.intake import take_in
from features.sources import Files

Cells = Mapping[str, str | None]

TODAY = date(2026, 6, 1)
SHARED = Path(__file__).parents[2] / "shared" / "data"

EVENTS = "account_id,occurred_at,event\na,2026-01-05,edit\nb,2026-01-06,edit\n"
ACCOUNTS = "account_id\na\nb\n"


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files; a name may hold a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def table_written(folder: Path, table: str, ending: str, rows: Sequence[Cells]) -> None:
    """One table of text cells, as `.csv`, `.jsonl` or `.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{table}{ending}"
    names = list(rows[0])
    if ending == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([[row[name] or "" for name in names] for row in rows])
    elif ending == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        pd.DataFrame(list(rows), dtype="object").to_parquet(path)


def taken(folder: Path, rejected: Path | None = None, columns: Mapping[str, Mapping[str, str]] | None = None) -> Facts:
    """What intake makes of a folder; ``columns`` is the column map per table."""
    return take_in(Files(folder=folder, columns=columns or {}), DuckEngine(threads=2), rejected, now=TODAY)


def rejects(folder: Path, table: str) -> list[tuple[int, str]]:
    """Row and reason of what was set aside, in the order of rows."""
    with DuckEngine() as engine:
        rows = engine.rows(f"SELECT _row, reason FROM '{folder / table}.parquet' ORDER BY _file, _row")
    return [(int(str(row)), str(reason)) for row, reason in rows]


def kinds(findings: Sequence[Finding]) -> list[str]:
    """The kinds found."""
    return [finding.kind for finding in findings]

"""`ebb build` writes the signals a notebook loads; `ebb sql` prints the plan for people of other engines."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlglot
from typer.testing import CliRunner

from features import plan, snapshots, table
from features.engines.dialects import DIALECTS
from features.signal import columns
from features.signals import CATALOGUE
from serving.cli import app
from serving.commands.signal_table import cutoffs
from tests.worlds import CUTOFF, CUTOFFS, facts_of, lighthouse, random_world


def test_every_account_with_a_contract_or_without():
    """Each account known before a cutoff has one row there, and what the book says of it where it is open."""
    facts = facts_of(random_world(11, accounts=8, events=50, gaps=False))
    mode = snapshots.Renewal()
    found = table.every(facts, mode, cutoffs=CUTOFFS)
    looks = list(zip(found.keys["account_id"], found.keys["cutoff"].dt.date, strict=True))
    wanted = facts.engine.frame("SELECT account_id, known_at FROM accounts").itertuples(index=False)
    assert sorted(looks) == sorted((name, cut) for name, at in wanted for cut in CUTOFFS if at.date() < cut)
    book, _ = table.book(facts, mode, cutoff=CUTOFF)
    assert len(book) > 0
    mine = found.signals.set_axis(pd.MultiIndex.from_tuples(looks))
    theirs = book.signals.set_axis(pd.MultiIndex.from_tuples([(name, CUTOFF) for name in book.keys["account_id"]]))
    assert mine.loc[theirs.index].equals(theirs)


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("month", ["2025-01-31", "2025-02-28", "2025-03-31"]),
        ("week", ["2025-01-31", "2025-02-07"]),
        ("day", ["2025-01-31"]),
    ],
)
def test_cutoffs(every, days):
    """Months end where they end; weeks and days are counted."""
    found = [str(day) for day in cutoffs(date(2025, 1, 31), date(2025, 3, 31), every)]
    assert found[: len(days)] == days
    assert len(found) == {"month": 3, "week": 9, "day": 60}[every]


def test_build_writes_a_row_for_each_account_and_cutoff(tmp_path: Path):
    """The file holds account_id, cutoff and every signal column."""
    (tmp_path / "data").mkdir()
    for name, rows in lighthouse().items():
        pd.DataFrame(rows).to_parquet(tmp_path / "data" / f"{name}.parquet")
    line = [
        "build",
        "--data",
        tmp_path / "data",
        "--home",
        tmp_path / "home",
        "--out",
        tmp_path / "out" / "signals.parquet",
    ]
    ran = CliRunner().invoke(app, [*map(str, line), "--from", "2026-03-01", "--to", "2026-05-31"])
    assert ran.exit_code == 0, ran.output
    written = pd.read_parquet(tmp_path / "out" / "signals.parquet")
    assert list(written.columns) == ["account_id", "cutoff", *(column.name for column in columns(CATALOGUE))]
    assert [str(at.date()) for at in written["cutoff"]] == ["2026-03-01", "2026-04-01", "2026-05-01"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_plan_in_every_dialect(dialect):
    """Every statement can be read back in the dialect it was written in."""
    ran = CliRunner().invoke(app, ["sql", "--dialect", dialect])
    assert ran.exit_code == 0, ran.output
    statements = sqlglot.parse(ran.output, read=dialect)
    made = [step.table for step in plan.plan_of(CATALOGUE, {}).statements]
    assert len([one for one in statements if one is not None]) > len(made)

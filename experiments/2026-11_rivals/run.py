"""Is Ebb better than plain boosting, AutoML and BG/NBD on the same snapshots? To result.json, README.md and a chart."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pandas as pd
from books import Book, books
from compare import figures
from shown import show

from features.signal import columns
from features.signals import CATALOGUE
from training.backtest import backtest
from training.split import holdout

HERE = Path(__file__).parent


def main() -> None:
    """Measure every book, writing what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--others", type=Path, help="an interpreter that has requirements.txt (default: made anew)")
    parser.add_argument("--seconds", type=float, default=30.0, help="FLAML's budget for each book")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        others = asked.others or environment(Path(scratch) / "others")
        rows: list[dict] = []
        for book in books():
            say(book.name)
            rows += measure(book, others, asked.seconds)
            show(rows, asked.seconds)


def environment(folder: Path) -> Path:
    """A fresh virtual environment with the rivals; its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    return python


def measure(book: Book, others: Path, seconds: float) -> list[dict]:
    """A row for each part of a book: the figures of Ebb and of each rival, with bootstrap draws."""
    data = book.data
    fold = holdout(data, pd.Timestamp(book.split))
    result = backtest(data, columns(CATALOGUE), split=book.split, progress=say)
    test = data.take(fold.test)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, rows in (("learn", fold.learn), ("test", fold.test)):
            part = data.take(rows)
            frame = part.signals.assign(left=part.left, account_id=part.keys["account_id"].astype(str).to_numpy())
            if book.asked is not None:
                frame = pd.concat([frame, book.asked[rows].reset_index(drop=True)], axis=1)
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        if book.seen is not None:
            book.seen.to_parquet(folder / "seen.parquet", index=False)
        say("  the rivals")
        command = [others, HERE / "others.py", folder, str(seconds)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
        risks = {name: risk.to_numpy() for name, risk in pd.read_parquet(folder / "risks.parquet").items()}
    said = result.predictions["risk"].to_numpy()
    accounts = test.keys["account_id"].to_numpy()
    trained = result.trained
    return [
        {
            "data": book.name,
            "part": name,
            "learnt_from": round(float(trained.learnt.weights.sum())),
            "snapshots": int(rows.sum()),
            "left": int(test.left[rows].sum()),
            "model": trained.selection.chosen.name,
            "trust": trained.selection.trust,
            "seconds": json.loads(ran.stdout.splitlines()[-1]),
            "figures": figures(
                test.left[rows],
                accounts[rows],
                {"Ebb": said[rows], **{each: risk[rows] for each, risk in risks.items()}},
            ),
        }
        for name, rows in book.parts(test).items()
        if 0 < test.left[rows].sum() < rows.sum()
    ]


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

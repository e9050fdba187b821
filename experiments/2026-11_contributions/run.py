"""How fast and how exact contributions of a whole book are, written to result.json and into README.md."""

import importlib.util
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from training.dataset import Dataset
from training.models.gbm import Gbm
from training.task import Task
from training.trees import Trees

HERE = Path(__file__).parent
ACCOUNTS, LEARNT = 20_000, 10_000
REPEATS = 3
WORLDS = ((50, 150), (200, 150), (200, 300))
"""Trees and signals of each model: the model of `training.models.gbm`, at two of its strengths."""


def main() -> None:
    """Measure every world, write result.json, and renew the table of README.md."""
    rows = [measure(trees, signals) for trees, signals in WORLDS]
    (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    text = re.sub(
        r"(<!-- figures -->\n).*?(<!-- end: figures -->)",
        rf"\g<1>{table(rows)}\n\g<2>",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    page.write_text(text, encoding="utf-8")


def measure(trees: int, signals: int) -> dict[str, float | int | None]:
    """One model: seconds for a whole book each way, for one account, and the greatest difference."""
    random = np.random.default_rng(7)
    fitted = Gbm(strengths=(trees,)).fit(world(random, signals))[trees]
    assert isinstance(fitted, Trees)
    text = fitted.text
    book = signal_table(random, ACCOUNTS, signals)
    fresh = Trees(text)
    began = time.perf_counter()
    assert fresh.tables is not None
    built = time.perf_counter() - began
    exact, looked_up = fitted.slowly(book), fresh.shares(book, [])
    slow, fast = best(lambda: fitted.slowly(book)), best(lambda: fresh.shares(book, []))
    return {
        "trees": trees,
        "signals": signals,
        "accounts": ACCOUNTS,
        "tables_built_s": built,
        "looked_up_s": fast,
        "pred_contrib_s": slow,
        "times_faster": slow / fast,
        "woodelf_s": woodelf(fitted, book),
        "one_account_ms": 1000 * best(lambda: fresh.shares(book[:1], [])),
        "greatest_difference": float(max(np.abs(a - b).max() for a, b in zip(exact, looked_up, strict=True))),
    }


def signal_table(random: np.random.Generator, rows: int, signals: int) -> np.ndarray:
    """Counts and shares with gaps, as signals are."""
    values = random.lognormal(1.0, 1.5, size=(rows, signals))
    values[:, ::3] = np.floor(values[:, ::3])
    values[random.random(values.shape) < 0.1] = np.nan
    return values


def world(random: np.random.Generator, signals: int) -> Task:
    """Snapshots whose outcome hangs on a third of the signals."""
    values = signal_table(random, LEARNT, signals)
    pull = np.nan_to_num(np.log1p(values[:, ::3])) @ random.normal(size=len(range(0, signals, 3))) / 5
    left = (random.random(LEARNT) < 1 / (1 + np.exp(1 + np.median(pull) - pull))).astype(float)
    names = [f"signal_{number}" for number in range(signals)]
    keys = pd.DataFrame(
        {
            "account_id": [str(number) for number in range(LEARNT)],
            "contract_id": [str(number) for number in range(LEARNT)],
            "cutoff": pd.Timestamp("2026-01-01"),
            "lead_days": 30,
            "ends_on": pd.Timestamp("2026-01-31"),
            "decided_on": pd.Timestamp("2026-01-31"),
            "arr": 1.0,
            "segment": "",
        }
    )
    data = Dataset(keys=keys, signals=pd.DataFrame(values, columns=names), left=left)
    return Task(data=data, ground=np.full(LEARNT, -1.0), directions=(0,) * signals)


def best(call: Callable[[], object]) -> float:
    """The fastest of a few runs, in seconds."""
    found = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


def woodelf(fitted: Trees, book: np.ndarray) -> float | None:
    """Seconds of woodelf-explainer on the same, where it is installed; None where it is not."""
    if importlib.util.find_spec("woodelf") is None:
        return None
    from woodelf import WoodelfExplainer

    frame = pd.DataFrame(book, columns=fitted.booster.feature_name())
    explainer = WoodelfExplainer(fitted.booster)
    return best(lambda: explainer.shap_values(frame))


def table(rows: list[dict[str, float | int | None]]) -> str:
    """The figures as Markdown."""
    lines = [
        "| trees, signals | tables built | looked up | `pred_contrib` | times faster | woodelf-explainer | one account "
        "| greatest difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        other = "–" if row["woodelf_s"] is None else f"{row['woodelf_s']:.2f} s"
        lines.append(
            f"| {row['trees']}, {row['signals']} | {row['tables_built_s']:.3f} s | {row['looked_up_s']:.3f} s "
            f"| {row['pred_contrib_s']:.2f} s | {row['times_faster']:.1f} | {other} | {row['one_account_ms']:.2f} ms "
            f"| {row['greatest_difference']:.0e} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

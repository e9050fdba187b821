"""Ebb's first figures, written to result.json and into README.md."""

import json
import re
import sys
from pathlib import Path

import market
import real

HERE = Path(__file__).parent
MARKETS = ((600, 7), (2000, 7), (2000, 11), (2000, 23))
"""Accounts and seed of each simulated market; the first is as small as the demo's."""


def main() -> None:
    """Measure, writing what there is after each: result.json, and the tables of README.md."""
    result: dict[str, list[dict]] = {"real": [], "market": []}
    for contest in real.CONTESTS:
        result["real"] += real.measure(contest, say)
        show(result)
    for accounts, seed in MARKETS:
        result["market"].append(market.measure(accounts, seed, say))
        show(result)


def show(result: dict[str, list[dict]]) -> None:
    """Write result.json and renew the tables of README.md."""
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    for name, table in (("real", real_table(result["real"])), ("market", market_table(result["market"]))):
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end: {name} -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def real_table(rows: list[dict]) -> str:
    """The contests as Markdown."""
    lines = [
        "| data | lead days | base | recency AUC | logistic AUC / Brier | LightGBM AUC / Brier | Ebb AUC / Brier "
        "| model | AUC gain over the best | Brier gain over the best |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        scores = row["scores"]
        both = [f"{scores[name]['auc']:.3f} / {scores[name]['brier']:.3f}" for name in ("logistic", "lightgbm", "ebb")]
        lines.append(
            f"| {row['data']} ({row['snapshots']}) | {row['lead_days']} | {row['base']:.3f} "
            f"| {scores['recency']['auc']:.3f} | {both[0]} | {both[1]} | **{both[2]}** | {row['model']} "
            f"| {gain(row['auc_gain'])} | {gain(row['brier_gain'])} |"
        )
    return "\n".join(lines)


def gain(figures: list[float]) -> str:
    """A difference with its interval."""
    return f"{figures[0]:+.3f} ({figures[1]:+.3f} to {figures[2]:+.3f})"


def market_table(rows: list[dict]) -> str:
    """The markets as Markdown."""
    lines = [
        "| accounts, seed | model | snapshots | base | AUC | AUC of the true probabilities "
        "| both without causes of the last 28 days | ECE (outcomes) | ECE (truth) "
        "| scored high with one cause | its family in the top 3 | sign right |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['accounts']}, {row['seed']} | {row['model']} | {row['snapshots']} | {row['base']:.3f} "
        f"| {row['auc']:.3f} | {row['auc_of_truth']:.3f} "
        f"| {row['auc_settled']:.3f}, {row['auc_of_truth_settled']:.3f} "
        f"| {row['ece_outcome']:.3f} | {row['ece_truth']:.3f} "
        f"| {row['high_with_one_cause']} | {row['cause_named']:.1%} | {row['sign_right']:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""What was measured, as result.json, as tables in README.md, and as a chart."""

import json
import re
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from compare import METRICS, margin

HERE = Path(__file__).parent
RIVALS = ("LightGBM", "HistGradientBoosting", "FLAML", "BG/NBD")
REAL = ("openstack", "cdnow", "churnsim")


def show(rows: list[dict], seconds: float) -> None:
    """Write all three; draws are summed up to intervals."""
    groups = {
        "data sets": [row for row in rows if row["data"] in REAL],
        **{name: [row for row in rows if row["data"] == name] for name in REAL},
        "markets": [row for row in rows if row["data"] not in REAL],
    }
    margins = [
        {"group": group, "rival": rival, "metric": metric, "margin": margin(part, rival, metric)}
        for group, part in groups.items()
        for rival in RIVALS
        for metric in METRICS
        if any(rival in row["figures"] for row in part)
    ]
    written = {"flaml_seconds": seconds, "margins": margins, "rows": [without_draws(row) for row in rows]}
    (HERE / "result.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    for name, table in (("margins", margin_table(margins)), ("rows", row_table(rows))):
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end: {name} -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")
    (HERE / "margins.svg").write_text(vl_convert.vegalite_to_svg(chart(margins).to_json()), encoding="utf-8")


def without_draws(row: dict) -> dict:
    """Each figure once, and its margins to Ebb with their intervals."""
    figures = {
        name: {metric: round(abs(of[metric][0]), 5) for metric in METRICS} for name, of in row["figures"].items()
    }
    behind = {
        name: {metric: np.round(margin([row], name, metric), 5).tolist() for metric in METRICS}
        for name in row["figures"]
        if name != "Ebb"
    }
    return {**row, "figures": figures, "margins": behind}


def margin_table(margins: list[dict]) -> str:
    """Ebb's lead over each rival, averaged over the rows of a group."""
    lines = ["| averaged over | rival | AUC | Brier | log loss |", "|---|---|---|---|---|"]
    found = pd.DataFrame(margins)
    for (group, rival), part in found.groupby(["group", "rival"], sort=False):
        cells = [interval(of) for of in part["margin"]]
        lines.append(f"| {group} | {rival} | {' | '.join(cells)} |")
    return "\n".join(lines)


def interval(of: list[float]) -> str:
    """A margin with its interval; bold where it does not hold zero."""
    told = f"{of[0]:+.3f} ({of[1]:+.3f} to {of[2]:+.3f})"
    return f"**{told}**" if of[1] > 0 or of[2] < 0 else told


def row_table(rows: list[dict]) -> str:
    """AUC / Brier of every model on every row, the best in bold."""
    lines = [
        f"| data | looks, losses | learnt from | Ebb's choice | Ebb | {' | '.join(RIVALS)} |",
        "|---|---|---|---|---|" + "---|" * len(RIVALS),
    ]
    for row in rows:
        best = {metric: max(of[metric][0] for of in row["figures"].values()) for metric in ("auc", "brier")}
        cells = []
        for name in ("Ebb", *RIVALS):
            of = row["figures"].get(name)
            told = [
                ("**{}**" if of[metric][0] == best[metric] else "{}").format(f"{abs(of[metric][0]):.3f}")
                for metric in ("auc", "brier")
                if of
            ]
            cells.append(" / ".join(told) if of else "")
        lines.append(
            f"| {row['data']}, {row['part']} | {row['snapshots']}, {row['left']} | {row['learnt_from']} "
            f"| {row['model']} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def chart(margins: list[dict]) -> alt.HConcatChart:
    """Margins with their intervals, one panel for each of AUC and Brier."""
    frame = pd.DataFrame(margins)
    frame[["lead", "low", "high"]] = pd.DataFrame(frame["margin"].tolist())
    panels = []
    for metric, title in (("auc", "AUC"), ("brier", "Brier score")):
        part = frame[frame["metric"] == metric].drop(columns="margin")
        base = alt.Chart(part).encode(y=alt.Y("rival:N", title=None), color=alt.Color("rival:N", legend=None))
        lines = base.mark_rule().encode(x=alt.X("low:Q", title=f"Ebb's lead in {title}"), x2="high:Q")
        points = base.mark_point(filled=True, size=50).encode(x="lead:Q")
        zero = alt.Chart(part).mark_rule(strokeDash=[4, 4], color="grey").encode(x=alt.datum(0))
        layer = alt.layer(zero, lines, points).properties(width=300, height=70)
        panels.append(layer.facet(row=alt.Row("group:N", title=None, sort=["data sets", *REAL, "markets"])))
    return alt.hconcat(*panels)

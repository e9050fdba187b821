"""Charts of unit economics: the cash of a usual account over its life, what it is worth, and how the ARR moved."""

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from features.analyses.drawing import ALARM, HEIGHT, INK, PAPER, SERIES, WIDTH, data, styled
from features.analyses.tenures import WHOLE

MOST_COHORTS = len(SERIES) - 1


def chart(units: pd.DataFrame, moved: pd.DataFrame, cash: pd.DataFrame, cutoff: date) -> alt.TopLevelMixin | None:
    """One below the other; None where there is nothing to draw."""
    parts = []
    if len(cash):
        parts.append(_cash(cash))
    if units["ltv"].notna().any():
        parts.append(_worth(units[units["ltv"].notna()]))
    if len(moved):
        parts.append(_bridge(moved.iloc[0], cutoff))
    if not parts:
        return None
    made = alt.vconcat(*parts, spacing=28).resolve_scale(color="independent", x="independent", y="independent")
    return styled(made, "What an account is worth")  # type: ignore[no-any-return]


def _cash(cash: pd.DataFrame) -> Any:
    names = [WHOLE, *sorted(set(cash["cohort"]) - {WHOLE})[-MOST_COHORTS:]]
    line = (
        alt.Chart(data(cash[cash["cohort"].isin(names)]))
        .mark_line()
        .encode(
            x=alt.X("month:Q", title="months since the first term began", scale=alt.Scale(nice=False)),
            y=alt.Y("cash:Q", title="cash so far, of a usual account", axis=alt.Axis(format="~s")),
            color=alt.Color("cohort:N", title="began", sort=names, scale=alt.Scale(domain=names, range=list(SERIES))),
            strokeWidth=alt.condition(f"datum.cohort == '{WHOLE}'", alt.value(3), alt.value(1.5)),
            tooltip=["cohort:N", "month:Q", alt.Tooltip("cash:Q", format=",.0f"), "accounts:Q"],
        )
    )
    zero = alt.Chart(data(pd.DataFrame({"at": [0.0]}))).mark_rule(color=ALARM, strokeDash=[4, 3]).encode(y="at:Q")
    return (zero + line).properties(width=WIDTH, height=HEIGHT)


def _worth(units: pd.DataFrame) -> Any:
    """LTV with its interval, and a tick at three times what winning costs."""
    names = list(units["grouped"])
    base = alt.Chart(data(units.assign(needed=3 * units["cac"].astype(float)))).encode(
        y=alt.Y("grouped:N", sort=names, title=None)
    )
    axis = alt.Axis(format="~s")
    bar = base.mark_bar(color=PAPER).encode(x=alt.X("ltv:Q", title="LTV; the red mark is three times CAC", axis=axis))
    rule = base.mark_rule(color=INK, strokeWidth=2).encode(x="low:Q", x2="high:Q")
    tick = base.mark_tick(color=ALARM, thickness=3, size=22).encode(x="needed:Q")
    return (bar + rule + tick).properties(width=WIDTH, height=28 * len(names))


def _bridge(book: "pd.Series[Any]", cutoff: date) -> Any:
    steps = (
        ("a year ago", 0.0, float(book["starting"]), "level"),
        ("new", float(book["new"]), None, "more"),
        ("expanded", float(book["expanded"]), None, "more"),
        ("contracted", -float(book["contracted"]), None, "less"),
        ("churned", -float(book["churned"]), None, "less"),
        (str(cutoff), 0.0, float(book["ending"]), "level"),
    )
    rows, at = [], 0.0
    for name, change, level, kind in steps:
        begins, ends = (0.0, level) if level is not None else (at, at + change)
        rows.append({"step": name, "begins": begins, "ends": ends, "kind": kind})
        at = ends
    return (
        alt.Chart(data(pd.DataFrame(rows)))
        .mark_bar(size=48)
        .encode(
            x=alt.X("step:N", sort=[name for name, *_ in steps], title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("begins:Q", title="ARR", axis=alt.Axis(format="~s")),
            y2="ends:Q",
            color=alt.Color(
                "kind:N", legend=None, scale=alt.Scale(domain=["level", "more", "less"], range=[INK, "#6b8f71", ALARM])
            ),
            tooltip=["step:N", alt.Tooltip("begins:Q", format=",.0f"), alt.Tooltip("ends:Q", format=",.0f")],
        )
        .properties(width=WIDTH, height=HEIGHT * 0.7)
    )

"""Charts of features: what goes with staying, and who used what in which month."""

from typing import Any

import altair as alt
import pandas as pd

from features.analyses.drawing import ALARM, INK, PAPER, WIDTH, data, styled

MOST = 25
"""More rows than this nobody reads; programs get all of them."""


def chart(found: pd.DataFrame, use: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Adjusted differences with their intervals, and the matrix of use; None where there is neither."""
    shown = found[found["difference"].notna()].head(MOST)
    parts = []
    if len(shown):
        parts.append(_differences(shown))
    if len(use):
        names = list(shown["feature"]) or list(use.groupby("feature")["accounts"].sum().nlargest(MOST).index)
        parts.append(_use(use[use["feature"].isin(names)], names))
    if not parts:
        return None
    made = alt.vconcat(*parts, spacing=28).resolve_scale(color="independent", x="independent")
    return styled(made, "Features: what goes with staying, and who uses what")  # type: ignore[no-any-return]


def _differences(shown: pd.DataFrame) -> Any:
    names = list(shown["feature"])
    axis, title = alt.Axis(format="+%"), "difference in staying, all else held still"
    base = alt.Chart(data(shown)).encode(y=alt.Y("feature:N", sort=names, title=None, axis=alt.Axis(labelLimit=220)))
    unsure = "datum.finding == 'not proven' || datum.finding == 'too few to tell'"
    proven = alt.condition(unsure, alt.value(PAPER), alt.value(INK))
    line = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", axis=axis, title=title), x2="high:Q", color=proven)
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("difference:Q", axis=axis, title=title),
        color=proven,
        tooltip=["feature:N", "finding:N", *(alt.Tooltip(f"{n}:Q", format="+.1%") for n in ("difference", "later"))],
    )
    zero = alt.Chart(data(pd.DataFrame({"at": [0.0]}))).mark_rule(color=ALARM, strokeDash=[4, 3]).encode(x="at:Q")
    return (zero + line + dot).properties(width=WIDTH, height=18 * len(names))


def _use(use: pd.DataFrame, names: list[str]) -> Any:
    return (
        alt.Chart(data(use))
        .mark_rect()
        .encode(
            x=alt.X("month:O", title="used in", axis=alt.Axis(labelExpr="slice(datum.label, 0, 7)", labelAngle=-45)),
            y=alt.Y("feature:N", sort=names, title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color(
                "share:Q",
                title="of accounts",
                scale=alt.Scale(domain=[0, 1], range=["#f4f1ea", PAPER, INK]),
                legend=alt.Legend(format="%"),
            ),
            tooltip=["feature:N", "month:N", "accounts:Q", alt.Tooltip("share:Q", format=".0%")],
        )
        .properties(width=WIDTH, height=18 * len(names))
    )

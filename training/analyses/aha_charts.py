"""The chart of a threshold: who stays by how often a feature was used in the first days."""

from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from features.analyses.drawing import ALARM, HEIGHT, SERIES, WIDTH, data, styled
from features.analyses.early_use import EarlyUse

FEWEST: Final = 10
"""A point of fewer is noise."""


def chart(early: EarlyUse, scan: pd.DataFrame, times: tuple[int, ...], days: tuple[int, ...]) -> alt.TopLevelMixin:
    """Share that stays among those who did the first feature of the scan at least so often, by span of days."""
    first = scan.iloc[0]
    stayed, rows = early.entities["stayed"].to_numpy(), []
    for span in sorted(days):
        done = np.zeros(stayed.size)
        these = early.counts[(early.counts["feature"] == first["feature"]) & (early.counts["days"] == span)]
        done[these["entity"].to_numpy()] = these["times"].to_numpy()
        for k in sorted(times):
            reached = done >= k
            if reached.sum() >= FEWEST:
                share, reach = float(stayed[reached].mean()), float(reached.mean())
                rows.append({"span": f"first {span} days", "times": k, "stayed": share, "reached": reach})
    order = [f"first {span} days" for span in sorted(days)]
    line = (
        alt.Chart(data(pd.DataFrame(rows, columns=["span", "times", "stayed", "reached"])))
        .mark_line(point=True)
        .encode(
            x=alt.X("times:Q", title=f"{first['feature']}, at least so often", scale=alt.Scale(type="log", nice=False)),
            y=alt.Y("stayed:Q", title="stayed", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            color=alt.Color("span:N", title=None, sort=order, scale=alt.Scale(domain=order, range=list(SERIES))),
            tooltip=[
                "span:N",
                "times:Q",
                alt.Tooltip("stayed:Q", format=".1%"),
                alt.Tooltip("reached:Q", format=".0%"),
            ],
        )
    )
    base = pd.DataFrame({"stayed": [float(stayed.mean())], "told": ["everybody"]})
    everybody = alt.Chart(data(base)).encode(y="stayed:Q")
    rule = everybody.mark_rule(color=ALARM, strokeDash=[4, 3])
    text = everybody.mark_text(align="right", dy=-6, color=ALARM).encode(x=alt.value(WIDTH), text="told:N")
    made = (line + rule + text).properties(width=WIDTH, height=HEIGHT)
    title = "holds on later cohorts" if first["finding"] == "holds" else "the best one, not proven"
    return styled(made, f"Early use and staying: {title}")  # type: ignore[no-any-return]

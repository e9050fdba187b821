"""The chart of portfolios: the load of each CSM by tier, what one can carry, and the load after the moves."""

import altair as alt
import pandas as pd

from features.analyses.drawing import ALARM, INK, SERIES, WIDTH, data, styled
from features.analyses.tiers import TIERS

MOST = 40


def chart(book: pd.DataFrame, held: pd.DataFrame, capacity: float) -> alt.TopLevelMixin:
    """A bar for each owner; the dashed line is what one can carry, the mark the load after the moves."""
    names = list(held["owner"].head(MOST))
    parts = book.groupby(["owner", "tier"], as_index=False)["hours"].sum()
    parts = parts[parts["owner"].isin(names)]
    y = alt.Y("owner:N", sort=names, title=None)
    bars = (
        alt.Chart(data(parts))
        .mark_bar()
        .encode(
            x=alt.X("hours:Q", title="hours a month; the white mark is the load after the moves"),
            y=y,
            color=alt.Color("tier:N", sort=list(TIERS), scale=alt.Scale(domain=list(TIERS), range=list(SERIES))),
            order=alt.Order("place:Q"),
            tooltip=["owner:N", "tier:N", alt.Tooltip("hours:Q", format=",.0f")],
        )
        .transform_calculate(place=f"indexof({list(TIERS)}, datum.tier)")
    )
    after = held.head(MOST).assign(then=held["load_after"] * capacity)
    mark = (
        alt.Chart(data(after[["owner", "then"]]))
        .mark_point(shape="diamond", filled=True, fill="white", stroke=INK, strokeWidth=2, size=90, opacity=1)
        .encode(x="then:Q", y=y, tooltip=["owner:N", alt.Tooltip("then:Q", format=",.0f")])
    )
    line = alt.Chart(data(pd.DataFrame({"at": [capacity]}))).mark_rule(color=ALARM, strokeDash=[4, 3]).encode(x="at:Q")
    made = (bars + line + mark).properties(width=WIDTH, height=26 * len(names))
    return styled(made, "What each CSM carries, and the dashed line one can carry")  # type: ignore[no-any-return]

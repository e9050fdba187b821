"""Charts of retention: curves with their intervals, cohorts side by side, and how long accounts stay."""

from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from features.analyses.drawing import HEIGHT, INK, PAPER, SERIES, WIDTH, data, styled
from features.analyses.returning import Returning
from features.analyses.tenures import WHOLE
from training.survival import Survival

MOST_GROUPS = len(SERIES) - 1


def chart(
    curve: pd.DataFrame, cohorts: pd.DataFrame, stays: dict[str, Survival], asked: Returning
) -> alt.TopLevelMixin | None:
    """The curve, the cohorts and the survival curves, one below the other; None where there is nothing to draw."""
    parts = []
    if not curve.empty:
        parts += [_returning(curve, asked), _cohorts(cohorts, asked)]
    if stays:
        parts.append(_staying(stays))
    if not parts:
        return None
    made = alt.vconcat(*parts, spacing=28).resolve_scale(color="independent", x="independent")
    return styled(made, "Who comes back, and who stays")  # type: ignore[no-any-return]


def _order(names: list[str]) -> list[str]:
    return [WHOLE, *sorted(set(names) - {WHOLE})][: MOST_GROUPS + 1]


def _colour(names: list[str]) -> alt.Color:
    legend = (
        None
        if len(names) == 1
        else alt.Legend(orient="right", symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3)
    )
    return alt.Color(
        "grouped:N", title=None, sort=names, legend=legend, scale=alt.Scale(domain=names, range=list(SERIES))
    )


def _lines(
    frame: pd.DataFrame, x: alt.X, title: str, interpolate: Literal["linear", "step-after"], names: list[str]
) -> Any:
    base = alt.Chart(data(frame[frame["grouped"].isin(names)])).encode(x=x, color=_colour(names))
    share = alt.Axis(format="%")
    # Bands of many groups hide one another: only that of everybody is drawn.
    band = (
        base.transform_filter(f"datum.grouped == '{WHOLE}'")
        .mark_area(opacity=0.18, interpolate=interpolate, line=False)
        .encode(y=alt.Y("low:Q", title=title, axis=share, scale=alt.Scale(domain=[0, 1])), y2="high:Q")
    )
    line = base.mark_line(interpolate=interpolate, point=interpolate == "linear").encode(
        y=alt.Y("share:Q", title=title, axis=share, scale=alt.Scale(domain=[0, 1])),
        tooltip=[
            "grouped:N",
            f"{x.shorthand}",
            *(alt.Tooltip(f"{n}:Q", format=".1%") for n in ("share", "low", "high")),
        ],
    )
    return (band + line).properties(width=WIDTH, height=HEIGHT * 0.7)


def _returning(curve: pd.DataFrame, asked: Returning) -> Any:
    axis = alt.Axis(tickMinStep=1, format="d")
    x = alt.X("k:Q", title=f"{asked.every}s after the start", axis=axis, scale=alt.Scale(nice=False))
    return _lines(curve, x, "came back", "linear", _order(list(curve["grouped"])))


def _cohorts(cohorts: pd.DataFrame, asked: Returning) -> Any:
    """One row a cohort; what is not over yet is empty."""
    axis = alt.Axis(
        labelOverlap=True, labelExpr=f"slice(datum.label, 0, {10 if asked.cohort in ('day', 'week') else 7})"
    )
    cells = alt.Chart(data(cohorts)).encode(
        x=alt.X("k:O", title=f"{asked.every}s after the start", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title=f"began in the {asked.cohort} of", axis=axis),
    )
    box = cells.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            title="came back",
            scale=alt.Scale(domain=[0, 1], range=["#f4f1ea", PAPER, INK]),
            legend=alt.Legend(format="%", orient="right"),
        ),
        tooltip=["cohort:N", "k:O", alt.Tooltip("share:Q", format=".1%"), "entities:Q"],
    )
    height = float(np.clip(18 * cohorts["cohort"].nunique(), 60, 480))
    return box.properties(width=WIDTH, height=height)


def _staying(stays: dict[str, Survival]) -> Any:
    frames = []
    for name, curve in stays.items():
        # Between losses the curve is level: only its steps are drawn, and where it ends.
        row = np.append(np.flatnonzero(np.diff(curve.share, prepend=np.inf)), curve.days.size - 1)
        steps = {"days": curve.days[row], "share": curve.share[row], "low": curve.low[row], "high": curve.high[row]}
        frames.append(pd.DataFrame({"grouped": name, **steps}))
    x = alt.X("days:Q", title="days since the first term began", scale=alt.Scale(nice=False))
    return _lines(pd.concat(frames), x, "still there", "step-after", _order(list(stays)))

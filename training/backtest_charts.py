"""Pictures of a backtest as SVG text: accuracy against lead time, calibration, and what was said against what came."""

from collections.abc import Mapping
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from training.dataset import Floats
from training.evaluate import calibration_table

INK: Final = "#17566b"
QUIET: Final = "#8a98a0"
COLOURS: Final = ("#17566b", "#c8702a", "#5b7f3b", "#7a4f8f", "#8a98a0")
WIDTH, HEIGHT = 430, 240
TICKS: Final = 6
CHANCE: Final = 0.5
"""The AUC of a coin."""


def by_lead(figures: Mapping[str, Any]) -> str | None:
    """AUC with its interval against the days before the end, a line for each length of term; None without any."""
    rows = [
        {"term": term, "days": int(days), "auc": each["auc"]["value"], **_ends(each["auc"])}
        for term, leads in figures["by_term_and_lead_days"].items()
        for days, each in leads.items()
        if each["auc"]["value"] is not None
    ]
    table = pd.DataFrame(rows)
    if not len(table) or table["days"].nunique() < 2:
        return None
    order = list(dict.fromkeys(table["term"]))
    colour = alt.Color(
        "term:N",
        title=None,
        scale=alt.Scale(domain=order, range=list(COLOURS[: len(order)])),
        legend=alt.Legend(orient="top", symbolOpacity=1) if len(order) > 1 else None,
    )
    leads = sorted(table["days"].unique().tolist())
    x = alt.X(
        "days:Q",
        title="days before the renewal",
        scale=alt.Scale(reverse=True, nice=False, padding=14),
        axis=alt.Axis(values=leads, labelOverlap="greedy", grid=False),
    )
    least = min(CHANCE, float(table["low"].min()))
    scale = alt.Scale(domain=[np.floor(least * 10) / 10, 1.0], zero=False)
    y = alt.Y("auc:Q", title="AUC", scale=scale)
    base = alt.Chart(table).encode(x=x, color=colour)
    band = base.mark_area(opacity=0.13, line=False).encode(y=alt.Y("low:Q", title="AUC", scale=scale), y2="high:Q")
    line = base.mark_line(point=alt.OverlayMarkDef(size=42), strokeWidth=2).encode(y=y)
    chance = alt.Chart(pd.DataFrame({"auc": [CHANCE]})).mark_rule(color=QUIET, strokeDash=[3, 3]).encode(y=y)
    return drawn([chance, band, line])


def calibration(left: Floats, risk: Floats, weights: Floats) -> str:
    """Of those given a risk, how many left: ten bins of equal size, each outcome counted once."""
    bins = calibration_table(left, risk, weights)
    most = float(min(1.0, 1.08 * max(bins["risk"].max(), bins["rate"].max(), 0.05)))
    scale = alt.Scale(domain=[0, most], nice=False)
    axis = alt.Axis(format=".0%", tickCount=TICKS)
    x = alt.X("risk:Q", title="risk said", scale=scale, axis=axis)
    y = alt.Y("rate:Q", title="share that left", scale=scale, axis=axis)
    ideal = alt.Chart(pd.DataFrame({"risk": [0.0, most], "rate": [0.0, most]}))
    line = ideal.mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y)
    points = alt.Chart(bins).mark_line(point=alt.OverlayMarkDef(size=48, color=INK), color=INK, strokeWidth=2)
    return drawn([line, points.encode(x=x, y=y)])


def by_quarter(figures: Mapping[str, Any]) -> str:
    """The mean risk said in each quarter, and the share that left."""
    said, left = "risk said", "share that left"
    rows = [
        {"quarter": name, "what": what, "share": each[key]}
        for name, each in figures["by_quarter"].items()
        for key, what in (("said", said), ("left", left))
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=alt.OverlayMarkDef(size=42), strokeWidth=2)
        .encode(
            x=alt.X("quarter:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap="greedy")),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=TICKS), scale=alt.Scale(zero=True)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=[said, left], range=[INK, COLOURS[1]]),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    return drawn([chart])


def _ends(metric: Mapping[str, Any]) -> dict[str, float]:
    """The interval; the value itself where there is none."""
    low, high = metric["low"], metric["high"]
    return {"low": metric["value"] if low is None else low, "high": metric["value"] if high is None else high}


def drawn(layers: list[alt.Chart]) -> str:
    """Layers as one SVG in the looks of every page."""
    styled = (
        alt.LayerChart(layer=list(layers))
        .properties(width=WIDTH, height=HEIGHT, background="transparent")
        .configure(font="Helvetica Neue, Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#e6ebee",
            domainColor="#b9c4ca",
            tickColor="#b9c4ca",
            labelColor="#4a5a63",
            titleColor="#4a5a63",
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        )
        .configure_legend(labelColor="#4a5a63", labelFontSize=11)
    )
    return str(vl_convert.vegalite_to_svg(styled.to_json()))

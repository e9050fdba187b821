"""Pictures of a champion in use as SVG text: the risks of then and now, and which signals moved how far."""

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from training.backtest_charts import COLOURS, INK, QUIET, drawn
from training.dataset import Floats
from training.drift import LARGE_PSI, SignalDrift

BINS: Final = 20
SHOWN: Final = 12
"""Signals in the picture: those that came nearest to drifting."""


def risks(then: Floats, now: Floats) -> str:
    """How the book's risks lay in the year of reference, and how they lie now: shares of accounts."""
    edges = np.linspace(0, max(0.05, float(np.max(np.concatenate([then, now])))), BINS + 1)
    rows = [
        {"risk": (edges[at] + edges[at + 1]) / 2, "share": float(count) / len(values), "when": when}
        for when, values in (("the year it learnt in", then), ("now", now))
        if len(values)
        for at, count in enumerate(np.histogram(values, edges)[0])
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(interpolate="step", strokeWidth=2)
        .encode(
            x=alt.X("risk:Q", title="risk", axis=alt.Axis(format=".0%")),
            y=alt.Y("share:Q", title="share of accounts", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "when:N",
                title=None,
                scale=alt.Scale(domain=["the year it learnt in", "now"], range=[QUIET, INK]),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    return drawn([chart])


def nearest(drifts: Sequence[SignalDrift]) -> tuple[SignalDrift, ...]:
    """Those that drifted or came nearest to it, the nearest first."""
    return tuple(sorted(drifts, key=lambda one: (not one.drifted, -min(one.psi / one.usual, one.psi / LARGE_PSI))))


def moved(drifts: Sequence[SignalDrift]) -> str:
    """PSI of the signals nearest to drifting (bar), and what the year it learnt in explains (mark)."""
    rows = [
        {"signal": one.name, "psi": one.psi, "bound": max(one.usual, LARGE_PSI), "drifted": one.drifted}
        for one in nearest(drifts)[:SHOWN]
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("signal:N", sort=None, title=None, axis=alt.Axis(labelLimit=210))
    )
    bars = base.mark_bar(height=9).encode(
        x=alt.X("psi:Q", title="PSI; the mark is what counts as drift"),
        color=alt.Color("drifted:N", legend=None, scale=alt.Scale(domain=[True, False], range=[COLOURS[1], "#9db8c2"])),
    )
    marks = base.mark_tick(color=INK, thickness=2, height=14).encode(x="bound:Q")
    return drawn([bars, marks])

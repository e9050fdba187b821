"""The picture of health: how many accounts have which, and how many of the looks of each left."""

from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from features.analyses.drawing import ALARM, INK, SERIES, WIDTH, data, styled
from training.health_proof import Proof

COLOURS: Final = ("red", "yellow", "green")
SHADES: Final = (ALARM, SERIES[2], SERIES[3])

STEP: Final = 10
"""Width of a bar, in points of health."""

HEIGHT: Final = 160


def chart(accounts: pd.DataFrame, proof: Proof) -> alt.TopLevelMixin:
    """How many accounts have which health, and how many of the past looks of that health left."""
    shown = accounts.assign(bar=_bars(accounts["health"])).groupby(["bar", "colour"], as_index=False).size()
    axis = alt.X(
        "bar:Q",
        bin="binned",
        title="health",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(values=list(range(0, 101, 10))),
    )
    book = (
        alt.Chart(data(shown.assign(end=shown["bar"] + STEP)))
        .mark_bar(stroke="white")
        .encode(
            x=axis,
            x2="end:Q",
            y=alt.Y("size:Q", title="accounts today"),
            color=alt.Color("colour:N", sort=list(COLOURS), scale=alt.Scale(domain=list(COLOURS), range=list(SHADES))),
            order=alt.Order("place:Q"),
            tooltip=["bar:Q", "colour:N", "size:Q"],
        )
        .transform_calculate(place=f"indexof({list(COLOURS)}, datum.colour)")
        .properties(width=WIDTH, height=HEIGHT)
    )
    looks = proof.looks.assign(bar=_bars(proof.looks["health"].astype(float)))
    if not looks["left"].sum():
        return styled(book, "Health of the book")  # type: ignore[no-any-return]
    looks["weighted"] = looks["left"] * looks["weight"]
    rates = looks.groupby("bar", as_index=False)[["weighted", "weight"]].sum()
    rates = pd.DataFrame({"bar": rates["bar"], "end": rates["bar"] + STEP, "rate": rates["weighted"] / rates["weight"]})
    base = pd.DataFrame({"base": [looks["weighted"].sum() / looks["weight"].sum()], "label": ["all"]})
    bars = (
        alt.Chart(data(rates))
        .mark_bar(color=INK, stroke="white")
        .encode(
            x=axis,
            x2="end:Q",
            y=alt.Y("rate:Q", title="left, out of time", axis=alt.Axis(format="%")),
            tooltip=["bar:Q", alt.Tooltip("rate:Q", format=".1%")],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    line = alt.Chart(data(base)).mark_rule(color=ALARM, strokeDash=[4, 3]).encode(y="base:Q")
    word = (
        alt.Chart(data(base))
        .mark_text(align="right", dy=-6, color=ALARM)
        .encode(x=alt.value(WIDTH), y="base:Q", text="label:N")
    )
    return styled(book & (bars + line + word), "Health of the book, and who left")  # type: ignore[no-any-return]


def _bars(health: pd.Series) -> pd.Series:
    return pd.Series(np.clip(np.floor(health / STEP) * STEP, 0, 100 - STEP), index=health.index)

"""Pictures of a model: calibration, lift, and what it looks at. PNG and SVG, made without a browser."""

from pathlib import Path
from typing import Final

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from training.evaluate import calibration_table, lift_table
from training.train import Trained

TOP_SIGNALS: Final = 20
PIXELS_PER_POINT: Final = 2.0
INK: Final = "#1f4e5f"
PAPER: Final = "#b8c4c9"


def draw(trained: Trained, folder: Path) -> tuple[Path, ...]:
    """Write every chart as PNG and SVG into a folder; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, chart in charts(trained).items():
        specification = chart.to_json()
        picture, vectors = folder / f"{name}.png", folder / f"{name}.svg"
        picture.write_bytes(vl_convert.vegalite_to_png(specification, scale=PIXELS_PER_POINT))
        vectors.write_text(vl_convert.vegalite_to_svg(specification), encoding="utf-8")
        written += [picture, vectors]
    return tuple(written)


def charts(trained: Trained) -> dict[str, alt.LayerChart]:
    """The charts by name: how true risks were, how early losses are found, which signals move risk."""
    return {
        "calibration": _calibration(trained),
        "lift": _lift(trained),
        "importance": _importance(trained),
    }


def importance(trained: Trained) -> pd.DataFrame:
    """How much each signal moves the log-odds on average: columns ``signal``, ``family``, ``moves``, the most first."""
    tested = trained.tested
    contributions = trained.scorer.score(tested.signals.assign(segment=tested.segments)).contributions
    frame = pd.DataFrame(
        {
            "signal": [column.name for column in trained.columns],
            "family": [column.signal.family for column in trained.columns],
            "moves": np.abs(contributions.to_numpy()).mean(axis=0),
        }
    )
    return frame.sort_values("moves", ascending=False, kind="stable").reset_index(drop=True)


def _calibration(trained: Trained) -> alt.LayerChart:
    bins = calibration_table(trained.tested.left, trained.tested_risk, trained.tested.weights)
    ideal = pd.DataFrame({"risk": [0.0, 1.0], "rate": [0.0, 1.0]})
    axes = {"x": alt.X("risk:Q", title="risk given"), "y": alt.Y("rate:Q", title="share that left")}
    line = alt.Chart(ideal).mark_line(color=PAPER, strokeDash=[4, 4]).encode(**axes)
    points = alt.Chart(bins).mark_line(point=True, color=INK).encode(**axes)
    return _titled(line + points, "Of those given a risk, how many left (later snapshots)")


def _lift(trained: Trained) -> alt.LayerChart:
    found = lift_table(trained.tested.left, trained.tested_risk)
    chance = pd.DataFrame({"share": [0.0, 1.0], "found": [0.0, 1.0]})
    axes = {
        "x": alt.X("share:Q", title="share of accounts looked at, highest risk first"),
        "y": alt.Y("found:Q", title="share of the losses found"),
    }
    line = alt.Chart(chance).mark_line(color=PAPER, strokeDash=[4, 4]).encode(**axes)
    return _titled(line + alt.Chart(found).mark_line(color=INK).encode(**axes), "How early losses are found")


def _importance(trained: Trained) -> alt.LayerChart:
    top = importance(trained).head(TOP_SIGNALS)
    bars = (
        alt.Chart(top)
        .mark_bar(color=INK)
        .encode(
            x=alt.X("moves:Q", title="mean share of the log-odds, either way"),
            y=alt.Y("signal:N", sort=None, title=None),
        )
    )
    return _titled(alt.LayerChart(layer=[bars]), "What the model looks at")


def _titled(chart: alt.LayerChart, title: str) -> alt.LayerChart:
    return chart.properties(width=420, height=320, title=title)

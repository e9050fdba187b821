"""How charts of analyses look: one set of colours that colour-blind people tell apart, and data of any length."""

from typing import Any, Final

import altair as alt
import pandas as pd

INK: Final = "#1f4e5f"
PAPER: Final = "#b8c4c9"
ALARM: Final = "#c8553d"
SERIES: Final = ("#1f4e5f", "#c8553d", "#d9a441", "#6b8f71", "#7a6c9d", "#8a8d91")
"""Told apart by colour-blind people (checked with the palette of Okabe and Ito, 2008, as a model) and in grey."""

WIDTH: Final = 560
HEIGHT: Final = 300


def data(frame: pd.DataFrame) -> alt.InlineData:
    """A frame inside the chart itself, whatever its length; encodings must then name their types (``"arr:Q"``)."""
    plain = frame.copy()
    for name in plain.columns:
        if pd.api.types.is_datetime64_any_dtype(plain[name]):
            plain[name] = plain[name].dt.strftime("%Y-%m-%d")
    rows = plain.astype(object).where(plain.notna(), None).to_dict("records")
    return alt.InlineData(values=[{str(name): _value(value) for name, value in row.items()} for row in rows])


def styled(chart: Any, title: str) -> Any:
    """The chart with Ebb's look and a title."""
    return (
        chart.properties(title=title)
        .configure(font="system-ui, sans-serif", background="white")
        .configure_axis(labelColor="#333", titleColor="#333", gridColor="#e8ecee", domainColor="#999")
        .configure_title(anchor="start", fontSize=14, color="#1b1b1b")
        .configure_view(stroke=None)
    )


def _value(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value

"""Levers: what would lower an account's risk most, among what a person can change and healthy peers show.

Each lever moves one signal, in all its windows and standings, to the median of the account's healthy peers and never
beyond, and asks the model again. It is what the model expects, all else equal; it is no promise that a change caused by
a person works like one that came by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.signal import SignalColumn, Standing
from training.dataset import Floats
from training.explain import Figure
from training.score import SEGMENT, Scorer

INFLUENCEABLE: Final = (
    "events",
    "active_days",
    "active_weeks",
    "recency",
    "hours",
    "sessions",
    "session_hours",
    "user_days",
    "features",
    "new_features",
    "kept_features",
    "silent_features_share",
    "main_feature_silence",
    "depth",
    "active_users",
    "arrivals",
    "kept_users",
    "silent_users_share",
    "champion_silence",
    "stickiness",
    "seats_used",
    "invitations",
    "active_admins",
    "admin_silence",
    "overdue_invoices",
    "open_tickets",
    "oldest_open_ticket",
    "csat",
    "nps",
)
"""Signals that somebody can set out to move within a term; age, price, past terms and past tickets are not."""

TOP: Final = 3

LEAST_GAIN: Final = 0.001
"""A risk that falls by less than this is no lever."""


@dataclass(frozen=True, kw_only=True)
class Lever:
    """One signal moved from ``now`` to ``to``, and the risk the model would then give."""

    family: str
    signal: str
    now: float
    to: float
    risk: float
    sentence: str


def levers(
    scorer: Scorer, columns: Sequence[SignalColumn], *, signals: pd.DataFrame, typical: Floats, segment: str
) -> tuple[Lever, ...]:
    """The best levers of one account: ``signals`` is its row, ``typical`` (columns,) what its healthy peers show."""
    now = signals[[column.name for column in columns]].to_numpy(dtype=float)[0]
    worse = {name: _worse(columns, places, now, typical) for name, places in _groups(columns).items()}
    moved = {name: places for name, places in worse.items() if places}
    if not moved:
        return ()
    rows = np.tile(now, (len(moved) + 1, 1))
    for row, places in zip(rows[1:], moved.values(), strict=True):
        row[places] = typical[places]
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    risks = scorer.score(frame.assign(**{SEGMENT: segment})).risk
    found = [
        _lever(columns, places, now, typical, float(risk))
        for places, risk in zip(moved.values(), risks[1:], strict=True)
        if risk <= risks[0] - LEAST_GAIN
    ]
    return tuple(sorted(found, key=lambda lever: lever.risk)[:TOP])


def _groups(columns: Sequence[SignalColumn]) -> dict[str, list[int]]:
    """Influenceable signal -> the places of its own columns first, then of its standings."""
    groups: dict[str, list[int]] = {}
    for standings in (False, True):
        for at, column in enumerate(columns):
            measure = column.signal.measure
            if isinstance(measure, Standing) is not standings:
                continue
            name = measure.of if isinstance(measure, Standing) else column.signal.name
            if name in INFLUENCEABLE and (name in groups or not standings):
                groups.setdefault(name, []).append(at)
    return groups


def _worse(columns: Sequence[SignalColumn], places: Sequence[int], now: Floats, typical: Floats) -> list[int]:
    """The places where the account does worse than its healthy peers; what is not known is no lever."""
    sign = {"more": 1.0, "less": -1.0, "neither": np.nan}
    return [at for at in places if sign[columns[at].signal.healthier] * (typical[at] - now[at]) > 0]


def _lever(columns: Sequence[SignalColumn], places: Sequence[int], now: Floats, typical: Floats, risk: float) -> Lever:
    """Told by the first of the columns that move, the shortest window of the signal itself."""
    at = places[0]
    column = columns[at]
    style = "percent" if column.signal.unit == "share" else ""
    unit = "" if style else f" {column.signal.unit}"
    before, after = (format(Figure(float(value)), style) for value in (now[at], typical[at]))
    over = f" over {column.window} days" if column.window else ""
    return Lever(
        family=column.signal.family,
        signal=column.signal.name,
        now=float(now[at]),
        to=float(typical[at]),
        risk=risk,
        sentence=f"From {before} to {after}{unit}, as healthy peers{over}: {column.signal.meaning}",
    )

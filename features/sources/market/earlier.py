"""A market as it was known on an earlier day: to try out what would have been said, learnt or watched then."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

KNOWN_FROM: Final = {
    "events": "occurred_at",
    "accounts": "created_at",
    "contracts": "starts_on",
    "users": "created_at",
    "tickets": "opened_at",
    "invoices": "issued_on",
    "surveys": "answered_at",
    "touches": "touched_at",
    "opportunities": "opened_at",
    "costs": "month",
}
"""The column from which on a row is known, unless its ``known_at`` says so."""

TOLD_LATER: Final = {
    "contracts": ("decided_on", ("outcome",)),
    "tickets": ("closed_at", ("csat",)),
    "invoices": ("paid_on", ()),
    "opportunities": ("closed_at", ("won", "stage")),
}
"""What is told later: from which column's day on, and which cells with it."""


def known_by(tables: Mapping[str, pd.DataFrame], day: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables with only what was known before midnight of a day: later rows are gone, later cells empty."""
    return {name: _known_by(name, frame, day) for name, frame in tables.items()}


def _known_by(name: str, frame: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    born = pd.to_datetime(frame[KNOWN_FROM[name]])
    if "known_at" in frame:
        born = pd.to_datetime(frame["known_at"]).fillna(born)
    if name == "costs":
        # A month's costs are known when it is over.
        born = born + pd.offsets.MonthBegin(1)
    known = frame[(born < day).to_numpy()].reset_index(drop=True)
    if name in TOLD_LATER:
        when, cells = TOLD_LATER[name]
        later = pd.to_datetime(known[when]) >= day
        known = known.assign(**{cell: known[cell].mask(later) for cell in (when, *cells)})
    return known

"""Rolling through time: a model learnt anew at the start of each quarter, and what it said until the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from features.errors import DataError
from features.signal import SignalColumn
from training.credit import credited
from training.dataset import Dataset, Floats, concat
from training.explain import drivers
from training.losses import losses
from training.outing import raw_log_odds
from training.score import Scorer, logistic
from training.split import learnable, stretch
from training.train import Trained, TrainSettings, train

QUARTERS: Final = 8
"""Two years of origins: enough to see good and bad quarters."""

SAID: Final = ("origin", "risk", "rank", "among", "mean_risk", "sentence")
"""The columns of what was said of a look."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The start of a quarter: what the model of that day had learnt from, and what it was."""

    origin: pd.Timestamp
    snapshots: int
    outcomes: float
    model: str
    usable: bool
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """What would have been said, by models that knew nothing of what came.

    ``looks`` are the t snapshots tested, by cutoff. ``said`` (t rows) holds for each the ``origin`` of its model, the
    ``risk``, its ``rank`` ``among`` the accounts open at the month's start, their ``mean_risk``, and for accounts that
    were lost the ``sentence`` of the strongest driver. ``lost`` is as `training.losses.losses` says.
    """

    origins: tuple[Origin, ...]
    looks: Dataset
    said: pd.DataFrame
    lost: pd.DataFrame

    @property
    def risk(self) -> Floats:
        """The risks said, (t,)."""
        return self.said["risk"].to_numpy(dtype=float)


def settled(dataset: Dataset) -> Dataset:
    """Snapshots whose outcome would be known by now whichever way it went, by cutoff."""
    decided = dataset.keys["decided_on"]
    if decided.notna().any():
        dataset = dataset.take(learnable(dataset, decided.max() + pd.Timedelta(days=1)))
    order = dataset.keys.sort_values(["cutoff", "account_id", "contract_id", "lead_days"], kind="stable").index
    return dataset.take(order.to_numpy())


def origins(dataset: Dataset, quarters: int = QUARTERS) -> tuple[pd.Timestamp, ...]:
    """The starts of the latest quarters that hold a settled snapshot. Raises DataError when there is none."""
    cutoffs = settled(dataset).keys["cutoff"]
    if not len(cutoffs):
        raise DataError("no outcome is decided yet: there is nothing to test on")
    starts = pd.DatetimeIndex(cutoffs.dt.to_period("Q").dt.start_time.unique()).sort_values()
    return tuple(starts[-quarters:])


def months(dataset: Dataset, starts: Sequence[pd.Timestamp]) -> tuple[pd.Timestamp, ...]:
    """The first days of the months from the first origin to the last look: whose books ranks are taken in."""
    return tuple(pd.date_range(starts[0], dataset.keys["cutoff"].max(), freq="MS"))


def roll(
    dataset: Dataset,
    books: Dataset,
    columns: Sequence[SignalColumn],
    *,
    starts: Sequence[pd.Timestamp],
    settings: TrainSettings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Rolling:
    """Learn before each start by the whole recipe, and say the risks of the looks until the next.

    ``books`` are the accounts open at the start of each month. A start before which too little was decided is left
    out. Raises DataError when none is left.
    """
    data, settings = settled(dataset), settings or TrainSettings()
    ends = [*starts[1:], data.keys["cutoff"].max() + pd.Timedelta(days=1)]
    found: list[tuple[Origin, Dataset, pd.DataFrame]] = []
    fault = DataError("there is no quarter to test on")
    for start, end in zip(starts, ends, strict=True):
        rows = stretch(data, start, end).test
        try:
            trained = train(data, columns, settings=replace(settings, before=start)) if rows.any() else None
        except DataError as error:
            fault = error
            progress(f"{start:%Y-%m-%d}: left out, {error}")
            continue
        if trained is not None:
            looks = data.take(rows)
            progress(f"{start:%Y-%m-%d}: {trained.verdict}; says the risk of {len(looks):,} looks")
            month = books.take(books.keys["cutoff"].between(start, end, inclusive="left").to_numpy())
            found.append((_origin(start, trained), looks, _said(start, trained, looks, month)))
    if not found:
        raise fault
    looks = concat(part for _, part, _ in found)
    said = pd.concat([part for _, _, part in found], ignore_index=True)
    lost = losses(looks)
    return Rolling(origins=tuple(origin for origin, _, _ in found), looks=looks, said=said, lost=lost)


def _origin(start: pd.Timestamp, trained: Trained) -> Origin:
    return Origin(
        origin=start,
        snapshots=len(trained.learnt),
        outcomes=float(trained.learnt.weights.sum()),
        model=trained.selection.chosen.name,
        usable=trained.selection.usable,
        verdict=trained.verdict,
    )


def _said(start: pd.Timestamp, trained: Trained, looks: Dataset, books: Dataset) -> pd.DataFrame:
    """What the model of one origin says of each look, n rows of `SAID`."""
    risk = risks(trained.scorer, looks)
    places = ranks(looks, risk, books, risks(trained.scorer, books))
    sentences = np.array(_sentences(trained, looks), dtype=object)
    return places.assign(origin=start, risk=risk, sentence=sentences)[list(SAID)]


def risks(scorer: Scorer, data: Dataset) -> Floats:
    """Calibrated risks (n,) without the contributions, which take longer."""
    if not len(data):
        return np.zeros(0)
    return logistic(scorer.intercept + scorer.slope * raw_log_odds(scorer.part, data))


def ranks(looks: Dataset, risk: Floats, books: Dataset, book_risk: Floats) -> pd.DataFrame:
    """Where each look would stand in the book of its month's start: ``rank`` ``among`` so many, their ``mean_risk``.

    The account's own place in the book is taken by the look; of accounts with the same risk, half stand before it.
    Where a month has no book, nothing is known.
    """
    found = pd.DataFrame({"rank": np.nan, "among": np.nan, "mean_risk": np.nan}, index=range(len(looks)))
    months, held = looks.keys["cutoff"].dt.to_period("M"), books.keys["cutoff"].dt.to_period("M")
    for month in months.unique():
        inside = (held == month).to_numpy()
        if inside.any():
            own = pd.Series(book_risk[inside], index=books.keys["account_id"][inside])
            own = own[~own.index.duplicated()]
            rows = np.flatnonzero(months == month)
            before = own.reindex(looks.keys["account_id"].iloc[rows]).to_numpy(dtype=float)
            ordered = np.sort(own.to_numpy())
            above = len(own) - np.searchsorted(ordered, risk[rows], side="right")
            equal = len(own) - np.searchsorted(ordered, risk[rows], side="left") - above
            others = above - (before > risk[rows]), equal - (before == risk[rows])
            found.loc[rows, "rank"] = 1 + others[0] + others[1] // 2
            found.loc[rows, "among"] = len(own) + np.isnan(before)
            found.loc[rows, "mean_risk"] = float(own.mean())
    return found


def _sentences(trained: Trained, looks: Dataset) -> list[str | None]:
    """The strongest driver that raises the risk, told for accounts that are lost in these looks; others None."""
    lost = set(looks.keys.loc[looks.left == 1, "account_id"])
    rows = np.flatnonzero(looks.keys["account_id"].isin(lost))
    said: list[str | None] = [None] * len(looks)
    if len(rows):
        part = looks.take(rows)
        scored = credited(trained.scorer, part.signals.assign(segment=part.segments))
        unknown = part.signals * np.nan
        told = drivers(
            scored,
            trained.columns,
            signals=part.signals,
            before=unknown,
            segments=part.segments,
            typical=unknown[[column.name for column in trained.columns]].to_numpy(),
        )
        for row, each in zip(rows, told, strict=True):
            said[row] = each[0].sentence if each and each[0].contribution > 0 else None
    return said

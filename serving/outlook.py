"""The outlook of one scored book: the renewals of the coming months in money, kept beside its signals.

It is worked out when the book is scored and stays as it was said.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from features.analyses.recurring import Retained
from features.errors import StoreError
from serving.book import Score
from training.forecast import Growth, Interval, Month, forecast, survival
from training.months import drift_of

KEPT_RATIOS: Final = 100
"""Past ratios are kept as so many quantiles: few enough to write, and no single deal sways the mean."""

TERM_EDGES: Final = (75, 150, 300)
"""Days that part monthly, quarterly, half-yearly and yearly terms."""

LATER_RENEWALS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """``months`` hold the next renewal of every account that has a date and an ARR.

    ``grr`` and ``nrr`` are those of the past year, from ``since``; None where no ARR is known. ``mean_risks`` are those
    of the book's accounts by class of term: what is expected of renewals beyond the next one.
    """

    cutoff: date
    since: date | None
    grr: float | None
    nrr: float | None
    months: tuple[Month, ...]
    mean_risks: tuple[float | None, ...]

    def survival(self, score: Score) -> tuple[tuple[date, float], ...]:
        """When an account may leave, and its chance to be still there after; empty without a contract.

        What is known today speaks of the next renewal; beyond it, accounts with such terms leave at their mean risk.
        """
        if score.starts_on is None or score.ends_on is None or score.days_to_renewal is None:
            return ()
        term = max((score.ends_on - score.starts_on).days, 1)
        mean = self.mean_risks[_class(term)]
        later = [score.risk if mean is None else mean] * LATER_RENEWALS
        curve = survival(score.risk, score.days_to_renewal, term, later)
        return tuple(((pd.Timestamp(self.cutoff) + pd.Timedelta(days=days)).date(), alive) for days, alive in curve)

    def write(self, folder: Path, name: str) -> None:
        """Write it as JSON; StoreError when it cannot be written."""
        try:
            text = json.dumps(asdict(self), default=str, allow_nan=False)
            folder.mkdir(parents=True, exist_ok=True)
            file_of(folder, name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{file_of(folder, name)} cannot be written: {error.strerror or error}") from error

    @classmethod
    def read(cls, folder: Path, name: str) -> "Outlook":
        """Read that of a run; StoreError when it is not there."""
        try:
            written = json.loads(file_of(folder, name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the forecast of the scored book, {file_of(folder, name)}, cannot be read; `ebb score` writes it"
            ) from error
        return cls(
            cutoff=date.fromisoformat(written["cutoff"]),
            since=None if written["since"] is None else date.fromisoformat(written["since"]),
            grr=written["grr"],
            nrr=written["nrr"],
            months=tuple(_month(month) for month in written["months"]),
            mean_risks=tuple(written["mean_risks"]),
        )


def outlook(
    cutoff: date,
    scores: Sequence[Score],
    about: Mapping[str, Any],
    *,
    ratios: Sequence[float] = (),
    past: Retained | None = None,
) -> Outlook:
    """The outlook of scores by a model that knows ``about`` itself how far off its risks may be."""
    due = [score for score in scores if score.ends_on is not None and score.arr]
    renewals = pd.DataFrame(
        {
            "ends_on": [pd.Timestamp(str(score.ends_on)) for score in due],
            "arr": [score.arr for score in due],
            "risk": [score.risk for score in due],
        }
    )
    places = (np.arange(KEPT_RATIOS) + 0.5) / KEPT_RATIOS
    growth = Growth(ratios=np.quantile(ratios, places) if len(ratios) else np.zeros(0))
    return Outlook(
        cutoff=cutoff,
        since=None if past is None else past.since,
        grr=None if past is None else past.grr,
        nrr=None if past is None else past.nrr,
        months=forecast(renewals, growth, drift_of(about)) if len(due) else (),
        mean_risks=_mean_risks(scores),
    )


def file_of(folder: Path, name: str) -> Path:
    """Where an outlook stands."""
    return folder / f"{name}.forecast.json"


def _mean_risks(scores: Sequence[Score]) -> tuple[float | None, ...]:
    risks: list[list[float]] = [[] for _ in range(len(TERM_EDGES) + 1)]
    for score in scores:
        if score.starts_on is not None and score.ends_on is not None:
            risks[_class((score.ends_on - score.starts_on).days)].append(score.risk)
    return tuple(float(np.mean(some)) if some else None for some in risks)


def _class(term_days: int) -> int:
    return sum(term_days >= edge for edge in TERM_EDGES)


def _month(written: Mapping[str, Any]) -> Month:
    values: dict[str, Any] = {
        name: Interval(**value) if isinstance(value, dict) else value for name, value in written.items()
    }
    return Month(**values)

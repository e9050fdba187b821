"""Rating: a model's scores of a signal book become risk, band, money at risk and reasons; in batch and in service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from features import traits
from features.errors import ModelError
from features.signal import SignalColumn, columns
from features.signals import CATALOGUE
from serving.book import Band, Reason, Score, Temperature
from serving.config import BandSettings
from serving.signal_book import SignalBook
from training.credit import credited
from training.dataset import Floats
from training.explain import Driver, drivers, healthy_medians
from training.levers import Lever, levers
from training.score import Scored, Scorer

NEVER: Final = 1e-12
"""Odds of a base rate are taken from at least this, so that a market that nobody ever left has odds too."""


@dataclass(frozen=True, kw_only=True)
class Peers:
    """What a whole book says of its n accounts: medians of healthy peers (n, the model's columns) and the base rate."""

    typical: Floats
    base_rate: float

    def of(self, places: Sequence[int]) -> "Peers":
        """The same of some accounts."""
        return Peers(typical=self.typical[list(places)], base_rate=self.base_rate)

    def of_segments(self, segments: Sequence[str], book: SignalBook) -> "Peers":
        """What accounts of these segments, which are not of the book, have for peers in it; NaN where it has none."""
        first: dict[str, int] = {}
        for place, segment in enumerate(_segments(book)):
            first.setdefault(segment, place)
        nobody = np.full(self.typical.shape[1], np.nan)
        rows = [self.typical[first[segment]] if segment in first else nobody for segment in segments]
        return Peers(typical=np.stack(rows), base_rate=self.base_rate)


def peers(scorer: Scorer, book: SignalBook) -> Peers:
    """The peers of a whole book. Its base rate is the mean of its risks: how many are expected to leave.

    The rate of past outcomes would not do: monthly terms have many outcomes, little risk in each. Raises ModelError.
    """
    values = book.now.reindex(columns=list(scorer.columns)).to_numpy(dtype=float)
    risk = _scored(scorer, book).risk
    return Peers(typical=healthy_medians(values, risk, _segments(book)), base_rate=float(risk.mean()))


def rate(scorer: Scorer, book: SignalBook, among: Peers, bands: BandSettings) -> tuple[Score, ...]:
    """The score of every account of a book, in its order; it may be a part of the book that ``among`` comes from.

    Raises ModelError when the book lacks a signal of the model.
    """
    scored = _scored(scorer, book)
    found = drivers(
        scored,
        _columns(scorer),
        signals=book.now,
        before=book.before,
        segments=_segments(book),
        typical=among.typical,
    )
    rows = [{str(key): value for key, value in row.items()} for row in book.keys.to_dict("records")]
    return tuple(
        _score(row, float(risk), float(base), band(float(risk), among.base_rate, bands), reasons)
        for row, risk, base, reasons in zip(rows, scored.risk, scored.base, found, strict=True)
    )


def bare(scorer: Scorer, book: SignalBook, among: Peers, bands: BandSettings) -> tuple[Score, ...]:
    """The same without reasons, which cost most of the time."""
    scored = _scored(scorer, book)
    rows = [{str(key): value for key, value in row.items()} for row in book.keys.to_dict("records")]
    return tuple(
        _score(row, float(risk), float(base), band(float(risk), among.base_rate, bands), ())
        for row, risk, base in zip(rows, scored.risk, scored.base, strict=True)
    )


def temperatures(scorer: Scorer, book: SignalBook) -> tuple[Temperature, ...]:
    """How likely each account of a book is to buy more, by a model of that. Raises ModelError as `rate` does.

    A driver's typical value is the median of the whole segment: who buys more is no less healthy.
    """
    scored, segments = _scored(scorer, book), _segments(book)
    values = book.now.reindex(columns=list(scorer.columns)).to_numpy(dtype=float)
    typical = healthy_medians(values, np.zeros(len(values)), segments)
    found = drivers(scored, _columns(scorer), signals=book.now, before=book.before, segments=segments, typical=typical)
    return tuple(
        Temperature(
            account_id=name, value=100 * float(chance), base=float(base), reasons=tuple(_reason(each) for each in why)
        )
        for name, chance, base, why in zip(book.keys["account_id"], scored.risk, scored.base, found, strict=True)
    )


def levers_of(scorer: Scorer, book: SignalBook, among: Peers) -> tuple[Lever, ...]:
    """What would lower the risk of the one account of a book most, within what its healthy peers show."""
    return levers(scorer, _columns(scorer), signals=book.now, typical=among.typical[0], segment=_segments(book)[0])


def band(risk: float, base_rate: float, bands: BandSettings) -> Band:
    """High and medium by the odds of leaving against those of the base rate.

    >>> band(0.5, 0.2, BandSettings()), band(0.25, 0.2, BandSettings()), band(0.1, 0.2, BandSettings())
    ('high', 'medium', 'low')
    """
    times = _odds(risk) / _odds(base_rate)
    if times >= bands.high:
        return "high"
    return "medium" if times >= bands.medium else "low"


def _odds(rate: float) -> float:
    held = min(max(rate, NEVER), 1 - NEVER)
    return held / (1 - held)


def _scored(scorer: Scorer, book: SignalBook) -> Scored:
    try:
        return credited(scorer, book.now.assign(segment=_segments(book)))
    except ValueError as error:
        raise ModelError(f"the model does not fit the scored book: {error}; run `ebb score`") from error


def _columns(scorer: Scorer) -> tuple[SignalColumn, ...]:
    """The model's columns as the catalogue declares them; ModelError naming one that it no longer has."""
    known = {column.name: column for column in columns((*CATALOGUE, *traits.read(scorer.about.get("traits", ()))))}
    missing = [name for name in scorer.columns if name not in known]
    if missing:
        raise ModelError(f"the model uses the signal {missing[0]}, which the catalogue has no more; train a new one")
    return tuple(known[name] for name in scorer.columns)


def _segments(book: SignalBook) -> Sequence[str]:
    return ["" if pd.isna(name) else str(name) for name in book.keys["segment"]]


def _score(row: Mapping[str, Any], risk: float, base: float, of: Band, found: Sequence[Driver]) -> Score:
    arr = _number(row["arr"])
    days = _number(row["days_to_renewal"])
    return Score(
        account_id=row["account_id"],
        contract_id=_text(row["contract_id"]),
        name=_text(row["name"]),
        owner=_text(row["owner"]),
        segment=_text(row["segment"]),
        risk=risk,
        base=base,
        band=of,
        arr=arr,
        arr_at_risk=None if arr is None else risk * arr,
        starts_on=_date(row["starts_on"]),
        ends_on=_date(row["ends_on"]),
        days_to_renewal=None if days is None else int(days),
        reasons=tuple(_reason(driver) for driver in found),
        plan=_text(row.get("plan")),
    )


def _reason(driver: Driver) -> Reason:
    return Reason(
        family=driver.family,
        signal=driver.column,
        contribution=driver.contribution,
        now=driver.now,
        before=driver.before,
        typical=driver.typical,
        sentence=driver.sentence,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _date(value: pd.Timestamp | None) -> date | None:
    return None if value is None or pd.isna(value) else value.date()

"""From contributions to drivers: one per family of signals, as a sentence a person can act on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.signal import SignalColumn
from training.dataset import Floats
from training.score import Scored

LEAST_PEERS: Final = 3
"""Healthy accounts of a segment below which the whole book's healthy accounts are the peers."""

COMPARISON: Final = re.compile(r"[,;][^,;]*\{before.*$")
"""The end of a reading that compares with the value before."""

FEW: Final = 0.01
"""Shares from here on are told in whole per cent."""

UNKNOWN: Final = "an unknown number"


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A family's signed share of one account's log-odds of leaving, and the signal that carries most of it.

    ``now`` is its value at the cutoff, ``before`` its window (or four weeks) earlier, ``typical`` the median of healthy
    peers; None where not known.
    """

    family: str
    column: str
    contribution: float
    now: float | None
    before: float | None
    typical: float | None
    sentence: str


def drivers(
    scored: Scored,
    columns: Sequence[SignalColumn],
    *,
    signals: pd.DataFrame,
    before: pd.DataFrame,
    segments: Sequence[str],
    typical: Floats | None = None,
) -> tuple[tuple[Driver, ...], ...]:
    """The drivers of each of n scored accounts, the one that raises risk most first; base + drivers = log-odds.

    ``signals`` and ``before`` (n, columns) hold the values now and before; ``segments`` (n,) choose the peers. A family
    that contributes nothing is left out. ``typical`` brings the `healthy_medians` (n, columns) of the whole book where
    these accounts are a part of it.
    """
    shares = scored.contributions.to_numpy(dtype=float)
    names = [column.name for column in columns]
    now, then = (frame.reindex(columns=names).to_numpy(dtype=float) for frame in (signals, before))
    typical = healthy_medians(now, scored.risk, segments) if typical is None else typical
    families = {
        family: [at for at, column in enumerate(columns) if column.signal.family == family]
        for family in _families(columns)
    }
    found: list[list[Driver]] = [[] for _ in range(len(shares))]
    for places in families.values():
        total = shares[:, places].sum(axis=1)
        leading = _leading(shares[:, places], total, ~np.isnan(now[:, places]))
        for row in np.flatnonzero(total):
            at = places[leading[row]]
            values = _known(now[row, at]), _known(then[row, at]), _known(typical[row, at])
            found[row].append(_driver(columns[at], float(total[row]), *values))
    return tuple(tuple(sorted(each, key=lambda driver: -driver.contribution)) for each in found)


def healthy_medians(values: Floats, risk: Floats, segments: Sequence[str]) -> Floats:
    """The median of each signal among healthy peers, (n, columns): same segment, risk at most the segment's median."""
    names = np.asarray(segments, dtype=object)
    whole = _medians(values[risk <= np.median(risk)]) if len(risk) else np.empty((0, values.shape[1]))
    typical = np.empty(values.shape)
    for name in set(names.tolist()):
        members = names == name
        healthy = members & (risk <= np.median(risk[members]))
        typical[members] = _medians(values[healthy]) if healthy.sum() >= LEAST_PEERS else whole
    return typical


def sentence(column: SignalColumn, now: float | None, before: float | None) -> str:
    """The signal's reading with its values put in; without its comparison where the value before is not known."""
    reading = column.signal.reading
    if before is None:
        reading = COMPARISON.sub("", reading)
    text = reading.format(now=Figure(now), before=Figure(before), window=column.window)
    return text[:1].upper() + text[1:]


class Figure:
    """A number written for people: ``percent`` for a share, ``ratio`` for a log ratio, ``yes`` or ``is`` for 1 or 0."""

    def __init__(self, value: float | None):
        self.value = value

    def __format__(self, style: str) -> str:
        if self.value is None:
            return UNKNOWN
        match style:
            case "percent":
                return f"{100 * self.value:.0f} %" if self.value >= FEW else f"{plain(100 * self.value)} %"
            case "ratio":
                return f"{np.expm1(min(self.value, 20.0)):+.0%}".replace("%", " %")
            case "is":
                return "is" if self.value >= 0.5 else "is not"
            case "yes":
                return "with" if self.value >= 0.5 else "without"
            case _:
                return plain(self.value)


def plain(value: float) -> str:
    """A number with as many digits as help: thousands apart, no trailing zeros."""
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}".replace("-0", "0") if round(value) == 0 else f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _families(columns: Sequence[SignalColumn]) -> Mapping[str, None]:
    return dict.fromkeys(column.signal.family for column in columns)


def _leading(shares: Floats, total: Floats, known: np.ndarray) -> np.ndarray:
    """The column that carries most of the family's total in its direction, known ones first, (n,)."""
    toward = shares * np.sign(total)[:, None]
    preferred = np.where(known, toward, -np.inf)
    speaks = preferred.max(axis=1) > 0
    return np.asarray(np.where(speaks, preferred.argmax(axis=1), toward.argmax(axis=1)))


def _medians(values: Floats) -> Floats:
    nothing = np.isnan(values).all(axis=0)
    medians = np.nanmedian(np.where(nothing, 0.0, values), axis=0) if len(values) else np.zeros(values.shape[1])
    return np.where(nothing, np.nan, medians)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _driver(
    column: SignalColumn, contribution: float, now: float | None, before: float | None, typical: float | None
) -> Driver:
    return Driver(
        family=column.signal.family,
        column=column.name,
        contribution=contribution,
        now=now,
        before=before,
        typical=typical,
        sentence=sentence(column, now, before) if now is not None else f"Not known: {column.signal.meaning}",
    )

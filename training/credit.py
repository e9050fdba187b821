"""Credit: whose share it is when everything falls together, and against whom shares are measured.

Where use dries up, fewer people, features and hours follow by themselves, and a model may read the decline off any of
them. What of their shares goes along with the amount of use is credited to the amount of use: what comes first gets
the credit for what follows from it (asymmetric Shapley values: Frye, Rowat & Feige 2020). Shares are then measured
against the healthy half of what was learnt from. Base and shares still add to the same log-odds; no risk changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from features.signal import Family, SignalColumn
from training.dataset import Dataset, Floats
from training.score import SEGMENT, Scored, Scorer, damped
from training.target import CHURN, Target
from training.task import ANCHORS

CREDIT: Final = "credit"
"""Where a scorer's ``about`` holds it."""

LEADER: Final[Family] = "frequency"
FOLLOWERS: Final[tuple[Family, ...]] = ("time_spent", "adoption", "seats")
"""Hours, features and people in use are counted over the same events: without them there are none."""

RIDGE: Final = 100.0
"""Outcomes' worth of caution with which one share is said to go along with the amount of use."""

DIGITS: Final = 6
"""Digits written of a weight: a driver's share is a matter of hundredths."""


@dataclass(frozen=True, kw_only=True)
class Credit:
    """How shares follow the amount of use, and what they are among the healthy.

    ``leading`` signals, damped, held within ``low`` and ``high``, centred and scaled, times ``weight`` (leading,
    following) are what the shares of ``following`` signals merely go along with. ``healthy`` is the mean share of each
    of ``columns`` among the healthy, once credited.
    """

    columns: tuple[str, ...]
    leading: tuple[str, ...]
    following: tuple[str, ...]
    low: Floats
    high: Floats
    centre: Floats
    scale: Floats
    weight: Floats
    healthy: Floats

    def apply(self, scored: Scored, signals: pd.DataFrame) -> Scored:
        """The same scores with shares credited, and measured against the healthy; ``signals`` is what was scored.

        Where in which term one looks from is the question, not a reason: its share goes into the base.
        """
        shares = self._credited(scored.contributions, signals) - self.healthy
        base = scored.base + self.healthy.sum()
        asked = np.isin(self.columns, ANCHORS)
        base = base + shares[:, asked].sum(axis=1)
        shares[:, asked] = 0.0
        told = pd.DataFrame(shares, columns=list(self.columns), index=scored.contributions.index)
        return replace(scored, base=base, contributions=told)

    def _credited(self, contributions: pd.DataFrame, signals: pd.DataFrame) -> Floats:
        shares = contributions[list(self.columns)].to_numpy(dtype=float, copy=True)
        place = (np.clip(damped(_values(signals, self.leading)), self.low, self.high) - self.centre) / self.scale
        place = np.nan_to_num(place)
        shares[:, self._at(self.following)] -= place @ self.weight
        shares[:, self._at(self.leading)] += place * self.weight.sum(axis=1)
        return shares

    def _at(self, names: Sequence[str]) -> np.ndarray:
        return np.array([self.columns.index(name) for name in names], dtype=np.intp)

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            **{name: list(getattr(self, name)) for name in ("columns", "leading", "following")},
            **{name: getattr(self, name).tolist() for name in ("low", "high", "centre", "scale", "healthy")},
            "weight": self.weight.round(DIGITS).tolist(),
        }


def credit_of(about: Mapping[str, Any]) -> Credit | None:
    """What a scorer knows of it; None where its model has none."""
    if CREDIT not in about:
        return None
    written = about[CREDIT]
    leading, following = tuple(written["leading"]), tuple(written["following"])
    return Credit(
        columns=tuple(written["columns"]),
        leading=leading,
        following=following,
        low=np.array(written["low"], dtype=float),
        high=np.array(written["high"], dtype=float),
        centre=np.array(written["centre"], dtype=float),
        scale=np.array(written["scale"], dtype=float),
        weight=np.array(written["weight"], dtype=float).reshape(len(leading), len(following)),
        healthy=np.array(written["healthy"], dtype=float),
    )


def credited(scorer: Scorer, signals: pd.DataFrame) -> Scored:
    """Scores whose contributions are told to people: credited where the model knows how."""
    scored, credit = scorer.score(signals), credit_of(scorer.about)
    return scored if credit is None else credit.apply(scored, signals)


def fit_credit(scorer: Scorer, data: Dataset, columns: Sequence[SignalColumn], target: Target = CHURN) -> Credit:
    """Learn from the snapshots that the model learnt from how its shares go along with the amount of use.

    Who buys more does not do so because use dries up: there nothing is credited elsewhere, and shares are measured
    against all accounts.
    """
    signals = data.signals.assign(**{SEGMENT: data.segments})
    scored, weights = scorer.score(signals), data.weights
    shares = scored.contributions.to_numpy(dtype=float)
    churn = target.name == "churn"
    leading, signs = _leading(columns if churn else (), data.signals)
    following = [
        at for at, column in enumerate(columns) if column.signal.family in FOLLOWERS and np.ptp(shares[:, at]) > 0
    ]
    if not leading:
        following = []
    names = tuple(column.name for column in columns)
    damp = damped(_values(data.signals, [names[at] for at in leading]))
    centre, scale = np.nanmean(damp, axis=0), np.nanstd(damp, axis=0)
    place = np.nan_to_num((damp - centre) / scale)
    credit = Credit(
        columns=names,
        leading=tuple(names[at] for at in leading),
        following=tuple(names[at] for at in following),
        low=np.nanmin(damp, axis=0),
        high=np.nanmax(damp, axis=0),
        centre=centre,
        scale=scale,
        weight=_along(place * signs, shares[:, following], weights) * signs[:, None],
        healthy=np.zeros(len(names)),
    )
    credit = credit_of({CREDIT: credit.written()}) or credit
    healthy = (scored.risk <= np.median(scored.risk)) | (not churn)
    means = np.average(credit._credited(scored.contributions, signals)[healthy], axis=0, weights=weights[healthy])
    return replace(credit, healthy=np.where(np.isin(names, ANCHORS), 0.0, means))


def _leading(columns: Sequence[SignalColumn], signals: pd.DataFrame) -> tuple[list[int], Floats]:
    """The places of signals of the amount of use that vary and have a healthier way; and that way's sign on risk."""
    found, signs = [], []
    for at, column in enumerate(columns):
        signal = column.signal
        spread = damped(signals[column.name].to_numpy(dtype=float))
        known = spread[~np.isnan(spread)]
        if signal.family == LEADER and signal.healthier != "neither" and len(known) and known.std() > 0:
            found.append(at)
            signs.append(-1.0 if signal.healthier == "more" else 1.0)
    return found, np.array(signs)


def _along(place: Floats, shares: Floats, weights: Floats) -> Floats:
    """Weights (leading, following), none below zero: each share as a ridge regression on the amount of use."""
    found = np.zeros((place.shape[1], shares.shape[1]))
    if not found.size:
        return found
    apart = shares - np.average(shares, axis=0, weights=weights)
    bend = (place * weights[:, None]).T @ place + RIDGE * np.eye(place.shape[1])
    root = cholesky(bend)
    aims = solve_triangular(root, (place * weights[:, None]).T @ apart, trans="T")
    for at in range(shares.shape[1]):
        found[:, at] = nnls(root, aims[:, at])[0]
    return found


def _values(signals: pd.DataFrame, names: Sequence[str]) -> Floats:
    return signals[list(names)].to_numpy(dtype=float)

"""From signals to the probability of leaving, and each signal's share of it. Needs NumPy, pandas and LightGBM only.

This file and `training.trees` travel inside the logged model, so they import nothing else of Ebb: batch, service and a
bare `mlflow.pyfunc.load_model` run the same lines. A model is one JSON file; trees are LightGBM's own text inside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from training.trees import Floats, Shares, Trees

MODEL_FILE: Final = "model.json"
SEGMENT: Final = "segment"
CONTRIBUTION: Final = "contribution."


class Part(Protocol):
    """A fitted model: log-odds as a base and a sum of contributions."""

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:
        """Base and contributions for signal values (n, columns) and n segments."""

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The base rate of each kind of account, as log-odds; signals contribute nothing.

    A kind is a term length and a segment. ``term`` is the place of the signal that holds the term's days (None: terms
    are not known), ``edges`` cut it into classes; ``due`` and ``due_edges`` do so with the days until it ends, where
    they are asked for. ``classes`` and ``kinds`` (class and segment) hold what was learnt, ``other`` the overall rate.
    """

    other: float
    classes: Mapping[str, float]
    kinds: Mapping[str, float]
    edges: tuple[float, ...] = ()
    term: int | None = None
    due_edges: tuple[float, ...] = ()
    due: int | None = None

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:
        """The rate of the account's own kind, else of its term, else the overall one; and zeros."""
        classes = kind_classes(values, ((self.term, self.edges), (self.due, self.due_edges)))
        kinds = list(zip(classes, segments, strict=True))
        rates = {
            (place, segment): self.kinds.get(f"{place} {segment}", self.classes.get(place, self.other))
            for place, segment in set(kinds)
        }
        return np.array([rates[kind] for kind in kinds], dtype=float), np.zeros(values.shape)

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "kind": "rates",
            "other": self.other,
            "classes": dict(self.classes),
            "kinds": dict(self.kinds),
            "edges": list(self.edges),
            "term": self.term,
            "due_edges": list(self.due_edges),
            "due": self.due,
        }


def kind_classes(values: Floats, parted: Sequence[tuple[int | None, Sequence[float]]]) -> list[str]:
    """Each row's class by some signals, each given by its place and edges: how many edges it reaches, -1 not known.

    A signal without edges parts nothing; one without a place is known of nobody.
    """
    found: list[list[str]] = []
    for place, edges in parted:
        if not edges:
            continue
        days = np.full(len(values), np.nan) if place is None else values[:, place]
        reached = np.where(np.isnan(days), -1, np.searchsorted(edges, days, side="right"))
        found.append([str(int(each)) for each in reached])
    return [" due ".join(parts) for parts in zip(*found, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Upon:
    """What signals add upon the base rate of the account's kind."""

    ground: Part
    part: Part

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:
        """The sum of both bases, and of both contributions."""
        ground, first = self.ground.shares(values, segments)
        base, second = self.part.shares(values, segments)
        return ground + base, first + second

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {"kind": "upon", "ground": self.ground.written(), "part": self.part.written()}


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A line in damped signals, sign(x) log(1 + |x|), held within what was learnt from, then centred and scaled.

    A value that is not known contributes ``unknown``. Every array is (columns,).
    """

    intercept: float
    low: Floats
    high: Floats
    centre: Floats
    scale: Floats
    weight: Floats
    unknown: Floats

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:  # noqa: ARG002 - the protocol's shape
        """The intercept, and weight times position of each signal."""
        place = (np.clip(damped(values), self.low, self.high) - self.centre) / self.scale
        share = np.where(np.isnan(values), self.unknown, np.nan_to_num(place) * self.weight)
        return np.full(len(values), self.intercept), share

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        arrays = {name: getattr(self, name).tolist() for name in LINEAR_ARRAYS}
        return {"kind": "linear", "intercept": self.intercept, **arrays}


LINEAR_ARRAYS: Final = ("low", "high", "centre", "scale", "weight", "unknown")


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Several models, mixed in log-odds so that contributions stay additive."""

    parts: tuple[Part, ...]
    weights: tuple[float, ...]

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:
        """The weighted sums of the parts' bases and contributions."""
        base, total = np.zeros(len(values)), np.zeros(values.shape)
        for part, weight in zip(self.parts, self.weights, strict=True):
            part_base, part_shares = part.shares(values, segments)
            base, total = base + weight * part_base, total + weight * part_shares
        return base, total

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {"kind": "mix", "parts": [part.written() for part in self.parts], "weights": list(self.weights)}


def plain_log_odds(part: Part, values: Floats, segments: Sequence[str]) -> Floats:
    """Log-odds (n,) without the contributions, which trees take much longer for; equal up to rounding."""
    if isinstance(part, Trees):
        return part.log_odds(values)
    if isinstance(part, Upon):
        return plain_log_odds(part.ground, values, segments) + plain_log_odds(part.part, values, segments)
    base, shares = part.shares(values, segments)
    return np.asarray(base + shares.sum(axis=1), dtype=float)


def damped(values: Floats) -> Floats:
    """sign(x) log(1 + |x|): counts on a scale where doubling means the same everywhere; NaN stays."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=float)


def written_without_kind(written: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a model's JSON."""
    return {name: value for name, value in written.items() if name != "kind"}


def read_part(written: Mapping[str, Any]) -> Part:
    """A model from its JSON. Raises ValueError on a kind it does not know."""
    kind = written["kind"]
    if kind == "rates":
        edges = {name: tuple(written.get(name, ())) for name in ("edges", "due_edges")}
        return Rates(**{**written_without_kind(written), **edges})
    if kind == "upon":
        return Upon(ground=read_part(written["ground"]), part=read_part(written["part"]))
    if kind == "linear":
        return Linear(
            intercept=written["intercept"], **{name: np.array(written[name], dtype=float) for name in LINEAR_ARRAYS}
        )
    if kind == "trees":
        return Trees(written["text"])
    if kind == "mix":
        return Mix(parts=tuple(map(read_part, written["parts"])), weights=tuple(written["weights"]))
    raise ValueError(f"unknown kind of model {kind!r}; known are rates, upon, linear, trees, mix")


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of n snapshots: ``risk`` and ``log_odds`` (n,), ``base`` (n,), ``contributions`` one column per signal.

    base + contributions.sum(axis=1) is log_odds, and risk is its logistic.
    """

    risk: Floats
    log_odds: Floats
    base: Floats
    contributions: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """One row per snapshot: ``risk``, ``base``, and ``contribution.<signal>``."""
        scores = pd.DataFrame({"risk": self.risk, "base": self.base}, index=self.contributions.index)
        return pd.concat([scores, self.contributions.add_prefix(CONTRIBUTION)], axis=1)


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A fitted model and its calibration: calibrated log-odds = intercept + slope x the model's log-odds.

    ``about`` is what the training run has to say of it (verdict, columns' readings, reference values).
    """

    columns: tuple[str, ...]
    part: Part
    slope: float = 1.0
    intercept: float = 0.0
    about: Mapping[str, Any]

    def score(self, frame: pd.DataFrame) -> Scored:
        """Score rows of signals; None and NaN mean not known. Raises ValueError naming a signal column that is missing.

        A column ``segment`` is used where there is one.
        """
        values = self._values(frame)
        segments = frame[SEGMENT].fillna("").astype(str).tolist() if SEGMENT in frame else [""] * len(frame)
        base, shares = self.part.shares(values, segments)
        base, shares = self.intercept + self.slope * base, self.slope * shares
        log_odds = base + shares.sum(axis=1)
        contributions = pd.DataFrame(shares, columns=list(self.columns), index=frame.index)
        return Scored(risk=logistic(log_odds), log_odds=log_odds, base=base, contributions=contributions)

    def _values(self, frame: pd.DataFrame) -> Floats:
        missing = [column for column in self.columns if column not in frame]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise ValueError(f"the signals lack the column {missing[0]}{more}; the model was trained with it")
        wanted = frame[list(self.columns)]
        if (wanted.dtypes == np.float64).all():
            return _finite(wanted.to_numpy(dtype=float))
        return np.column_stack([_numbers(wanted[column]) for column in self.columns])

    def save(self, folder: Path) -> None:
        """Write the model into a folder, as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        written = {
            "columns": list(self.columns),
            "part": self.part.written(),
            "slope": self.slope,
            "intercept": self.intercept,
            "about": dict(self.about),
        }
        (folder / MODEL_FILE).write_text(json.dumps(written, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Scorer":
        """Read a model that `save` wrote."""
        written = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return cls(
            columns=tuple(written["columns"]),
            part=read_part(written["part"]),
            slope=written["slope"],
            intercept=written["intercept"],
            about=written["about"],
        )


def logistic(log_odds: Floats) -> Floats:
    """Probabilities from log-odds, without overflow at either end."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)), dtype=float)


def _numbers(column: pd.Series) -> Floats:
    """A column as floats, infinities as not known. Raises ValueError naming the column that holds something else."""
    try:
        values = pd.to_numeric(column, errors="raise").to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError):
        raise ValueError(f"the signal {column.name} holds something that is not a number") from None
    return _finite(values)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)

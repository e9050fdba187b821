"""Boosted trees, and each signal's exact share of what they say. Needs NumPy and LightGBM only.

It travels inside the logged model together with `training.score`, so it imports nothing of Ebb.

A small tree has few splits, so an account can only fall into few patterns of decisions. Shapley values depend on the
pattern alone: they are worked out once for every pattern of every tree, and an account's are looked up and added.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import Any, Final, TypeAlias

import lightgbm
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Bytes: TypeAlias = NDArray[np.uint8]
Shares: TypeAlias = tuple[Floats, Floats]
"""Base log-odds (n,) and each signal's contribution to them (n, columns)."""

MANY_CELLS: Final = 1_000_000

MOST_SPLITS: Final = 8
"""Splits that one table may hold (2^8 patterns). A tree with more is cut into parts, down to single leaves."""

ROWS_AT_ONCE: Final = 4096
"""Rows looked up together: what they need stays in the processor's cache."""

NUMBERS: Final = (
    "split_feature",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_count",
    "leaf_value",
    "leaf_count",
)
"""The lines of a tree's text that are read."""

CATEGORICAL, UNKNOWN_LEFT, MISSING_SHIFT = 1, 2, 2
"""How LightGBM writes a split's kind: two bits, then what counts as missing."""

NOTHING_MISSING, ZERO_MISSING, NAN_MISSING = range(3)


class Trees:
    """Boosted trees, as LightGBM writes them; contributions are its exact Shapley values (Lundberg et al. 2020)."""

    def __init__(self, text: str):
        self.text = text
        self.booster = lightgbm.Booster(model_str=text)

    @cached_property
    def tables(self) -> "Tables | None":
        """Every pattern's contributions; None where a tree has categories, counts zero as missing, or is too deep."""
        return tables(tuple(written_trees(self.text)))

    def shares(self, values: Floats, segments: Sequence[str]) -> Shares:  # noqa: ARG002 - the protocol's shape
        """The expected log-odds, and each signal's Shapley value."""
        if not len(values):
            return np.zeros(0), np.zeros(values.shape)
        if self.tables is not None:
            return np.full(len(values), self.tables.base), self.tables.look_up(values)
        return self.slowly(values)

    def slowly(self, values: Floats) -> Shares:
        """The same as LightGBM computes it, for any tree: every row walks through every tree."""
        shares = np.asarray(self.booster.predict(values, pred_contrib=True, num_threads=_threads(values)), dtype=float)
        return shares[:, -1], shares[:, :-1]

    def log_odds(self, values: Floats) -> Floats:
        """The sum of base and contributions (n,), without them."""
        if not len(values):
            return np.zeros(0)
        return np.asarray(self.booster.predict(values, raw_score=True, num_threads=_threads(values)), dtype=float)

    def written(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {"kind": "trees", "text": self.text}


def _threads(values: Floats) -> int:
    """Few rows are answered sooner by one thread."""
    return 2 if values.size > MANY_CELLS else 1


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One tree as LightGBM writes it: arrays over its splits, and over its leaves. A negative child is leaf ~child."""

    feature: Places
    threshold: Floats
    kind: Places
    left: Places
    right: Places
    count: Floats
    leaf_value: Floats
    leaf_count: Floats

    def split(self, at: int) -> tuple[int, float, bool]:
        """Feature, threshold, and whether a value that is not known goes left; without gaps in learning it is zero."""
        threshold = float(self.threshold[at])
        gaps = self.kind[at] >> MISSING_SHIFT == NAN_MISSING
        return int(self.feature[at]), threshold, bool(self.kind[at] & UNKNOWN_LEFT) if gaps else threshold >= 0.0

    def reached(self, child: int) -> float:
        """How many rows of what it learnt from reached a split or a leaf."""
        return float(self.leaf_count[~child] if child < 0 else self.count[child])

    def splits_below(self, child: int) -> list[int]:
        """The splits of a subtree."""
        if child < 0:
            return []
        return [child, *self.splits_below(int(self.left[child])), *self.splits_below(int(self.right[child]))]


def written_trees(text: str) -> Iterator[Tree]:
    """The trees of a model's text."""
    for block in text.split("end of trees")[0].split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in block.splitlines()[1:] if "=" in line)
        real = {name: np.array(text.split(), dtype=np.float64) for name, text in fields.items() if name in NUMBERS}
        one = len(real["leaf_value"]) == 1
        yield Tree(
            feature=real["split_feature"].astype(np.intp),
            threshold=real["threshold"],
            kind=real["decision_type"].astype(np.intp),
            left=real["left_child"].astype(np.intp),
            right=real["right_child"].astype(np.intp),
            count=real["internal_count"],
            leaf_value=real["leaf_value"],
            leaf_count=np.ones(1) if one else real["leaf_count"],
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """One split on the way to a leaf: which way it goes, and the share of the split's rows that go there."""

    split: int
    left: bool
    share: float


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some leaves of a tree, each with the way to it, and the splits (at most `MOST_SPLITS`) on those ways."""

    tree: Tree
    splits: tuple[int, ...]
    leaves: tuple[tuple[float, tuple[Step, ...]], ...]

    def contributions(self) -> dict[int, Floats]:
        """Feature -> its Shapley value in each pattern of decisions (2^splits,); bit j is set where split j goes left.

        The game is the path-dependent one (Lundberg et al. 2020): a split on a feature that is not in the coalition
        sends each row both ways, by the shares seen in learning.
        """
        patterns = np.arange(2 ** len(self.splits))
        goes_left = {split: (patterns >> place) & 1 == 1 for place, split in enumerate(self.splits)}
        found = {int(self.tree.feature[split]): np.zeros(len(patterns)) for split in self.splits}
        for value, way in self.leaves:
            inside: dict[int, NDArray[np.bool_]] = {}
            outside: dict[int, float] = {}
            for step in way:
                feature = int(self.tree.feature[step.split])
                inside[feature] = inside.get(feature, True) & (goes_left[step.split] == step.left)
                outside[feature] = outside.get(feature, 1.0) * step.share
            for feature in inside:
                found[feature] += value * _shapley(feature, inside, outside)
        return found


def _shapley(feature: int, inside: dict[int, NDArray[np.bool_]], outside: dict[int, float]) -> Floats:
    """The Shapley value of one player in a product of players: ``inside`` with the player in, ``outside`` without."""
    players = len(inside)
    # Coefficient s of the product of (outside + inside t) is the sum over the coalitions of s others.
    coalitions: list[Any] = [1.0]
    for other in inside:
        if other != feature:
            without = [outside[other] * term for term in coalitions] + [0.0]
            within = [0.0] + [inside[other] * term for term in coalitions]
            coalitions = [first + second for first, second in zip(without, within, strict=True)]
    weights = [factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)]
    total = sum(weight * term for weight, term in zip(weights, coalitions, strict=True))
    return np.asarray((inside[feature] - outside[feature]) * total, dtype=float)


def pieces(tree: Tree) -> list[Piece] | None:
    """A tree cut into pieces that fit a table; None where one leaf alone has too many splits on its way."""
    found: list[Piece] = []

    def cut(child: int, way: tuple[Step, ...]) -> bool:
        splits = tuple(dict.fromkeys([step.split for step in way] + tree.splits_below(child)))
        if len(splits) <= MOST_SPLITS:
            found.append(Piece(tree=tree, splits=splits, leaves=tuple(_leaves(tree, child, way))))
            return True
        return child >= 0 and all(cut(below, (*way, step)) for below, step in _below(tree, child))

    return found if cut(0, ()) else None


def _below(tree: Tree, split: int) -> Iterator[tuple[int, Step]]:
    for left, children in ((True, tree.left), (False, tree.right)):
        child = int(children[split])
        yield child, Step(split=split, left=left, share=tree.reached(child) / tree.reached(split))


def _leaves(tree: Tree, child: int, way: tuple[Step, ...]) -> Iterator[tuple[float, tuple[Step, ...]]]:
    if child < 0:
        yield float(tree.leaf_value[~child]), way
        return
    for below, step in _below(tree, child):
        yield from _leaves(tree, below, (*way, step))


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The contributions of all trees, ready to be looked up; ``base`` is what is expected of any account.

    Over the distinct splits: ``feature`` (a place among ``features``), ``threshold`` and ``unknown_left``. Over the
    splits of all pieces: ``split``, which one it is, and ``bit``, its place in the pattern; ``first`` is each piece's
    first one. Over pairs of piece and feature: ``piece``, ``start``, where the pair's table stands in ``cells``, and
    ``target``, the place of the feature.
    """

    base: float
    features: Places
    feature: Places
    threshold: Floats
    unknown_left: NDArray[np.bool_]
    split: Places
    bit: Bytes
    first: Places
    piece: Places
    start: Places
    target: Places
    cells: Floats

    def look_up(self, values: Floats) -> Floats:
        """The contribution of every column to every row, (n, columns)."""
        found = np.zeros(values.shape)
        if len(self.first):
            for row in range(0, len(values), ROWS_AT_ONCE):
                some = slice(row, row + ROWS_AT_ONCE)
                found[some, self.features] = self._added(np.ascontiguousarray(values[some, self.features].T)).T
        return found

    def _added(self, facing: Floats) -> Floats:
        """The same of some rows, both ways (features, rows)."""
        goes_left = facing[self.feature] <= self.threshold[:, None]
        goes_left |= np.isnan(facing)[self.feature] & self.unknown_left[:, None]
        decided = goes_left.view(np.uint8)[self.split] * self.bit[:, None]
        pattern = np.add.reduceat(decided, self.first, axis=0, dtype=np.uint8).astype(np.intp)
        total, cells = np.zeros(facing.shape), np.empty(facing.shape[1])
        for piece, start, target in zip(self.piece, self.start, self.target, strict=True):
            # The patterns are within the table: clipping only spares a check of each.
            np.take(self.cells[start:], pattern[piece], out=cells, mode="clip")
            total[target] += cells
        return total


def tables(trees: Sequence[Tree]) -> Tables | None:
    """The tables of several trees; None where one of them does not fit."""
    cut: list[Piece] = []
    for tree in trees:
        odd = (tree.kind & CATEGORICAL > 0) | (tree.kind >> MISSING_SHIFT == ZERO_MISSING)
        parts = None if odd.any() else pieces(tree) if len(tree.feature) else []
        if parts is None:
            return None
        cut += parts
    met = [piece.tree.split(split) for piece in cut for split in piece.splits]
    distinct = {split: place for place, split in enumerate(sorted(set(met)))}
    pairs = [(feature, at, cells) for at, piece in enumerate(cut) for feature, cells in piece.contributions().items()]
    sizes = np.array([len(cells) for _, _, cells in pairs], dtype=np.intp)
    lengths = np.array([len(piece.splits) for piece in cut], dtype=np.intp)
    features = np.array(sorted({feature for feature, _, _ in pairs}), dtype=np.intp)
    return Tables(
        base=float(sum(tree.leaf_value @ tree.leaf_count / tree.leaf_count.sum() for tree in trees)),
        features=features,
        feature=np.searchsorted(features, np.array([feature for feature, _, _ in distinct], dtype=np.intp)),
        threshold=np.array([threshold for _, threshold, _ in distinct], dtype=float),
        unknown_left=np.array([unknown_left for _, _, unknown_left in distinct], dtype=bool),
        split=np.array([distinct[split] for split in met], dtype=np.intp),
        bit=np.array([1 << place for length in lengths for place in range(length)], dtype=np.uint8),
        first=np.cumsum(lengths) - lengths,
        piece=np.array([at for _, at, _ in pairs], dtype=np.intp),
        start=np.cumsum(sizes) - sizes,
        target=np.searchsorted(features, np.array([feature for feature, _, _ in pairs], dtype=np.intp)),
        cells=np.concatenate([np.zeros(0), *(cells for _, _, cells in pairs)]),
    )

"""Boosted trees that follow each signal's known direction: LightGBM, kept small."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import lightgbm
import numpy as np

from training.ranges import Range, Values
from training.score import Part
from training.task import Task
from training.trees import Trees

PARAMETERS: Final[Mapping[str, Any]] = {
    "objective": "binary",
    # Few leaves, large ones and a strong prior: measured best where outcomes are few.
    "num_leaves": 4,
    "min_data_in_leaf": 80,
    "lambda_l2": 10.0,
    "learning_rate": 0.05,
    "feature_fraction": 0.5,
    "max_bin": 63,
    # Same data, same trees.
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

DEEPEST: Final = 8
"""Splits one below the other in a tuned tree, so that its contributions can be looked up (see `training.trees`)."""

MANY_CELLS: Final = 1_000_000
"""Cells of the signal table below which a second thread costs more than it brings."""

MANY_THREADS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Table:
    """A task as LightGBM holds it: cut into bins, which costs about as much as twenty trees."""

    task: Task
    binned: lightgbm.Dataset


@dataclass(frozen=True)
class Gbm:
    """Its strengths are the number of trees; ``values`` are those of `PARAMETERS` that tuning chose otherwise."""

    name: str = "boosted trees"
    strengths: tuple[float, ...] = (25, 50, 100, 200)
    values: Values = field(default_factory=dict)

    ranges: ClassVar[Mapping[str, Range]] = {
        "num_leaves": Range(low=2, high=16, ratio=True, whole=True),
        "min_data_in_leaf": Range(low=20, high=500, ratio=True, whole=True),
        "lambda_l2": Range(low=1.0, high=300.0, ratio=True),
        "learning_rate": Range(low=0.02, high=0.2, ratio=True),
        "feature_fraction": Range(low=0.2, high=1.0),
    }

    @property
    def defaults(self) -> Values:
        """The values that stand when nothing is tuned."""
        return {name: self.values.get(name, PARAMETERS[name]) for name in self.ranges}

    def tuned(self, values: Values, strength: float | None = None) -> "Gbm":
        """The same with other values, at one strength or all."""
        strengths = self.strengths if strength is None else (strength,)
        return replace(self, name=f"tuned {Gbm.name}", strengths=strengths, values={**values, "max_depth": DEEPEST})

    def fit(self, task: Task) -> Mapping[float, Part]:
        """Grow the most trees; the fewer are its beginning."""
        return self.learn(self._table(task))

    def prepare(self, task: Task) -> Table:
        """The task cut into bins, once for whatever values."""
        # A signal too rare for one value's leaves may still serve another's.
        return self._table(task, feature_pre_filter=False)

    def learn(self, table: Table) -> Mapping[float, Part]:
        """As `fit`, from what was prepared."""
        parameters = {
            **PARAMETERS,
            **self.values,
            **_threads(table.task),
            "monotone_constraints": np.sign(table.task.directions).astype(int).tolist(),
        }
        grown = lightgbm.train(parameters, table.binned, num_boost_round=int(self.strengths[-1]))
        return {trees: Trees(grown.model_to_string(num_iteration=int(trees))) for trees in self.strengths}

    def _table(self, task: Task, **how: bool) -> Table:
        binned = lightgbm.Dataset(
            task.data.signals.to_numpy(dtype=float),
            task.data.left,
            weight=task.data.weights,
            init_score=task.ground,
            params={"verbosity": -1, "max_bin": PARAMETERS["max_bin"], **_threads(task), **how},
        )
        return Table(task=task, binned=binned)


def _threads(task: Task) -> dict[str, int]:
    return {"num_threads": MANY_THREADS if task.data.signals.size > MANY_CELLS else 1}

"""Boosted trees that follow each signal's known direction: LightGBM, kept small."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np

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


MANY_CELLS: Final = 1_000_000
"""Cells of the signal table below which a second thread costs more than it brings."""

MANY_THREADS: Final = 2


@dataclass(frozen=True)
class Gbm:
    """Its strengths are the number of trees."""

    name: str = "boosted trees"
    strengths: tuple[float, ...] = (25, 50, 100, 200)

    def fit(self, task: Task) -> Mapping[float, Part]:
        """Grow the most trees; the fewer are its beginning."""
        threads = MANY_THREADS if task.data.signals.size > MANY_CELLS else 1
        table = lightgbm.Dataset(
            task.data.signals.to_numpy(dtype=float),
            task.data.left,
            weight=task.data.weights,
            init_score=task.ground,
            params={"verbosity": -1, "max_bin": PARAMETERS["max_bin"], "num_threads": threads},
        )
        parameters = {
            **PARAMETERS,
            "num_threads": threads,
            "monotone_constraints": np.sign(task.directions).astype(int).tolist(),
        }
        grown = lightgbm.train(parameters, table, num_boost_round=int(self.strengths[-1]))
        return {trees: Trees(grown.model_to_string(num_iteration=int(trees))) for trees in self.strengths}

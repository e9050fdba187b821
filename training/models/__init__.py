"""The candidates, from simple to strong."""

from collections.abc import Mapping
from typing import Final, Protocol

from training.models.base_rate import BaseRate
from training.models.gbm import Gbm
from training.models.logistic import Logistic
from training.score import Part
from training.task import Task


class Model(Protocol):
    """A way to learn risk. One fit answers for each of its strengths."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """From the most to the least cautious."""

    def fit(self, task: Task) -> Mapping[float, Part]:
        """Learn what signals add upon the task's ground; the first candidate learns the ground itself."""


MODELS: Final[tuple[Model, ...]] = (BaseRate(), Logistic(), Gbm())

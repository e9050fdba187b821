"""The candidates, from simple to strong."""

from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

from training.models.base_rate import BaseRate
from training.models.gbm import Gbm
from training.models.logistic import Logistic
from training.ranges import Range, Values
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


@runtime_checkable
class Tunable(Model, Protocol):
    """A model with values that can be chosen by trial. What is prepared of a task serves every choice."""

    @property
    def ranges(self) -> Mapping[str, Range]:
        """What each value is chosen from."""

    @property
    def defaults(self) -> Values:
        """The choice that any other must beat."""

    def tuned(self, values: Values, strength: float | None = None) -> "Tunable":
        """The same model with other values, at one of its strengths or all, under another name."""

    def prepare(self, task: Task) -> Any:
        """What does not depend on the values."""

    def learn(self, prepared: Any) -> Mapping[float, Part]:
        """As `fit`, from what was prepared."""


MODELS: Final[tuple[Model, ...]] = (BaseRate(), Logistic(), Gbm())

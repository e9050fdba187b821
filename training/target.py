"""What a model is asked to foresee: that an account leaves, or that it buys more. The recipe is the same for both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from features.signal import SignalColumn
from training.models import MODELS, Model
from training.models.base_rate import BaseRate
from training.task import balanced

DIRECTIONS: Final[Mapping[str, int]] = {"more": -1, "less": 1, "neither": 0}
"""Which way a signal may move risk: what is healthier when there is more of it only lowers it."""

DUE: Final = (0, 15, 30)
"""Days beyond the horizon that part accounts by when their contract ends: it may be renewed, and enlarged, some weeks
before. Few classes: early folds have seen few renewals."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """``model`` is its name in the registry; the other words tell of it to people: what happened, what did not."""

    name: Literal["churn", "expansion"]
    model: str
    title: str
    what: str
    happened: str
    otherwise: str
    events: str

    @property
    def command(self) -> str:
        """The command that trains it."""
        return "ebb train" if self.name == "churn" else f"ebb train --target {self.name}"

    def directions(self, columns: Sequence[SignalColumn]) -> tuple[float, ...]:
        """Which way each signal may move the probability, every family counting the same.

        What is healthier says nothing of buying more: an account may buy because it thrives or to mend what is
        missing. So for expansion only signals that declare what is warmer are bound, and all others are free.
        """
        signals = [column.signal for column in columns]
        if self.name == "churn":
            ways = [DIRECTIONS[signal.healthier] for signal in signals]
        else:
            ways = [-DIRECTIONS[signal.warmer] for signal in signals]
        return balanced(ways, [signal.family for signal in signals])


CHURN: Final = Target(
    name="churn",
    model="ebb-risk",
    title="Risk of leaving",
    what="The probability that an account leaves at its renewal (or falls silent)",
    happened="left",
    otherwise="stayed",
    events="losses",
)

EXPANSION: Final = Target(
    name="expansion",
    model="ebb-temperature",
    title="Temperature",
    what="The probability that an account buys more within the horizon (more seats or ARR, or an opportunity won)",
    happened="bought more",
    otherwise="did not",
    events="purchases",
)

TARGETS: Final = {target.name: target for target in (CHURN, EXPANSION)}


def models_of(target: Target, horizon_days: int) -> tuple[Model, ...]:
    """The candidates. When contracts end is the question and no evidence: for expansion the base rate knows it."""
    if target.name == "churn":
        return MODELS
    return (BaseRate(due_edges=tuple(float(horizon_days + days) for days in DUE)), *MODELS[1:])

"""A blend: models averaged in log-odds with equal weights, which learnt weights hardly ever beat (Clemen 1989)."""

from collections.abc import Sequence

from training.score import Mix, Part

NAME = "blend"


def blend(parts: Sequence[Part]) -> Mix:
    """The equal mix of several fitted models."""
    return Mix(parts=tuple(parts), weights=(1.0 / len(parts),) * len(parts))

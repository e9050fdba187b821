"""A blend: models averaged in log-odds with equal weights, which learnt weights hardly ever beat (Clemen 1989)."""

from collections.abc import Sequence

from training.score import Mix, Part

NAME = "blend"


def blend(parts: Sequence[Part], slopes: Sequence[float]) -> Mix:
    """The equal mix of several fitted models, each stretched by its slope to be as sure as it should be."""
    return Mix(parts=tuple(parts), weights=tuple(slope / len(parts) for slope in slopes))

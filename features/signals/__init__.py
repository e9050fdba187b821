"""The catalogue: one file per family, one entry per signal."""

from features.signal import Signal
from features.signals import (
    adoption,
    commercial,
    expansion,
    frequency,
    lifecycle,
    seats,
    standings,
    support,
    time_spent,
)

FAMILIES = {
    "frequency": "how often people use the product",
    "time_spent": "how long they stay in it",
    "adoption": "which features they use, and how evenly",
    "seats": "who uses it, and how many of those paid for",
    "commercial": "what they pay, and how that changed",
    "expansion": "whether it is about to buy more, or needs to",
    "lifecycle": "where the account stands in its life",
    "support": "what it asked for, and how it felt",
    "traits": "what a data scientist adds of their own, in the table `traits`",
}
"""What each family tells, in a phrase for people."""

CATALOGUE: tuple[Signal, ...] = (
    *frequency.SIGNALS,
    *time_spent.SIGNALS,
    *adoption.SIGNALS,
    *seats.SIGNALS,
    *commercial.SIGNALS,
    *expansion.SIGNALS,
    *lifecycle.SIGNALS,
    *support.SIGNALS,
    *standings.SIGNALS,
)

"""A simulated B2B market whose truth is known: who leaves, how likely it was, and why."""

from features.sources.market.settings import MarketSettings
from features.sources.market.simulation import Market, simulate

__all__ = ["Market", "MarketSettings", "simulate"]

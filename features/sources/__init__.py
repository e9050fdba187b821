"""Where facts come from: one file or folder per kind of place, listed here."""

from features.raw import Raw, Source
from features.sources.files import Files
from features.sources.simulated import Simulated

SOURCES: tuple[type[Source], ...] = (Files, Simulated)
"""Every source there is."""

__all__ = ["SOURCES", "Files", "Raw", "Simulated", "Source"]

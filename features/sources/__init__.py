"""Where facts come from: one file or folder per kind of place, listed here."""

from features.raw import Raw, Source
from features.sources.files import Files

SOURCES: tuple[type[Source], ...] = (Files,)
"""Every source there is."""

__all__ = ["SOURCES", "Files", "Raw", "Source"]

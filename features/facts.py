"""Facts: what was accepted from a source, as typed tables, and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from features.engines import Engine
from features.kept_usage import KeptUsage


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of fault in one table: how many rows, where the first one stands, and what it means.

    A fatal finding stops training. ``set_aside`` tells whether those rows went to ``rejected/``.
    """

    kind: str
    table: str
    count: int
    sentence: str
    file: str | None = None
    row: int | None = None
    fatal: bool = False
    set_aside: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The accepted rows of every table of `features.domain`, in one engine.

    The engine holds one table for each declared one, by its name, with every declared column in its SQL type (an
    absent one holds NULL), ``known_at`` as a TIMESTAMP in UTC that is never NULL, and nothing else but, for
    ``accounts`` and ``traits``, their further columns. ``known`` names, for each table that the source has, the columns
    that hold at least one value. ``cutoff`` is the first midnight after the last fact: the latest moment a score can
    honestly look from. ``kept`` is what is kept of the events' rollup between runs, where they can be read in place.
    ``told`` says whether people told outcomes (`features.told`).
    """

    engine: Engine
    known: Mapping[str, frozenset[str]]
    cutoff: date
    fingerprint: str
    findings: tuple[Finding, ...] = ()
    kept: KeptUsage | None = None
    told: bool = False

    def knows(self, table: str, column: str | None = None) -> bool:
        """Whether the source has the table (and the column, with at least one value in it)."""
        columns = self.known.get(table)
        return columns is not None and (column is None or column in columns)

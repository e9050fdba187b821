"""A signal is a declared record: a function from what was known about an account before a cutoff to one value.

Declare it once; its columns, its SQL, its sentence, its place in the documentation and its tests follow.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "frequency", "time_spent", "adoption", "seats", "commercial", "expansion", "lifecycle", "support", "traits"
]
Healthier = Literal["more", "less", "neither"]
Span = Literal["now", "before", "year", "annual"]
"""Which stretch is covered: the window up to the cutoff, the one before it, the same one a year ago, or the year."""

REFERENCE = re.compile(r"\{(\w+)(?::(before|year|annual))?\}")
"""How a formula names another signal: ``{events}`` in its own window, ``{events:before}`` in the one before."""

DAYS_BEFORE = 28
"""How far back "before" looks for a signal without a window: four whole weeks, so that weekdays compare."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """An aggregate over the rows of one grain (see `features.grains`).

    ``sql`` may use ``{inside}``, whether a row lies in the window, ``{earlier}``, in the one before, ``{older}``, in
    any time before, and ``{window}``, its days. ``needs`` names the ``table.column`` without which it is not known.
    """

    grain: str
    sql: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Formula:
    """Arithmetic over other signals, named as in `REFERENCE`, and ``{window}``; not known where one of them is not."""

    sql: str

    @property
    def references(self) -> tuple[tuple[str, Span], ...]:
        """The signals it names, each with the stretch it wants."""
        return tuple((name, span or "now") for name, span in REFERENCE.findall(self.sql.replace("{window}", "")))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where another signal's value stands in the book: the share of accounts below it (see `features.standing`).

    ``among``: all accounts, or the peers only, which are of the same segment and about the same age.
    """

    of: str
    among: Literal["all", "peers"] = "all"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One declared signal.

    ``absent`` is its value for an account with no rows at all (None: not known). ``healthier`` says which way goes with
    staying, and a model may rely on it; ``warmer`` which way goes with buying more, where that is beyond doubt.
    ``reading`` is the sentence for a person; it may use ``{now}``, ``{before}`` and ``{window}``; ``{now:percent}``
    shows a share, ``{now:ratio}`` a log ratio as a change in per cent.
    """

    name: str
    family: Family
    measure: Measure | Formula | Standing
    meaning: str
    unit: str
    healthier: Healthier
    reading: str
    windows: tuple[int, ...] = ()
    absent: float | None = None
    warmer: Healthier = "neither"

    @property
    def columns(self) -> tuple["SignalColumn", ...]:
        """One column for each window, or a single one."""
        return tuple(SignalColumn(signal=self, window=window) for window in (self.windows or (None,)))


@dataclass(frozen=True, kw_only=True)
class SignalColumn:
    """A signal in one of its windows: a column of the signal table."""

    signal: Signal
    window: int | None

    @property
    def name(self) -> str:
        """The column's name: ``active_users_28d``, or the signal's own where it has no window."""
        return column_name(self.signal.name, self.window)

    @property
    def days_before(self) -> int:
        """How many days before the cutoff its "before" value is taken."""
        return self.window or DAYS_BEFORE


def column_name(signal: str, window: int | None, span: Span = "now") -> str:
    """The name of a signal's column in one window and stretch."""
    name = signal if window is None else f"{signal}_{window}d"
    return name if span == "now" else f"{name}_{span}"


def columns(catalogue: Iterable[Signal]) -> tuple[SignalColumn, ...]:
    """Every column of a catalogue, in order."""
    return tuple(column for signal in catalogue for column in signal.columns)


def change_of(signal: str, span: Literal["before", "year"] = "before") -> Formula:
    """The log ratio of a signal's window to the window before (or a year ago); one is added so that zero counts."""
    return Formula(sql=f"ln(({{{signal}}} + 1.0) / ({{{signal}:{span}}} + 1.0))")

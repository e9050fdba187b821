"""The plan: a catalogue of signals becomes a few SQL statements, the same for one cutoff and for many.

Windows without repetition: each user or feature carries a mask whose bits say in which stretches of age it was active,
so one group-by answers the distinct count of every window, of the window before and of a year ago. It widens the
smallest-age technique, which answers only windows that end at the cutoff.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import pandas as pd

from features.dawn import dawns_sql, flag
from features.engines import Engine
from features.facts import Facts
from features.grain import Grain
from features.grains import GRAINS
from features.signal import REFERENCE, Formula, Measure, Signal, SignalColumn, Span, Standing, column_name, columns

LOOKBACK = 730
"""Days of use a snapshot looks at: the longest window, a year, and the year before it."""

YEAR = 364
"""Days to the same window a year ago: whole weeks, so that weekdays compare."""

SUMMED = re.compile(r"\bevents_(\d+)\b")
"""How a measure names a person's or a feature's events of so many days."""

FAR = re.compile(r"\{older\}|\bfarthest\b")
"""How a measure asks for all that a snapshot looks back on."""

AT_ONCE = 250_000
"""Snapshots worked off together."""

EVERYTHING = 2**62
"""The same for an engine that divides its work by itself."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One step of the plan: a table to make, or the closing query (``table`` None).

    ``by_account``: it reads only what hangs on the accounts of ``looks``, so that some can be worked off at a time.
    """

    table: str | None
    sql: str
    by_account: bool = False


LOOKS = Statement(
    table="looks",
    sql="SELECT s.snapshot_id, s.cutoff, s.starts_on, n.account\n"
    "FROM snapshots s JOIN account_number n ON n.account_id = s.account_id\nORDER BY s.snapshot_id",
)
"""The snapshots of accounts that ever did something, by the account's number."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One value to compute: a signal in one window and stretch."""

    signal: Signal
    window: int | None
    span: Span

    @property
    def name(self) -> str:
        """Its column name within the plan."""
        return column_name(self.signal.name, self.window, self.span)


@dataclass(frozen=True)
class Plan:
    """The SQL of some columns of a catalogue, over facts of which only some tables and columns are known."""

    catalogue: tuple[Signal, ...]
    known: Mapping[str, frozenset[str]]
    wanted: tuple[SignalColumn, ...]

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every step in order; they read ``snapshots``, ``terms``, the accepted tables and the rollups."""
        needs = self._needed
        dawns = (Statement(table="dawns", sql=dawns_sql(needs)),) if needs else ()
        return (LOOKS, *dawns, *(self._aggregate(grain) for grain in GRAINS if self._measured(grain)), self._closing())

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every word that the measures use: of the rollups' columns nothing else is read."""
        measures = [cell.signal.measure for cell in self._levels]
        return frozenset(word for m in measures if isinstance(m, Measure) for word in re.findall(r"\w+", m.sql))

    @cached_property
    def _signals(self) -> Mapping[str, Signal]:
        return {signal.name: signal for signal in self.catalogue}

    @cached_property
    def _levels(self) -> Mapping[Cell, int]:
        """Every cell wanted or referred to, with how many formulas stand between it and the grains."""
        levels: dict[Cell, int] = {}
        for column in self.wanted:
            self._visit(Cell(signal=column.signal, window=column.window, span="now"), levels)
        return levels

    def _visit(self, cell: Cell, levels: dict[Cell, int]) -> int:
        if cell not in levels:
            below = [self._visit(part, levels) for part in self._parts(cell)]
            levels[cell] = 1 + max(below) if below else 0
        return levels[cell]

    def _parts(self, cell: Cell) -> list[Cell]:
        """The cells a formula refers to."""
        formula = cell.signal.measure
        if not isinstance(formula, Formula):
            return []
        return [self._referred(cell, name, span) for name, span in formula.references]

    def _referred(self, cell: Cell, name: str, span: Span) -> Cell:
        signal = self._signals[name]
        window = cell.window if signal.windows else None
        return Cell(signal=signal, window=window, span=span if span != "now" else cell.span if window else "now")

    def _needs(self, cell: Cell) -> tuple[str, ...]:
        """Every ``table.column`` without which the cell is not known."""
        measure = cell.signal.measure
        if isinstance(measure, Formula):
            return tuple(dict.fromkeys(need for part in self._parts(cell) for need in self._needs(part)))
        assert isinstance(measure, Measure)
        return tuple(dict.fromkeys((*_grain(measure).needs, *measure.needs)))

    def _is_known(self, cell: Cell) -> bool:
        needs = (need.split(".", 1) for need in self._needs(cell))
        return all(column in self.known.get(table, ()) for table, column in needs)

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        """What the known cells need, each once."""
        return tuple(dict.fromkeys(need for cell in self._levels if self._is_known(cell) for need in self._needs(cell)))

    def _measured(self, grain: Grain) -> list[Cell]:
        return [
            cell
            for cell in self._levels
            if isinstance(cell.signal.measure, Measure)
            and cell.signal.measure.grain == grain.name
            and self._is_known(cell)
        ]

    def _edges(self, grain: Grain) -> tuple[int, ...]:
        """The ages at which some window on a grain begins or ends; the last one is how far back it looks."""
        ages = set()
        for cell in self._measured(grain):
            assert isinstance(cell.signal.measure, Measure)
            sql = cell.signal.measure.sql.replace("{window}", str(cell.window))
            ages |= {int(days) for days in SUMMED.findall(sql)}
            if cell.window is None or FAR.search(sql):
                ages.add(LOOKBACK)
            if cell.window:
                ages |= {*_stretch(cell.window, cell.span)}
            if cell.window and "{earlier}" in sql:
                ages |= {*_stretch(cell.window, "before")}
        return tuple(sorted(ages - {0}))

    def _aggregate(self, grain: Grain) -> Statement:
        edges = self._edges(grain)
        bits = " ".join(f"WHEN age <= {edge} THEN {1 << place}" for place, edge in enumerate(edges))
        nearest = " ".join(f"WHEN age <= {edge} THEN {edge}" for edge in edges)
        rows = (
            grain.rows.replace("{lookback}", str(edges[-1] if edges else LOOKBACK))
            .replace("{bit}", f"CASE {bits} ELSE 0 END")
            .replace("{edge}", f"CASE {nearest} END")
        )
        values = ",\n  ".join(f"{self._measure_sql(grain, cell)} AS {cell.name}" for cell in self._measured(grain))
        return Statement(
            table=f"{grain.name}_grain",
            sql=f"SELECT {grain.key},\n  {values}\nFROM ({rows})\nGROUP BY {grain.key}",
            by_account="FROM looks " in grain.rows,
        )

    def _measure_sql(self, grain: Grain, cell: Cell) -> str:
        assert isinstance(cell.signal.measure, Measure)
        sql = cell.signal.measure.sql
        if cell.window is None:
            return sql
        return (
            sql.replace("{inside}", self._inside(grain, *_stretch(cell.window, cell.span)))
            .replace("{earlier}", self._inside(grain, *_stretch(cell.window, "before")))
            .replace("{older}", self._inside(grain, cell.window, LOOKBACK))
            .replace("{window}", str(cell.window))
        )

    def _inside(self, grain: Grain, after: int, until: int) -> str:
        """The SQL condition that a row, or an entity's mask, lies in the ages (after, until]."""
        if grain.windows == "age":
            return f"age <= {until}" if after == 0 else f"age > {after} AND age <= {until}"
        edges = self._edges(grain)
        mask = sum(1 << place for place, edge in enumerate(edges) if after < edge <= until)
        return f"(mask & {mask}) <> 0"

    def _closing(self) -> Statement:
        grains = [grain for grain in GRAINS if self._measured(grain)]
        joins = "\n".join(f"LEFT JOIN {g.name}_grain ON {g.name}_grain.{g.key} = s.{g.key}" for g in grains)
        base = ",\n  ".join(self._base_sql(cell) for cell, level in self._levels.items() if level == 0)
        flags = "".join(f", s.{flag(need)}" for need in self._needed)
        sql = f"SELECT s.snapshot_id{flags},\n  {base}\nFROM {self._spine()} s\n{joins}"
        for level in range(1, max(self._levels.values(), default=0) + 1):
            formulas = ",\n  ".join(
                f"{self._formula_sql(cell)} AS {cell.name}" for cell, place in self._levels.items() if place == level
            )
            sql = f"SELECT *,\n  {formulas}\nFROM (\n{sql}\n)"
        wanted = ",\n  ".join(f"CAST({column.name} AS DOUBLE) AS {column.name}" for column in self.wanted)
        return Statement(table=None, sql=f"SELECT snapshot_id,\n  {wanted}\nFROM (\n{sql}\n)")

    def _spine(self) -> str:
        """The snapshots, each with what was known at all before its cutoff."""
        if not self._needed:
            return "snapshots"
        flags = ", ".join(f"d.{flag(need)} < p.cutoff AS {flag(need)}" for need in self._needed)
        return f"(SELECT p.snapshot_id, p.cutoff, {flags} FROM snapshots p CROSS JOIN dawns d)"

    def _base_sql(self, cell: Cell) -> str:
        if not self._is_known(cell):
            return f"CAST(NULL AS DOUBLE) AS {cell.name}"
        assert isinstance(cell.signal.measure, Measure)
        value = f"CAST({cell.signal.measure.grain}_grain.{cell.name} AS DOUBLE)"
        return f"{self._where_known(cell, value)} AS {cell.name}"

    def _formula_sql(self, cell: Cell) -> str:
        assert isinstance(cell.signal.measure, Formula)
        if not self._is_known(cell):
            return "CAST(NULL AS DOUBLE)"
        parts = iter(self._parts(cell))
        sql = cell.signal.measure.sql.replace("{window}", str(cell.window))
        value = f"({REFERENCE.sub(lambda _: next(parts).name, sql)})"
        return self._where_known(cell, value)

    def _where_known(self, cell: Cell, value: str) -> str:
        """The value, or what it is when there are no rows; nothing before all it needs was known."""
        if cell.signal.absent is not None:
            value = f"coalesce({value}, {cell.signal.absent})"
        knows = " AND ".join(flag(need) for need in self._needs(cell))
        return f"CASE WHEN {knows} THEN {value} END" if knows else value


def plan_of(
    catalogue: Iterable[Signal], known: Mapping[str, frozenset[str]], wanted: tuple[SignalColumn, ...] | None = None
) -> Plan:
    """The plan of the wanted columns of a catalogue; by default all that SQL computes."""
    return _plan_of(tuple(catalogue), frozenset(known.items()), wanted)


@lru_cache(maxsize=8)
def _plan_of(
    signals: tuple[Signal, ...], known: frozenset[tuple[str, frozenset[str]]], wanted: tuple[SignalColumn, ...] | None
) -> Plan:
    every = tuple(column for column in columns(signals) if not isinstance(column.signal.measure, Standing))
    return Plan(signals, dict(known), every if wanted is None else wanted)


def run(
    facts: Facts,
    catalogue: Iterable[Signal],
    wanted: tuple[SignalColumn, ...] | None = None,
    *,
    at_once: int = AT_ONCE,
) -> pd.DataFrame:
    """The wanted signals of the table ``snapshots``: one row a snapshot in its order, one float column a signal column.

    By default every signal but standings, which need the books of other months (see `features.table`).
    """
    *steps, closing = plan_of(catalogue, facts.known, wanted).statements
    with facts.engine.unordered():
        for statement in steps:
            if not statement.by_account:
                facts.engine.execute(f"CREATE OR REPLACE TABLE {statement.table} AS {statement.sql}")
        by_account = [statement for statement in steps if statement.by_account]
        _by_account(facts.engine, by_account, at_once if facts.engine.in_parts else EVERYTHING)
        # Sorting a narrow column here is cheaper than sorting wide rows there.
        found = facts.engine.frame(closing.sql)
    order = found.pop("snapshot_id").to_numpy().argsort(kind="stable")
    in_order = bool((order[1:] > order[:-1]).all())
    return found if in_order else found.take(order).reset_index(drop=True)


def _by_account(engine: Engine, steps: list[Statement], at_once: int) -> None:
    """Work steps off some accounts at a time: what is aggregated together then fits the processor's caches."""
    parts = engine.rows(
        f"""SELECT min(account), max(account) FROM (
          SELECT account, (sum(count(*)) OVER (ORDER BY account) - 1) // {at_once} AS part FROM looks GROUP BY account)
        GROUP BY part ORDER BY part"""
    )
    if len(parts) > 1:
        engine.execute("CREATE OR REPLACE TABLE looks_all AS SELECT * FROM looks")
    for place, (first, last) in enumerate(parts or [(0, 0)]):
        if len(parts) > 1:
            within = f"account BETWEEN {first} AND {last}"
            engine.execute(f"CREATE OR REPLACE TABLE looks AS SELECT * FROM looks_all WHERE {within}")
        for step in steps:
            make = f"INSERT INTO {step.table}" if place else f"CREATE OR REPLACE TABLE {step.table} AS"
            engine.execute(f"{make} {step.sql}")


def _grain(measure: Measure) -> Grain:
    return next(grain for grain in GRAINS if grain.name == measure.grain)


def _stretch(window: int, span: Span) -> tuple[int, int]:
    """The ages (after, until] that a window covers."""
    match span:
        case "now":
            return 0, window
        case "before":
            return window, 2 * window
        case "year":
            return YEAR, YEAR + window
        case "annual":
            return 0, YEAR

"""The catalogue of signals is complete, consistent and readable."""

import re
import string
from typing import get_args

import pytest

from features.domain import table
from features.grains import GRAINS
from features.plan import LOOKBACK, YEAR, Cell, plan_of
from features.signal import REFERENCE, Family, Formula, Healthier, Measure, Signal, Standing, columns
from features.signals import CATALOGUE, FAMILIES

BY_NAME = {signal.name: signal for signal in CATALOGUE}
FORMATS = {"", "percent", "ratio", "yes"}

every_signal = pytest.mark.parametrize("signal", CATALOGUE, ids=[signal.name for signal in CATALOGUE])


def cells(signal: Signal) -> list[Cell]:
    """Every cell that the plan of a signal's columns visits."""
    return list(plan_of(CATALOGUE, {}, signal.columns)._levels)


def test_names_are_unique():
    """No two columns share a name, nor do the cells of the plan behind them."""
    names = [column.name for column in columns(CATALOGUE)]
    assert len(set(names)) == len(names)
    plain = tuple(column for column in columns(CATALOGUE) if not isinstance(column.signal.measure, Standing))
    inner = [cell.name for cell in plan_of(CATALOGUE, {}, plain)._levels]
    assert len(set(inner)) == len(inner)


def test_it_is_large_and_covers_every_family():
    """At least sixty signals in eight families, each family explained."""
    assert len(CATALOGUE) >= 60
    assert {signal.family for signal in CATALOGUE} | {"traits"} == set(get_args(Family)) == set(FAMILIES)


@every_signal
def test_a_declaration_is_complete(signal):
    """A name for SQL, a meaning, a unit, a direction, and windows in ascending order."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", signal.name)
    assert signal.meaning
    assert signal.unit
    assert signal.healthier in get_args(Healthier)
    assert list(signal.windows) == sorted(set(signal.windows))
    assert all(window > 0 for window in signal.windows)


@every_signal
def test_a_reading_is_a_sentence(signal):
    """It shows the value now, in a format there is; {window} only where there is one."""
    fields = [(name, form) for _, name, form, _ in string.Formatter().parse(signal.reading) if name is not None]
    names = {name for name, _ in fields}
    assert "now" in names
    assert names <= {"now", "before", "window"}
    assert {form for _, form in fields} <= FORMATS
    assert "window" not in names or signal.windows
    shown = REFERENCE.sub("", re.sub(r"\{(\w+)(:\w+)?\}", "7", signal.reading))
    assert "{" not in shown
    assert not shown.endswith(".")


@every_signal
def test_shares_and_ratios_are_read_as_such(signal):
    """A share is shown in per cent and a log ratio as a change, and nothing else is."""
    forms = set(re.findall(r"\{now:?(\w*)\}", signal.reading))
    wanted = {"share": {"percent"}, "log ratio": {"ratio"}, "yes or no": {"yes"}}.get(signal.unit, {""})
    assert forms == wanted


@every_signal
def test_what_it_refers_to_exists(signal):
    """Formulas and standings name signals of the catalogue, and no signal rests on itself."""
    measure = signal.measure
    if isinstance(measure, Standing):
        assert set(signal.windows) <= set(BY_NAME[measure.of].windows)
        assert not isinstance(BY_NAME[measure.of].measure, Standing)
        return
    if isinstance(measure, Formula):
        assert measure.references
        assert "{" not in REFERENCE.sub("", measure.sql)
    assert all(cell.signal in CATALOGUE for cell in cells(signal))  # a cycle would never end
    for cell in cells(signal):
        assert (cell.window is None) == (not cell.signal.windows), cell.name


@every_signal
def test_a_measure_stands_on_a_grain(signal):
    """Its grain exists, what it needs is a column there is, and a window is used where there is one."""
    if not isinstance(signal.measure, Measure):
        return
    grain = {grain.name: grain for grain in GRAINS}[signal.measure.grain]
    for need in (*grain.needs, *signal.measure.needs):
        name, column = need.split(".")
        assert table(name).column(column).name == column
    used = set(re.findall(r"\{(\w+)\}", signal.measure.sql))
    assert used <= {"inside", "earlier", "older", "window"}
    assert bool(used) == bool(signal.windows)
    assert not used or grain.windows != "none"


@every_signal
def test_windows_reach_no_further_than_the_rows(signal):
    """No stretch of a window lies beyond what its grain looks back."""
    if isinstance(signal.measure, Standing):
        return
    for cell in cells(signal):
        if not cell.window or not isinstance(cell.signal.measure, Measure):
            continue
        sql = cell.signal.measure.sql
        reach = {"now": cell.window, "before": 2 * cell.window, "year": YEAR + cell.window, "annual": YEAR}[cell.span]
        if "{earlier}" in sql:
            reach = max(reach, 2 * cell.window)
        assert reach <= LOOKBACK, cell.name


@every_signal
def test_only_windowed_measures_are_looked_at_earlier(signal):
    """The window before, or a year ago, is asked only of measures that look at nothing but their window."""
    if isinstance(signal.measure, Standing):
        return
    for cell in cells(signal):
        if cell.span != "now" and isinstance(cell.signal.measure, Measure):
            assert set(re.findall(r"\{(\w+)\}", cell.signal.measure.sql)) == {"inside"}, cell.name

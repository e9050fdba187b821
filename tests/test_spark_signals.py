"""Every signal on Spark is what it is on DuckDB, to 1e-9: one column at a time, so that a failure names its signal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import quality, table
from features.engines.duckdb import DuckEngine
from features.engines.spark import SparkEngine
from features.facts import Facts
from features.handover import hand_over
from features.intake import take_in
from features.raw import Source
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Inactivity, Renewal
from features.sources import Files, Simulated
from features.sources.market.settings import MarketSettings
from features.table import SignalTable
from tests.sparks import needs_spark, small_spark
from tests.worlds import CUTOFF, Rows, random_world

pytestmark = needs_spark

NEAR = 1e-9
OPENSTACK = Path(__file__).parent.parent.parent / "shared" / "data" / "openstack"
NAMES = [column.name for column in columns(CATALOGUE)]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The same signals from both engines."""

    duck: SignalTable
    spark: SignalTable


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    """One engine for the module."""
    with small_spark() as engine:
        yield engine


def both(source: Source, spark: SparkEngine, compute: Callable[[Facts], SignalTable]) -> Pair:
    """The signals of some facts by both engines, after the same checks of the data."""
    with DuckEngine(threads=1) as engine:
        facts = take_in(source, engine, None, now=date(2100, 1, 1))
        there = hand_over(facts, spark)
        assert quality.report(there) == quality.report(facts)
        return Pair(duck=compute(facts), spark=compute(there))


@pytest.fixture(scope="module")
def market(spark: SparkEngine) -> Pair:
    """Every account of a simulated market, looked at each week of its last month."""

    def month(facts: Facts) -> SignalTable:
        weeks = tuple(facts.cutoff - timedelta(days=days) for days in (28, 21, 14, 7, 0))
        return table.every(facts, Renewal(), cutoffs=weeks)

    return both(Simulated(settings=MarketSettings(accounts=60, months=15, seed=3)), spark, month)


@pytest.fixture(scope="module")
def pasts(spark: SparkEngine) -> Pair:
    """Decided looks at the silence of a world with everything awkward in it."""
    world = random_world(5, accounts=15, events=60, gaps=False)
    return both(Rows(world), spark, lambda facts: table.past(facts, Inactivity(), anchor=CUTOFF))


@pytest.fixture(scope="module")
def openstack(spark: SparkEngine) -> Pair:
    """Real organisations on one day."""
    if not OPENSTACK.is_dir():
        pytest.skip("put the data set openstack in ../shared/data to run this")
    return both(
        Files(folder=OPENSTACK), spark, lambda facts: table.every(facts, Renewal(), cutoffs=(date(2024, 1, 1),))
    )


def unlike(pair: Pair, name: str) -> str:
    """What differs in one signal, as a sentence; empty when nothing does."""
    expected, found = (of.signals[name].to_numpy(dtype=float) for of in (pair.duck, pair.spark))
    off = ~np.isclose(found, expected, rtol=NEAR, atol=NEAR, equal_nan=True)
    first = f", first {found[off][0]!r} for {expected[off][0]!r}" if off.any() else ""
    return f"{name} differs in {off.sum()} of {len(off)} snapshots{first}" * bool(off.any())


def test_the_snapshots_are_the_same(market: Pair, pasts: Pair) -> None:
    """Accounts, contracts, cutoffs, endings: the same rows in the same order, with the same types."""
    for pair in (market, pasts):
        assert len(pair.duck) > 100
        pd.testing.assert_frame_equal(pair.spark.keys, pair.duck.keys)
        np.testing.assert_array_equal(pair.spark.left, pair.duck.left)


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_the_same_on_spark(market: Pair, pasts: Pair, name: str) -> None:
    """On a month of the simulated market, and on decided looks at a random world."""
    assert not unlike(market, name)
    assert not unlike(pasts, name)


def test_every_signal_is_the_same_on_real_data(openstack: Pair) -> None:
    """On the commits of sixteen years of OpenStack."""
    assert len(openstack.duck) > 100
    assert not [said for name in NAMES if (said := unlike(openstack, name))]

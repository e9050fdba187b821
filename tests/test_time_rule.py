"""The one rule about time: a fact belongs to a snapshot when it was known before the cutoff; and what follows."""

import random
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import plan, snapshots, table, usage
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.signals import CATALOGUE
from features.snapshots import Inactivity, Mode, Renewal
from features.sources.simulated import MarketSettings, Simulated
from tests.worlds import CUTOFF, CUTOFFS, World, as_known, day, facts_of, joined, lighthouse, random_world, renamed

MODES: tuple[Mode, ...] = (Renewal(), Inactivity(active_days=60, horizon_days=30, every_days=45))
KEYS = ["account_id", "contract_id", "cutoff", "lead_days"]
FLEET = (
    *("fleet_events", "events_against_fleet", "events_share", "discount"),
    *("core_", "sticky_features_share", "first_value_delay"),
)
"""Signals that look at other accounts on purpose; standings are not among those that SQL computes."""

few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 10**6)


def bits(frame: pd.DataFrame) -> np.ndarray:
    """The bits of a frame of floats; every NaN alike."""
    values = frame.to_numpy(dtype=float)
    return np.where(np.isnan(values), np.nan, values).view(np.int64)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Assert that two frames of signals are equal to the bit, naming the columns that are not."""
    assert one.shape == other.shape
    assert list(one.columns) == list(other.columns)
    differing = (bits(one) != bits(other)).any(axis=0)
    assert not differing.any(), f"not the same: {', '.join(one.columns[differing])}"


def laid(facts: Facts) -> pd.DataFrame:
    """The signals of the snapshots that lie there, by account, contract, cutoff and lead time."""
    keys = facts.engine.frame(f"SELECT {', '.join(KEYS)} FROM snapshots ORDER BY snapshot_id")
    index = pd.MultiIndex.from_frame(keys.assign(contract_id=keys["contract_id"].fillna("")))
    return plan.run(facts, CATALOGUE).set_axis(index)


def booked(facts: Facts, mode: Mode, *cutoffs: date) -> pd.DataFrame:
    """The signals of the open accounts at some cutoffs."""
    snapshots.lay_book(facts, mode, cutoffs=cutoffs)
    return laid(facts)


@few
@given(seed=seeds, mode=st.sampled_from(MODES), cutoff=st.sampled_from(CUTOFFS))
def test_what_becomes_known_later_changes_nothing_now(seed, mode, cutoff):
    """Late, later and future facts, closings, payments and outcomes leave the scores' input as it was, to the bit."""
    world = joined(random_world(seed, accounts=6, events=50, gaps=False), lighthouse())
    before, after = facts_of(as_known(world, cutoff)), facts_of(world)
    then, now = (table.book(facts, mode, cutoff=cutoff) for facts in (before, after))
    assert then[0].keys[["account_id", "lead_days"]].equals(now[0].keys[["account_id", "lead_days"]])
    same(then[0].signals, now[0].signals)
    same(then[1], now[1])


@few
@given(seed=seeds, cutoff=st.sampled_from(CUTOFFS))
def test_a_table_that_begins_later_changes_nothing_now(seed, cutoff):
    """Even the first fact of a table or column, known later, leaves the signals before it not known, as they were."""
    world = random_world(seed, accounts=4, events=30, gaps=False)
    for row in world["events"]:
        row["actor"] = row["actor"] or "human"
    for row in world["contracts"]:
        del row["outcome"], row["decided_on"]
    same(booked(facts_of(as_known(world, cutoff)), MODES[0], cutoff), booked(facts_of(world), MODES[0], cutoff))


@few
@given(seed=seeds, mode=st.sampled_from(MODES), cutoff=st.sampled_from(CUTOFFS))
def test_what_was_decided_stays_decided(seed, mode, cutoff):
    """Every past snapshot that could be learnt from then is learnt from now: same signals, same outcome."""
    world = joined(random_world(seed, accounts=8, events=40, gaps=False), lighthouse())
    if seed % 2:
        for row in world["contracts"]:
            row["outcome"] = row["decided_on"] = None
    past = []
    for known in (as_known(world, cutoff), world):
        facts = facts_of(known)
        snapshots.lay_past(facts, mode, anchor=CUTOFF)
        outcome = facts.engine.frame("SELECT outcome_left, decided_on FROM snapshots ORDER BY snapshot_id")
        past.append(laid(facts).assign(left=outcome["outcome_left"].to_numpy()))
    assert past[0].index.isin(past[1].index).all()
    same(past[0], past[1].loc[past[0].index])


@few
@given(seed=seeds)
def test_other_accounts_do_not_matter(seed):
    """Only the signals that compare with the fleet look at other accounts."""
    own = joined(random_world(seed, accounts=4, events=40, gaps=False), lighthouse())
    others = renamed(random_world(seed + 1, accounts=4, events=40, gaps=False), "other-")
    alone, among = booked(facts_of(own), MODES[0], *CUTOFFS), booked(facts_of(joined(own, others)), MODES[0], *CUTOFFS)
    among = among.loc[alone.index]
    aside = [column for column in alone if str(column).startswith(FLEET)]
    same(alone.drop(columns=aside), among.drop(columns=aside))
    assert len(aside) == 13


@few
@given(seed=seeds, shuffling=seeds)
def test_the_order_of_rows_does_not_matter(seed, shuffling):
    """Rows in another order give the same bits."""
    world = random_world(seed, accounts=6, events=60, gaps=False)
    shuffled = {name: random.Random(shuffling).sample(rows, len(rows)) for name, rows in world.items()}
    same(booked(facts_of(world), MODES[0], *CUTOFFS), booked(facts_of(shuffled, threads=2), MODES[0], *CUTOFFS))


@pytest.fixture(scope="module")
def market() -> Facts:
    """A simulated market, large enough for the engine to work on several threads."""
    return _market(threads=2)


def _market(threads: int) -> Facts:
    source = Simulated(settings=MarketSettings(accounts=40, months=15, seed=3, volume=0.6))
    facts = take_in(source, DuckEngine(threads=threads), None)
    usage.build(facts)
    return facts


def test_the_number_of_threads_does_not_matter(market):
    """One thread and several give the same bits."""
    cutoffs = (market.cutoff, market.cutoff - timedelta(days=100))
    same(booked(market, MODES[0], *cutoffs), booked(_market(threads=1), MODES[0], *cutoffs))


@pytest.mark.parametrize("mode", MODES, ids=("renewal", "inactivity"))
def test_training_and_serving_compute_the_same(market, mode):
    """A snapshot of the past among all others, the book of its day, and the snapshot alone: the same bits."""
    snapshots.lay_past(market, mode, anchor=market.cutoff)
    past = laid(market)
    cutoffs = sorted(past.index.get_level_values("cutoff").unique())[-4:]
    together = booked(market, mode, *(stamp.date() for stamp in cutoffs))
    apart = pd.concat([booked(market, mode, stamp.date()) for stamp in cutoffs])
    same(together, apart.loc[together.index])
    shared = past.index.intersection(together.index)
    assert len(shared) > 0
    same(past.loc[shared], together.loc[shared])
    snapshots.lay_book(market, mode, cutoffs=(cutoffs[-1].date(),))
    market.engine.execute("DELETE FROM snapshots WHERE snapshot_id <> 2")
    alone = laid(market)
    same(alone, together.loc[alone.index])


def _burst(known: datetime) -> World:
    """Something of every kind about account a0, done long before but known from one moment on."""
    events = [
        {
            "account_id": "a0",
            "occurred_at": known - timedelta(days=age),
            "event": f"new{age}",
            "user_id": f"new{age}",
            "quantity": 5.0,
            "duration_s": 300.0,
            "actor": actor,
            "known_at": known,
        }
        for age in (0, 1, 3, 10, 20, 40, 100, 200, 370, 400)
        for actor in ("human", "api")
    ]
    tickets = [{"ticket_id": "new", "account_id": "a0", "opened_at": known, "closed_at": None, "severity": "urgent"}]
    invoice = {"invoice_id": "new", "account_id": "a0", "issued_on": known.date(), "amount": 1.0}
    contract = {"contract_id": "new", "account_id": "a0", "starts_on": day(500), "ends_on": day(450), "known_at": known}
    return {
        "events": events,
        "tickets": tickets,
        "invoices": [invoice | {"due_on": known.date(), "paid_on": None}],
        "surveys": [{"account_id": "a0", "answered_at": known, "nps": 10.0}],
        "touches": [{"account_id": "a0", "touched_at": known, "kind": "call"}],
        "users": [{"account_id": "a0", "user_id": "new1", "role": "admin", "created_at": known}],
        "opportunities": [
            {"opportunity_id": "new", "account_id": "a0", "opened_at": known, "amount": 7.0, "closed_at": known}
            | {"won": True},
            {"opportunity_id": "talks", "account_id": "a0", "opened_at": known, "amount": 7.0, "closed_at": None},
        ],
        "contracts": [contract | {"arr": 5.0, "seats": 1.0, "plan": "x", "outcome": "renewed", "decided_on": day(440)}],
    }


def test_midnight_belongs_to_the_day_that_begins():
    """Facts known at the cutoff itself change nothing; a second earlier they change most signals."""
    world = joined(random_world(1, accounts=2, events=0, gaps=False), lighthouse())
    current = {"contract_id": "now", "account_id": "a0", "starts_on": day(300), "ends_on": day(-60), "arr": 900.0}
    world["contracts"] = [row for row in world["contracts"] if row["account_id"] == "z"]
    world["contracts"].append(current | {"seats": 3.0, "plan": "pro", "known_at": None, "outcome": None})
    midnight = datetime.combine(CUTOFF, time())
    plain, at, earlier = (
        booked(facts_of(each), MODES[0], CUTOFF)
        for each in (
            world,
            joined(world, _burst(midnight)),
            joined(world, _burst(midnight - timedelta(seconds=1))),
        )
    )
    assert len(plain) == 1
    same(plain, at)
    changed = (bits(plain) != bits(earlier)).any(axis=0)
    assert changed.sum() > 110, f"only {changed.sum()} signals see what was known in time"

"""Every signal column, computed a second way."""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features import plan, snapshots, standing, table, usage
from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.signal import SignalColumn, Standing, columns
from features.signals import CATALOGUE
from features.sources.simulated import MarketSettings, Simulated
from tests.oracle_account import ACCOUNT
from tests.oracle_commercial import COMMERCIAL
from tests.oracle_habits import HABITS
from tests.oracle_use import USE
from tests.oracles import Ledger, View, ledger_of, views
from tests.worlds import CUTOFF, CUTOFFS, World, day, facts_of, moment, random_world

ORACLES = {**USE, **ACCOUNT, **COMMERCIAL, **HABITS}
COMPUTED = tuple(column for column in columns(CATALOGUE) if not isinstance(column.signal.measure, Standing))


def value(view: View, column: SignalColumn) -> float:
    """What the oracle says of one column; NaN where it is not known."""
    needs, oracle = ORACLES[column.signal.name]
    known = oracle(view, column.window or 0) if view.knows(*needs) else None
    return math.nan if known is None else float(known)


def expected(facts: Facts, ledger: Ledger) -> pd.DataFrame:
    """Every column of every row of the table ``snapshots``, by the oracles."""
    rows = [[value(view, column) for column in COMPUTED] for view in views(facts, ledger)]
    return pd.DataFrame(rows, columns=[column.name for column in COMPUTED], dtype=float)


def check(facts: Facts) -> int:
    """Compare all signals of the snapshots that lie there; how many there were."""
    computed = plan.run(facts, CATALOGUE)
    wanted = expected(facts, ledger_of(facts))
    assert list(computed.columns) == list(wanted.columns)
    close = np.isclose(computed, wanted, rtol=1e-9, atol=1e-9, equal_nan=True)
    wrong = [
        f"{COMPUTED[c].name} at row {r}: {computed.iloc[r, c]}, by the oracle {wanted.iloc[r, c]}"
        for r, c in np.argwhere(~close)
    ]
    assert not wrong, "\n".join(wrong[:12])
    return len(computed)


def test_every_column_has_an_oracle():
    """No signal is computed only once, and no oracle is left over."""
    assert {column.signal.name for column in COMPUTED} == set(ORACLES)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), accounts=st.integers(1, 7), events=st.integers(0, 70))
@example(seed=425992, accounts=1, events=0)  # its last fact lies two years before the contracts
def test_contracts_of_random_worlds(seed, accounts, events):
    """Signals of open contracts agree with the oracles, whatever is missing."""
    facts = facts_of(random_world(seed, accounts=accounts, events=events), until=CUTOFF)
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=CUTOFFS)
    check(facts)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6))
def test_accounts_without_contracts(seed):
    """Signals of accounts that may fall silent agree with the oracles."""
    facts = facts_of(random_world(seed, accounts=5, events=60))
    snapshots.lay_book(facts, snapshots.Inactivity(), cutoffs=CUTOFFS)
    check(facts)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6))
def test_standings_agree_with_counting(seed):
    """A standing is the share of the past twelve monthly books below the value, equals by half, one at a time."""
    facts = facts_of(random_world(seed, accounts=7, events=40, gaps=False))
    mode = snapshots.Inactivity(active_days=400)
    now, _ = table.book(facts, mode, cutoff=CUTOFF)
    months = [date(2025 + (4 + n) // 12, (4 + n) % 12 + 1, 1) for n in range(1, 13)]
    assert months[-1] == CUTOFF.replace(day=1)
    snapshots.lay_book(facts, mode, cutoffs=tuple(months))
    ledger = ledger_of(facts)
    peers = views(facts, ledger)
    for column in standing.ranked(CATALOGUE):
        measure = column.signal.measure
        assert isinstance(measure, Standing)
        base = next(c for c in COMPUTED if c.signal.name == measure.of and c.window == column.window)
        everybody = [(age_class(view), value(view, base)) for view in peers]
        for account, place in zip(now.keys["account_id"], now.signals[column.name], strict=True):
            view = View(ledger, account, None, CUTOFF, mode.horizon_days)
            own, alike = value(view, base), {age_class(view)} if measure.among == "peers" else set(range(-1, 9))
            levels = [level for age, level in everybody if age in alike and not math.isnan(level)]
            if math.isnan(own) or len(levels) < standing.FEWEST:
                assert math.isnan(place), column.name
                continue
            # Logarithms that ought to be equal may differ in their last bit, here or there.
            equal = [math.isclose(level, own, rel_tol=1e-9, abs_tol=1e-9) for level in levels]
            below = sum(level < own and not same for level, same in zip(levels, equal, strict=True))
            slack = 0 if all(level.is_integer() for level in (own, *levels)) else sum(equal) / 2
            assert abs(place * len(levels) - below - sum(equal) / 2) <= slack + 1e-9, column.name


def age_class(view: View) -> int:
    """Which of the edges of age an account has passed; -1 where its age is not known."""
    created = [row["created_at"] for row in view.own("accounts") if row["created_at"] is not None]
    return sum(view.age(created[0]) >= edge for edge in standing.AGES) if created else -1


def test_peers_are_of_the_same_segment_and_age():
    """A value that is low among all is high among the accounts of its own segment and age."""
    book = pd.DataFrame({"features_28d": np.arange(120.0), "account_age": np.repeat([50.0, 700.0], 60)})
    book = book.assign(segment=np.tile(["big", "small", "small"], 40), cutoff=pd.Timestamp(CUTOFF))
    own = pd.DataFrame({"features_28d": [50.0, 50.0, 50.0], "account_age": [10.0, 800.0, np.nan]})
    signal = next(each for each in CATALOGUE if each.name == "features_among_peers")
    short = replace(signal, windows=(28,))
    places = standing.stand(own.assign(segment="small"), pd.Series([pd.Timestamp(CUTOFF)] * 3), book, (short,))
    wanted = [33.5 / 40, 0.0, math.nan]
    assert places["features_among_peers_28d"].tolist() == pytest.approx(wanted, nan_ok=True)


def test_inactivity_with_contracts_known():
    """An account looked at without a contract has no term, price or renewal of its own."""
    facts = facts_of(random_world(5, accounts=6, events=60, gaps=False))
    snapshots.lay_book(facts, snapshots.Inactivity(), cutoffs=(CUTOFF,))
    signals = plan.run(facts, CATALOGUE)
    assert len(signals) > 0
    for name in ("term_days", "arr", "seats", "first_use_delay", "arr_growth", "seats_growth", "price_growth"):
        assert signals[name].isna().all(), name


def test_a_world_by_hand():
    """Numbers that a person can count: two users, three features, one integration, one late invoice."""
    facts = facts_of(HAND)
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    assert check(facts) == 2
    busy, silent = plan.run(facts, CATALOGUE).to_dict("records")
    for name, number in HAND_VALUES.items():
        assert busy[name] == pytest.approx(number, nan_ok=True), name
    for name in ("events_365d", "active_users_28d", "features_84d", "hours_28d", "tickets_84d", "late_invoices_365d"):
        assert silent[name] == 0, name
    assert (silent["recency"], silent["champion_silence_182d"], silent["days_since_touch"]) == (731, 731, 731)


@pytest.mark.parametrize(
    ("world", "unknown"),
    [
        ("tickets", ("tickets_28d", "open_tickets", "slow_tickets_84d", "oldest_open_ticket", "csat_182d")),
        ("invoices", ("late_invoices_182d", "overdue_invoices", "days_late_182d")),
        ("surveys", ("nps_365d", "nps_last")),
        ("touches", ("touches_84d", "days_since_touch")),
        ("accounts", ("account_age",)),
        (
            "events.user_id",
            ("active_users_28d", "hours_84d", "champion_silence_182d", "stickiness_28d", "seats_used_28d"),
        ),
        ("events.actor", ("api_events_28d", "api_share_28d", "all_events_change_28d")),
        ("events.duration_s", ("measured_hours_28d",)),
        ("tickets.closed_at", ("open_tickets", "slow_tickets_84d", "oldest_open_ticket")),
        ("tickets.severity", ("severe_tickets_84d",)),
        ("invoices.due_on", ("late_invoices_182d", "overdue_invoices", "days_late_182d")),
        ("invoices.paid_on", ("late_invoices_182d", "overdue_invoices", "days_late_182d")),
        ("contracts.seats", ("seats", "seats_used_28d", "price_per_seat", "seats_growth", "discount")),
        ("contracts.arr", ("arr", "price_per_event_84d", "arr_growth", "price_growth")),
    ],
)
def test_what_a_source_lacks_is_not_known(world, unknown):
    """A missing table or column gives NaN in its signals, never zero, and leaves the others alone."""
    name, _, column = world.partition(".")
    rows = {each: [dict(row) for row in HAND[each]] for each in HAND if column or each != name}
    for row in rows.get(name, []):
        row.pop(column)
    facts = facts_of(rows)
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    check(facts)
    signals = plan.run(facts, CATALOGUE)
    assert signals[list(unknown)].isna().all().all()
    assert signals["events_28d"].notna().all()


def test_durations_and_ratings_may_be_empty():
    """A row that does not say how long it took or how it was liked adds nothing to sums and averages."""
    rows = {name: [dict(row) for row in HAND[name]] for name in HAND}
    rows["events"][0]["duration_s"] = None
    rows["tickets"].append(rows["tickets"][0] | {"ticket_id": "t9", "csat": None})
    facts = facts_of(rows)
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    busy = plan.run(facts, CATALOGUE).iloc[0]
    assert busy["measured_hours_28d"] == pytest.approx(1200 / 3600)
    assert busy["csat_182d"] == 4


def test_the_simulated_market():
    """On a market with all its tables, about a hundred contracts at two cutoffs agree with the oracles."""
    source = Simulated(settings=MarketSettings(accounts=40, months=15, seed=5, volume=0.1))
    facts = take_in(source, DuckEngine(threads=2), None)
    usage.build(facts)
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=(facts.cutoff, facts.cutoff - timedelta(days=90)))
    facts.engine.execute("DELETE FROM snapshots WHERE hash(snapshot_id) % 10 >= 8")
    assert check(facts) > 30


def _event(account: str, age: int, user: str | None = "ann", event: str = "edit", **more: object) -> dict:
    row = {"account_id": account, "occurred_at": moment(age, 10), "event": event, "user_id": user, "actor": "human"}
    return row | {"quantity": 2.0, "duration_s": 600.0} | more


def _contract(account: str, number: int, **more: object) -> dict:
    starts: date = day(1000 - 365 * number)
    row = {"contract_id": f"{account}-{number}", "account_id": account, "starts_on": starts}
    row |= {"ends_on": starts + timedelta(days=365), "arr": 1000.0, "seats": 4.0, "plan": "pro", "auto_renew": True}
    return row | more


HAND: World = {
    "accounts": [
        {"account_id": "busy", "created_at": moment(1100)},
        {"account_id": "silent", "created_at": moment(900)},
    ],
    "events": [
        _event("busy", 1),
        _event("busy", 1, occurred_at=moment(1, 10, 31)),
        _event("busy", 1, occurred_at=moment(1, 15)),
        _event("busy", 7, "bob", "export", duration_s=None),
        _event("busy", 8, None, "edit", duration_s=None),
        _event("busy", 29, "bob", "export"),
        _event("busy", 30, "cid", "search"),
        _event("busy", 3, None, "sync", actor="api"),
        _event("busy", 5, "ann", "report", known_at=moment(0)),  # known too late
        _event("busy", 0),  # on the day of the cutoff
    ],
    "contracts": [
        _contract("busy", 0, arr=500.0, plan="basic"),
        _contract("busy", 1),
        _contract("busy", 2, arr=1500.0),
        _contract("silent", 2, arr=3000.0),
    ],
    "tickets": [
        {
            "ticket_id": "t1",
            "account_id": "busy",
            "opened_at": moment(40),
            "closed_at": moment(20),
            "severity": "High",
            "csat": 4.0,
        },
        {
            "ticket_id": "t2",
            "account_id": "busy",
            "opened_at": moment(10),
            "closed_at": moment(-1),
            "severity": "low",
            "csat": 1.0,
        },
    ],
    "invoices": [
        {
            "invoice_id": "i1",
            "account_id": "busy",
            "issued_on": day(100),
            "amount": 1.0,
            "due_on": day(70),
            "paid_on": day(60),
        },
        {
            "invoice_id": "i2",
            "account_id": "busy",
            "issued_on": day(40),
            "amount": 1.0,
            "due_on": day(4),
            "paid_on": day(-2),
        },
    ],
    "surveys": [
        {"account_id": "busy", "answered_at": moment(50), "nps": 9.0},
        {"account_id": "busy", "answered_at": moment(5), "nps": 3.0},
    ],
    "touches": [{"account_id": "busy", "touched_at": moment(12), "kind": "call"}],
}
"""One account at work and one that never was; the cutoff is `CUTOFF`."""

HAND_VALUES = {
    "events_7d": 4,
    "events_28d": 5,
    "events_56d": 7,
    "active_days_28d": 3,
    "active_weeks_28d": 2,
    "recency": 1,
    "days_seen_182d": 30,
    "silence_182d": 1 * 6 / 30,
    "events_change_28d": math.log(6 / 3),
    "quantity_28d": 10,
    "api_events_28d": 1,
    "api_share_28d": 1 / 6,
    "hours_28d": 2.0,
    "sessions_28d": 3,
    "user_days_28d": 2,
    "session_hours_28d": 2 / 3,
    "measured_hours_28d": 1800 / 3600,
    "features_28d": 2,
    "features_56d": 3,
    "new_features_28d": 1,
    "abandoned_features_28d": 1,
    "kept_features_28d": 0.5,
    "top_feature_share_84d": 4 / 7,
    "main_feature_silence_182d": 1,
    "active_users_28d": 2,
    "arrivals_28d": 1,
    "departures_28d": 1,
    "kept_users_28d": 0.5,
    "stickiness_28d": 2 / 56,
    "top_user_share_84d": 3 / 6,
    "seats_used_28d": 0.5,
    "arr": 1500,
    "arr_before": 1000,
    "price_per_seat": 375,
    "discount": 1 - 375 / 375,
    "plan_changes": 1,
    "past_renewals": 2,
    "past_expansions": 2,
    "late_invoices_182d": 2,
    "overdue_invoices": 1,
    "days_late_182d": 10,
    "days_to_renewal": 95,
    "term_days": 365,
    "days_into_term": 270,
    "first_use_age": 30,
    "first_use_delay": 240,
    "tickets_28d": 1,
    "tickets_84d": 2,
    "open_tickets": 1,
    "oldest_open_ticket": 10,
    "slow_tickets_84d": 1,
    "severe_tickets_84d": 1,
    "csat_182d": 4,
    "nps_182d": 6,
    "nps_last": 3,
    "touches_28d": 1,
    "days_since_touch": 12,
    "account_age": 1100,
}

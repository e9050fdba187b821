"""Which accounts are looked at from which cutoffs."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import snapshots
from features.facts import Facts
from features.snapshots import Inactivity, Renewal
from tests.oracles import Row, ledger_of
from tests.worlds import CUTOFF, CUTOFFS, World, day, facts_of, moment, random_world

seeds = st.integers(0, 10**6)
few = settings(max_examples=8, deadline=None)
EVENT = {"account_id": "a", "occurred_at": moment(1), "event": "edit"}


def contract(number: int, starts: int, ends: int, **more: object) -> Row:
    """A contract from so many days before the cutoff to so many."""
    row = {"contract_id": f"c{number}", "account_id": "a", "starts_on": day(starts), "ends_on": day(ends)}
    return row | {"outcome": None} | more


def looks(facts: Facts) -> list[tuple]:
    return facts.engine.rows("SELECT account_id, contract_id, cutoff, lead_days FROM snapshots ORDER BY snapshot_id")


def past(world: World, mode: snapshots.Mode, anchor: date = CUTOFF) -> list[tuple]:
    facts = facts_of(world)
    snapshots.lay_past(facts, mode, anchor=anchor)
    return looks(facts)


def book(*contracts: Row, cutoff: date = CUTOFF, written: bool = True) -> list[object]:
    """The contracts that are open at a cutoff. ``written``: outcomes come from the source."""
    decided = contract(99, 900, 800, account_id="b", outcome="churned")
    rows = [*contracts, decided] if written else [{k: v for k, v in row.items() if k != "outcome"} for row in contracts]
    facts = facts_of({"events": [EVENT], "contracts": rows})
    snapshots.lay_book(facts, Renewal(), cutoffs=(cutoff,))
    return [row[1] for row in looks(facts)]


@pytest.mark.parametrize(
    ("term", "leads"),
    [
        (365, {30, 60, 90, 120, 180}),
        (300, {30, 60, 90, 120, 180}),
        (299, {30, 60, 90}),
        (180, {30, 60, 90}),
        (91, {14, 30, 60}),
        (74, {7, 14, 21}),
        (30, {7, 14, 21}),
        (21, {7, 14}),
        (7, set()),
    ],
)
def test_lead_times_fit_the_term(term, leads):
    """A year is looked at up to half a year ahead, a month up to three weeks, never before its first day is over."""
    world = {"events": [EVENT], "contracts": [contract(0, 100 + term, 100, outcome="renewed")]}
    assert {row[3] for row in past(world, Renewal())} == leads


def test_lead_times_can_be_chosen():
    """Chosen lead times apply to every term that is longer."""
    rows = [contract(0, 465, 100, outcome="churned"), contract(1, 130, 100, outcome="churned")]
    assert {(row[1], row[3]) for row in past({"events": [EVENT], "contracts": rows}, Renewal(lead_days=(10, 45)))} == {
        ("c0", 10),
        ("c0", 45),
        ("c1", 10),
    }


@few
@given(seed=seeds)
def test_past_renewals_agree_with_a_plain_rule(seed):
    """A look lies after the contract was known and not after it was decided, and what is open is not looked at."""
    facts = facts_of(random_world(seed, accounts=20, events=3))
    snapshots.lay_past(facts, Renewal(), anchor=CUTOFF)
    terms: list[tuple[Any, ...]] = facts.engine.rows(
        "SELECT contract_id, starts_on, ends_on, known_at, outcome_left, decided_on FROM terms"
    )
    wanted = {
        (contract_id, ends - timedelta(days=lead))
        for contract_id, starts, ends, known, left, decided in terms
        for lead in leads_by_hand((ends - starts).days)
        if left is not None
        and known < datetime.combine(ends - timedelta(days=lead), time())
        and decided >= ends - timedelta(days=lead)
        and ends - timedelta(days=lead) <= facts.cutoff
    }
    assert {(row[1], row[2]) for row in looks(facts)} == wanted
    assert not facts.engine.rows("SELECT 1 FROM snapshots WHERE outcome_left IS NULL OR decided_on < cutoff")


def leads_by_hand(term: int) -> list[int]:
    leads = [7, 14, 21] if term < 75 else [14, 30, 60] if term < 150 else [30, 60, 90]
    return [lead for lead in ([30, 60, 90, 120, 180] if term >= 300 else leads) if lead < term]


def test_a_running_contract_is_open():
    """Open from the day it is known and begun to its renewal date, today included."""
    assert book(contract(0, 300, -65)) == ["c0"]
    assert book(contract(0, 365, 0)) == ["c0"]
    assert book(contract(0, 0, -365, known_at=moment(9))) == ["c0"]
    assert book(contract(0, -1, -366, known_at=moment(9))) == []
    assert book(contract(0, 300, -65, known_at=moment(0, 0))) == []


def test_an_ended_contract_is_open_within_grace():
    """Ended and undecided, it is still open for 31 days, with nothing left to the renewal."""
    assert book(contract(0, 396, 31)) == ["c0"]
    assert book(contract(0, 397, 32)) == []
    assert book(contract(0, 396, 31), written=False) == ["c0"]


def test_a_decided_contract_is_not_open():
    """Decided before the cutoff it is closed; decided on the day of the cutoff that is not known yet."""
    assert book(contract(0, 300, -65, outcome="churned", decided_on=day(1))) == []
    assert book(contract(0, 300, -65, outcome="churned", decided_on=day(0))) == ["c0"]


def test_one_contract_an_account_the_latest():
    """The next contract takes over from one that ended; an add-on that closed does not hide the main contract."""
    assert book(contract(0, 375, 10), contract(1, 10, -355)) == ["c1"]
    assert book(contract(0, 375, 10), contract(1, 10, -355, outcome="churned", decided_on=day(3))) == []
    assert book(contract(0, 300, -65), contract(1, 100, 70, outcome="churned")) == ["c0"]
    assert book(contract(0, 300, -65), contract(1, 100, 70)) == ["c0"]


def test_open_is_never_a_negative():
    """A book holds no outcomes, and its lead time counts down to zero."""
    facts = facts_of({"events": [EVENT], "contracts": [contract(0, 375, 10), contract(1, 300, -65, account_id="b")]})
    snapshots.lay_book(facts, Renewal(), cutoffs=(CUTOFF,))
    rows = facts.engine.rows("SELECT lead_days, outcome_left, decided_on FROM snapshots ORDER BY snapshot_id")
    assert rows == [(0, None, None), (65, None, None)]


@few
@given(seed=seeds)
def test_books_agree_with_a_plain_rule(seed):
    """At every cutoff exactly the contracts that a person would call open."""
    facts = facts_of(random_world(seed, accounts=20, events=3))
    snapshots.lay_book(facts, Renewal(), cutoffs=CUTOFFS)
    names = ("contract_id", "account_id", "starts_on", "ends_on", "known_at", "outcome", "decided_on")
    terms = [dict(zip(names, row, strict=True)) for row in facts.engine.rows(f"SELECT {', '.join(names)} FROM terms")]
    wanted = {
        (account, open_by_hand([t for t in terms if t["account_id"] == account], cutoff), cutoff)
        for account in {t["account_id"] for t in terms}
        for cutoff in CUTOFFS
    }
    assert {row[:3] for row in looks(facts)} == {row for row in wanted if row[1] is not None}


def open_by_hand(terms: list[Row], cutoff: date) -> str | None:
    """The contract of one account that is open at a cutoff."""
    begun = [t for t in terms if t["known_at"] < datetime.combine(cutoff, time()) and t["starts_on"] <= cutoff]
    open_ones = [
        t
        for t in begun
        if not (t["outcome"] and t["decided_on"] < cutoff)
        and (
            t["ends_on"] >= cutoff
            or (
                t["ends_on"] >= cutoff - timedelta(days=31)
                and not any(other["starts_on"] > t["starts_on"] for other in begun)
            )
        )
    ]
    latest = sorted(open_ones, key=lambda t: t["contract_id"])
    latest.sort(key=lambda t: (t["starts_on"], t["ends_on"]), reverse=True)
    return str(latest[0]["contract_id"]) if latest else None


@few
@given(
    seed=seeds, active=st.integers(5, 120), horizon=st.integers(5, 120), every=st.integers(20, 90), shift=st.integers()
)
def test_silence_agrees_with_a_plain_rule(seed, active, horizon, every, shift):
    """Active lately, looked at on the grid; it left if nobody did anything that was known when the horizon ended."""
    mode = Inactivity(active_days=active, horizon_days=horizon, every_days=every)
    anchor = CUTOFF + timedelta(days=shift % 1000 - 500)
    facts = facts_of(random_world(seed, accounts=6, events=40))
    people = [row for row in ledger_of(facts).rows["events"] if row["actor"] == "human"]
    snapshots.lay_past(facts, mode, anchor=anchor)
    rows = facts.engine.rows("SELECT account_id, cutoff, lead_days, outcome_left, decided_on FROM snapshots")
    if not people:
        assert rows == []
        return
    first = min(row["occurred_at"].date() for row in people) + timedelta(days=active)
    last = facts.cutoff - timedelta(days=horizon)
    grid = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    wanted = set()
    for cutoff in (each for each in grid if (each - anchor).days % every == 0):
        done = cutoff + timedelta(days=horizon)
        active_ones = {
            row["account_id"]
            for row in people
            if row["known_at"].date() < cutoff and (cutoff - row["occurred_at"].date()).days <= active
        }
        back = {
            row["account_id"] for row in people if row["known_at"].date() < done and row["occurred_at"].date() >= cutoff
        }
        wanted |= {(account, cutoff, horizon, int(account not in back), done) for account in active_ones}
    assert set(rows) == wanted
    assert len(rows) == len(wanted)


def test_the_book_of_silence():
    """Accounts in which a person was active lately; an integration's work does not count."""
    events = [
        EVENT,
        EVENT | {"account_id": "b", "actor": "api"},
        EVENT | {"account_id": "c", "occurred_at": moment(91)},
    ]
    facts = facts_of({"events": events})
    snapshots.lay_book(facts, Inactivity(), cutoffs=(CUTOFF,))
    assert looks(facts) == [("a", None, CUTOFF, 90)]

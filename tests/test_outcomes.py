"""How contracts end: as written, or derived from what followed."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import outcomes
from features.facts import Facts
from features.told import ToldOutcome, hold
from tests.oracles import derived, ledger_of
from tests.worlds import CUTOFF, Row, day, facts_of, random_world

END = day(400)
EVENT = {"account_id": "a", "occurred_at": datetime.combine(day(1), time(9)), "event": "edit"}


def contract(number: int, starts: date, ends: date, **more: object) -> Row:
    return {"contract_id": f"c{number}", "account_id": "a", "starts_on": starts, "ends_on": ends} | more


def ended(*contracts: Row, grace_days: int = outcomes.GRACE_DAYS) -> tuple[object, object, object]:
    """Outcome, whether it left, and the day of decision of contract c0, with data until `CUTOFF`."""
    facts = facts_of({"events": [EVENT], "contracts": list(contracts)}, terms=False)
    assert facts.cutoff == CUTOFF
    outcomes.lay(facts, grace_days=grace_days)
    (row,) = facts.engine.rows("SELECT outcome, outcome_left, decided_on FROM terms WHERE contract_id = 'c0'")
    return row  # type: ignore[return-value]


def first(**more: object) -> Row:
    return contract(0, END - timedelta(days=365), END, arr=1000.0, **more)


def following(after: int, arr: float | None = 1000.0, number: int = 1, **more: object) -> Row:
    starts = END + timedelta(days=after)
    return contract(number, starts, starts + timedelta(days=365), arr=arr, **more)


@pytest.mark.parametrize(
    ("after", "arr", "outcome"),
    [
        (0, 1000.0, "renewed"),
        (0, 1050.0, "renewed"),
        (0, 1050.01, "expanded"),
        (0, 950.0, "renewed"),
        (0, 949.99, "downgraded"),
        (0, None, "renewed"),
        (31, 1000.0, "renewed"),
        (-100, 2000.0, "expanded"),
    ],
)
def test_the_next_contract_makes_it_renewed(after, arr, outcome):
    """A next contract within the days of grace decides, from the day it is known; ARR within 5 % is a plain renewal."""
    assert ended(first(), following(after, arr)) == (outcome, 0, END + timedelta(days=after))


def test_none_within_grace_makes_it_churned():
    """It left if nothing followed in 31 days, decided on the last of them, even if it comes back a day later."""
    left = ("churned", 1, END + timedelta(days=31))
    assert ended(first()) == left
    assert ended(first(), following(32)) == left


def test_grace_is_a_setting():
    """Fewer days of grace decide sooner."""
    assert ended(first(), following(20), grace_days=10) == ("churned", 1, END + timedelta(days=10))


def test_an_order_signed_early_decides_early():
    """A next contract known before the end decides on the day it became known."""
    signed = datetime.combine(END - timedelta(days=50), time(15))
    assert ended(first(), following(0, known_at=signed)) == ("renewed", 0, signed.date())


def test_what_was_decided_stays_decided():
    """A contract entered after the days of grace comes too late; a second one does not decide again."""
    late = datetime.combine(END + timedelta(days=40), time(9))
    assert ended(first(), following(0, known_at=late)) == ("churned", 1, END + timedelta(days=31))
    signed = datetime.combine(END - timedelta(days=50), time(9))
    both = (following(5, 2000.0, known_at=signed), following(0, 500.0, number=2))
    assert ended(first(), *both) == ("expanded", 0, signed.date())


def test_an_add_on_is_no_renewal():
    """A contract that begins later and ends with the first one renews nothing."""
    add_on = contract(1, END - timedelta(days=100), END, arr=100.0)
    assert ended(first(), add_on) == ("churned", 1, END + timedelta(days=31))


@pytest.mark.parametrize(("ends", "churned"), [(32, True), (31, False), (0, False), (-90, False)])
def test_it_is_open_until_the_days_of_grace_are_over(ends, churned):
    """Open is never a negative: before the days of grace are over nothing is said."""
    row = contract(0, day(500), day(ends))
    assert ended(row) == (("churned", 1, day(ends - 31)) if churned else (None, None, None))


def test_another_account_renews_nothing():
    """Only the account's own contracts count."""
    assert ended(first(), following(0) | {"account_id": "b"})[0] == "churned"


def test_written_outcomes_are_taken_as_they_are():
    """What the source says stands, known from the day it says or else from the end; an empty outcome is open."""
    told = END - timedelta(days=9)
    assert ended(first(outcome="churned", decided_on=told), following(0)) == ("churned", 1, told)
    assert ended(first(outcome="downgraded"), following(0)) == ("downgraded", 0, END)
    assert ended(first(outcome=None), following(0, outcome="renewed")) == (None, None, None)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_derived_outcomes_agree_with_a_plain_rule(seed):
    """Random contracts, late and early knowledge: the same as one contract at a time in plain Python."""
    world = random_world(seed, accounts=25, events=3, gaps=False)
    for row in world["contracts"]:
        row.pop("outcome")
    facts: Facts = facts_of({"events": [*world["events"], EVENT], "contracts": world["contracts"]})
    rows = ledger_of(facts).rows["contracts"]
    by_hand = {
        row["contract_id"]: derived(row, [r for r in rows if r["account_id"] == row["account_id"]], facts.cutoff)
        for row in rows
    }
    told = facts.engine.rows("SELECT contract_id, outcome, decided_on FROM terms")
    assert {str(name): (outcome, decided) for name, outcome, decided in told} == by_hand


def told_of(*told: ToldOutcome, **more: object) -> tuple[object, object, object]:
    facts = facts_of({"events": [EVENT], "contracts": [first(**more)]}, terms=False)
    outcomes.lay(hold(facts, told))
    (row,) = facts.engine.rows("SELECT outcome, outcome_left, decided_on FROM terms WHERE contract_id = 'c0'")
    return row  # type: ignore[return-value]


def test_what_people_told_wins() -> None:
    """Over what is written and what would be derived; their last word counts."""
    early, late = (ToldOutcome(contract_id="c0", outcome=word, decided_on=END) for word in ("churned", "renewed"))
    assert told_of(early, late) == ("renewed", 0, END)
    assert told_of(early, outcome="renewed", decided_on=END - timedelta(days=9)) == ("churned", 1, END)


def test_what_is_told_of_later_days_or_other_contracts_changes_nothing() -> None:
    """A decision from the cutoff on is not known yet."""
    later = ToldOutcome(contract_id="c0", outcome="renewed", decided_on=CUTOFF)
    other = ToldOutcome(contract_id="o'c; --", outcome="renewed", decided_on=END)
    assert told_of(later, other) == told_of()

"""The calendar: what is due is due on its day, done where somebody came, missed where nobody did, and never twice."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.analyses import life
from features.analyses.activation import first_uses, progress, steps_of
from features.analyses.calendar import CalendarAsked, calendar
from features.errors import DataError, SettingsError
from features.facts import Facts
from tests.worlds import CUTOFF, Row, World, day, facts_of, moment

STAYED = 24


def book() -> World:
    """Accounts at every stage, and some that stayed and left: those that stayed had done ``setup`` in their first days.

    ``new`` began 20 days ago and did not; ``quick`` did. ``due`` and ``met`` end in 40 days, ``late`` in 5 days.
    """
    terms = {"new": (20, -345), "quick": (20, -345), "due": (325, -40), "met": (325, -40), "late": (360, -5)}
    contracts = [_term(name, *ages) for name, ages in terms.items()]
    uses = [("quick", 15), ("due", 320)]
    for number in range(STAYED + 6):
        name = f"old{number:02}"
        outcome = "renewed" if number < STAYED else "churned"
        contracts.append(_term(name, 700, 335, outcome=outcome))
        uses += [(name, 690)] * (number < STAYED)
    events = [_event(name, age, "setup") for name, age in uses]
    events += [_event(row["account_id"], 1, "look") for row in contracts] + [_event("first", 900, "look")]
    touches = [{"account_id": "met", "touched_at": moment(30), "kind": "call"}]
    touches += [{"account_id": "quick", "touched_at": moment(8), "kind": "call"}]
    touches += [{"account_id": "first", "touched_at": moment(500), "kind": "call"}]
    names = [row["account_id"] for row in contracts] + ["first"]
    return {
        "accounts": [{"account_id": name, "owner": "Kim"} for name in names],
        "contracts": contracts,
        "events": events,
        "touches": touches,
    }


def _term(name: str, began: int, ends: int, **more: object) -> Row:
    row: Row = {"contract_id": f"c-{name}", "account_id": name, "starts_on": day(began), "ends_on": day(ends)}
    return {**row, "arr": 100.0, "outcome": None, "decided_on": None} | (
        {**more, "decided_on": day(ends)} if more else {}
    )


def _event(name: str, age: int, event: str) -> Row:
    return {"account_id": name, "occurred_at": moment(age), "event": event, "user_id": "u"}


def looked(world: World) -> Facts:
    """The facts of a world, looked at from the cutoff."""
    return replace(facts_of(world, until=CUTOFF), cutoff=CUTOFF)


def test_every_stage_has_its_due_dates() -> None:
    """Who began is visited, who ends is worked on, and contact settles it."""
    found = calendar(looked(book()))
    tasks = found.sheet("calendar").frame
    state = {(row["account_id"], row["kind"]): row["state"] for row in tasks.to_dict("records")}
    assert state[("due", "renewal work")] == "open"
    assert ("met", "renewal work") not in state
    assert state[("late", "renewal work")] == "missed"
    renewals = found.sheet("renewals").frame.set_index("account_id")
    assert renewals["state"].to_dict() == {"late": "missed", "due": "open", "met": "done"}
    assert renewals["days_left"].to_dict() == {"late": 5, "due": 40, "met": 40}
    visits = tasks[(tasks["account_id"] == "new") & (tasks["kind"] == "check-in")]
    assert visits["due"].dt.date.tolist() == [day(6), day(-8), day(-22)]
    assert visits["state"].tolist() == ["open", "ahead", "ahead"]
    assert not tasks.duplicated(["account_id", "kind", "due"]).any()


def test_first_steps_are_those_of_who_stayed() -> None:
    """What those that stayed did early is a step; who has not done it by its usual day is behind."""
    found = calendar(looked(book()))
    steps = found.sheet("steps").frame.set_index("event")
    assert list(steps.index) == ["setup"]
    assert steps[["retained_share", "lost_share"]].to_numpy().tolist() == [[1.0, 0.0]]
    first = found.sheet("first days").frame.set_index("account_id")
    assert first["behind"].to_dict() == {"new": True, "quick": False}
    assert "1 of 2 accounts in their first 30 days are behind" in " ".join(found.says)


def test_nothing_planted_is_no_step() -> None:
    """Where those that stayed did nothing in common there are no steps, and nobody is behind."""
    world = book()
    world["events"] = [row for row in world["events"] if row["event"] != "setup"]
    found = calendar(looked(world))
    assert found.sheet("steps").records() == []
    assert not found.sheet("first days").frame["behind"].any()


def test_steps_may_be_given() -> None:
    """Steps that a person names are the steps, however many did them."""
    facts = looked(book())
    known = pd.DataFrame({"account_id": ["new"], "since": [pd.Timestamp(day(20))]})
    uses = first_uses(facts, known, 30)
    steps = steps_of(facts, known, uses, most=0.6, given=("look",))
    assert steps["event"].tolist() == ["look"]
    assert progress(facts, known, uses, steps, days=30)["done"].tolist() == [1]


def test_what_was_missed_is_counted() -> None:
    """Of last year's windows only those with a contact are not missed; without touches nothing is claimed."""
    world = book()
    before = {row["kind"]: row for row in calendar(looked(world)).sheet("missed").records()}["renewal work"]
    assert (before["windows"], before["missed"]) == (STAYED + 7, STAYED + 7)
    world["touches"] = [{"account_id": "late", "touched_at": moment(10), "kind": "call"}, *world["touches"]]
    after = {row["kind"]: row for row in calendar(looked(world)).sheet("missed").records()}["renewal work"]
    assert (after["windows"], after["missed"]) == (STAYED + 7, STAYED + 6)
    del world["touches"]
    silent = calendar(looked(world))
    assert silent.sheet("missed").records() == []
    assert "touches is missing" in silent.says[0]
    assert set(silent.sheet("calendar").frame["state"]) <= {"not known", "open"}
    assert "regular contact" not in set(silent.sheet("calendar").frame["kind"])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-60, 60), max_size=8), st.integers(-40, 40))
def test_a_window_is_touched_by_what_lies_in_it(ages: list[int], due: int) -> None:
    """A contact counts for a check-in exactly when it lies within a week of its day."""
    start = pd.Timestamp(CUTOFF)
    accounts = pd.DataFrame({"account_id": ["a"], "since": [start]})
    windows = life.check_ins(accounts, (due,)) if due > 0 else life.check_ins(accounts, (1,))
    day_of = windows["due"].iloc[0]
    days = sorted(start + timedelta(days=age) for age in ages)
    touches = pd.DataFrame({"account_id": ["a"] * len(days), "day": pd.to_datetime(pd.Series(days, dtype=object))})
    met = life.with_touches(windows, touches)["touched"].notna().iloc[0]
    assert met == any(abs((one - day_of).days) <= life.AROUND_DAYS for one in days)


def test_later_facts_change_nothing() -> None:
    """Contacts and use from the cutoff on leave the calendar as it was."""
    world = book()
    late = {
        "touches": [{"account_id": "due", "touched_at": moment(-1), "kind": "call"}],
        "events": [{**_event("new", 3, "setup"), "known_at": moment(-1)}],
    }
    before = calendar(looked(world))
    after = calendar(looked({name: [*rows, *late.get(name, [])] for name, rows in world.items()}))
    assert [sheet.records() for sheet in after.sheets] == [sheet.records() for sheet in before.sheets]


def test_what_is_missing_or_wrong_is_named() -> None:
    """Without contracts there is no calendar; days that make no sense are refused."""
    world = book()
    del world["contracts"]
    with pytest.raises(DataError, match="the table contracts is missing"):
        calendar(looked(world))
    with pytest.raises(SettingsError, match="nobody is first met in the last week"):
        CalendarAsked(renewal_days=7)

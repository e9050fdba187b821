"""Habits computed a second way where random worlds seldom go: late days, long days, accounts that stay or leave."""

import math
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import plan, snapshots
from features.signal import columns
from features.signals import CATALOGUE
from tests.oracle_habits import HABITS, _core, _sticky
from tests.oracles import ledger_of, views
from tests.worlds import CUTOFF, CUTOFFS, World, facts_of, moment

WANTED = columns(signal for signal in CATALOGUE if signal.name in HABITS)


def event(account: str, at: datetime, feature: str = "edit", late: int = 0) -> dict[str, object]:
    """Something a person did, known some days after."""
    return {
        "account_id": account,
        "occurred_at": at,
        "event": feature,
        "user_id": f"{account}u",
        "known_at": at + timedelta(days=late),
    }


def check(world: World) -> list[tuple[str, float]]:
    """Compare the habits of all accounts at some cutoffs with the oracles; every value that is known."""
    facts = facts_of(world)
    snapshots.lay_accounts(facts, snapshots.Renewal(), cutoffs=CUTOFFS)
    computed = plan.run(facts, CATALOGUE, WANTED)
    found = []
    for row, view in enumerate(views(facts, ledger_of(facts))):
        for column in WANTED:
            needs, oracle = HABITS[column.signal.name]
            wanted = oracle(view, column.window or 0) if view.knows(*needs) else None
            value = float(computed[column.name][row])
            wanted = math.nan if wanted is None else wanted
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True), f"{column.name} of {view}"
            if not math.isnan(value):
                found.append((column.name, value))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), most=st.sampled_from((0, 3, 40, 200)))
def test_gaps_that_late_days_part(seed, most):
    """Days that become known in any order: every look sees the gaps between the days it knows, and no others."""
    chance = random.Random(seed)
    days = [(account, chance.randint(1, 300)) for account in ("a", "b") for _ in range(chance.randint(0, 25))]
    rows = [event(account, moment(age), late=chance.randint(0, most)) for account, age in days]
    check({"events": rows or [event("c", moment(500))]})


def test_days_that_no_single_person_works():
    """A login of fourteen hours, one around the clock told of in two parts, and a usual day."""
    clock = [moment(20, hour, minute) for hour in range(24) for minute in (0, 30)]
    rows = [event("long", at) for at in clock[12:40]]
    rows += [event("clock", at, late=0 if at.hour < 12 else 9) for at in clock]
    rows += [event("usual", at) for at in clock[16:34]]
    found = check({"events": rows})
    for name in ("long_user_days_28d", "restless_user_days_28d"):
        assert max(value for each, value in found if each == name) == 1
    assert max(value for name, value in found if name == "longest_user_day_84d") == 24


def test_features_whose_accounts_stay():
    """Accounts that used the report stayed, others left: the report is sticky, and what all use is the core."""
    rows = []
    for number in range(24):
        name, stays = f"a{number:02}", number % 2 == 0
        rows += [event(name, moment(age), feature) for age in (200, 190) for feature in ("edit", "open")]
        rows += [event(name, moment(195), "report")] * stays
        rows += [event(name, moment(age), "edit") for age in (100, 60, 20)] * (stays or number % 3 == 0)
    facts = facts_of({"events": rows})
    snapshots.lay_accounts(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    view = views(facts, ledger_of(facts))[0]
    assert _sticky(view) == ["report"]
    assert _core(view) == ["edit"]
    rows += [event("new", moment(150), "open"), event("new", moment(141), "edit"), event("new", moment(20), "report")]
    accounts = [{"account_id": name, "created_at": None} for name in sorted({str(row["account_id"]) for row in rows})]
    found = check({"events": rows, "accounts": [*accounts[:-1], accounts[-1] | {"created_at": moment(150)}]})
    assert {value for name, value in found if name == "sticky_features_share_84d"} == {0.0, 1.0}
    assert {value for name, value in found if name == "first_value_delay"} == {9.0}

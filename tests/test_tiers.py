"""Tiers: who pays most gets people, and nobody is counted twice or lost."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.analyses.tiers import TIERS, Tiers, tiers
from features.errors import DataError, SettingsError
from tests.worlds import CUTOFF, World, day, facts_of, moment

ARR = st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=12)


def book(arrs: list[float | None]) -> World:
    """An account for each ARR, its term open at the cutoff, used yesterday."""
    names = [f"a{number:02}" for number in range(len(arrs))]
    return {
        "accounts": [{"account_id": name} for name in names],
        "contracts": [
            {
                "contract_id": f"c-{name}",
                "account_id": name,
                "starts_on": day(100),
                "ends_on": day(-265),
                "arr": arr,
            }
            for name, arr in zip(names, arrs, strict=True)
        ],
        "events": [{"account_id": name, "occurred_at": moment(1), "event": "view", "user_id": "u"} for name in names],
    }


@settings(deadline=None, max_examples=20)
@given(ARR.filter(lambda arrs: any(arr is not None for arr in arrs)))
def test_every_account_has_one_tier_and_the_first_pay_most(arrs: list[float | None]) -> None:
    """Sums by tier add up to the book; nobody in a later tier pays more than anybody in an earlier one."""
    found = tiers(facts_of(book(arrs)))
    accounts, sums = found.sheet("accounts").frame, found.sheet("tiers").frame
    assert sorted(accounts["account_id"]) == sorted(f"a{number:02}" for number in range(len(arrs)))
    assert sums["accounts"].sum() == len(arrs)
    assert sums["arr"].sum() == pytest.approx(sum(arr or 0 for arr in arrs))
    paid = {tier: accounts.loc[accounts["tier"] == tier, "arr"].fillna(0) for tier in TIERS}
    for before, after in itertools.pairwise(TIERS):
        if len(paid[before]) and len(paid[after]):
            assert paid[before].min() >= paid[after].max()
    assert (accounts.loc[accounts["tier"] == "free", "arr"].fillna(0) == 0).all()


def test_who_pays_the_first_half_gets_people() -> None:
    """Of 50, 30, 15 and 5 the first pays half, the second up to 80 %, the others the rest; nothing paid is free."""
    found = tiers(facts_of(book([5.0, 50.0, 15.0, 30.0, 0.0])))
    by_account = found.sheet("accounts").frame.set_index("account_id")["tier"].to_dict()
    assert by_account == {"a01": "people", "a03": "shared", "a02": "programmes", "a00": "programmes", "a04": "free"}
    assert "1 of 5 accounts pay 50 % of the ARR" in found.says[0]


def test_silence_is_told_apart_from_payment() -> None:
    """Who pays and has not come for four weeks is dormant, who never came is never active."""
    world = book([10.0, 10.0, 10.0])
    world["events"] = [
        {"account_id": "a00", "occurred_at": moment(3), "event": "view", "user_id": "u"},
        {"account_id": "a01", "occurred_at": moment(40), "event": "view", "user_id": "u"},
    ]
    use = tiers(facts_of(world)).sheet("accounts").frame.set_index("account_id")["use"].to_dict()
    assert use == {"a00": "active", "a01": "dormant", "a02": "never active"}


def test_later_facts_change_nothing() -> None:
    """A contract that becomes known at the cutoff is not there yet."""
    world = book([10.0, 20.0])
    later = {**world["contracts"][0], "contract_id": "late", "arr": 1e9, "known_at": CUTOFF + timedelta(hours=1)}
    before = tiers(facts_of(world, until=CUTOFF)).sheet("accounts").records()
    after = tiers(facts_of({**world, "contracts": [*world["contracts"], later]}, until=CUTOFF))
    assert after.sheet("accounts").records() == before


def test_what_is_missing_is_named() -> None:
    """Without ARR there are no tiers, and the sentence names the column."""
    with pytest.raises(DataError, match="tiers cannot be computed: the column arr of the table contracts is missing"):
        tiers(facts_of(book([None])))
    with pytest.raises(SettingsError, match="0 < people <= shared <= 1"):
        Tiers(people=0.9, shared=0.5)

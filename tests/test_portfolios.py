"""Portfolios add up, moves bring loads together without touching key accounts, and a balanced book is left alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.analyses.balance import Carried, balanced
from features.analyses.portfolios import NOBODY, Portfolios, portfolios
from features.errors import DataError, SettingsError
from tests.worlds import CUTOFF, World, as_known, day, facts_of, joined, moment, random_world, renamed

ACCOUNT = st.tuples(
    st.sampled_from(["kim", "lee", "max", NOBODY]), st.sampled_from(["s", "m"]), st.integers(0, 8), st.booleans()
)


def carried(rows: list[tuple[str, str, int, bool]]) -> tuple[Carried, ...]:
    """Accounts with owner, segment, hours, and whether they stay."""
    return tuple(
        Carried(account_id=f"a{number:02}", owner=owner, segment=segment, hours=float(hours), stays=stays)
        for number, (owner, segment, hours, stays) in enumerate(rows)
    )


def loads(accounts: tuple[Carried, ...], receivers: dict[str, str]) -> dict[str, float]:
    """What each owner carries when accounts have gone to their receivers."""
    found: Counter[str] = Counter()
    for one in accounts:
        found[receivers.get(one.account_id, one.owner)] += one.hours  # type: ignore[assignment]
    return dict(found)


@settings(deadline=None, max_examples=150)
@given(st.lists(ACCOUNT, max_size=30), st.integers(0, 10))
def test_moves_are_few_lawful_and_the_same_each_time(rows: list[tuple[str, str, int, bool]], most: int) -> None:
    """Key accounts stay, everyone moves once, nothing is lost, loads do not drift apart, and order does not matter."""
    accounts = carried(rows)
    moves = balanced(accounts, nobody=NOBODY, tolerance=0.1, most_moves=most)
    assert moves == balanced(tuple(reversed(accounts)), nobody=NOBODY, tolerance=0.1, most_moves=most)
    by_id = {one.account_id: one for one in accounts}
    assert len(moves) == len({move.account_id for move in moves}) <= most
    for move in moves:
        assert move.receiver not in (NOBODY, by_id[move.account_id].owner)
        assert by_id[move.account_id].owner == NOBODY or not by_id[move.account_id].stays
    after = loads(accounts, {move.account_id: move.receiver for move in moves})
    assert sum(after.values()) == pytest.approx(sum(one.hours for one in accounts))
    if NOBODY not in {one.owner for one in accounts} and moves:
        before = loads(accounts, {})
        assert max(after.values()) <= max(before.values())
        assert sum(load**2 for load in after.values()) < sum(load**2 for load in before.values())


def test_the_fewest_moves_are_found_where_they_are_plain() -> None:
    """Kim carries ten accounts of two hours, Lee none but one: five go, and both carry the same."""
    accounts = carried([("kim", "s", 2, False)] * 10 + [("lee", "s", 2, True)])
    moves = balanced(accounts, nobody=NOBODY, tolerance=0.1, most_moves=20)
    after = loads(accounts, {move.account_id: move.receiver for move in moves})
    assert len(moves) in (4, 5)
    assert abs(after["kim"] - after["lee"]) <= 2
    assert (
        balanced(carried([("kim", "s", 2, False), ("lee", "s", 2, False)]), nobody=NOBODY, tolerance=0.1, most_moves=9)
        == ()
    )


def book(owners: Sequence[str | None]) -> World:
    """Accounts that pay the same, each with an owner, its first term long ago."""
    names = [f"a{number:02}" for number in range(len(owners))]
    return {
        "accounts": [{"account_id": name, "owner": owner} for name, owner in zip(names, owners, strict=True)],
        "contracts": [
            {"contract_id": name, "account_id": name, "starts_on": day(300), "ends_on": day(-65), "arr": 100.0}
            for name in names
        ],
        "events": [{"account_id": name, "occurred_at": moment(1), "event": "view"} for name in names],
    }


def test_a_book_is_weighed_and_balanced() -> None:
    """Of 20 equal accounts Kim has 16 and Lee 4; hours are those of the tiers, and some accounts go to Lee."""
    found = portfolios(facts_of(book(["kim"] * 16 + ["lee"] * 4), until=CUTOFF))
    rows = {row["owner"]: row for row in found.sheet("portfolios").records()}
    assert rows["kim"]["accounts"] + rows["lee"]["accounts"] == 20
    assert rows["kim"]["arr"] == 1600
    kim = rows["kim"]
    assert kim["hours"] == pytest.approx(kim["people"] * 6 + kim["shared"] * 2 + kim["programmes"] * 0.25)
    assert kim["load"] == pytest.approx(kim["hours"] / 120)
    moves = found.sheet("moves").records()
    assert moves
    assert {row["receiver"] for row in moves} == {"lee"}
    assert all(row["tier"] != "people" for row in moves)
    assert rows["lee"]["load"] < rows["lee"]["load_after"] <= rows["kim"]["load"]
    assert found.chart is not None


def test_a_balanced_book_is_left_alone() -> None:
    """Accounts of each tier shared out evenly: no move is proposed."""
    found = portfolios(facts_of(book(["kim", "lee"] * 10), until=CUTOFF))
    assert found.sheet("moves").records() == []
    assert found.says[-1].startswith("Nothing to move")


def test_accounts_of_nobody_are_given_to_somebody() -> None:
    """Two accounts without an owner: both are proposed to a CSM, and the sentence counts them."""
    found = portfolios(facts_of(book(["kim"] * 5 + ["lee"] * 5 + [None, None]), until=CUTOFF))
    assert {row["owner"] for row in found.sheet("moves").records()} >= {NOBODY}
    assert "2 accounts have no owner." in found.says


def test_later_facts_change_nothing() -> None:
    """Everything that became known at the cutoff or later can go, and the answer stays."""
    world = joined(*(renamed(random_world(seed, accounts=5, events=40, gaps=False), f"w{seed}") for seed in range(4)))
    for number, row in enumerate(world["accounts"]):
        row |= {"owner": ("kim", "lee", "max")[number % 3], "created_at": moment(2000)}
    whole = portfolios(replace(facts_of(world), cutoff=CUTOFF))
    before = portfolios(replace(facts_of(as_known(world, CUTOFF)), cutoff=CUTOFF))
    for sheet in whole.sheets:
        assert sheet.records() == before.sheet(sheet.name).records()


def test_what_is_missing_is_named() -> None:
    """Without owners there are no portfolios."""
    with pytest.raises(
        DataError, match="portfolios cannot be computed: the column owner of the table accounts is missing"
    ):
        portfolios(facts_of(book([None, None])))
    with pytest.raises(SettingsError, match="capacity is above 0"):
        Portfolios(capacity=0)

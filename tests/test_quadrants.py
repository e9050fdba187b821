"""Quadrants: everybody stands in one, warm accounts where they show it, and moves are those between two looks."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.analyses.intent import Intent, intent
from features.errors import DataError, SettingsError
from features.snapshots import Renewal
from serving.book import Temperature, Warmth
from serving.config import Settings
from serving.store import ScoreStore
from serving.warming import warm_of
from tests.books import a_run, a_score
from tests.worlds import CUTOFF, World, day, facts_of, moment
from training.quadrants import PLAYS, QuadrantsAsked, Warm, quadrants

PARTED = QuadrantsAsked(health=50)
"""Four accounts teach no border of health."""


def planted(*, opportunity_age: int = 10) -> World:
    """Four accounts of four people and five seats, each made for one quadrant.

    ``warm`` comes daily and has an open opportunity, ``quiet warm`` hardly comes and has one too, ``cold`` comes daily
    by one person and has none, ``quiet`` hardly comes.
    """
    people = {"warm": 4, "quiet warm": 1, "cold": 3, "quiet": 1}
    return {
        "accounts": [{"account_id": name} for name in people],
        "contracts": [
            {
                "contract_id": name,
                "account_id": name,
                "starts_on": day(200),
                "ends_on": day(-165),
                "seats": 5.0,
                "arr": 100.0,
            }
            for name in people
        ],
        "opportunities": [
            {"opportunity_id": name, "account_id": name, "opened_at": moment(opportunity_age), "stage": "offer"}
            for name in ("warm", "quiet warm")
        ],
        "events": [
            {"account_id": name, "occurred_at": moment(age), "event": f"view{age % 4}", "user_id": f"u{user}"}
            for name, many in people.items()
            for age in range(1, 130, 2)
            for user in range(many)
            if not name.startswith("quiet") or age % 40 == 39
        ],
    }


def test_who_was_made_for_a_quadrant_stands_in_it() -> None:
    """Use puts accounts left or right, open opportunities put them up; every account stands in one, with its play."""
    found = quadrants(facts_of(planted(), until=CUTOFF), Renewal(), PARTED)
    accounts = found.sheet("accounts").frame.set_index("account_id")
    assert accounts["quadrant"].to_dict() == {
        "warm": "best",
        "quiet warm": "close now",
        "quiet": "at risk",
        "cold": "find out why",
    }
    assert accounts["why"].to_dict()["quiet warm"] == "an open opportunity"
    sums = found.sheet("quadrants").frame
    assert sums["accounts"].sum() == 4
    assert sums["arr"].sum() == 400
    assert set(sums["quadrant"]) == set(PLAYS)
    assert found.chart is not None


def test_moves_are_those_since_an_earlier_day() -> None:
    """An opportunity opened ten days ago moves its accounts up; one opened long ago moves nobody."""
    moved = quadrants(facts_of(planted(), until=CUTOFF), Renewal(), PARTED).sheet("moves").frame
    assert {("at risk", "close now")} <= set(zip(moved["before"], moved["quadrant"], strict=True))
    stayed = quadrants(facts_of(planted(opportunity_age=150), until=CUTOFF), Renewal(), PARTED).sheet("moves").frame
    assert not {"close now"} & set(stayed["quadrant"])


def test_temperatures_of_a_model_take_the_place_of_signs() -> None:
    """Where a model gave temperatures they count, and where it has none of earlier, moves are not claimed."""
    warm = Warm(now={"warm": 2.0, "quiet": 50.0, "cold": 1.0}, before=None, origin="a model's")
    found = quadrants(facts_of(planted(), until=CUTOFF), Renewal(), PARTED, warm=warm)
    accounts = found.sheet("accounts").frame.set_index("account_id")
    assert accounts["quadrant"].to_dict() == {"quiet": "close now", "warm": "find out why", "cold": "find out why"}
    assert found.sheet("moves").records() == []
    assert "not known" in found.says[-1]


def test_nothing_planted_is_nothing_warm() -> None:
    """Without opportunities, and with seats far from full, nobody has a temperature."""
    world = planted()
    world["opportunities"] = []
    for row in world["contracts"]:
        row["seats"] = 50.0
    found = quadrants(facts_of(world, until=CUTOFF), Renewal()).sheet("accounts").frame
    assert (found["temperature"] == 0).all()
    assert not {"best", "close now"} & set(found["quadrant"])


def test_telling_events_warm_an_account() -> None:
    """Who looked at prices or tries something out is warmer, for four weeks."""
    world = planted()
    names = {"cold": ("Pricing page viewed", 3), "quiet": ("trial_started", 5), "warm": ("pricing", 40)}
    world["events"] += [
        {"account_id": name, "occurred_at": moment(age), "event": event, "user_id": "u0"}
        for name, (event, age) in names.items()
    ]
    found = intent(facts_of(world), CUTOFF, Intent()).set_index("account_id")["why"]
    assert "looked at prices" in found["cold"]
    assert "tries something out" in found["quiet"]
    assert "prices" not in found["warm"]


def test_later_facts_change_nothing() -> None:
    """Opportunities and events known from the cutoff on leave the quadrants as they were."""
    world = planted()
    late = {
        "opportunities": [{"opportunity_id": "l", "account_id": "cold", "opened_at": moment(-1), "stage": "offer"}],
        "events": [
            {
                "account_id": "quiet",
                "occurred_at": moment(2),
                "known_at": moment(-1),
                "event": "pricing",
                "user_id": "u",
            }
        ],
    }
    before = quadrants(replace(facts_of(world, until=CUTOFF), cutoff=CUTOFF), Renewal())
    more = {name: [*rows, *late.get(name, [])] for name, rows in world.items()}
    after = quadrants(replace(facts_of(more), cutoff=CUTOFF), Renewal())
    assert [sheet.records() for sheet in after.sheets] == [sheet.records() for sheet in before.sheets]


def test_what_is_missing_or_wrong_is_named() -> None:
    """Where nothing tells a temperature the sentence says what would."""
    world = planted()
    del world["opportunities"]
    for row in world["contracts"]:
        del row["seats"]
    with pytest.raises(DataError, match=r"neither contracts\.seats nor opportunities"):
        quadrants(facts_of(world, until=CUTOFF), Renewal())
    with pytest.raises(SettingsError, match="moves are told since a day before the cutoff"):
        quadrants(facts_of(planted(), until=CUTOFF), Renewal(), QuadrantsAsked(since=CUTOFF + timedelta(days=1)))


def test_stored_temperatures_are_found(tmp_path: Path) -> None:
    """The latest run's are now, those of the last run by the earlier day are before; without a usable model none."""
    chosen = Settings(home=tmp_path)
    warmth = Warmth(model_name="ebb-temperature", model_version="1", horizon_days=90, usable=True, verdict="fine")
    with ScoreStore(chosen.store_url) as store:
        assert warm_of(chosen, date(2026, 1, 1)) is None
        for cutoff, value in ((date(2026, 1, 5), 10.0), (date(2026, 6, 1), 20.0)):
            warm = [Temperature(account_id="a", value=value, base=0.0)]
            store.append(a_run(cutoff=cutoff), [a_score("a")], warmth, warm)
    found = warm_of(chosen, date(2026, 3, 1))
    assert found is not None
    assert (found.now, found.before) == ({"a": 20.0}, {"a": 10.0})
    earlier = warm_of(chosen, date(2026, 1, 1))
    assert earlier is not None
    assert earlier.before is None

"""Logins planted as shared are found, those of one person are not, and costly accounts are told with their cost."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from features.engines.duckdb import DuckEngine
from features.errors import DataError, SettingsError
from features.intake import take_in
from features.sources.market import MarketSettings, simulate
from tests import frames
from tests.worlds import CUTOFF, TODAY, Row, World, as_known, day, facts_of, joined, moment, random_world, renamed
from training.analyses.sharing import Sharing, sharing


def test_planted_sharing_is_found_and_nobody_else() -> None:
    """On a simulated market nearly all logins shared for two months are found, and none where nothing was planted."""
    market = simulate(MarketSettings(accounts=200, months=14, seed=5))
    found = sharing(take_in(frames.Frames(tables=market.tables), DuckEngine(threads=1), None, now=TODAY))
    planted = market.causes[market.causes["cause"] == "account_shared"]
    cutoff = pd.Timestamp(str(market.facts["cutoff"]))
    contracts = market.tables["contracts"]
    open_now = set(contracts.loc[pd.to_datetime(contracts["ends_on"]) > cutoff, "account_id"])
    long = set(planted.loc[planted["onset"] < cutoff - pd.Timedelta(days=60), "account_id"]) & open_now
    called = {row["account_id"] for row in found.sheet("shared").records()}
    assert len(long) >= 5
    assert len(called & long) >= 0.8 * len(long)
    assert called <= set(planted["account_id"])
    assert all(row["login"].startswith(row["account_id"]) for row in found.sheet("shared").records())
    assert found.chart is not None


def seen(user: str, hours: NDArray[np.float64], ages: NDArray[np.int64]) -> list[Row]:
    """What one login did: something at each hour, each on the day of that age."""
    return [
        {
            "account_id": "a",
            "occurred_at": moment(int(age), int(hour) % 24, int(60 * (hour % 1))),
            "event": "view",
            "user_id": user,
        }
        for hour, age in zip(hours, ages, strict=True)
    ]


def test_people_with_odd_habits_are_not_called_shared() -> None:
    """Night workers, a journey of two weeks, and odd nights: of 150 logins of one person each none is called shared."""
    rng, rows = np.random.default_rng(1), []
    for number in range(150):
        ages = rng.integers(1, 85, 90)
        middle = 2 if number % 3 == 0 else 13
        hours = np.clip(rng.normal(middle, 2.5, 90), middle - 7, middle + 7)
        hours = np.where(rng.random(90) < 0.01, rng.uniform(0, 24, 90), hours)
        if number % 3 == 1:
            hours = np.where((ages >= 20) & (ages < 34), hours + 11, hours)
        rows += seen(f"u{number}", hours, ages)
    found = sharing(facts_of({"events": rows}, until=CUTOFF))
    assert found.sheet("shared").records() == []
    assert found.says[0] == "No login is proven to be shared: 150 were looked at."
    assert found.chart is None


def test_one_shared_login_among_usual_ones_carries_its_evidence() -> None:
    """Three people at all hours with one login, ten usual logins beside it: named, with hours, weeks and load."""
    rng, rows = np.random.default_rng(2), []
    for number in range(10):
        rows += seen(f"u{number}", rng.normal(13, 2, 60), rng.integers(1, 85, 60))
    rows += seen("shared", rng.uniform(0, 24, 240), rng.integers(1, 85, 240))
    found = sharing(facts_of({"events": rows}, until=CUTOFF)).sheet("shared").records()
    assert [row["login"] for row in found] == ["shared"]
    assert found[0]["load"] > 2
    assert found[0]["weeks"] >= 8
    assert "h UTC, its quietest hours, in" in found[0]["evidence"]


def test_accounts_that_cost_more_than_they_pay_are_told() -> None:
    """1,200 a year to serve: told of who pays 1,000, not of who pays 2,000; from half of the ARR, told of both."""
    world: World = {"events": [], "accounts": [], "contracts": [], "costs": []}
    for account, arr in (("cheap", 1000.0), ("dear", 2000.0)):
        world["accounts"].append({"account_id": account})
        term = {"contract_id": account, "account_id": account, "starts_on": day(300), "ends_on": day(-65), "arr": arr}
        world["contracts"].append(term)
        world["events"] += [{"account_id": account, "occurred_at": moment(1), "event": "view"}]
        world["costs"] += [
            {"account_id": account, "month": day(30 * month), "cost_to_serve": 100.0} for month in range(2, 10)
        ]
    facts = facts_of(world, until=CUTOFF)
    rows = sharing(facts).sheet("costly").records()
    assert [(row["account_id"], row["cost"], row["cost_share"]) for row in rows] == [("cheap", 1200.0, 1.2)]
    assert len(sharing(facts, Sharing(cost_share=0.5)).sheet("costly").records()) == 2
    assert sharing(facts).says[0] == "Shared logins are not told: the column user_id of the table events is missing."


def test_later_facts_change_nothing() -> None:
    """Everything that became known at the cutoff or later can go, and the answer stays."""
    world = joined(*(renamed(random_world(seed, accounts=4, events=300, gaps=False), f"w{seed}") for seed in range(4)))
    for row in world["accounts"]:
        row["created_at"] = moment(2000)
    asked = Sharing(fewest_hours=5, cost_share=0.05)
    whole = sharing(replace(facts_of(world), cutoff=CUTOFF), asked)
    before = sharing(replace(facts_of(as_known(world, CUTOFF)), cutoff=CUTOFF), asked)
    for sheet in whole.sheets:
        assert sheet.records() == before.sheet(sheet.name).records()
    assert whole.says == before.says


def test_what_is_missing_is_named() -> None:
    """Neither people nor costs: nothing can be told; costs alone are missing: one line says so."""
    event = {"account_id": "a", "occurred_at": moment(1), "event": "view"}
    with pytest.raises(DataError, match="the column user_id of the table events and the table costs are missing"):
        sharing(facts_of({"events": [event]}))
    told = sharing(facts_of({"events": [event | {"user_id": "u"}]})).says
    assert "Cost above payment is not told: the table costs is missing." in told
    with pytest.raises(SettingsError, match="window_days = 7"):
        Sharing(window_days=7)

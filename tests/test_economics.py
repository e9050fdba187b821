"""What an account is worth is recovered, ARR adds up, and who recommends and grows is found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.analyses.promoters import Promoters, promoters
from features.errors import DataError, SettingsError
from tests import frames
from tests.worlds import CUTOFF, World, as_known, day, facts_of, joined, moment, random_world, renamed
from training.analyses.economics import Economics, economics
from training.lifetime import MONTH_DAYS, monthly_survival, worth
from training.survival import survival


def lives(rng: np.random.Generator, n: int, yearly_loss: float) -> tuple[np.ndarray, np.ndarray]:
    """Lives with a constant rate of loss, half of them cut off within four years."""
    ends = rng.exponential(365.25 / -np.log(1 - yearly_loss), n)
    watched = rng.uniform(200, 1500, n)
    return np.minimum(ends, watched), ends <= watched


def truth(yearly_loss: float, arr: float, months: int = 60, discount: float = 0.1) -> float:
    """The discounted value, month by month, of a life with a constant rate of loss."""
    years = np.arange(months) / 12
    return float((arr / 12 * (1 - yearly_loss) ** years / (1 + discount) ** years).sum())


def test_what_an_account_is_worth_is_covered_as_often_as_promised() -> None:
    """Of 60 books the interval of LTV holds the truth in 95 %: at least 52 (chance of fewer: 1 %)."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(60):
        days, left = lives(rng, 150, 0.2)
        found = worth(days, left, np.full(150, 12_000.0), cost=0.0, cac=4_000.0)
        hits += found.low <= truth(0.2, 12_000.0) <= found.high
    assert hits >= 52


def test_months_of_survival_are_those_of_the_curve() -> None:
    """Where enough are watched it is Kaplan and Meier's curve at each month; beyond, it goes on falling."""
    days, left = lives(np.random.default_rng(1), 200, 0.3)
    days = np.ceil(days)
    shares, curve = monthly_survival(days, left, 80, np.ones(200)), survival(days, left)
    for month in range(30):
        found = curve.at(np.floor(month * MONTH_DAYS))
        assert found is not None
        assert found[0] == pytest.approx(shares[month])
    assert (np.diff(shares) <= 0).all()
    assert shares[79] < shares[50]


def test_payback_is_when_the_gains_reach_the_cost() -> None:
    """Nobody leaves and an account earns 1,000 a month after serving it: 3,500 is back in the middle of month four."""
    days, left = np.full(30, 3000.0), np.zeros(30, dtype=bool)
    found = worth(days, left, np.full(30, 14_000.0), cost=2_000.0, cac=3_500.0, discount=0.0)
    assert found.payback == pytest.approx(3.5)
    assert found.value == pytest.approx(60_000)
    assert worth(days, left, np.full(30, 14_000.0), cost=2_000.0, cac=1e6).payback is None


def test_the_market_adds_up() -> None:
    """Its bridge ends where it should, GRR and logo churn follow, cash is negative first and positive then."""
    found = economics(frames.facts(frames.Frames(tables=frames.market(120, 30, "W"))))
    for row in found.sheet("bridge").records():
        moved = row["starting"] + row["new"] + row["expanded"] - row["contracted"] - row["churned"]
        assert moved == pytest.approx(row["ending"])
        assert row["grr"] <= min(1, row["nrr"])
        assert 0 <= row["logo_churn"] <= 1
    cash = [row["cash"] for row in found.sheet("cash").records() if row["cohort"] == "all"]
    assert cash[0] < 0 < cash[-1]
    units = found.sheet("units").records()
    assert units[0]["grouped"] == "all"
    assert units[0]["low"] < units[0]["ltv"] < units[0]["high"]
    assert units[0]["ratio"] == pytest.approx(units[0]["ltv"] / units[0]["cac"])
    assert found.chart is not None


def test_cash_is_counted_as_by_hand() -> None:
    """Six accounts of 1,200 a year, won for 500 and served for 20 a month: -420, -340, … after each month."""
    world: World = {"accounts": [], "contracts": [], "costs": [], "events": []}
    world["events"].append({"account_id": "a0", "occurred_at": moment(1), "event": "view"})
    starts = pd.Timestamp(2025, 1, 1)
    for number in range(6):
        account = f"a{number}"
        world["accounts"].append({"account_id": account, "acquisition_cost": 500.0})
        term = {"contract_id": account, "account_id": account, "starts_on": starts.date(), "ends_on": day(-100)}
        world["contracts"].append(term | {"arr": 1200.0})
        for month in range(12):
            at = (starts + pd.DateOffset(months=month)).date()
            world["costs"].append({"account_id": account, "month": at, "cost_to_serve": 20.0})
    found = economics(facts_of(world, until=CUTOFF))
    cash = [row["cash"] for row in found.sheet("cash").records() if row["cohort"] == "all"]
    assert cash[:12] == pytest.approx([-500 + 80 * (month + 1) for month in range(12)])
    assert found.says[0].startswith("Fewer than 20 accounts have begun")


def loved(growing: tuple[int, ...], scores: dict[int, float], accounts: int = 12) -> World:
    """Accounts with surveys; those that grow come on twice as many days as before."""
    world: World = {"accounts": [], "surveys": [], "events": [], "contracts": []}
    for number in range(accounts):
        account = f"a{number:02}"
        world["accounts"].append({"account_id": account})
        term = {"contract_id": account, "account_id": account, "starts_on": day(500), "ends_on": day(-100), "arr": 9.0}
        world["contracts"].append(term)
        score = scores.get(number, 7.0)
        world["surveys"].append({"account_id": account, "answered_at": moment(30), "user_id": "u", "nps": score})
        ages = [*range(85, 168, 4), *range(1, 84, 2 if number in growing else 4)]
        world["events"] += [
            {"account_id": account, "occurred_at": moment(age), "event": "view", "user_id": "u"} for age in ages
        ]
    return world


def test_who_recommends_and_grows_is_asked_and_nobody_else() -> None:
    """Planted: two would recommend and grow; one only grows, one only recommends."""
    world = loved((1, 2, 3), {1: 10.0, 2: 9.0, 4: 10.0})
    world["surveys"].append({"account_id": "a02", "answered_at": moment(200), "user_id": "u", "nps": 3.0})
    found = promoters(facts_of(world, until=CUTOFF))
    rows = found.sheet("promoters").records()
    assert [row["account_id"] for row in rows] == ["a01", "a02"]
    assert {row["fit"] for row in rows} == {"case study, referral"}
    late = {"account_id": "a03", "answered_at": moment(-1), "user_id": "u", "nps": 10.0}
    more = facts_of({**world, "surveys": [*world["surveys"], late]}, until=CUTOFF)
    assert promoters(replace(more, cutoff=CUTOFF)).sheet("promoters").records() == rows


def test_nobody_grows_nobody_is_asked() -> None:
    """Everybody would recommend and comes as often as before; or the whole book grows alike."""
    everybody = dict.fromkeys(range(12), 10.0)
    for growing in ((), tuple(range(12))):
        assert (
            promoters(facts_of(loved(growing, everybody), until=CUTOFF)).says[0].startswith("Nobody to ask: 12 of 12")
        )


def test_later_facts_change_nothing() -> None:
    """Everything that became known at the cutoff or later can go, and the answer stays."""
    world = joined(*(renamed(random_world(seed, accounts=5, events=40, gaps=False), f"w{seed}") for seed in range(5)))
    whole = economics(replace(facts_of(world), cutoff=CUTOFF), Economics(by=None))
    before = economics(replace(facts_of(as_known(world, CUTOFF)), cutoff=CUTOFF), Economics(by=None))
    for sheet in whole.sheets:
        assert sheet.records() == before.sheet(sheet.name).records()
    assert whole.says == before.says


def test_what_is_missing_is_named() -> None:
    """Without ARR nothing is worth anything; without CAC or costs the sentence says what that leaves out."""
    world = {name: rows for name, rows in loved((), {}, accounts=25).items() if name != "surveys"}
    told = economics(facts_of(world, until=CUTOFF)).says
    assert any("the column acquisition_cost of the table accounts is missing" in line for line in told)
    assert any("the table costs is missing" in line for line in told)
    with pytest.raises(DataError, match="promoters cannot be computed: the table surveys is missing"):
        promoters(facts_of(world))
    bare = facts_of({name: rows for name, rows in world.items() if name != "contracts"})
    with pytest.raises(DataError, match="economics cannot be computed: the table contracts is missing"):
        economics(bare)
    with pytest.raises(SettingsError, match="margin = 2"):
        Economics(margin=2)
    with pytest.raises(SettingsError, match="nps = 11"):
        Promoters(nps=11)

"""A planted threshold of early use is found where it lies, and where nothing matters none is claimed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.analyses.early_use import EarlyUse, early_use
from features.errors import DataError, SettingsError
from features.facts import Facts
from tests.worlds import CUTOFF, World, as_known, day, facts_of, joined, moment, random_world, renamed
from training.analyses.aha import HOLDS, Aha, aha, scanned

RECORD = 1200
ASKED = Aha(times=(1, 3, 5, 8), days=(7, 28))


def market(seed: int, *, planted: bool, accounts: int = 300) -> Facts:
    """Accounts on terms of a year. Planted: who connects five times in the first week stays in 95 %, others in 65 %."""
    rng = np.random.default_rng(seed)
    world: World = {"events": [], "accounts": [], "contracts": []}
    world["events"].append({"account_id": "a0", "occurred_at": moment(RECORD), "event": "view", "user_id": "u"})
    for number in range(accounts):
        account, began = f"a{number}", int(rng.integers(500, RECORD))
        keen = rng.random() < 0.4
        connects = int(rng.integers(5, 9)) if keen else int(rng.integers(0, 5))
        stays = rng.random() < ((0.95 if keen else 0.65) if planted else 0.8)
        world["accounts"].append({"account_id": account})
        term = {"account_id": account, "contract_id": f"{account}-1", "arr": float(rng.integers(1, 9)) * 1000}
        ends = began - 365
        outcome = {"outcome": "renewed" if stays else "churned", "decided_on": day(ends)}
        world["contracts"].append(term | {"starts_on": day(began), "ends_on": day(ends)} | outcome)
        if stays:
            more = {"contract_id": f"{account}-2", "starts_on": day(ends), "ends_on": day(ends - 730), "outcome": None}
            world["contracts"].append(term | more)
        for event, times in (
            ("connect", connects),
            ("view", int(rng.integers(0, 12))),
            ("edit", int(rng.integers(0, 6))),
        ):
            ages = began - rng.integers(0, 7 if event == "connect" else 28, times)
            world["events"] += [
                {"account_id": account, "occurred_at": moment(int(age)), "event": event, "user_id": "u"} for age in ages
            ]
    return facts_of(world, until=CUTOFF)


def test_a_planted_threshold_is_found_where_it_lies() -> None:
    """Five connections in the first week: found exactly, held on later cohorts, its interval around the truth."""
    found = aha(market(1, planted=True), ASKED)
    holds = [row for row in found.sheet("thresholds").records() if row["finding"] == HOLDS]
    assert [(row["feature"], row["times"], row["days"]) for row in holds] == [("connect", 5, 7)]
    assert holds[0]["low"] <= 0.3 <= holds[0]["high"]
    assert 0.3 <= holds[0]["reached"] <= 0.5
    assert holds[0]["lift"] > 1.1
    assert found.says[0].startswith("connect at least 5 times in the first 7 days")
    assert found.says[-1].startswith("This is correlation")
    assert found.chart is not None


def chance(rng: np.random.Generator) -> EarlyUse:
    """Early use of six features by 300 accounts that has nothing to do with who stays."""
    n = 300
    entities = pd.DataFrame(
        {
            "entity": np.arange(n),
            "account_id": [f"a{i}" for i in range(n)],
            "began": pd.Timestamp("2024-01-01"),
            "stayed": (rng.random(n) < 0.8).astype(float),
            "size": rng.lognormal(size=n),
            "segment": rng.choice(["s", "m"], n),
        }
    )
    habit, rows = rng.lognormal(0, 0.5, n), []
    for feature in "abcdef":
        week = rng.poisson(2 * habit)
        for days, times in ((7, week), (28, week + rng.poisson(4 * habit))):
            rows.append(
                pd.DataFrame({"entity": np.arange(n), "feature": feature, "days": days, "times": times.astype(float)})
            )
    counts = pd.concat(rows)
    return EarlyUse(entities=entities, counts=counts[counts["times"] > 0])


def test_where_nothing_matters_thresholds_hold_as_seldom_as_promised() -> None:
    """Of 100 books in which early use says nothing at most 10 claim a threshold, 5 promised (chance of more: 1 %)."""
    rng = np.random.default_rng(7)
    claims = sum((scanned(chance(rng), ASKED)["finding"] == HOLDS).any() for _ in range(100))
    assert claims <= 10


def test_a_market_without_a_threshold_says_so() -> None:
    """From facts to sentence: no threshold holds, and how many accounts that rests on."""
    found = aha(market(2, planted=False, accounts=200), ASKED)
    assert found.says[0].startswith("No threshold of early use holds on later cohorts: of 200 accounts")


def test_first_days_are_counted_as_by_hand() -> None:
    """People's first days, the second way: events of each within the span of their first one, and who came again."""
    world = joined(*(renamed(random_world(seed, accounts=4, events=80, gaps=False), f"w{seed}") for seed in range(2)))
    facts = replace(facts_of(world), cutoff=CUTOFF)
    found = early_use(facts, "user", (7, 28), 28)
    events = pd.DataFrame(world["events"])
    events = events[(events["actor"] != "api") & events["user_id"].notna()]
    known = events[["known_at", "occurred_at"]].astype("datetime64[us]").max(axis=1)
    events = events[known < pd.Timestamp(CUTOFF)]
    days = events["occurred_at"].astype("datetime64[us]").dt.normalize()
    kept, counted = 0, 0
    for _, rows in events.assign(day=days).groupby(["account_id", "user_id"]):
        age = (rows["day"] - rows["day"].min()).dt.days
        early = rows["day"].min() >= days.min() + pd.Timedelta(days=28)
        if early and rows["day"].min() + pd.Timedelta(days=56) <= pd.Timestamp(CUTOFF):
            kept += bool(((age >= 28) & (age < 56)).any())
            counted += int((age < 7).sum())
    assert found.entities["stayed"].sum() == kept
    assert found.counts.loc[found.counts["days"] == 7, "times"].sum() == counted > 0


def test_later_facts_change_nothing() -> None:
    """Everything that became known at the cutoff or later can go, and what is counted stays."""
    world = joined(*(renamed(random_world(seed, accounts=4, events=60, gaps=False), f"w{seed}") for seed in range(3)))
    whole, before = (replace(facts_of(one), cutoff=CUTOFF) for one in (world, as_known(world, CUTOFF)))
    for unit, stay in (("account", 100), ("user", 28)):
        one, other = (early_use(facts, unit, (7, 28), stay) for facts in (whole, before))  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(one.entities, other.entities)
        pd.testing.assert_frame_equal(one.counts, other.counts)
        assert len(one.entities)


def test_what_is_missing_is_named() -> None:
    """Without contracts accounts cannot stay; a horizon inside the first days is refused."""
    world = random_world(1, accounts=3, events=20, gaps=False)
    without = {name: rows for name, rows in world.items() if name != "contracts"}
    with pytest.raises(DataError, match="aha cannot be computed: the table contracts is missing"):
        aha(facts_of(without), Aha(unit="account"))
    assert aha(facts_of(without)).says[0].startswith("Nothing can be said of any threshold: there are 4 people")
    with pytest.raises(SettingsError, match="stay_days = 10"):
        Aha(stay_days=10)

"""Health: weights that are never negative, found where planted, no proof where there is none, deaf to the future."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError, SettingsError
from features.signals import CATALOGUE
from features.snapshots import Renewal
from serving.commands.asking_health import health as command
from tests.worlds import CUTOFF, World, day, facts_of, moment, random_world
from training.dataset import Dataset
from training.health import health_columns, learn, near_the_end, wanted
from training.health_answer import HealthAsked, health
from training.health_proof import prove

SIGNALS = wanted(CATALOGUE)
COLUMNS = [one.name for one in health_columns(SIGNALS)]
NOTHING = 0.0


def past(strength: float, *, terms: int = 600, seed: int = 1) -> Dataset:
    """Terms of a year looked at three times, who left by two of the signals, with a given strength."""
    draw = np.random.default_rng(seed)
    rows: list[dict] = []
    for term in range(terms):
        ends = pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(draw.integers(0, 900)))
        values = draw.normal(size=len(COLUMNS))
        lean = strength * (values[COLUMNS.index("active_days_28d")] - values[COLUMNS.index("recency")])
        left = float(draw.random() < 1 / (1 + np.exp(3.5 + lean)))
        for lead in (30, 60, 120):
            look: dict = {
                "account_id": f"a{term}",
                "contract_id": f"c{term}",
                "lead_days": lead,
                "left": left,
                "arr": 1.0,
            }
            look |= {"cutoff": ends - pd.Timedelta(days=lead), "ends_on": ends, "decided_on": ends, "segment": ""}
            rows.append(look | dict(zip(COLUMNS, values + draw.normal(0, 0.2, len(COLUMNS)), strict=True)))
    frame = pd.DataFrame(rows)
    keys = frame[["account_id", "contract_id", "lead_days", "cutoff", "ends_on", "decided_on", "segment", "arr"]]
    return Dataset(keys=keys, signals=frame[COLUMNS], left=frame["left"].to_numpy())


def test_planted_weights_are_found_and_none_is_negative() -> None:
    """What decides gets most of the weight, in the group it belongs to; the least healthy leave most."""
    data = past(1.5)
    found = learn(data, SIGNALS)
    assert found.learnt
    assert (found.weights >= 0).all()
    assert found.weights.sum() == pytest.approx(1)
    assert found.by_group()["frequency"] > 0.6
    best = sorted(zip(found.weights, COLUMNS, strict=True))[-2:]
    assert {name for _, name in best} == {"active_days_28d", "recency"}
    told = found.of(data.signals)
    assert told["health"].between(0, 100).all()
    assert data.left[(told["health"] < 10).to_numpy()].mean() > 3 * data.left.mean()


def test_what_is_planted_is_proven_out_of_time() -> None:
    """Where health decides, its promises hold on later looks."""
    data = past(2.0)
    proof = prove(data, SIGNALS, learn(data, SIGNALS).of(data.signals)["colour"])
    assert proof.tells
    assert all(check.holds for check in proof.checks)


def test_nothing_planted_is_nothing_proven() -> None:
    """Where health decides nothing, one market in twenty may be told apart by chance, not more."""
    claims = [
        prove(data, SIGNALS, pd.Series(["green"])).tells
        for data in (past(NOTHING, terms=200, seed=s) for s in range(20))
    ]
    # Four or more of twenty at an error rate of one in twenty: once in sixty times.
    assert sum(map(bool, claims)) <= 3


def test_few_losses_teach_no_weights() -> None:
    """With fewer than ten losses groups count the same, and the answer says that it cannot judge."""
    data = past(1.0, terms=25)
    found = learn(data, SIGNALS)
    assert not found.learnt
    assert found.by_group() == pytest.approx(dict.fromkeys(found.by_group(), 1 / 3))
    assert prove(data, SIGNALS, pd.Series(["green"])).tells is None


def test_weights_by_hand_stand() -> None:
    """Weights of groups that a person set are those of health."""
    found = learn(past(1.5), SIGNALS, {"frequency": 1, "time": 0, "adoption": 3})
    assert found.by_group() == pytest.approx({"frequency": 0.25, "time": 0, "adoption": 0.75})


def test_losses_are_judged_two_to_three_months_ahead() -> None:
    """A yearly term is looked at 60 to 90 days before its end, one that is too short at its earliest look."""
    keys = {"cutoff": pd.Timestamp(CUTOFF), "ends_on": pd.NaT, "decided_on": pd.NaT, "arr": 1.0, "segment": ""}
    leads = [("year", 30), ("year", 60), ("year", 120), ("month", 7), ("month", 21)]
    frame = pd.DataFrame([{**keys, "account_id": name, "contract_id": name, "lead_days": lead} for name, lead in leads])
    data = Dataset(keys=frame, signals=pd.DataFrame({"x": [0.0] * 5}), left=np.zeros(5))
    assert near_the_end(data).tolist() == [False, True, False, False, True]


def test_the_answer_ranks_the_book() -> None:
    """Who uses it daily is healthier than who stopped; the worst stand first, and nobody is lost."""
    answer = health(facts_of(small_book()), Renewal())
    accounts = answer.sheet("accounts").frame
    assert sorted(accounts["account_id"]) == ["daily", "never", "stopped"]
    assert accounts["account_id"].iloc[-1] == "daily"
    assert "cannot be said yet" in " ".join(answer.says)
    assert answer.sheet("weights").frame["weight"].sum() == pytest.approx(2)


@pytest.mark.parametrize("seed", [3, 4])
def test_later_facts_change_nothing(seed: int) -> None:
    """Events that become known from the cutoff on leave every sheet as it was."""
    world = random_world(seed, accounts=5, events=40, gaps=False)
    midnight = pd.Timestamp(CUTOFF)
    known = [
        row for row in world["events"] if max(row["occurred_at"], row.get("known_at") or row["occurred_at"]) < midnight
    ]
    assert len(known) < len(world["events"])
    answers = [
        health(replace(facts_of(tables, until=CUTOFF), cutoff=CUTOFF), Renewal())
        for tables in ({**world, "events": known}, world)
    ]
    before, after = ([sheet.records() for sheet in answer.sheets] for answer in answers)
    assert before == after


def test_what_is_missing_or_wrong_is_named() -> None:
    """Without events there is no health; options out of bounds are refused."""
    world = small_book()
    del world["events"]
    with pytest.raises(DataError, match="events"):
        health(facts_of(world), Renewal())
    with pytest.raises(SettingsError, match="worst = 4: a team looks at 5 to 100"):
        HealthAsked(worst=4)
    assert command.__doc__


def small_book() -> World:
    """Three open accounts: one that comes daily, one that stopped, one that never came."""
    names = ("daily", "stopped", "never")
    used = {"daily": range(1, 200), "stopped": range(90, 200)}
    return {
        "accounts": [{"account_id": name} for name in names],
        "contracts": [
            {"contract_id": name, "account_id": name, "starts_on": day(210), "ends_on": day(-155), "seats": 2.0}
            for name in names
        ],
        "events": [
            {"account_id": name, "occurred_at": moment(age), "event": f"view{age % 3}", "user_id": "u"}
            for name, ages in used.items()
            for age in ages
        ],
    }

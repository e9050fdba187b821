"""Live scores are held to what training promised: broken only beyond chance, and not judged on a handful."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.snapshots import Renewal
from serving.monitoring import at_leads
from tests.pasts import COLUMNS, Past
from training.drift import SignalDrift
from training.duel import said_at_the_time
from training.monitor import RISK, Watched, judge
from training.months import Drift
from training.promise import Told, compare, promise, told
from training.train import Trained, TrainSettings, train

SURE = Drift(common=0.05, monthly=0.05)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(Past(accounts=120).make(), COLUMNS, settings=TrainSettings(folds=2))


@pytest.fixture(scope="module")
def promised(trained: Trained) -> Told:
    return promise(said_at_the_time(trained))


def live(trained: Trained, *, seed: int = 5, strength: float = 2.0, accounts: int = 200) -> Told:
    """What the model says of other accounts, by the same law or another."""
    data = Past(accounts=accounts, terms=2, seed=seed, strength=strength).make()
    return Told(looks=data, risk=trained.scorer.score(data.signals.assign(segment=data.segments)).risk)


def test_the_promise_is_what_the_later_folds_said(trained: Trained, promised: Told) -> None:
    """Read back from the run's file: the same risks and outcomes, contract by contract."""
    assert promised.risk == pytest.approx(np.clip(trained.tested_risk, 1e-12, 1 - 1e-12))
    assert np.array_equal(promised.looks.left, trained.tested.left)
    assert promised.looks.keys["contract_id"].tolist() == trained.tested.keys["contract_id"].tolist()


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_same_law_keeps_the_promise(trained: Trained, promised: Told, seed: int) -> None:
    """Other accounts of the same world: nothing is broken."""
    assert [one.broken for one in compare(live(trained, seed=seed), promised, Drift())] == [False, False, None]


def test_another_law_breaks_it(trained: Trained, promised: Told) -> None:
    """What lowered risk raises it now: the AUC falls, and the sentence says so."""
    auc, _, _ = compare(live(trained, strength=-2.0), promised, Drift())
    assert auc.broken
    assert "a fall beyond chance" in auc.sentence


def test_risks_that_are_too_high_are_said_to_be(trained: Trained, promised: Told) -> None:
    """Half of the losses did not happen: the ranks may stand, the level does not."""
    some = live(trained)
    spared = np.where(np.arange(len(some.risk)) // 4 % 2 == 0, 0.0, some.looks.left)
    _, calibration, _ = compare(replace(some, looks=replace(some.looks, left=spared)), promised, SURE)
    assert calibration.broken
    assert "too high" in calibration.sentence
    wide = Drift(common=1.0, monthly=1.0)
    assert not compare(replace(some, looks=replace(some.looks, left=spared)), promised, wide)[1].broken


def test_a_handful_is_not_judged(trained: Trained, promised: Told) -> None:
    """With four accounts nothing is said to be broken or kept."""
    assert {one.broken for one in compare(live(trained, accounts=4), promised, SURE)} == {None}


def test_only_what_would_be_known_whichever_way_it_went_counts() -> None:
    """Losses are known 60 days late: renewals that are decided earlier wait for them."""
    data = Past(accounts=60, terms=1).make()
    said = data.keys.drop(columns=["decided_on"]).assign(risk=0.3)
    outcomes = data.keys.assign(left=data.left)[["contract_id", "left", "decided_on", "ends_on"]].drop_duplicates()
    now = pd.Timestamp("2021-06-30")
    found = told(said, outcomes[outcomes["decided_on"] < now], ["contract_id"], now)
    assert 0 < len(found.looks) < (outcomes["decided_on"] < now).sum() * 2
    assert (found.looks.keys["ends_on"] <= now - pd.Timedelta(days=59)).all()


def test_each_look_is_said_once() -> None:
    """Of weekly scores each contract keeps the nearest to 30, 60, 90, 120 and 180 days; a month's term to 7, 14, 21."""
    starts, ends = pd.Timestamp("2025-01-01"), pd.Timestamp("2026-01-01")
    cutoffs = pd.date_range("2025-01-04", "2025-12-30", freq="7D")
    common = {"account_id": "a", "segment": "", "arr": 1.0, "risk": 0.2}
    year = pd.DataFrame({"cutoff": cutoffs, "contract_id": "y", "starts_on": starts, "ends_on": ends, **common})
    month = pd.DataFrame({"cutoff": cutoffs[-5:], "contract_id": "m", "ends_on": ends, **common})
    month["starts_on"] = pd.Timestamp("2025-12-01")
    said = pd.concat([year, month], ignore_index=True)
    said["days_to_renewal"] = (said["ends_on"] - said["cutoff"]).dt.days
    found = at_leads(said, Renewal())
    assert sorted(found.loc[found["contract_id"] == "y", "lead_days"]) == [30, 60, 90, 120, 180]
    assert sorted(found.loc[found["contract_id"] == "m", "lead_days"]) == [7, 14, 21]
    assert ((ends - found["cutoff"]).dt.days - found["lead_days"]).abs().max() <= 3


def moved(name: str, *, far: bool = True) -> SignalDrift:
    values = {"psi": 1.0, "usual": 0.1, "distance": 1.0} if far else {"psi": 0.1, "usual": 0.1, "distance": 0.1}
    return SignalDrift(name=name, then=1, now=2, known_then=1, known_now=1, dead=False, **values)


def seen(promised: Told, **changed: object) -> Watched:
    """A quiet world, changed here and there; signal a carries most of what the model says."""
    quiet = [moved(name, far=False) for name in ("a", "b", RISK)]
    values: dict[str, object] = {"broken": [], "drifts": quiet, "jumps": quiet, "kept": [], "live": promised}
    values |= {"moves": pd.Series({"a": 0.9, "b": 0.1} | {f"s{n}": 0.0 for n in range(98)}), "fresh": (30, 90)}
    kept = compare(promised, promised, Drift())
    return Watched(**(values | {"kept": kept} | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "verdict", "code", "says"),
    [
        ({}, "fine", 0, "none of 100 signals drifted"),
        ({"broken": ["tickets: nothing"], "drifts": [moved("a")]}, "mend the data first", 4, "tickets: nothing"),
        ({"jumps": [moved("a")]}, "mend the data first", 4, "1 of 100 signals moved at once (a), on which 90%"),
        ({"jumps": [moved(f"s{n}") for n in range(8)]}, "mend the data first", 4, "8 of 100 signals moved at once"),
        ({"drifts": [moved("a")]}, "retrain now", 3, "120 outcomes (30 left) were decided since to learn from"),
        ({"drifts": [moved(RISK)]}, "retrain now", 3, "the scores drifted"),
        ({"drifts": [moved("a")], "fresh": (3, 90)}, "wait", 0, "too little new to learn from"),
        ({"drifts": [moved("b")]}, "wait", 0, "1 of 100 signals drifted (b), on which 10%"),
        ({"drifts": [moved("s1")]}, "fine", 0, "1 of 100 signals drifted (s1), on which 0%"),
        ({"usable": False}, "retrain now", 3, "no usable signal"),
    ],
)
def test_verdicts(promised: Told, changed: dict, verdict: str, code: int, says: str) -> None:
    """Broken data come before all else; drift counts when much of what the model says rests on it."""
    found = judge(seen(promised, **changed))
    assert (found.verdict, found.exit_code) == (verdict, code)
    assert says in found.reason


def test_a_broken_promise_calls_for_a_new_model(trained: Trained, promised: Told) -> None:
    """With the figure in the reason."""
    other = live(trained, strength=-2.0)
    found = judge(seen(promised, live=other, kept=compare(other, promised, Drift())))
    assert (found.verdict, found.exit_code) == ("retrain now", 3)
    assert "AUC" in found.reason

"""A feature planted in accounts that stay is found, one that nobody stays for is not claimed."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError, SettingsError
from features.facts import Facts
from tests import frames
from tests.worlds import CUTOFF, as_known, facts_of, joined, random_world, renamed
from training.adjusted import controls, differences, false_discoveries
from training.analyses.sticky import FALSE_CLAIMS, KEEPS, WARNING, Sticky, sticky

Tables = Mapping[str, pd.DataFrame]


@cache
def market() -> Tables:
    """A simulated market whose outcomes were dealt out anew: whatever its accounts use, nobody stays for it."""
    return frames.market(200, 30, "W")


def dealt(tables: Tables, seed: int) -> dict[str, pd.DataFrame]:
    """The same market with the outcomes of its terms shuffled among terms of one length."""
    rng, contracts = np.random.default_rng(seed), tables["contracts"].copy()
    decided = contracts["outcome"].notna()
    for _, rows in contracts[decided].groupby("billing_period"):
        contracts.loc[rows.index, "outcome"] = rng.permutation(rows["outcome"].to_numpy())
    return {**tables, "contracts": contracts}


def planted(tables: Tables, stayed: float, left: float) -> dict[str, pd.DataFrame]:
    """The market with a further feature, used before a renewal by these shares of those who stay and who leave."""
    rng, contracts = np.random.default_rng(3), tables["contracts"]
    chance = np.where(contracts["outcome"] == "churned", left, stayed)
    users = contracts[(rng.random(len(contracts)) < chance) & contracts["outcome"].notna()]
    ends = pd.to_datetime(users["ends_on"])
    rows = [
        pd.DataFrame(
            {"account_id": users["account_id"], "occurred_at": ends - pd.Timedelta(days=age), "event": "planted"}
        )
        for age in (100, 105, 110, 9, 12, 15)
    ]
    events = pd.concat([tables["events"].astype({"account_id": str, "event": str}), *rows], ignore_index=True)
    return {**tables, "events": events}


def facts(tables: Tables) -> Facts:
    """What intake makes of them."""
    return frames.facts(frames.Frames(tables=tables))


def test_a_planted_feature_is_found_and_nothing_else() -> None:
    """Used by 90 % of those who stay and 40 % of those who leave: it keeps customers, and holds on later renewals."""
    found = sticky(facts(planted(dealt(market(), 1), 0.9, 0.4)))
    keeps = [row for row in found.sheet("features").records() if row["finding"] == KEEPS]
    assert [row["feature"] for row in keeps] == ["planted"]
    assert keeps[0]["later_p"] < 0.05
    assert keeps[0]["low"] > 0
    assert "1 of " in found.says[0]
    assert found.says[-1] == WARNING
    assert found.chart is not None
    use = found.sheet("use").frame
    assert use["share"].between(0, 1).all()


def test_where_nothing_keeps_anybody_nothing_is_claimed() -> None:
    """Of 6 markets with outcomes dealt out anew at most one has a claim, at 5 % a market (chance of more: 3 %)."""
    claims = 0
    for seed in range(6):
        found = sticky(facts(dealt(market(), seed + 10))).sheet("features").frame
        claims += bool(found["finding"].isin((KEEPS, "goes with leaving")).any())
    assert claims <= 1


@pytest.mark.parametrize("rate", [0.5, 0.15])
def test_differences_keep_their_level_where_rows_of_an_account_go_together(rate: float) -> None:
    """Uses and outcomes that go with the account and not with each other: p below 5 % in about 5 % of columns."""
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(150), 4)
    habit = rng.normal(size=(150, 400))[cluster]
    uses = (habit + rng.normal(size=(600, 400)) > 1.0).astype(float)
    outcome = (rng.random(150)[cluster] * 0.6 + rng.random(600) * 0.4 < rate).astype(float)
    held = controls(pd.DataFrame({"size": rng.normal(size=600)}), pd.DataFrame({"segment": rng.integers(0, 3, 600)}))
    found = differences(outcome, uses, held, cluster)
    assert 0.02 <= (found.p < 0.05).mean() <= 0.08
    assert false_discoveries(found.p).min() > FALSE_CLAIMS


def test_what_only_goes_with_size_is_taken_out() -> None:
    """Large accounts use more and stay more: the raw difference is large, the adjusted one is not proven."""
    rng = np.random.default_rng(4)
    size = rng.normal(size=2000)
    uses = (size + rng.normal(size=2000) * 0.5 > 0).astype(float)[:, None]
    outcome = (size + rng.normal(size=2000) * 0.5 > -0.5).astype(float)
    kept = outcome[uses[:, 0] == 1].mean() - outcome[uses[:, 0] == 0].mean()
    held = controls(pd.DataFrame({"size": size}), pd.DataFrame())
    found = differences(outcome, uses, held, np.arange(2000))
    assert kept > 0.4
    assert abs(found.difference[0]) < kept / 4
    alone = differences(outcome, uses, np.ones((2000, 1)), np.arange(2000))
    assert alone.difference[0] == pytest.approx(kept)
    assert np.isnan(differences(outcome, np.ones((2000, 1)), held, np.arange(2000)).p[0])


def test_later_facts_change_nothing() -> None:
    """Everything that became known at the cutoff or later can go, and the answer stays."""
    world = joined(*(renamed(random_world(seed, accounts=4, events=60, gaps=False), f"w{seed}") for seed in range(3)))
    whole = sticky(replace(facts_of(world), cutoff=CUTOFF))
    before = sticky(replace(facts_of(as_known(world, CUTOFF)), cutoff=CUTOFF))
    for sheet in whole.sheets:
        assert sheet.records() == before.sheet(sheet.name).records()
    assert whole.says == before.says
    assert whole.says[0].startswith("Nothing can be said of any feature")


def test_what_is_missing_is_named() -> None:
    """Without contracts nobody stays or leaves, and the sentence names the table."""
    world = random_world(1, accounts=3, events=20, gaps=False)
    with pytest.raises(DataError, match="features cannot be computed: the table contracts is missing"):
        sticky(facts_of({name: rows for name, rows in world.items() if name != "contracts"}))
    with pytest.raises(SettingsError, match="1 <= least_days <= window_days"):
        Sticky(least_days=90)

"""Who comes back is counted as by hand, how long accounts stay is recovered, and groups alike are not told apart."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.analyses.returning import LENGTHS, Returning, returning
from features.errors import DataError, SettingsError
from features.facts import Facts
from tests import frames
from tests.worlds import CUTOFF, World, as_known, facts_of, joined, random_world, renamed
from training.analyses.retention import retention
from training.survival import differ, holm, survival, wilson

FIRST = date(2023, 1, 1)
WATCHED = 900


def by_hand(events: pd.DataFrame, asked: Returning, cutoff: pd.Timestamp) -> pd.Series:
    """Who came back, the second way: one entity after another."""
    events = events[events["actor"].astype(str) != "api"]
    events = events[events["known_at"].fillna(events["occurred_at"]) < cutoff]
    length = LENGTHS[asked.every]
    found: dict[int, tuple[int, int]] = {}
    days = events["occurred_at"].dt.normalize()
    keys = ["account_id"] if asked.unit == "account" else ["account_id", "user_id"]
    for _, rows in events.assign(day=days).groupby(keys, observed=True):
        begins = rows.loc[rows["event"] == asked.start, "day"].min() if asked.start else rows["day"].min()
        if pd.isna(begins) or begins < days.min() + pd.Timedelta(days=asked.warm_up_days):
            continue
        back = rows[rows["event"] == asked.returns] if asked.returns else rows
        came = {int(age) // length for age in (back["day"] - begins).dt.days if age >= length}
        month_end = begins.to_period("M").end_time.normalize()
        for k in range(1, asked.periods + 1):
            if month_end + pd.Timedelta(days=(k + 1) * length) <= cutoff:
                hit = k in came if asked.bounded else any(period >= k for period in came)
                entities, all_came = found.get(k, (0, 0))
                found[k] = entities + 1, all_came + hit
    return pd.Series(found)


@pytest.mark.parametrize(
    "asked",
    [
        Returning(by=None),
        Returning(by=None, unit="user", every="week", bounded=False, periods=6),
        Returning(by=None, start="report_viewed", returns="record_viewed", periods=4, warm_up_days=0),
    ],
)
def test_who_came_back_is_what_pandas_counts_by_hand(asked: Returning) -> None:
    """Accounts and people, bounded and not, from any event or one, and young cohorts left out."""
    tables = frames.market(40, 9, "W")
    facts = frames.facts(frames.Frames(tables=tables))
    counted = returning(facts, asked).groupby("k")[["entities", "came"]].sum()
    wanted = by_hand(tables["events"], asked, pd.Timestamp(facts.cutoff))
    assert len(wanted) > 2
    assert list(counted.itertuples(name=None)) == [(k, *numbers) for k, numbers in wanted.items()]


def book(seed: int, hazards: Mapping[str, float], accounts: int = 120) -> Facts:
    """Accounts of several segments on terms of 90 days, each lost at a renewal by its segment's chance."""
    rng = np.random.default_rng(seed)
    tables: World = {"accounts": [], "contracts": [], "events": []}
    cutoff = FIRST + timedelta(days=WATCHED)
    for segment, hazard in hazards.items():
        for number in range(accounts):
            account = f"{segment}{number}"
            begins = FIRST + timedelta(days=int(rng.integers(0, 400)))
            tables["accounts"].append({"account_id": account, "segment": segment})
            while begins < cutoff:
                ends = begins + timedelta(days=90)
                left = rng.random() < hazard
                tables["contracts"].append(
                    {
                        "contract_id": f"{account}-{begins}",
                        "account_id": account,
                        "starts_on": pd.Timestamp(begins),
                        "ends_on": pd.Timestamp(ends),
                        "outcome": ("churned" if left else "renewed") if ends < cutoff else None,
                    }
                )
                if left:
                    break
                begins = ends
    tables["events"] = [
        {"account_id": "a0", "occurred_at": pd.Timestamp(cutoff) - pd.Timedelta(hours=5), "event": "view"}
    ]
    return frames.facts(frames.Frames(tables={name: pd.DataFrame(rows) for name, rows in tables.items()}))


def test_planted_difference_in_staying_is_found_and_its_curve_covers_the_truth() -> None:
    """Segments lose 3 % and 25 % of their terms: the truth lies within both intervals, and the difference is told."""
    found = retention(book(1, {"a": 0.03, "b": 0.25}), Returning(warm_up_days=0))
    assert any("Accounts of a stay longer than b" in line for line in found.says)
    staying = found.sheet("staying").frame
    for segment, hazard in (("a", 0.03), ("b", 0.25)):
        truth = (1 - hazard) ** 4
        year = staying[(staying["grouped"] == segment) & (staying["days"] == 366)].iloc[0]
        assert float(year["low"]) <= truth <= float(year["high"])
    assert found.chart is not None


def test_groups_that_are_alike_are_told_apart_no_more_often_than_promised() -> None:
    """Of 10 books of segments alike, at 5 % a book, at most two claim a difference (chance of more: 1 %)."""
    claims = [
        any(" than the others: log-rank" in line for line in retention(book(seed, dict.fromkeys("abc", 0.1), 30)).says)
        for seed in range(10)
    ]
    assert sum(claims) <= 2


def test_intervals_of_staying_cover_the_truth_as_often_as_they_say() -> None:
    """Of 300 samples of 60 lives, half of them cut off, the interval at day 200 holds the truth in 95 % ± 3."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(300):
        lives, ends = rng.exponential(250, 60), rng.exponential(250, 60)
        found = survival(np.minimum(lives, ends), lives <= ends).at(200)
        truth = np.exp(-200 / 250)
        hits += found is None or found[1] <= truth <= found[2]
    assert 0.92 <= hits / 300 <= 0.985


def test_survival_is_the_product_limit_and_its_mean_the_area_under_it() -> None:
    """Kaplan and Meier's product, step by step; nobody left: the curve stands at 1 with an honest lower end."""
    days, left = np.array([5.0, 5, 7, 9, 9, 12]), np.array([True, False, True, True, True, False])
    curve = survival(days, left)
    assert curve.share.tolist() == pytest.approx([1, 5 / 6, 5 / 6 * 3 / 4, 5 / 6 * 3 / 4 / 3, 5 / 6 * 3 / 4 / 3])
    assert curve.at_risk.tolist() == [6, 6, 4, 3, 1]
    assert curve.mean(9) == pytest.approx(5 + 2 * 5 / 6 + 2 * 5 / 6 * 3 / 4)
    assert curve.at(13) is None
    nobody = survival(np.arange(1.0, 11), np.zeros(10, dtype=bool)).at(3)
    assert nobody is not None
    assert nobody[0] == 1
    assert nobody[1] < 0.8


def test_one_segment_or_few_losses_claim_nothing() -> None:
    """Nothing is compared with itself; Holm's p-values are at least the plain ones and keep their order."""
    few = np.array([1.0, 2, 3]), np.array([True, False, False])
    assert differ({"a": few}) == {}
    assert differ({"a": few, "b": few}) == {}
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    low, high = wilson(np.array([0.0, 5.0]), np.array([0.0, 10.0]))
    assert np.isnan(low[0])
    assert low[1] < 0.5 < high[1]


def one_world() -> World:
    """Accounts with everything awkward in them, their later facts too."""
    return joined(*(renamed(random_world(seed, accounts=4, events=60, gaps=False), f"w{seed}") for seed in range(3)))


@pytest.mark.parametrize("asked", [Returning(by=None), Returning(by=None, unit="user", start="edit", every="week")])
def test_later_facts_change_nothing(asked: Returning) -> None:
    """Everything that became known at the cutoff or later can go, and the answer stays."""
    world = one_world()
    whole = retention(replace(facts_of(world), cutoff=CUTOFF), asked)
    before = retention(replace(facts_of(as_known(world, CUTOFF)), cutoff=CUTOFF), asked)
    for sheet in whole.sheets:
        assert sheet.records() == before.sheet(sheet.name).records()
    assert whole.says == before.says


def test_what_is_missing_is_named() -> None:
    """No contracts: coming back is told, staying is not; an event or column that does not exist is named."""
    facts = facts_of({"events": one_world()["events"]})
    assert "How long accounts stay is not told: the table contracts is missing." in retention(facts).says
    with pytest.raises(DataError, match="nobody ever did nothing; there are edit"):
        retention(facts, Returning(start="nothing"))
    with pytest.raises(DataError, match="the table accounts is missing"):
        retention(facts, Returning(by="region"))
    with pytest.raises(SettingsError, match="every = 'hour'"):
        Returning(every="hour")  # type: ignore[arg-type]

"""Alarms: a planted fall is told, a dip of all is not, nor a handover; noise is silent; an answer stops an alarm."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.analyses.alarms import AlarmsAsked, alarms
from features.analyses.budget import within_budget
from features.analyses.watching import Fall, Rule, watch
from features.errors import DataError, SettingsError
from serving.acknowledged import acknowledge, acknowledged
from serving.config import Settings
from serving.store import ScoreStore
from tests.books import a_run, a_score
from tests.worlds import CUTOFF, World, facts_of, moment

WEEK = np.array([1.0, 1.1, 1.0, 1.0, 0.9, 0.1, 0.1])
DAYS, MANY = 420, 60


def use(seed: int, level: float = 8.0) -> np.ndarray:
    """Counts of a steady fleet, (DAYS, MANY): weekdays, weeks that differ by a fifth, and chance."""
    draw = np.random.default_rng(seed)
    weeks = np.repeat(draw.lognormal(-0.02, 0.2, (DAYS // 7, MANY)), 7, axis=0)
    calendar = np.tile(WEEK, DAYS // 7)[:, None]
    return draw.poisson(level * calendar * weeks).astype(float)


def present() -> np.ndarray:
    """All are customers on all days."""
    return np.ones((DAYS, MANY), dtype=bool)


def test_a_planted_fall_is_told_within_three_weeks() -> None:
    """Five accounts that lose 70 % on a day are told, and hardly anybody else is."""
    counts = use(1)
    draw = np.random.default_rng(2)
    counts[300:, :5] = draw.binomial(counts[300:, :5].astype(int), 0.3)
    found = watch(counts, present(), Rule()).falls
    told = {fall.account: fall.began for fall in found if 300 <= fall.began <= 321}
    assert set(range(5)) <= set(told)
    assert len(found) <= 5 + 0.1 * MANY * DAYS / 365


def test_a_dip_of_all_is_no_fall() -> None:
    """Two weeks in which all do a fifth, and days on which nothing is recorded, raise no alarm."""
    counts = use(3)
    counts[200:214] = np.random.default_rng(4).binomial(counts[200:214].astype(int), 0.2)
    counts[300:304] = 0
    found = watch(counts, present(), Rule())
    assert sum(195 <= fall.began < 320 for fall in found.falls) <= 1
    assert found.fleet[200:212].mean() < 0.4


def test_nothing_planted_is_hardly_ever_told() -> None:
    """In a steady fleet there is at most one false alarm in ten account-years: the stated error rate."""
    falls = sum(len(watch(use(seed), present(), Rule()).falls) for seed in range(5))
    assert falls <= 0.1 * 5 * MANY * DAYS / 365


def test_work_that_integrations_take_over_is_no_fall() -> None:
    """People who do a fifth of what they did, while calls of an integration begin, raise no alarm."""
    counts, calls = use(5), np.zeros((DAYS, MANY))
    counts[250:, 0] = np.random.default_rng(6).binomial(counts[250:, 0].astype(int), 0.2)
    calls[250:, 0] = 10
    assert any(fall.account == 0 for fall in watch(counts, present(), Rule()).falls)
    found = watch(counts, present(), Rule(), instead=calls)
    assert not any(fall.account == 0 for fall in found.falls)
    assert found.handed_over >= 1


def test_tiny_accounts_are_silent() -> None:
    """An account of which little is expected raises no alarm, whatever it does."""
    counts = use(7, level=0.5)
    counts[300:, 0] = 0
    assert not watch(counts, present(), Rule(least=30)).falls


def test_later_days_change_nothing() -> None:
    """What was told by a day stays as it was, whatever follows."""
    counts = use(8)
    counts[200:, :4] *= 0.2
    other = counts.copy()
    other[320:] = np.random.default_rng(9).permutation(other[320:], axis=1)

    def told(of: np.ndarray) -> list[tuple[int, int, float]]:
        return [
            (fall.account, fall.began, fall.strength) for fall in watch(of, present(), Rule()).falls if fall.began < 320
        ]

    assert told(counts) == told(other)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 3))
def test_a_week_holds_no_more_than_its_budget(days: list[int], a_week: int) -> None:
    """Nobody is told before the fall began, nobody twice, and no week has more than its budget."""
    falls = [
        Fall(account=k, began=day, ended=None, window=7, expected=50, seen=5, strength=4, fleet=1)
        for k, day in enumerate(sorted(days))
    ]
    told, dropped = within_budget(falls, a_week=a_week, monday=0)
    assert len(told) + len(dropped) == len(falls)
    assert all(day >= fall.began for day, fall in told)
    weeks = [day // 7 for day, _ in told]
    assert all(weeks.count(week) <= a_week for week in weeks)


def test_the_answer_names_who_fell_and_acknowledging_stops_it() -> None:
    """Of six accounts used alike one stops: it alone is told, with evidence, until somebody has seen to it."""
    facts = replace(facts_of(fallen(), until=CUTOFF), cutoff=CUTOFF)
    answer = alarms(facts)
    found = answer.sheet("alarms").records()
    assert [row["account_id"] for row in found] == ["a0"]
    assert "person-days in" in found[0]["evidence"]
    assert answer.chart is not None
    seen_to = alarms(facts, acknowledged={"a0": CUTOFF})
    assert seen_to.sheet("alarms").records() == []
    assert "1 more is acknowledged" in " ".join(seen_to.says)
    assert alarms(facts, acknowledged={"a0": CUTOFF - timedelta(days=200)}).sheet("alarms").records() == found


def test_facts_after_the_cutoff_change_no_alarm() -> None:
    """Events that become known at the cutoff, of days before it too, leave the alarms as they were."""
    world = fallen()
    late = [
        {"account_id": "a0", "occurred_at": moment(age), "known_at": moment(-1), "event": "view", "user_id": f"u{user}"}
        for age in range(1, 20)
        for user in range(4)
    ]
    before = alarms(replace(facts_of(world, until=CUTOFF), cutoff=CUTOFF))
    after = alarms(replace(facts_of({**world, "events": [*world["events"], *late]}), cutoff=CUTOFF))
    assert [sheet.records() for sheet in after.sheets] == [sheet.records() for sheet in before.sheets]


def test_an_acknowledgement_is_kept(tmp_path: Path) -> None:
    """It is kept with its day, for accounts that were scored; another one is named as unknown."""
    chosen = Settings(home=tmp_path)
    with ScoreStore(chosen.store_url) as store:
        store.append(a_run(), [a_score("a0")])
    acknowledge(chosen, "a0", "called them")
    assert list(acknowledged(chosen)) == ["a0"]
    assert acknowledged(chosen)["a0"] <= date.today() + timedelta(days=1)  # noqa: DTZ011
    with pytest.raises(DataError, match="the alarm of zz was not acknowledged: no such account was ever scored"):
        acknowledge(chosen, "zz")


def test_what_is_missing_or_wrong_is_named() -> None:
    """Without events there are no alarms; options out of bounds are refused."""
    world = fallen()
    del world["events"]
    with pytest.raises(DataError, match="events"):
        alarms(facts_of(world))
    with pytest.raises(SettingsError, match="drop = 2"):
        AlarmsAsked(drop=2)


def fallen() -> World:
    """Six accounts of four people who come daily; one of them stopped ten days ago."""
    return {
        "accounts": [{"account_id": f"a{account}"} for account in range(6)],
        "events": [
            {"account_id": f"a{account}", "occurred_at": moment(age), "event": "view", "user_id": f"u{user}"}
            for account in range(6)
            for age in range(1, 150)
            for user in range(4)
            if account or age > 10
        ],
    }

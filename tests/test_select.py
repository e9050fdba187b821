"""The simplest model within one standard error of the best wins, and the base rate where there is nothing to find."""

import numpy as np
import pytest

from tests.pasts import COLUMNS, Past
from training.dataset import Dataset
from training.models import MODELS
from training.outing import Outing, outings
from training.score import logistic
from training.select import Contest, chance_error, errors_needed, log_loss_rows, paired
from training.split import forward_folds

SIGNS = (-1, 1, 0, 0)


def contest(past: Past) -> Contest:
    """Every candidate's outings on a past."""
    data = past.make()
    tests = outings(data, forward_folds(data, 3), MODELS, SIGNS, lambda _: None)
    return Contest(data, tests, MODELS)


def staged(losses: dict[int, float]) -> Contest:
    """A contest whose log-odds are the truth, worsened by so much noise for each candidate."""
    data = Past(accounts=300, leads=(30,)).make()
    draw = np.random.default_rng(3)
    used, waited = np.log1p(data.signals["used_28d"]) - 3, np.log1p(data.signals["waited_28d"]) - 3
    truth = (-1 - 2 * used + waited).to_numpy()
    keys = [(model.name, strength) for model in MODELS for strength in model.strengths]
    log_odds = {key: truth + losses.get(at, 3.0) * draw.normal(size=len(truth)) for at, key in enumerate(keys)}
    log_odds |= {key: np.full(len(truth), -1.0) for key in keys if key[0] == MODELS[0].name}
    fold = forward_folds(data, 1)[0]
    return Contest(data, [Outing(fold=fold, rows=np.arange(len(data)), fitted={}, log_odds=log_odds)], MODELS)


def test_a_strong_dependence_is_found_and_beats_the_base_rate_beyond_chance():
    """With a known truth, something other than the base rate is chosen."""
    found = contest(Past(accounts=120)).decide()
    assert found.usable
    assert found.beyond_chance
    assert "better than the base rate" in found.verdict


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_outcomes_are_pure_chance_there_is_no_signal_beyond_chance(seed):
    """Outcomes that depend on nothing do not pass the gate."""
    found = contest(Past(accounts=100, strength=0.0, seed=seed)).decide()
    assert not found.beyond_chance
    if not found.usable:
        assert found.verdict.startswith("no usable signal: ")


def test_the_most_cautious_strength_within_a_standard_error_is_taken():
    """A cautious strength as good as the best one wins; one that is far behind does not."""
    alike = staged({1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0})
    assert alike.cautious(MODELS[1]) == (MODELS[1].name, MODELS[1].strengths[0])
    behind = staged({1: 3.0, 2: 0.0, 3: 0.0, 4: 0.0})
    assert behind.cautious(MODELS[1]) == (MODELS[1].name, MODELS[1].strengths[1])


def test_the_simpler_of_equals_wins():
    """The logistic regression comes before trees that say exactly the same."""
    both = dict.fromkeys(range(1, 9), 0.0)
    assert staged(both).decide().chosen.name == MODELS[1].name


def test_the_standard_error_counts_accounts_not_rows():
    """Rows of one account that all say the same do not make a difference surer."""
    draw = np.random.default_rng(1)
    difference = draw.normal(size=200)
    once = paired(difference, np.ones(200), np.arange(200))
    often = paired(np.repeat(difference, 5), np.full(1000, 0.2), np.repeat(np.arange(200), 5))
    assert once == pytest.approx(often)
    assert once[1] == pytest.approx(difference.std(ddof=1) / np.sqrt(200), rel=0.01)


def test_log_loss_from_log_odds():
    """Two ways to the same loss."""
    log_odds, left = np.array([-2.0, 0.0, 3.0]), np.array([0.0, 1.0, 1.0])
    risk = 1 / (1 + np.exp(-log_odds))
    assert log_loss_rows(left, log_odds) == pytest.approx(-np.log(np.where(left == 1, risk, 1 - risk)))


def test_what_is_tested_on_is_never_seen_by_the_candidates():
    """Turning round every tested outcome of the last fold changes none of its log-odds."""
    data = Past(accounts=80).make()
    folds = forward_folds(data, 2)
    last = folds[-1]
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(last.test, 1 - data.left, data.left))
    before = outings(data, [last], MODELS, SIGNS, lambda _: None)[0]
    after = outings(turned, [last], MODELS, SIGNS, lambda _: None)[0]
    assert all(np.array_equal(before.log_odds[key], after.log_odds[key]) for key in before.log_odds)
    assert len(COLUMNS) == len(SIGNS)


def test_agreement_of_rows_that_saw_no_loss_is_no_proof():
    """Where the tested rows all stayed, a lower risk gains in each; how seldom a loss is keeps the error honest."""
    low, high = np.full(300, -6.0), np.full(300, -4.0)
    draw, weights = np.random.default_rng(1), np.ones(300)
    even = high + 0.1 * draw.normal(size=300)
    gain, sample = paired(
        log_loss_rows(np.zeros(300), even) - log_loss_rows(np.zeros(300), low), weights, np.arange(300)
    )
    assert gain > 30 * sample
    assert gain < 2 * chance_error(even, low, weights)


def test_the_error_by_chance_is_the_spread_of_the_difference_over_worlds():
    """Outcomes drawn by the chances that both say on average spread the difference as much as is said."""
    draw, weights = np.random.default_rng(2), np.full(400, 0.5)
    one, two = draw.normal(-2, 1, size=400), draw.normal(-2, 1, size=400)
    chance = (logistic(one) + logistic(two)) / 2
    # Two rows share an outcome, as the looks at a contract do.
    one, two, chance = (np.repeat(each[::2], 2) for each in (one, two, chance))
    drawn = []
    for _ in range(2000):
        left = np.repeat(draw.random(200) < chance[::2], 2).astype(float)
        drawn.append(np.average(log_loss_rows(left, one) - log_loss_rows(left, two), weights=weights))
    assert np.std(drawn) == pytest.approx(chance_error(one, two, weights), rel=0.1)


def test_the_luckiest_of_several_needs_more_to_be_beyond_chance():
    """Of three equal candidates without any gain, the best passes as seldom as one alone would."""
    best = np.random.default_rng(4).normal(size=(20_000, 3)).max(axis=1)
    assert errors_needed(0.05, 1) == pytest.approx(1.645, abs=0.001)
    assert 0.04 < np.mean(best > errors_needed(0.05, 3)) <= 0.053

"""Each model learns what is there, follows the known direction of its signals, and stays additive."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from tests.pasts import COLUMNS, Past
from training.dataset import KEY_COLUMNS, Dataset
from training.models import MODELS
from training.models.base_rate import BaseRate
from training.models.gbm import Gbm
from training.models.logistic import Logistic
from training.outing import fit_all, raw_log_odds
from training.score import Linear, damped, logistic, read_part
from training.target import DIRECTIONS
from training.task import Task, balanced

SIGNS = tuple(DIRECTIONS[column.signal.healthier] for column in COLUMNS)


@pytest.fixture(scope="module")
def data():
    return Past().make()


@pytest.fixture(scope="module")
def fitted(data):
    return fit_all(data, MODELS, SIGNS)


def test_contributions_and_base_are_the_log_odds(data, fitted):
    """For every candidate, base plus contributions equal the log-odds computed another way, to 1e-9."""
    values = data.signals.to_numpy()
    for part in fitted.values():
        base, shares = part.shares(values, data.segments)
        assert np.abs(base + shares.sum(axis=1) - raw_log_odds(part, data)).max() < 1e-9


def test_a_model_written_and_read_answers_the_same_to_the_bit(data, fitted):
    """Its JSON holds all of it."""
    for part in fitted.values():
        again = read_part(part.written())
        assert np.array_equal(raw_log_odds(again, data), raw_log_odds(part, data))


@pytest.mark.parametrize("model", [Logistic(), Gbm()], ids=lambda model: model.name)
def test_more_of_what_is_healthier_never_raises_risk(data, model):
    """Raising a signal that is healthier when there is more lowers risk or leaves it; the other way round for less."""
    part = list(model.fit(Task(data=data, ground=np.zeros(len(data)), directions=SIGNS)).values())[-1]
    for at, sign in ((0, -1), (1, 1)):
        raised = data.signals.copy()
        raised.iloc[:, at] = raised.iloc[:, at] * 3 + 5
        moved = raw_log_odds(part, Dataset(keys=data.keys, signals=raised, left=data.left)) - raw_log_odds(part, data)
        assert (moved * sign >= -1e-12).all()
        assert np.abs(moved).max() > 0


def test_the_logistic_regression_is_the_known_one(data):
    """Where no direction binds, it agrees with scikit-learn's ridge on the same standardised signals."""
    full = Dataset(keys=data.keys, signals=data.signals.fillna(0.0), left=data.left)
    places = damped(full.signals.to_numpy())
    places = (places - places.mean(axis=0)) / places.std(axis=0)
    known = LogisticRegression(C=1 / 4, max_iter=1000, tol=1e-8).fit(places, full.left, sample_weight=full.weights)
    ground = np.full(len(data), known.intercept_[0])
    part = Logistic(strengths=(1.0,)).fit(Task(data=full, ground=ground, directions=(0, 0, 0, 0)))[1.0]
    assert ground + raw_log_odds(part, full) == pytest.approx(known.decision_function(places), abs=1e-3)


def test_signals_are_expected_to_agree_in_their_directions():
    """Few outcomes teach a single slope: a signal that says nothing yet gets a share of what its fellow says."""
    data = Past(accounts=30, leads=(30,), strength=1.0).make()
    blurred = data.signals.assign(waited_28d=np.random.default_rng(1).normal(size=len(data)))
    few = Dataset(keys=data.keys, signals=blurred, left=data.left)
    part = Logistic(strengths=(1e-4,)).fit(Task(data=few, ground=np.full(len(data), -1.0), directions=SIGNS))[1e-4]
    assert isinstance(part, Linear)
    assert part.weight[1] == pytest.approx(-part.weight[0], rel=0.2)
    assert part.weight[1] > 0.01


def test_every_family_counts_the_same():
    """A family of three signals with a direction counts no more than a family of one; one without has none."""
    assert balanced((-1, 1, 1, 0, -1), ("a", "a", "a", "a", "b")) == pytest.approx((-1 / 3, 1 / 3, 1 / 3, 0, -1))


def test_the_logistic_regression_finds_the_truth_with_enough_data():
    """On many outcomes, weights approach those the outcomes were drawn with."""
    data = Past(accounts=1500, leads=(30,), strength=1.0).make()
    part = Logistic(strengths=(1000.0,)).fit(Task(data=data, ground=np.zeros(len(data)), directions=SIGNS))[1000.0]
    assert isinstance(part, Linear)
    assert part.weight / part.scale == pytest.approx([-1.0, 0.5, 0.0, 0.0], abs=0.1)


def test_an_unknown_signal_is_neutral_when_it_says_nothing(data):
    """Not knowing a signal whose gaps are pure chance hardly moves the log-odds."""
    part = Logistic().fit(Task(data=data, ground=np.zeros(len(data)), directions=SIGNS))[0.3]
    assert isinstance(part, Linear)
    assert abs(part.unknown[3]) < 0.3
    assert part.unknown[0] == 0


def test_base_rates_of_small_segments_are_drawn_to_the_overall_rate(data):
    """A segment with few outcomes gets a rate between its own and that of all."""
    segments = np.where(np.arange(len(data)) < 4, "tiny", "large")
    left = np.where(segments == "tiny", 1.0, data.left)
    mixed = Dataset(keys=data.keys.assign(segment=segments), signals=data.signals, left=left)
    part = BaseRate().fit(Task(data=mixed, ground=np.zeros(len(data)), directions=SIGNS))[0.5]
    tiny = logistic(raw_log_odds(part, mixed))[0]
    assert np.average(left, weights=mixed.weights) < tiny < 0.5


def test_base_rates_know_that_a_longer_term_is_lost_more_often():
    """Rates are those of the term's length, where the signal that holds it is there."""
    data = Past(strength=0.0).make()
    days = np.where(np.arange(len(data)) % 4 < 2, 30.0, 365.0)
    left = np.where(days == 30, 0.0, data.left)
    terms = Dataset(keys=data.keys, signals=data.signals.assign(term_days=days), left=left)
    part = BaseRate().fit(Task(data=terms, ground=np.zeros(len(data)), directions=(*SIGNS, 0)))[0.5]
    risk = logistic(raw_log_odds(part, terms))
    assert risk[days == 30].max() < risk[days == 365].min()


def test_with_few_losses_a_year_is_left_as_twelve_months_are():
    """Two of forty monthly terms were lost, none of five yearly ones: the yearly rate is still many times as high."""
    keys = pd.DataFrame(dict.fromkeys(KEY_COLUMNS), index=range(45)).assign(contract_id=range(45), segment="")
    days, left = np.repeat([30.0, 365.0], [40, 5]), np.zeros(45)
    left[:2] = 1
    few = Dataset(keys=keys, signals=pd.DataFrame({"term_days": days}), left=left)
    month, year = logistic(raw_log_odds(BaseRate().fit(Task(data=few, ground=left * 0, directions=(0,)))[0.5], few))[
        [0, -1]
    ]
    assert 0.02 < month < 0.06
    assert 5 * month < year < 12 * month


def a_segmented_book(draw, accounts, apart):
    """Snapshots of one look each in four segments whose log-odds lie ``apart`` (standard deviation), and the truth."""
    truth = logistic(-2.2 + apart * np.array([-1.2, -0.4, 0.4, 1.2]))
    place = draw.integers(4, size=accounts)
    keys = pd.DataFrame(dict.fromkeys(KEY_COLUMNS), index=range(accounts))
    keys = keys.assign(contract_id=range(accounts), segment=np.array(["a", "b", "c", "d"])[place])
    left = (draw.random(accounts) < truth[place]).astype(float)
    return Dataset(keys=keys, signals=keys[[]], left=left), truth


@pytest.mark.parametrize("outcomes", [20, 50, 100, 200])
@pytest.mark.parametrize("apart", [0.0, 0.8])
def test_rates_of_segments_lose_next_to_nothing_where_they_are_alike_and_gain_where_not(outcomes, apart):
    """Over 300 books, the expected log loss against that of one rate for all: the truth is known."""
    draw, gains = np.random.default_rng(3), []
    for _ in range(300):
        data, truth = a_segmented_book(draw, outcomes, apart)
        part = BaseRate().fit(Task(data=data, ground=np.zeros(len(data)), directions=()))[0.5]
        values, _ = part.shares(np.zeros((4, 0)), ["a", "b", "c", "d"])
        one = (data.left.sum() + 0.5) / (len(data) + 1)
        losses = [-(truth * np.log(rate) + (1 - truth) * np.log(1 - rate)).mean() for rate in (one, logistic(values))]
        gains.append(losses[0] - losses[1])
    # Where they are alike, the rates of four segments by themselves lose .010 with 200 outcomes and .058 with 50.
    assert np.mean(gains) > (-0.0015 if apart == 0 else 0.002)


def test_the_same_task_gives_the_same_model(data):
    """Every candidate is the same to the bit when learnt again."""
    again = fit_all(data, MODELS, SIGNS)
    for key, part in fit_all(data, MODELS, SIGNS).items():
        assert part.written() == again[key].written()


def test_a_signal_never_known_gets_no_weight(data):
    """A column of nothing but gaps changes no answer."""
    signals = data.signals.assign(used_28d=np.nan)
    blind = Dataset(keys=data.keys, signals=signals, left=data.left)
    task = Task(data=blind, ground=np.zeros(len(data)), directions=SIGNS)
    part = Logistic().fit(task)[1.0]
    assert isinstance(part, Linear)
    back = replace(part, unknown=part.unknown * 0)
    assert part.weight[0] == 0
    assert np.isfinite(raw_log_odds(back, data)).all()

"""With few outcomes risks lean on base rates and declared directions, do no harm, and say how sure they are.

The simulated market here is a short form of experiments/2026-11_small_books.
"""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features import table
from features.engines.duckdb import DuckEngine
from features.errors import DataError
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated
from tests.pasts import COLUMNS, Past
from training.dataset import Dataset, Floats
from training.models.base_rate import BaseRate
from training.models.logistic import Logistic
from training.score import logistic, plain_log_odds
from training.select import trust
from training.split import holdout, learnable
from training.task import Task
from training.train import Trained, TrainSettings, train

DRAWS = 5
MARKET = MarketSettings(accounts=120, months=26, seed=17)
SPLIT = pd.Timestamp(MARKET.first_day) + pd.Timedelta(days=18 * 30)


def test_a_gain_is_believed_as_far_as_it_is_sure() -> None:
    """One standard error: not at all; two: three quarters; a loss: never."""
    assert trust(1.0, 1.0) == 0.0
    assert trust(2.0, 1.0) == 0.75
    assert trust(20.0, 1.0) > 0.99
    assert trust(-1.0, 0.5) == trust(0.0, 0.0) == 0.0


def base_rates(learnt: Dataset, asked: Dataset) -> Floats:
    """What the base rate of each kind says, learnt from the same."""
    nothing = Task(data=learnt, ground=np.zeros(len(learnt)), directions=(0,) * len(COLUMNS))
    rates = BaseRate().fit(nothing)[0.5]
    return logistic(plain_log_odds(rates, asked.signals.to_numpy(dtype=float), asked.segments))


def log_loss(left: Floats, risk: Floats) -> float:
    """Mean log loss."""
    return float(-np.mean(left * np.log(risk) + (1 - left) * np.log(1 - risk)))


def trained(accounts: int, strength: float, seed: int) -> Trained | None:
    """A model of a small past; None where that is too small to learn from, which is an error that says so."""
    models = (BaseRate(), Logistic(strengths=(0.1, 1.0)))
    try:
        past = Past(accounts=accounts, strength=strength, seed=seed).make()
        return train(past, COLUMNS, settings=TrainSettings(models=models, folds=2))
    except DataError as error:
        assert "outcomes" in str(error)  # noqa: PT017 - a small past may also be large enough
        return None


@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_little_or_no_signal_in_few_outcomes_does_no_harm(strength: float) -> None:
    """A hundred outcomes: over several draws the log loss on a large future is no worse than the base rate's."""
    gains = []
    for seed in range(DRAWS):
        found = trained(25, strength, seed)
        if found is None:
            continue
        future = Past(accounts=300, terms=1, strength=strength, seed=1000 + seed).make()
        risk = found.scorer.score(future.signals.assign(segment=future.segments)).risk
        gains.append(log_loss(future.left, base_rates(found.learnt, future)) - log_loss(future.left, risk))
    assert gains
    assert np.mean(gains) > -0.001
    assert min(gains) > -0.01


@pytest.fixture(scope="module")
def market() -> Dataset:
    """The snapshots of a simulated market."""
    with DuckEngine(threads=1) as engine:
        found = table.past(take_in(Simulated(settings=MARKET), engine, None, now=date(2100, 1, 1)), Renewal())
    return Dataset(keys=found.keys, signals=found.signals, left=found.left)


@pytest.mark.parametrize("outcomes", [20, 50, 100, 200])
def test_small_books_of_a_market_gain_upon_its_base_rate(market: Dataset, outcomes: int) -> None:
    """Over several books of a few accounts, the log loss on the others' later snapshots is below the base rate's."""
    known, later = market.take(learnable(market, SPLIT)), market.take(holdout(market, SPLIT).test)
    worth = pd.Series(known.weights).groupby(known.keys["account_id"].to_numpy()).sum()
    settings = TrainSettings(before=SPLIT, models=(BaseRate(), Logistic()), folds=2)
    gains = []
    for seed in range(DRAWS + 2):
        order = worth.iloc[np.random.default_rng(seed).permutation(len(worth))]
        book = market.keys["account_id"].isin(order.index[: int((order.cumsum() < outcomes).sum()) + 1])
        try:
            found = train(market.take(book.to_numpy()), columns(CATALOGUE), settings=settings)
        except DataError as error:
            assert "too few outcomes" in str(error)  # noqa: PT017 - no loss at all among twenty outcomes
            continue
        others = later.take(~later.keys["account_id"].isin(market.keys["account_id"][book]).to_numpy())
        risk = found.scorer.score(others.signals.assign(segment=others.segments)).risk
        rate = (found.learnt.weights @ found.learnt.left + 0.5) / (found.learnt.weights.sum() + 1)
        gains.append(log_loss(others.left, np.full(len(others), rate)) - log_loss(others.left, risk))
    assert len(gains) >= DRAWS - 1
    assert np.mean(gains) > 0
    assert np.mean(np.array(gains) < 0) < (0.3 if outcomes == 20 else 0.1)


def test_few_losses_lean_on_the_declared_directions_and_it_says_so() -> None:
    """Where losses are too few to prove a signal, that is the verdict, and nothing is calibrated on them."""
    found = trained(25, 0.4, 3)
    assert found is not None
    assert found.selection.usable
    assert not found.selection.proven
    assert found.verdict.startswith("too few losses to prove a signal: risks lean on")
    assert "% certainty" in found.verdict
    assert (found.scorer.slope, found.scorer.intercept) == (1.0, 0.0)


def test_directions_that_outcomes_contradict_are_given_up() -> None:
    """Where those who use it most leave most, nothing leans on use being healthy."""
    past = Past(accounts=40, strength=-2.0, seed=2).make()
    found = train(past, COLUMNS, settings=TrainSettings(models=(BaseRate(), Logistic(strengths=(0.1,))), folds=2))
    assert found.selection.leaning < 0.5 or not found.selection.usable


def test_the_verdict_says_how_sure_it_is() -> None:
    """A clear signal in few outcomes is used, and said with its certainty."""
    found = trained(60, 2.0, 1)
    assert found is not None
    assert found.selection.usable
    assert "% certainty" in found.verdict
    assert 0.5 < found.selection.sure <= 1.0

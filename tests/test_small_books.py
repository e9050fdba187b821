"""With few outcomes a model is drawn towards the base rate as far as its gain is not sure, and says how sure it is."""

import numpy as np
import pytest

from features.errors import DataError
from tests.pasts import COLUMNS, Past
from training.dataset import Dataset, Floats
from training.models.base_rate import BaseRate
from training.models.logistic import Logistic
from training.score import logistic, plain_log_odds
from training.select import trust
from training.task import Task
from training.train import Trained, TrainSettings, train

DRAWS = 5


def test_a_gain_is_believed_as_far_as_it_is_sure() -> None:
    """One standard error: not at all; two: three quarters; a loss: never."""
    assert trust(1.0, 1.0) == 0.0
    assert trust(2.0, 1.0) == 0.75
    assert trust(20.0, 1.0) > 0.99
    assert trust(-1.0, 0.5) == trust(0.0, 0.0) == 0.0


def base_rates(learnt: Dataset, asked: Dataset) -> Floats:
    """What the base rate of each kind says, learnt from the same."""
    nothing = Task(data=learnt, ground=np.zeros(len(learnt)), directions=(0,) * len(COLUMNS))
    rates = BaseRate().fit(nothing)[30.0]
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


def test_the_verdict_says_how_sure_it_is() -> None:
    """A clear signal in few outcomes is used, and said with its certainty."""
    found = trained(60, 2.0, 1)
    assert found is not None
    assert found.selection.usable
    assert "% certainty" in found.verdict
    assert 0.5 < found.selection.sure <= 1.0

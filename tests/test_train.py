"""The whole recipe: it finds the truth, repeats itself to the bit, and keeps quiet where there is nothing to say."""

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from tests.pasts import COLUMNS, Past, silences
from training.dataset import Dataset
from training.train import TrainSettings, train


@pytest.fixture(scope="module")
def data():
    return Past().make()


@pytest.fixture(scope="module")
def trained(data):
    return train(data, COLUMNS)


def test_risks_on_later_snapshots_are_nearly_the_true_ones(trained):
    """Calibrated, and close to the probabilities the outcomes were drawn from."""
    tested = trained.tested
    used, waited = np.log1p(tested.signals["used_28d"]) - 3, np.log1p(tested.signals["waited_28d"]) - 3
    truth = 1 / (1 + np.exp(1 + 2 * used - waited))
    assert np.corrcoef(truth, trained.tested_risk)[0, 1] > 0.9
    assert trained.metrics["ece"].value < 0.08
    assert trained.scorer.about["usable"]


def test_the_same_data_settings_and_seed_give_the_same_predictions_to_the_bit(data, trained):
    """Trained again, every risk is the same."""
    again = train(data, COLUMNS)
    assert np.array_equal(again.scorer.score(data.signals).risk, trained.scorer.score(data.signals).risk)
    assert again.scorer.part.written() == trained.scorer.part.written()


def test_the_order_of_the_snapshots_does_not_matter(data, trained):
    """The same snapshots in another order make the same model."""
    mixed = data.take(np.random.default_rng(1).permutation(len(data)))
    assert train(mixed, COLUMNS).scorer.part.written() == trained.scorer.part.written()


def test_what_was_decided_later_changes_nothing(data):
    """Outcomes decided from a date on, turned round, leave the model trained before it as it was."""
    before = pd.Timestamp("2023-06-01")
    later = (data.keys["decided_on"] >= before).to_numpy()
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(later, 1 - data.left, data.left))
    how = TrainSettings(before=before, folds=2)
    first, second = train(data, COLUMNS, settings=how), train(turned, COLUMNS, settings=how)
    assert first.scorer.part.written() == second.scorer.part.written()
    assert first.calibration == second.calibration


def test_open_snapshots_are_not_learnt_from(data, trained):
    """Open is never a negative: adding open snapshots changes nothing."""
    more = Dataset(
        keys=pd.concat([data.keys, data.keys.assign(decided_on=pd.NaT)], ignore_index=True),
        signals=pd.concat([data.signals, data.signals], ignore_index=True),
        left=np.concatenate([data.left, np.full(len(data), np.nan)]),
    )
    assert train(more, COLUMNS).scorer.part.written() == trained.scorer.part.written()


def test_with_nothing_to_find_every_risk_is_about_the_base_rate():
    """On pure chance, the risks given are hardly further apart than the base rates of segments."""
    data = Past(accounts=100, strength=0.0, seed=5).make()
    trained = train(data, COLUMNS)
    risk = trained.scorer.score(data.signals.assign(segment=data.segments)).risk
    assert risk.std() < 0.06
    assert risk.mean() == pytest.approx(trained.base_rate, abs=0.03)


def test_few_outcomes_are_shrunk_to_the_base_rate_and_cost_nothing():
    """Over many small pasts, log loss on later snapshots is no worse than the base rate's, on average."""
    gains = [train(Past(accounts=40, strength=0.3, seed=seed).make(), COLUMNS).selection.gain for seed in range(6)]
    assert np.mean(gains) >= 0


def test_accounts_that_fall_silent_are_learnt_too():
    """Without contracts, horizons take the place of terms."""
    trained = train(silences(accounts=80), COLUMNS)
    assert trained.selection.usable
    assert trained.folds["origin"].is_monotonic_increasing


def test_too_little_to_learn_from_is_said():
    """Five outcomes, one class, or nothing decided: a clear fault, no stack of them."""
    with pytest.raises(DataError, match="too few outcomes"):
        train(Past(accounts=5, terms=1).make(), COLUMNS)
    data = Past(accounts=60).make()
    for outcome in (0.0, 1.0, np.nan):
        same = Dataset(keys=data.keys, signals=data.signals, left=np.full(len(data), outcome))
        with pytest.raises(DataError, match="too few outcomes"):
            train(same, COLUMNS)

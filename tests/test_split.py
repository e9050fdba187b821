"""Nothing is learnt from what was not yet decided, and nothing is tested on what was learnt from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from tests.pasts import Past, silences
from training.dataset import Dataset, concat
from training.split import check_enough, decision_lag, forward_folds, holdout, learnable

PASTS = st.builds(
    Past,
    accounts=st.integers(40, 80),
    terms=st.integers(2, 4),
    lag_days=st.integers(0, 180),
    seed=st.integers(0, 1000),
)


@settings(max_examples=20, deadline=None)
@given(past=PASTS, day=st.integers(400, 1500))
def test_a_holdout_learns_only_from_what_was_decided_before_its_first_test_cutoff(past, day):
    """A fold never learns from an outcome decided after its first test cutoff."""
    data, split = past.make(), pd.Timestamp("2020-01-01") + pd.Timedelta(days=day)
    fold = holdout(data, split)
    assert (data.keys.loc[fold.learn, "decided_on"] < split).all()
    assert (data.keys.loc[fold.test, "cutoff"] >= split).all()


@settings(max_examples=20, deadline=None)
@given(past=PASTS)
def test_forward_folds_keep_the_rule_about_time(past):
    """In every fold, the latest decision learnt from lies before the first cutoff tested on."""
    data = past.make()
    try:
        folds = forward_folds(data, 4)
    except DataError:
        return
    for fold in folds:
        assert data.keys.loc[fold.learn, "decided_on"].max() < data.keys.loc[fold.test, "cutoff"].min()


@settings(max_examples=20, deadline=None)
@given(past=PASTS)
def test_no_contract_stands_on_both_sides(past):
    """A contract's snapshots are learnt from or tested on, never both, and every row is tested once at most."""
    data = past.make()
    try:
        folds = forward_folds(data, 3)
    except DataError:
        return
    for fold in folds:
        assert not set(data.keys.loc[fold.learn, "contract_id"]) & set(data.keys.loc[fold.test, "contract_id"])
    assert np.sum([fold.test for fold in folds], axis=0).max() == 1


def test_outcomes_decided_after_the_split_change_nothing_that_is_learnt():
    """Turning round every outcome decided from the split on leaves the learning side as it was."""
    data, split = Past().make(), pd.Timestamp("2022-06-01")
    later = (data.keys["decided_on"] >= split).to_numpy()
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(later, 1 - data.left, data.left))
    assert np.array_equal(holdout(data, split).learn, holdout(turned, split).learn)


def test_renewals_decided_early_do_not_crowd_out_losses_decided_late():
    """Of the latest terms only renewals are decided, so the terms within the lag of a loss are left out."""
    data, split = Past(accounts=400, strength=0.0, lag_days=120).make(), pd.Timestamp("2022-06-01")
    decided = (data.keys["decided_on"] < split).to_numpy()
    recent = (data.keys["ends_on"] > split - pd.Timedelta(days=365)).to_numpy()
    naive, mature = data.left[decided & recent].mean(), data.left[learnable(data, split) & recent].mean()
    truth = data.left.mean()
    assert decision_lag(data, split) == pd.Timedelta(days=120)
    assert abs(mature - truth) < abs(naive - truth)


def test_snapshots_of_a_contract_share_its_one_outcome():
    """Weights sum to the number of contracts."""
    data = Past(accounts=30, leads=(30, 60, 90)).make()
    assert data.weights.sum() == pytest.approx(data.keys["contract_id"].nunique())


def test_overlapping_horizons_share_their_outcomes_evenly():
    """Looked at every 30 days with a horizon of 90, each snapshot brings a third of an outcome."""
    data = silences()
    assert data.weights == pytest.approx(np.full(len(data), 1 / 3))
    assert forward_folds(data, 3)


def test_five_outcomes_are_too_few_and_it_says_so():
    """Too few outcomes, or those of one kind only, are a clear fault."""
    with pytest.raises(DataError, match=r"too few outcomes to learn from: .* among 5 accounts; at least 10 are needed"):
        check_enough(Past(accounts=5, terms=1).make())
    check_enough(Past(accounts=20, terms=1).make())


def test_a_dataset_of_parts_is_the_whole():
    """Taking two halves and putting them together gives back the snapshots, and the same fingerprint."""
    data = Past(accounts=20).make()
    first = np.arange(len(data)) < 40
    whole = concat((data.take(first), data.take(~first)))
    assert whole.fingerprint() == data.fingerprint()
    assert data.take(first).fingerprint() != data.fingerprint()

"""A challenger takes the champion's place only by winning on later snapshots of which neither had learnt."""

import numpy as np
import pandas as pd
import pytest

from tests.pasts import COLUMNS, Past
from training.dataset import Dataset
from training.duel import KEY, Holder, judge, said_at_the_time
from training.train import Trained, TrainSettings, train

QUICK = TrainSettings(folds=2)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Past(accounts=200).make()


@pytest.fixture(scope="module")
def trained(data: Dataset) -> Trained:
    return train(data, COLUMNS, settings=QUICK)


@pytest.fixture(scope="module")
def blind(data: Dataset) -> Trained:
    """A model that sees less: one of the two signals that matter is noise to it."""
    shuffled = data.signals.assign(used_28d=np.random.default_rng(2).permutation(data.signals["used_28d"]))
    return train(Dataset(keys=data.keys, signals=shuffled, left=data.left), COLUMNS, settings=QUICK)


def holder(trained: Trained, *, said: bool = True) -> Holder:
    """A trained model in the champion's place; without what it said, it speaks of later snapshots only."""
    told = said_at_the_time(trained)
    return Holder(version="3", scorer=trained.scorer, said=told if said else told.head(0))


def test_the_first_model_takes_the_empty_place(trained: Trained) -> None:
    """Nobody was there before it."""
    assert judge(trained, None).wins


def test_the_same_again_stays_challenger_and_says_why(trained: Trained) -> None:
    """Retrained on the same data with the same recipe, there is nothing to change."""
    found = judge(trained, holder(trained))
    assert not found.wins
    assert "says the same as version 3" in found.reason
    assert "same data, same recipe" in found.reason


def test_a_better_recipe_wins_beyond_its_interval(trained: Trained, blind: Trained) -> None:
    """Against a champion that misses a signal; and the other way round it is worse."""
    found = judge(trained, holder(blind))
    assert found.wins
    assert "beats version 3 beyond chance" in found.reason
    back = judge(blind, holder(trained))
    assert not back.wins
    assert "is worse than version 3" in back.reason or "base rate" in back.reason


def test_a_champion_is_only_asked_about_what_it_has_not_learnt(data: Dataset) -> None:
    """An older model without its own folds answers for snapshots looked at after the last outcome it learnt from."""
    before = pd.Timestamp(sorted(data.keys["cutoff"])[int(0.6 * len(data))])
    older = train(data, COLUMNS, settings=TrainSettings(folds=2, before=before))
    newer = train(data, COLUMNS, settings=QUICK)
    found = judge(newer, holder(older, said=False))
    until = older.scorer.about["learnt_until"]
    asked = int((newer.tested.keys["cutoff"] > until).sum())
    assert 0 < asked < len(newer.tested)
    assert f"{asked:,} later snapshots" in found.reason


def test_models_with_nothing_in_common_are_not_compared(trained: Trained) -> None:
    """What was learnt from decides nothing."""
    found = judge(trained, holder(trained, said=False))
    assert not found.wins
    assert "no later snapshot is known of which both spoke" in found.reason


def test_a_champion_without_a_usable_signal_gives_way(trained: Trained) -> None:
    """The first model with a usable signal takes the place at once; one without never does."""
    poor = train(Past(accounts=60, strength=0.0, seed=4).make(), COLUMNS, settings=QUICK)
    assert "first with a usable signal" in judge(trained, holder(poor)).reason
    assert judge(trained, holder(poor)).wins
    assert not judge(poor, holder(trained)).wins
    assert judge(poor, None).wins


def test_what_was_said_names_each_snapshot_once(trained: Trained) -> None:
    """The keys by which two trainings are compared."""
    said = said_at_the_time(trained)
    assert len(said) == len(trained.tested)
    assert not said.duplicated(KEY).any()

"""Tuning repeats itself, sees nothing of the folds it is judged on, and replaces no default without proof."""

import os
import signal

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from serving.config_file import load
from serving.steps import how
from tests.pasts import COLUMNS, Past
from training import record, tracking
from training.card import card
from training.dataset import Dataset
from training.models.base_rate import BaseRate
from training.models.gbm import PARAMETERS, Gbm
from training.models.logistic import Logistic
from training.outing import Outing
from training.score import plain_log_odds
from training.select import Contest
from training.split import forward_folds
from training.target import DIRECTIONS
from training.task import Task
from training.train import Trained, TrainSettings, train
from training.trials import Budget, Effort
from training.tuning import Tuning, tune

SIGNS = tuple(DIRECTIONS[column.signal.healthier] for column in COLUMNS)
SLOW = Gbm(strengths=(10,), values={"learning_rate": 0.02, "lambda_l2": 300.0, "num_leaves": 2})
"""Trees whose default learns next to nothing: nearly anything tuned is better."""

MODELS = (BaseRate(), Logistic(), Gbm(strengths=(25, 50)))


def quiet(text: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Past(accounts=120).make()


@pytest.fixture(scope="module")
def trained(data) -> Trained:
    settings = TrainSettings(models=(BaseRate(), SLOW), tuning=Budget(trials=8))
    return train(data, COLUMNS, settings=settings)


def tried(data: Dataset, trials: int = 12, seed: int = 7, seconds: float = 0.0) -> Tuning:
    """The trials of a past along its own folds."""
    effort = Effort(budget=Budget(trials=trials, seconds=seconds), seed=seed, progress=quiet)
    found = tune(data, forward_folds(data, 4), MODELS, SIGNS, effort)
    assert found is not None
    return found


def told(tuning: Tuning) -> pd.DataFrame:
    """The trials without how long they took."""
    return tuning.table().drop(columns="seconds")


def test_the_same_seed_and_number_of_trials_give_the_same_trials_and_the_same_model(data, trained):
    """To the bit; another seed tries something else."""
    first = tried(data)
    pd.testing.assert_frame_equal(told(first), told(tried(data)))
    assert not told(first).equals(told(tried(data, seed=8)))
    again = train(data, COLUMNS, settings=trained.settings)
    assert again.scorer.part.written() == trained.scorer.part.written()


def test_trials_see_nothing_of_the_folds_they_are_judged_on(data):
    """Turning round every outcome decided from the later folds on changes no trial."""
    folds, tuning = forward_folds(data, 4), tried(data)
    later = (data.keys["decided_on"] >= tuning.since).to_numpy()
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(later, 1 - data.left, data.left))
    effort = Effort(budget=Budget(trials=12), seed=7, progress=quiet)
    again = tune(turned, folds, MODELS, SIGNS, effort)
    assert again is not None
    assert tuning.since == folds[2].origin
    pd.testing.assert_frame_equal(told(tuning), told(again))


def test_every_model_gets_its_turn_and_hopeless_trials_are_given_up(data):
    """One trial in five is the logistic regression's, and each model's first trial is its default."""
    trials = tried(data, trials=15).trials
    assert [trial.model.name for trial in trials[:5]] == ["logistic regression", *["boosted trees"] * 4]
    assert dict(trials[0].choice) == Logistic().defaults
    assert dict(trials[1].choice) == {name: PARAMETERS[name] for name in Gbm.ranges}
    given_up = [trial for trial in trials if trial.state == "pruned"]
    assert given_up
    assert all(trial.folds < 3 for trial in given_up)


def test_a_default_that_is_clearly_worse_gives_way_and_the_tuned_model_is_the_one_that_scores(trained):
    """Where the default learns next to nothing, tuned trees are chosen, with their proof on record."""
    assert trained.selection.chosen.name == "tuned boosted trees"
    assert trained.tuned is not None
    (proof,) = trained.tuned.proofs
    assert proof.wins
    assert proof.gain > proof.error > 0
    assert "takes its place" in proof.sentence
    assert trained.metrics["auc"].value > 0.7


def test_in_folds_that_trials_have_seen_the_tuned_model_answers_as_its_default_did(data, trained):
    """So no gain is claimed from them: the chosen log-odds there are those of the default at the time."""
    settings = TrainSettings(models=(BaseRate(), SLOW))
    plain = train(data, COLUMNS, settings=settings).folds
    merged = trained.folds.merge(plain, on=["origin", "learnt_from", "tested_on"])
    both = merged[(merged["model_x"] == "tuned boosted trees") & (merged["model_y"] == "boosted trees")]
    same = np.isclose(both["log_loss_x"], both["log_loss_y"], atol=1e-12)
    assert same.tolist() == [True, True, False, False]


def staged(better: float, folds: int = 4) -> tuple[Contest, Gbm, Gbm]:
    """A contest of trees against tuned ones that are better by so much in the last fold, and by far in the others."""
    data = Past(accounts=300, leads=(30,)).make()
    draw, default = np.random.default_rng(3), Gbm(strengths=(25.0,))
    tuned = default.tuned(default.defaults)
    truth = np.log1p(data.signals["waited_28d"]).to_numpy() - 2 * np.log1p(data.signals["used_28d"]).to_numpy() + 2
    noise = draw.normal(size=(2, len(data)))
    tests = []
    for number, fold in enumerate(forward_folds(data, folds)):
        rows = np.flatnonzero(fold.test)
        worse = 1.0 - better if number == folds - 1 else 0.1
        log_odds = {
            ("base rate", 30.0): np.full(len(rows), -1.0),
            (default.name, 25.0): truth[rows] + noise[0][rows],
            (tuned.name, 25.0): truth[rows] + worse * noise[1][rows],
        }
        tests.append(Outing(fold=fold, rows=rows, fitted={}, log_odds=log_odds))
    models = (BaseRate(strengths=(30.0,)), default)
    return Contest(data, tests, models), default, tuned


@pytest.mark.parametrize(("better", "wins"), [(0.0, False), (-0.5, False), (0.9, True)])
def test_a_tuned_model_takes_the_place_only_beyond_a_standard_error_on_unseen_folds(better, wins):
    """How good it is in the folds that trials have seen does not count."""
    contest, default, tuned = staged(better)
    gain, error = contest.challenge(default, tuned, np.array([3]))
    assert (gain > error) == wins
    assert contest.models[1] is (tuned if wins else default)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.5])
def test_on_small_books_tuning_makes_nothing_worse(strength):
    """Sixty to a hundred outcomes: on a large future of each market, log loss is no worse than without."""
    gains = []
    for seed in range(3):
        past = Past(accounts=30, terms=2 + seed % 2, strength=strength, seed=seed).make()
        future = Past(accounts=300, terms=1, strength=strength, seed=1000 + seed).make()
        try:
            plain, tuned = (
                train(past, COLUMNS, settings=TrainSettings(models=MODELS, tuning=budget))
                for budget in (None, Budget(trials=10))
            )
        except DataError as error:
            assert "outcomes" in str(error)  # noqa: PT017 - a small past may also be large enough
            continue
        risks = [m.scorer.score(future.signals.assign(segment=future.segments)).risk for m in (plain, tuned)]
        losses = [-np.mean(np.log(np.where(future.left == 1, risk, 1 - risk))) for risk in risks]
        gains.append(losses[0] - losses[1])
    assert gains
    assert np.mean(gains) > -0.001
    assert min(gains) > -0.01


def test_a_past_too_short_to_try_anything_on_is_learnt_from_untuned():
    """It says so, and learns as ever."""
    said: list[str] = []
    past = Past(accounts=26, terms=2, strength=1.0, seed=2).make()
    trained = train(past, COLUMNS, settings=TrainSettings(tuning=Budget(trials=5)), progress=said.append)
    assert trained.tuned is None
    assert any(line.startswith("not tuned: too little was decided before") for line in said)


def test_ctrl_c_keeps_the_best_so_far_and_once_more_stops_the_training(data):
    """A real signal: the first ends the search, a second one goes through."""
    said: list[str] = []

    def press(text: str) -> None:
        said.append(text)
        if text.startswith(moments):
            os.kill(os.getpid(), signal.SIGINT)

    settings = TrainSettings(models=(BaseRate(), SLOW), tuning=Budget(trials=1000))
    moments: tuple[str, ...] = ("trial 1 ",)
    trained = train(data, COLUMNS, settings=settings, progress=press)
    assert trained.tuned is not None
    assert trained.tuned.tuning.interrupted
    assert len(trained.tuned.tuning.trials) == 1
    assert any(line.startswith("tuning interrupted: goes on with 1 trial;") for line in said)
    moments = ("trial 1 ", "learns")
    with pytest.raises(KeyboardInterrupt):
        train(data, COLUMNS, settings=settings, progress=press)


def test_seconds_end_the_search(data):
    """Half a second allows a few trials, and not many seconds of them."""
    tuning = tried(data, trials=0, seconds=0.5)
    assert len(tuning.trials) > 1
    assert tuning.seconds < 5


@pytest.mark.parametrize("model", [Logistic(), Gbm()], ids=lambda model: model.name)
def test_what_is_prepared_once_serves_every_choice(data, model):
    """Learnt from shared bins or standardised signals, or from its own: the same to the bit, whatever came between."""
    task = Task(data=data, ground=np.zeros(len(data)), directions=SIGNS)
    shared, values = model.prepare(task), data.signals.to_numpy()
    other = {name: span.low for name, span in model.ranges.items()}
    answers = []
    for prepared in (shared, shared, model.prepare(task)):
        model.tuned(other).learn(prepared)
        part = list(model.learn(prepared).values())[-1]
        answers.append(plain_log_odds(part, values, data.segments))
    assert all(np.array_equal(answers[0], answer) for answer in answers)
    assert np.array_equal(answers[0], plain_log_odds(list(model.fit(task).values())[-1], values, data.segments))


def test_the_run_holds_every_trial(trained, tmp_path):
    """The trials are a table of the run, the values that proved themselves its parameters, and the card tells both."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking.track(trained, uri=uri, artifacts=tmp_path / "mlruns")
    kept = pd.read_csv(next((tmp_path / "mlruns").rglob("tuning.csv")))
    assert len(kept) == 8
    assert set(kept["state"]) <= {"complete", "pruned"}
    parameters = record.parameters(trained, "")
    assert parameters["tuned"] == "boosted trees"
    assert parameters["tuned_num_leaves"] >= 2
    assert "takes its place" in card(trained)


def test_settings_say_how_long_to_try(tmp_path):
    """Nothing by default; the option beats the file."""
    path = tmp_path / "ebb.toml"
    path.write_text("[train]\ntune_seconds = 60\n")
    assert how(load()).tuning is None
    assert how(load(path)).tuning == Budget(seconds=60)
    assert how(load(path, train__tune_seconds=0, train__tune_trials=5)).tuning == Budget(trials=5)

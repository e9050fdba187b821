"""A trained model goes on record in MLflow and answers from there alone, with none of our code about."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from features.facts import Finding
from tests.pasts import COLUMNS, Past
from training import tracking
from training.train import TrainSettings, train

ALONE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("features", "training", "serving"):
            raise ImportError(name + " is hidden")

sys.meta_path.insert(0, Hidden())
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/ebb-risk@champion")
model.predict(pandas.read_parquet(sys.argv[2])).to_parquet(sys.argv[3])
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def uri(home):
    return f"sqlite:///{home / 'mlflow.db'}"


@pytest.fixture(scope="module")
def trained():
    return train(Past().make(), COLUMNS, settings=TrainSettings(folds=2))


@pytest.fixture(scope="module")
def tracked(trained, uri, home):
    findings = (Finding(kind="gap", table="events", count=1, sentence="no events on 2024-01-01"),)
    return tracking.track(trained, uri=uri, artifacts=home / "mlruns", findings=findings, fingerprint="f00d")


def logged(home: Path, name: str) -> Path:
    """A file of the run."""
    return next(path for path in (home / "mlruns").rglob(name) if "models" not in path.parts)


def test_a_model_that_beats_the_base_rate_becomes_the_champion(tracked, uri):
    """The gate passes, and the champion can be asked for."""
    assert tracked.champion
    assert tracking.champion_version(uri) == tracked.version


def test_the_champion_answers_as_the_trained_model_to_the_bit(tracked, trained, uri):
    """Loaded from the registry, every risk is the same."""
    champion = tracking.champion(uri)
    frame = trained.tested.signals.assign(segment=trained.tested.segments)
    assert np.array_equal(champion.score(frame).risk, trained.scorer.score(frame).risk)
    assert champion.usable
    assert champion.base_rate == pytest.approx(trained.base_rate)


def test_it_answers_where_none_of_our_code_is(tracked, trained, uri, tmp_path):
    """A plain `mlflow.pyfunc.load_model` elsewhere gives risk and contributions to 1e-9, with nothing on stdout."""
    frame = trained.tested.signals.head(40).assign(segment=trained.tested.segments[:40])
    frame.to_parquet(tmp_path / "asked.parquet")
    paths = [str(tmp_path / "asked.parquet"), str(tmp_path / "answered.parquet")]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, uri, *paths], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    answered, here = pd.read_parquet(paths[1]), trained.scorer.score(frame).frame()
    assert list(answered) == list(here)
    assert np.abs(answered.to_numpy() - here.to_numpy()).max() < 1e-9


def test_the_run_holds_all_that_is_known(tracked, trained, home, uri):
    """Parameters, metrics, signals, findings, charts and a card."""
    from mlflow.tracking import MlflowClient

    run = MlflowClient(tracking_uri=uri).get_run(tracked.run_id)
    assert run.data.params["data_fingerprint"] == "f00d"
    assert run.data.metrics["auc"] == pytest.approx(trained.metrics["auc"].value)
    assert len(json.loads(logged(home, "signals.json").read_text())["signals"]) == len(COLUMNS)
    card = logged(home, "card.md").read_text()
    assert trained.verdict in card
    assert "no events on 2024-01-01" in card
    assert logged(home, "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in logged(home, "lift.svg").read_text()


def test_nothing_logged_is_a_pickle(tracked, home):
    """The model is JSON and one file of code."""
    model = next((home / "mlruns").rglob("MLmodel")).parent
    names = {path.name for path in model.rglob("*") if path.is_file()}
    assert {"model.json", "risk.py", "MLmodel", "input_example.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_signals_that_do_not_fit_are_a_clear_fault(tracked, trained, uri):
    """The champion names itself and the column it lacks."""
    with pytest.raises(ModelError, match=r"ebb-risk version \d+ cannot score: the signals lack the column used_28d"):
        tracking.champion(uri).score(trained.tested.signals.drop(columns="used_28d"))


def test_a_model_without_use_does_not_replace_the_champion(tracked, uri, home):
    """What chance explains is on record, but the champion stays."""
    poor = train(Past(accounts=60, strength=0.0, seed=4).make(), COLUMNS, settings=TrainSettings(folds=2))
    second = tracking.track(poor, uri=uri, artifacts=home / "mlruns")
    assert not second.champion
    assert "beyond chance" in second.reason
    assert tracking.champion_version(uri) == tracked.version


def test_the_same_again_is_a_challenger_until_a_person_says_otherwise(tracked, trained, uri, home):
    """Trained again it waits; promoted it reigns, rolled back the former does; who, when and why are on record."""
    again = tracking.track(trained, uri=uri, artifacts=home / "mlruns")
    assert not again.champion
    assert "says the same as version" in again.reason
    promoted = tracking.promote(uri, None, reason="the quarter's review")
    assert (promoted.version, promoted.before, promoted.how) == (again.version, tracked.version, "promote")
    assert tracking.champion_version(uri) == again.version
    with pytest.raises(ModelError, match="no challenger to promote"):
        tracking.promote(uri, None, reason="again")
    back = tracking.rollback(uri, reason="drivers read worse")
    assert (back.version, back.reason) == (tracked.version, "drivers read worse")
    assert tracking.champion_version(uri) == tracked.version
    with pytest.raises(ModelError, match="is the first champion"):
        tracking.rollback(uri, reason="further")
    listed = {row["version"]: row for row in tracking.versions(uri)}
    assert listed[tracked.version]["place"] == "champion"
    assert "drivers read worse" in str(listed[tracked.version]["why"])
    assert f"gave way to version {tracked.version}" in str(listed[again.version]["why"])
    with pytest.raises(ModelError, match="there is no version 99 of ebb-risk; there are"):
        tracking.promote(uri, "99", reason="a guess")
    with pytest.raises(ModelError, match="is the champion already"):
        tracking.promote(uri, tracked.version, reason="once more")


def test_before_any_training_there_is_no_champion(tmp_path):
    """And it says what to do."""
    with pytest.raises(ModelError, match="there is no model yet; train one with `ebb train`"):
        tracking.champion(f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}")

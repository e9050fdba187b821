"""The leak alarm: it names every planted leak, and keeps quiet on honest pasts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Inactivity, Mode, Renewal
from features.sources.files import Files
from tests.folders import SHARED
from tests.market_home import MarketHome, ebb
from tests.pasts import COLUMNS, Past, column, silences
from training.dataset import Dataset
from training.leaks import alone, leaks
from training.train import TrainSettings, train


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Past(accounts=100).make()


def kinds(data: Dataset) -> list[str]:
    """The kinds of leaks found."""
    return [leak.kind for leak in leaks(data)]


def with_signal(data: Dataset, values: np.ndarray) -> Dataset:
    """A further signal, planted."""
    return Dataset(keys=data.keys, signals=data.signals.assign(planted=values), left=data.left)


@pytest.mark.parametrize("strength", [0.0, 2.0, 4.0])
def test_honest_pasts_raise_no_alarm(strength: float) -> None:
    """Not with chance, nor with signals that tell a lot; with contracts, and without."""
    assert leaks(Past(accounts=120, strength=strength).make()) == ()
    assert leaks(silences()) == ()


def test_a_signal_that_tells_the_outcome_is_named(data: Dataset) -> None:
    """Either way round, and where it is known only; what stays below the threshold is left alone."""
    draw = np.random.default_rng(1)
    told = data.left + draw.normal(scale=0.3, size=len(data))
    for values in (told, -told, np.where(draw.random(len(data)) < 0.4, told, np.nan)):
        found = leaks(with_signal(data, values))
        assert [leak.kind for leak in found] == ["knows too much"]
        assert found[0].sentence.startswith("planted tells the outcome by itself (AUC 0.9")
    assert kinds(with_signal(data, data.left + draw.normal(scale=0.7, size=len(data)))) == []


def test_the_auc_of_a_signal_is_that_of_scikit_learn(data: Dataset) -> None:
    """With ties, gaps and weights, either way round."""
    draw = np.random.default_rng(4)
    values = np.where(draw.random(len(data)) < 0.2, np.nan, (data.left + draw.normal(size=len(data))).round(1))
    known = ~np.isnan(values)
    reference = roc_auc_score(data.left[known], values[known], sample_weight=data.weights[known])
    for way in (1, -1):
        assert alone(way * values, data.left, data.weights) == pytest.approx(max(reference, 1 - reference))


def test_a_consequence_of_leaving_is_named(data: Dataset) -> None:
    """Known, or other than usual, only where accounts left, though it says nothing of most."""
    draw = np.random.default_rng(2)
    some = (data.left == 1) & (draw.random(len(data)) < 0.3)
    for values, what in ((np.where(some, 5.0, np.nan), "known"), (np.where(some, 1.0, 0.0), "other than 0")):
        (found,) = leaks(with_signal(data, values))
        assert found.kind == "consequence of leaving"
        assert f"planted is {what} almost only where accounts left" in found.sentence
    anyone = draw.random(len(data)) < 0.1
    assert kinds(with_signal(data, np.where(anyone, 1.0, 0.0))) == []


def test_contradicting_outcomes_are_named(data: Dataset) -> None:
    """The same account and term, once lost and once kept, under two contract ids."""
    twin = data.take(np.array([0, 1]))
    both = Dataset(
        keys=pd.concat([data.keys, twin.keys.assign(contract_id="twin")], ignore_index=True),
        signals=pd.concat([data.signals, twin.signals], ignore_index=True),
        left=np.concatenate([data.left, 1 - twin.left]),
    )
    (found,) = leaks(both)
    assert found.kind == "contradicting outcomes"
    assert "1 term has two outcomes, the first of account a0" in found.sentence


def test_looks_from_after_the_decision_are_named(data: Dataset) -> None:
    """A snapshot whose outcome was decided before its cutoff."""
    decided = data.keys["decided_on"].where(np.arange(len(data)) > 2, data.keys["cutoff"] - pd.Timedelta(days=5))
    late = Dataset(keys=data.keys.assign(decided_on=decided), signals=data.signals, left=data.left)
    (found,) = leaks(late)
    assert found.kind == "after the decision"
    assert found.sentence.startswith("3 snapshots look from after the decision, the first at a0 on")


def test_later_snapshots_that_are_easier_are_named() -> None:
    """A signal that knows the outcome more and more from some day on; an honest past says nothing."""
    data = Past(accounts=200, strength=0.5).make()
    draw = np.random.default_rng(3)
    share = np.where(data.keys["cutoff"] > pd.Timestamp("2023-06-01"), 0.9, 0.25)
    knows = draw.random(len(data)) < share
    values = np.where(knows, data.left, draw.random(len(data))) + draw.normal(scale=0.2, size=len(data))
    planted = with_signal(data, values)
    quick = TrainSettings(folds=3)
    found = train(planted, (*COLUMNS, column("planted", window=None)), settings=quick).easier
    assert found
    assert "the model does better" in found[0].sentence
    assert train(data, COLUMNS, settings=quick).easier == ()


@pytest.mark.parametrize(
    ("name", "mode"), [("openstack", Renewal()), ("churnsim", Renewal()), ("cdnow", Inactivity())], ids=str
)
def test_real_books_raise_no_alarm(name: str, mode: Mode) -> None:
    """Every signal of the catalogue on data sets that leak nothing."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs {name} in ../shared/data")
    with DuckEngine(threads=2) as engine:
        found = table.past(take_in(Files(folder=SHARED / name), engine, None), mode)
    assert leaks(Dataset(keys=found.keys, signals=found.signals, left=found.left)) == ()
    assert found.signals.shape[1] == len(columns(CATALOGUE))


def test_training_stops_at_a_leak_unless_told_to_go_on(market_home: MarketHome, tmp_path: Path) -> None:
    """One line, exit 1, no model; with --despite-leak it learns, and the card names the leak."""
    contracts = pd.read_parquet(market_home.data / "contracts.parquet")
    lost = contracts[contracts["outcome"] == "churned"].head(1)
    twin = lost.assign(contract_id="twin", outcome="renewed")
    data = tmp_path / "data"
    data.mkdir()
    for file in market_home.data.glob("*.parquet"):
        (data / file.name).symlink_to(file)
    (data / "contracts.parquet").unlink()
    pd.concat([contracts, twin]).to_parquet(data / "contracts.parquet", index=False)
    home = ["--data", data, "--home", tmp_path / "home", "--lead-days", "30"]
    stopped = ebb("train", *home)
    assert stopped.returncode == 1
    assert stopped.stderr.splitlines()[-1].startswith("ebb: leak: 1 term has two outcomes, the first of account acc-")
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert ebb("train", *home, "--despite-leak").returncode == 0
    card = next((tmp_path / "home" / "mlruns").rglob("card.md")).read_text(encoding="utf-8")
    assert "1 term has two outcomes" in card

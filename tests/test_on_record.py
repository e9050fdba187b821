"""What makes no model is on record too: a backtest's run holds its figures, its report and which data it saw."""

from pathlib import Path

import mlflow
import pytest

from serving import on_record
from serving.config import Settings
from tests.test_backtests import a_backtest, some
from training.journal import BACKTESTS, Entry, enter


def runs(settings: Settings, experiment: str):
    """Every run of an experiment, the latest first."""
    client = mlflow.MlflowClient(settings.tracking_uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return client, client.search_runs([found.experiment_id])


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_backtest_is_a_run_with_figures_report_and_digest(settings: Settings, tmp_path: Path) -> None:
    """Its parameters name the data, its metrics have intervals and a curve by days, its report is a file of it."""
    (tmp_path / "report.html").write_text("<p>said</p>")
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "mine.txt").write_text("not of the run")
    backtest = a_backtest(some())
    backtest = type(backtest)(**{**vars(backtest), "number": 4, "origins": [{**backtest.origins[0], "usable": True}]})
    run_id = on_record.rolled(backtest, tmp_path, settings)
    client, found = runs(settings, BACKTESTS)
    assert [run.info.run_id for run in found] == [run_id]
    assert found[0].data.params["data_fingerprint"] == "f00d"
    assert found[0].data.params["said_digest"] == backtest.digest
    assert found[0].data.metrics["auc"] == backtest.figures["overall"]["auc"]["value"]
    assert found[0].data.metrics["auc_low"] <= found[0].data.metrics["auc"]
    curve = {point.step: point.value for point in client.get_metric_history(run_id, "brier_by_lead_days")}
    assert curve == {int(days): each["brier"]["value"] for days, each in backtest.figures["by_lead_days"].items()}
    assert {item.path for item in client.list_artifacts(run_id)} == {"report.html", "metrics.json"}
    assert (settings.home / on_record.RUNS).is_dir()


@pytest.mark.filterwarnings("ignore::Warning")
def test_what_is_not_known_is_left_out(settings: Settings) -> None:
    """A metric without a value is no metric; a name with a sign that MLflow refuses gets another."""
    entry = Entry(name="one", params={}, metrics={"auc": None, "psi of a=b": 0.1}, curves={"auc": {30: None, 60: 0.7}})
    enter(entry, uri=settings.tracking_uri, artifacts=settings.home / "mlruns", into="elsewhere")
    _, found = runs(settings, "elsewhere")
    assert found[0].data.metrics == {"psi of a_b": 0.1, "auc": 0.7}

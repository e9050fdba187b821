"""`ebb monitor`: fine where nothing is planted, and the planted break by its name; with codes for a scheduled job."""

import json
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from serving.reference import cli
from tests.market_home import MarketHome, ebb


@pytest.fixture(scope="module")
def spoilt(market_home: MarketHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market's data with a feature that nobody uses from forty days before the end on."""
    folder = tmp_path_factory.mktemp("spoilt") / "data"
    shutil.copytree(market_home.data, folder)
    events = pd.read_parquet(folder / "events.parquet")
    late = events["occurred_at"] >= events["occurred_at"].max() - pd.Timedelta(days=40)
    events[~(late & (events["event"] == "report_viewed"))].to_parquet(folder / "events.parquet", index=False)
    return folder


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_quiet_market_is_fine(market_home: MarketHome) -> None:
    """Exit 0, the verdict first, every signal with its distance; the report is a file of a run in MLflow."""
    ran = ebb("monitor", "--home", market_home.folder, "--data", market_home.data, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)
    assert (rows[0]["about"], rows[0]["name"], rows[0]["alarm"]) == ("verdict", "fine", False), rows[0]["sentence"]
    assert sum(row["about"] == "signal" for row in rows) > 200
    assert sum(row["alarm"] for row in rows) <= 5, "a handful by chance"
    client = mlflow.MlflowClient(f"sqlite:///{market_home.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ebb-monitor")
    assert experiment is not None
    run = client.search_runs([experiment.experiment_id])[0]
    assert run.data.tags["verdict"] == "fine"
    assert run.data.params["model_version"] == "1"
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {"report.html", "drift.csv"}


def test_a_planted_break_is_named(market_home: MarketHome, spoilt: Path) -> None:
    """Exit 4, with the feature and the days; the page says so too and loads nothing."""
    ran = ebb("monitor", "--home", market_home.folder, "--data", spoilt)
    assert ran.returncode == 4, ran.stderr
    assert ran.stdout.startswith("Mend the data first: report_viewed: nothing from ")
    (page,) = (market_home.folder / "monitor").glob("*/report.html")
    text = page.read_text()
    assert "report_viewed: nothing from" in text
    assert "<script" not in text
    assert "src=" not in text


def test_the_codes_are_documented() -> None:
    """Whoever schedules the command finds them where the options are."""
    assert "3: retrain now, 4: mend the data first" in cli()

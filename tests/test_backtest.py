"""A backtest answers for every later decided snapshot, by a model that knew nothing of them."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from tests.pasts import COLUMNS, Past, silences
from training.backtest import backtest, write
from training.dataset import Dataset

SPLIT = date(2023, 6, 1)


@pytest.fixture(scope="module")
def data():
    return Past().make()


@pytest.fixture(scope="module")
def result(data):
    return backtest(data, COLUMNS, split=SPLIT)


def test_every_later_decided_snapshot_is_answered_once(data, result):
    """Rows are those with a cutoff from the split on, with outcome 1 for those who left."""
    later = data.keys["cutoff"] >= pd.Timestamp(SPLIT)
    assert len(result.predictions) == later.sum()
    assert not result.predictions.duplicated(["contract_id", "lead_days"]).any()
    assert result.predictions["outcome"].mean() == pytest.approx(data.left[later].mean())


def test_later_outcomes_do_not_reach_the_predictions(data, result):
    """Turned round, they leave every risk as it was, to the bit."""
    later = (data.keys["decided_on"] >= pd.Timestamp(SPLIT)).to_numpy()
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(later, 1 - data.left, data.left))
    again = backtest(turned, COLUMNS, split=SPLIT)
    assert np.array_equal(again.predictions["risk"], result.predictions["risk"])


def test_what_is_written_can_be_read(result, tmp_path):
    """Predictions as Parquet with the columns promised, metrics as JSON for all and for each lead time."""
    write(result, tmp_path / "out")
    predictions = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert list(predictions) == ["contract_id", "account_id", "cutoff", "lead_days", "risk", "outcome"]
    assert predictions["risk"].between(0, 1).all()
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["by_lead_days"]) == {"30", "90"}
    assert 0.7 < metrics["overall"]["auc"]["low"] < metrics["overall"]["auc"]["value"]


def test_without_contracts_the_contract_is_null(tmp_path):
    """In the inactivity mode the column is there, and empty."""
    write(backtest(silences(accounts=80), COLUMNS, split=date(2020, 9, 1)), tmp_path)
    assert pd.read_parquet(tmp_path / "predictions.parquet")["contract_id"].isna().all()


def test_a_split_after_everything_is_said(data):
    """There must be something to test on."""
    with pytest.raises(DataError, match="no decided snapshot has a cutoff from 2040-01-01 on; the last one is"):
        backtest(data, COLUMNS, split=date(2040, 1, 1))

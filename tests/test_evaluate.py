"""Every metric agrees with another way to compute it, has an interval, and says why when it cannot be had."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from tests.pasts import Past
from training.dataset import Dataset
from training.evaluate import METRICS, ONE_CLASS, Metric, by_lead, calibration_table, evaluate, in_order, lift_table


def bounds(metric: Metric) -> tuple[float, float, float]:
    """Low end, value and high end, which must all be there."""
    assert metric.low is not None
    assert metric.value is not None
    assert metric.high is not None
    return metric.low, metric.value, metric.high


@pytest.fixture(scope="module")
def data():
    return Past(accounts=80).make()


@pytest.fixture(scope="module")
def risk(data):
    # Rounded, so that there are ties.
    return np.round(1 / (1 + np.exp(1 + np.log(data.signals["used_28d"] + 1).to_numpy() - 3)), 2).clip(0.01, 0.99)


def test_metrics_agree_with_scikit_learn(data, risk):
    """AUC, average precision, Brier and log loss, with ties: the figure told, and the formula that judges the draws."""
    told = evaluate(data, risk, draws=2)
    judged = in_order(data, risk, np.argsort(-risk, kind="stable"), 25)
    for name, reference in (
        ("auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("log_loss", log_loss),
    ):
        formula, _ = METRICS[name]
        assert told[name].value == pytest.approx(reference(data.left, risk))
        assert formula(judged, np.ones((1, len(risk))))[0] == pytest.approx(reference(data.left, risk))


def test_recall_at_capacity_counts_accounts_and_money(data, risk):
    """The share of losses, and of their ARR, among the riskiest few of each week."""
    found = evaluate(data, risk, capacity=2, draws=2)
    arr = data.keys["arr"].to_numpy()
    weeks = data.keys["cutoff"].dt.strftime("%G-%V").to_numpy()
    ranked = sorted(range(len(risk)), key=lambda row: (-risk[row], row))
    top = [row for week in set(weeks) for row in [r for r in ranked if weeks[r] == week][:2]]
    assert 0 < len(top) < len(risk)
    assert found["recall_at_capacity"].value == pytest.approx(data.left[top].sum() / data.left.sum())
    assert found["arr_recall_at_capacity"].value == pytest.approx((arr * data.left)[top].sum() / (arr @ data.left))


def test_lift_is_the_rate_on_top_against_the_rate_of_all(data, risk):
    """In the tenth with the highest risk."""
    top = np.argsort(-risk, kind="stable")[: int(np.ceil(len(risk) / 10))]
    expected = data.left[top].mean() / data.left.mean()
    assert evaluate(data, risk, draws=2)["lift_at_10_percent"].value == pytest.approx(expected)


def test_true_probabilities_have_little_calibration_error():
    """ECE of the truth is what chance leaves; of a shifted risk, the shift."""
    data = Past(accounts=800, leads=(30,)).make()
    used, waited = np.log1p(data.signals["used_28d"]) - 3, np.log1p(data.signals["waited_28d"]) - 3
    truth = (1 / (1 + np.exp(1 + 2 * used - waited))).to_numpy()
    assert bounds(evaluate(data, truth, draws=2)["ece"])[1] < 0.03
    assert evaluate(data, truth + 0.1, draws=2)["ece"].value == pytest.approx(0.1, abs=0.02)


def test_intervals_hold_the_value_and_narrow_with_accounts(data, risk):
    """A bootstrap by account: more accounts, narrower intervals."""
    low, value, high = bounds(evaluate(data, risk)["auc"])
    assert low < value < high
    many = Past(accounts=800).make()
    wide = 1 / (1 + np.exp(1 + np.log(many.signals["used_28d"] + 1).to_numpy() - 3))
    lower, _, upper = bounds(evaluate(many, wide)["auc"])
    assert upper - lower < high - low


def test_snapshots_of_one_account_are_not_taken_for_several(data, risk):
    """Repeating every snapshot four times changes neither values nor intervals much."""
    rows = np.repeat(np.arange(len(data)), 4)
    low, value, high = bounds(evaluate(data, risk)["brier"])
    lower, again, upper = bounds(evaluate(data.take(rows), risk[rows])["brier"])
    assert again == pytest.approx(value)
    assert upper - lower == pytest.approx(high - low, rel=0.05)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_class_only_has_no_auc_and_says_why(data, risk, outcome):
    """What needs both kinds is None with the reason, the rest is there."""
    same = Dataset(keys=data.keys, signals=data.signals, left=np.full(len(data), outcome))
    found = evaluate(same, risk, draws=5)
    assert (found["auc"].value, found["auc"].reason) == (None, ONE_CLASS)
    assert found["brier"].value is not None


def test_no_money_known_and_no_snapshots_are_said(data, risk):
    """Each metric that cannot be had names the reason."""
    poor = Dataset(keys=data.keys.assign(arr=np.nan), signals=data.signals, left=data.left)
    assert evaluate(poor, risk, draws=2)["arr_recall_at_capacity"].reason == "no ARR is known of those who left"
    empty = evaluate(data.take(np.zeros(len(data), dtype=bool)), risk[:0])
    assert {metric.reason for metric in empty.values()} == {"no snapshots"}
    assert set(empty) == set(METRICS)


def test_each_lead_time_is_judged_by_itself(data, risk):
    """The metrics of a lead time are those of its snapshots alone."""
    rows = (data.keys["lead_days"] == 90).to_numpy()
    assert by_lead(data, risk, draws=2)[90]["auc"].value == evaluate(data.take(rows), risk[rows], draws=2)["auc"].value


def test_tables_behind_the_charts(data, risk):
    """Calibration bins cover all outcomes; lift ends with all losses found."""
    bins = calibration_table(data.left, risk, data.weights)
    assert bins["outcomes"].sum() == pytest.approx(data.weights.sum())
    assert lift_table(data.left, risk)["found"].iloc[-1] == pytest.approx(1.0)

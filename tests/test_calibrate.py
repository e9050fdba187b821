"""A line in log-odds mends what is out by a line, and leaves few outcomes alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.calibrate import Calibration, calibrated_apart, fit_calibration
from training.score import logistic


def drawn(shift, slope, count, seed=1):
    """Log-odds a model gives, and outcomes drawn from shift + slope x them."""
    draw = np.random.default_rng(seed)
    given_log_odds = draw.normal(-1, 1.5, count)
    left = (draw.random(count) < logistic(shift + slope * given_log_odds)).astype(float)
    return given_log_odds, left


def test_with_many_outcomes_the_true_line_is_found():
    """Calibration recovers a shift and a slope."""
    log_odds, left = drawn(-0.5, 0.7, 200_000)
    line = fit_calibration(log_odds, left, np.ones(len(left)))
    assert (line.intercept, line.slope) == pytest.approx((-0.5, 0.7), abs=0.03)


def test_with_few_outcomes_the_slope_stays_near_one():
    """Thirty outcomes do not overrule the model's own confidence."""
    log_odds, left = drawn(0.0, 0.3, 30)
    assert 0.8 < fit_calibration(log_odds, left, np.ones(30)).slope < 1.1


@settings(max_examples=30, deadline=None)
@given(slope=st.floats(-3, 3), shift=st.floats(-2, 2), count=st.integers(2, 300))
def test_the_slope_is_never_negative_and_order_is_kept(slope, shift, count):
    """Whatever the outcomes, who was riskier before is not safer after."""
    log_odds, left = drawn(shift, slope, count)
    line = fit_calibration(log_odds, left, np.ones(count))
    assert line.slope > 0
    assert (np.diff(line.apply(np.sort(log_odds))) >= 0).all()


def test_each_fold_is_calibrated_by_the_others():
    """Turning the outcomes of a fold round changes nothing in that fold."""
    log_odds, left = drawn(-0.5, 0.7, 400)
    folds = np.arange(400) // 100
    turned = np.where(folds == 2, 1 - left, left)
    before = calibrated_apart(log_odds, left, np.ones(400), folds)
    after = calibrated_apart(log_odds, turned, np.ones(400), folds)
    assert np.array_equal(before[folds == 2], after[folds == 2])
    assert not np.array_equal(before[folds == 1], after[folds == 1])


def test_one_fold_alone_stays_as_it_is():
    """There is nothing to learn a line from."""
    log_odds, left = drawn(0.0, 1.0, 50)
    assert np.array_equal(calibrated_apart(log_odds, left, np.ones(50), np.zeros(50, dtype=int)), log_odds)


def test_no_calibration_changes_nothing():
    """The identity is a line too."""
    assert Calibration().apply(np.array([-1.0, 2.0])).tolist() == [-1.0, 2.0]

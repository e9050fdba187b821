"""The forecast of a month is right on average, its intervals hold what happens, and retention is counted as usual."""

import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.outlook import Outlook, outlook
from tests.books import CUTOFF, a_score
from tests.pasts import Past
from training.dataset import KEY_COLUMNS, Dataset
from training.forecast import Growth, Month, forecast, survival
from training.months import PRIOR_DRIFT, PRIOR_MONTHS, Drift, drift_of, measure_drift
from training.score import logistic

NO_GROWTH = Growth(ratios=np.ones(1))


def a_book(draw: np.random.Generator, contracts: int = 40) -> pd.DataFrame:
    """Renewals of one month, with ARR as uneven as it is."""
    return pd.DataFrame(
        {
            "ends_on": pd.Timestamp("2026-07-15"),
            "arr": draw.lognormal(9, 1, size=contracts),
            "risk": draw.beta(1.2, 6, size=contracts),
        }
    )


def test_expected_figures_are_the_sums_of_the_book() -> None:
    """Renewed and at risk add to what is due; the mean of the simulated months is the sum of chances."""
    book = a_book(np.random.default_rng(1))
    (month,) = forecast(book, NO_GROWTH, Drift(common=0.0, monthly=0.0))
    assert month.at_risk.expected == pytest.approx(book["arr"] @ book["risk"])
    assert month.renewed.expected + month.at_risk.expected == pytest.approx(month.arr)
    assert month.renewed.low_95 <= month.renewed.low_80 <= month.renewed.high_80 <= month.renewed.high_95
    assert month.grr is not None
    assert month.grr.expected == pytest.approx(month.renewed.expected / month.arr)


def test_few_contracts_have_the_exact_poisson_binomial() -> None:
    """Two coins: the interval of lost contracts is that of the exact distribution."""
    book = pd.DataFrame({"ends_on": pd.Timestamp("2026-07-15"), "arr": [1.0, 1.0], "risk": [0.02, 0.02]})
    (month,) = forecast(book, NO_GROWTH, Drift(common=0.0, monthly=0.0))
    assert (month.lost_contracts.low_95, month.lost_contracts.high_80, month.lost_contracts.high_95) == (0, 0, 1)


@pytest.mark.parametrize("drift", [0.0, 0.4])
def test_intervals_hold_what_happens(drift: float) -> None:
    """Over 300 months whose risks are off together as much as is said, 80 % and 95 % hold what they say."""
    draw = np.random.default_rng(5)
    held = {"80": 0, "95": 0}
    months = 300
    for _ in range(months):
        book = a_book(draw)
        (month,) = forecast(book, NO_GROWTH, Drift(common=0.0, monthly=drift), draws=500)
        risk = book["risk"].to_numpy(dtype=float)
        log_odds = np.log(risk / (1 - risk))
        left = draw.random(len(book)) < logistic(log_odds + draw.normal(0, drift))
        lost = float(book["arr"].to_numpy(dtype=float) @ left)
        held["80"] += month.at_risk.low_80 <= lost <= month.at_risk.high_80
        held["95"] += month.at_risk.low_95 <= lost <= month.at_risk.high_95
    assert 0.73 <= held["80"] / months <= 0.87
    assert 0.91 <= held["95"] / months <= 0.985


def test_growth_is_what_renewals_did_before() -> None:
    """Half of those who stay pay 20 % more, half 10 % less: NRR counts both, GRR the loss only."""
    book = a_book(np.random.default_rng(2), contracts=200)
    (month,) = forecast(book, Growth(ratios=np.array([1.2, 0.9])), Drift(common=0.0, monthly=0.0))
    arr, risk = book["arr"].to_numpy(dtype=float), book["risk"].to_numpy(dtype=float)
    stays = 1 - arr @ risk / arr.sum()
    assert month.nrr is not None
    assert month.grr is not None
    assert month.nrr.expected == pytest.approx(1.05 * stays)
    assert month.grr.expected == pytest.approx(0.95 * stays)
    assert month.nrr.low_80 < month.nrr.expected < month.nrr.high_80
    assert month.expanded.expected == pytest.approx(0.1 * month.renewed.expected)


def test_a_drift_that_was_is_found() -> None:
    """Risks said truly drift little; risks that were far off for all months are said to be so."""
    data = Past(accounts=400).make()
    used, waited = (np.log1p(data.signals[name].to_numpy()) - 3 for name in ("used_28d", "waited_28d"))
    truth = -1 - 2 * used + waited
    right, wrong = measure_drift(data, logistic(truth)), measure_drift(data, logistic(truth + 1.5))
    assert right.common < 0.3
    assert right.monthly < 0.35
    assert wrong.common > 0.8
    assert drift_of({"drift": wrong.written()}) == wrong
    assert json.loads(json.dumps(wrong.written())) == wrong.written()


def test_where_nothing_was_measured_wide_months_are_thought_possible() -> None:
    """What is believed beforehand has the tails of four months' knowledge, and any month narrows or widens it."""
    before = drift_of({})
    assert before.common == pytest.approx(PRIOR_DRIFT, abs=0.01)
    assert np.median(before.spread) == pytest.approx(PRIOR_DRIFT, abs=0.05)
    assert max(before.spread) > 2 * PRIOR_DRIFT


@pytest.mark.parametrize("months", [3, 12])
def test_intervals_of_what_was_learnt_from_few_months_hold_what_comes(months: int) -> None:
    """Over many short pasts, the month after them falls within as often as is said, though the spread is learnt."""
    draw, held, pasts, size = np.random.default_rng(11), {"80": 0, "95": 0}, 150, 60
    for _ in range(pasts):
        # Worlds differ in how widely their months spread as the prior thinks they may (scaled inverse chi-squared).
        spread = PRIOR_DRIFT * np.sqrt(PRIOR_MONTHS / draw.chisquare(PRIOR_MONTHS))
        risk = draw.beta(2, 6, size=(months + 1) * size)
        shift = np.repeat(draw.normal(0, spread, size=months + 1), size) + draw.normal(0, PRIOR_DRIFT)
        left = (draw.random(len(risk)) < logistic(np.log(risk / (1 - risk)) + shift)).astype(float)
        ends = np.repeat(pd.date_range("2025-01-15", periods=months + 1, freq="MS"), size)
        keys = pd.DataFrame(dict.fromkeys(KEY_COLUMNS), index=range(len(risk)))
        whole = Dataset(
            keys=keys.assign(ends_on=ends, decided_on=ends, contract_id=range(len(risk))), signals=keys[[]], left=left
        )
        drift = measure_drift(whole.take(np.arange(months * size)), risk[:-size])
        arr = draw.lognormal(9, 1, size=size)
        book = pd.DataFrame({"ends_on": ends[-size:], "arr": arr, "risk": risk[-size:]})
        (month,) = forecast(book, NO_GROWTH, drift, draws=400)
        lost = float(arr @ left[-size:])
        held["80"] += month.at_risk.low_80 <= lost <= month.at_risk.high_80
        held["95"] += month.at_risk.low_95 <= lost <= month.at_risk.high_95
    assert 0.72 <= held["80"] / pasts <= 0.89
    assert 0.9 <= held["95"] / pasts <= 0.99


def test_survival_is_the_product_of_staying() -> None:
    """One minus the hazard, renewal by renewal."""
    days, alive = zip(*survival(0.5, 30, 365, (0.2, 0.1)), strict=True)
    assert days == (0, 30, 395, 760)
    assert alive == pytest.approx((1.0, 0.5, 0.4, 0.36))


def test_an_outlook_is_written_and_read_as_it_was(tmp_path: Path) -> None:
    """Months, retention and mean risks survive; an account without a contract has no curve."""
    scores = [
        a_score("a", days=20, risk=0.5),
        a_score("b", days=50, risk=0.1),
        a_score("c", arr=None),
        a_score("d", days=None),
    ]
    made = outlook(CUTOFF, scores, {}, ratios=(1.0, 1.1))
    made.write(tmp_path, "book")
    assert Outlook.read(tmp_path, "book") == made
    assert [(month.month, month.contracts) for month in made.months] == [("2026-06", 1), ("2026-07", 1)]
    curve = made.survival(scores[0])
    assert curve[:2] == ((CUTOFF, 1.0), (CUTOFF + timedelta(days=20), 0.5))
    assert all(first[1] >= second[1] for first, second in pairwise(curve))
    assert made.survival(scores[3]) == ()
    assert isinstance(made.months[0], Month)
    assert isinstance(made.cutoff, date)

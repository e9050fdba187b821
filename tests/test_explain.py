"""Drivers say per family what moves an account's risk, in sentences, and add up."""

import numpy as np
import pandas as pd
import pytest

from tests.pasts import COLUMNS, column
from training.explain import Figure, drivers, healthy_medians, plain, sentence
from training.score import Scored


def scored_of(shares: np.ndarray, names) -> Scored:
    """Scores whose contributions are given."""
    log_odds = -1 + shares.sum(axis=1)
    return Scored(
        risk=1 / (1 + np.exp(-log_odds)),
        log_odds=log_odds,
        base=np.full(len(shares), -1.0),
        contributions=pd.DataFrame(shares, columns=names),
    )


def explained(shares, columns=COLUMNS, now=None):
    """Drivers of given contributions; every value is 3 now and 5 before."""
    names = [c.name for c in columns]
    signals = pd.DataFrame(np.full(shares.shape, 3.0), columns=names) if now is None else now
    scored = scored_of(shares, names)
    return scored, drivers(scored, columns, signals=signals, before=signals + 2, segments=["s"] * len(shares))


def test_drivers_and_base_are_the_log_odds():
    """Whatever the contributions, families sum to the same."""
    shares = np.random.default_rng(1).normal(size=(50, len(COLUMNS)))
    scored, found = explained(shares)
    sums = [base + sum(driver.contribution for driver in each) for base, each in zip(scored.base, found, strict=True)]
    assert np.abs(np.array(sums) - scored.log_odds).max() < 1e-9


def test_what_raises_risk_most_comes_first():
    """Drivers are in the order of their contributions; a family that adds nothing is left out."""
    _, found = explained(np.array([[0.2, 0.9, -0.5, 0.0]]))
    assert [driver.family for driver in found[0]] == ["support", "frequency", "seats"]


def test_one_driver_per_family_led_by_the_column_that_carries_most():
    """Two columns of a family make one driver: their sum, told by the one that goes furthest the same way."""
    pair = (column("logins", "more"), column("hours", "more"))
    _, found = explained(np.array([[0.9, -0.2], [0.1, -0.8]]), pair)
    assert [(d.column, d.contribution) for each in found for d in each] == [
        ("logins_28d", pytest.approx(0.7)),
        ("hours_28d", pytest.approx(-0.7)),
    ]


def test_a_driver_tells_now_before_and_typical():
    """Values now and before stand in the sentence."""
    _, found = explained(np.array([[0.9, 0, 0, 0], [0.1, 0, 0, 0]]))
    driver = found[0][0]
    assert (driver.now, driver.before, driver.typical) == (3.0, 5.0, 3.0)
    assert driver.sentence == "3 things in the last 28 days, 5 before"


def test_a_signal_that_is_known_speaks_before_one_that_is_not():
    """Not knowing is told only where nothing of the family is known."""
    pair = (column("logins", "more"), column("hours", "more"))
    now = pd.DataFrame({"logins_28d": [np.nan, np.nan], "hours_28d": [3.0, np.nan]})
    _, found = explained(np.array([[0.9, 0.2], [0.9, 0.2]]), pair, now)
    assert found[0][0].column == "hours_28d"
    assert found[1][0].sentence == "Not known: the logins"
    assert found[1][0].now is None


def test_peers_are_the_healthy_of_the_same_segment():
    """Typical is the median among those of the segment with at most its median risk; few peers widen to all."""
    values = np.array([[1.0], [2.0], [3.0], [90.0], [91.0], [92.0], [7.0]])
    risk = np.array([0.1, 0.2, 0.3, 0.9, 0.9, 0.9, 0.5])
    typical = healthy_medians(values, risk, ["big"] * 6 + ["lone"])
    assert typical[0, 0] == 2.0
    assert typical[6, 0] == np.median(values[risk <= np.median(risk)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.0, "12"), (0.0, "0"), (-0.0, "0"), (12.345, "12.3"), (0.1234, "0.12"), (12345.6, "12,346"), (0.5, "0.5")],
)
def test_numbers_are_written_for_people(value, text):
    """No trailing zeros, thousands apart."""
    assert plain(value) == text


def test_shares_ratios_and_the_unknown_are_written_for_people():
    """A share is a percentage, a log ratio a change, a flag a word."""
    assert f"{Figure(0.256):percent}" == "26 %"
    assert f"{Figure(0.0026):percent}" == "0.26 %"
    assert f"{Figure(np.log(0.4)):ratio}" == "-60 %"
    assert f"{Figure(1.0):yes} automatic renewal" == "with automatic renewal"
    assert sentence(COLUMNS[0], 3.0, None) == "3 things in the last 28 days"

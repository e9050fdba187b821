"""Levers move what a person can change, to what healthy peers show and never beyond, and ask the model again."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from features.signal import SignalColumn, columns
from features.signals import CATALOGUE
from training.levers import INFLUENCEABLE, TOP, Lever, levers
from training.score import Linear, Scorer

WANTED = (
    "active_users_28d",
    "active_users_84d",
    "active_users_standing_28d",
    "features_28d",
    "open_tickets",
    "recency",
    "account_age",
    "price_growth",
)
COLUMNS = tuple(column for column in columns(CATALOGUE) if column.name in WANTED)
NAMES = [column.name for column in COLUMNS]


def scorer(**weights: float) -> Scorer:
    """A line with some weights; signals it does not name weigh nothing."""
    ones = np.ones(len(NAMES))
    weight = np.array([weights.get(name, 0.0) for name in NAMES])
    line = Linear(
        intercept=0.0, low=-9 * ones, high=9 * ones, centre=0 * ones, scale=ones, weight=weight, unknown=0 * ones
    )
    return Scorer(columns=tuple(NAMES), part=line, about={})


def asked(model: Scorer, now: dict[str, float], typical: dict[str, float]) -> tuple[Lever, ...]:
    """The levers of an account whose other signals are as among its peers."""
    row = pd.DataFrame([[now.get(name, typical.get(name, 1.0)) for name in NAMES]], columns=NAMES)
    peers = np.array([typical.get(name, 1.0) for name in NAMES])
    return levers(model, COLUMNS, signals=row, typical=peers, segment="")


def test_the_risk_then_is_what_the_model_says_of_healthy_peers_values() -> None:
    """Every window and standing of one signal moves together, and the risk is the model's own."""
    model = scorer(active_users_28d=-0.5, active_users_84d=-0.3, active_users_standing_28d=-1.0)
    now = {"active_users_28d": 2.0, "active_users_84d": 3.0, "active_users_standing_28d": 0.1}
    typical = {"active_users_28d": 9.0, "active_users_84d": 12.0, "active_users_standing_28d": 0.6}
    (found,) = asked(model, now, typical)
    wanted = model.score(pd.DataFrame([[typical.get(name, 1.0) for name in NAMES]], columns=NAMES)).risk[0]
    assert found.risk == pytest.approx(wanted)
    assert (found.signal, found.now, found.to) == ("active_users", 2.0, 9.0)
    assert found.sentence.startswith("From 2 to 9 users, as healthy peers over 28 days")


def test_what_is_better_than_among_peers_is_left_alone() -> None:
    """Nobody is told to fall back to the median, nor to go beyond it."""
    assert asked(scorer(active_users_28d=-0.5), {"active_users_28d": 20.0}, {"active_users_28d": 9.0}) == ()


def test_what_nobody_can_change_is_no_lever() -> None:
    """Age and a price that rose stay what they are, whatever they weigh."""
    weights = {"account_age": -2.0, "price_growth": 2.0}
    assert asked(scorer(**weights), {"account_age": 0.1, "price_growth": 3.0}, {"price_growth": 0.0}) == ()


def test_the_unknown_is_no_lever() -> None:
    """What is not known cannot be said to be worse."""
    assert asked(scorer(open_tickets=1.0), {"open_tickets": np.nan}, {"open_tickets": 0.0}) == ()


def test_the_best_come_first_and_few() -> None:
    """At most three, each lower than now, the lowest risk first."""
    model = scorer(active_users_28d=-0.1, features_28d=-0.4, open_tickets=0.7, recency=0.2)
    now = {"active_users_28d": 1.0, "features_28d": 1.0, "open_tickets": 9.0, "recency": 30.0}
    typical = {"active_users_28d": 5.0, "features_28d": 5.0, "open_tickets": 0.0, "recency": 1.0}
    found = asked(model, now, typical)
    assert len(found) == TOP
    assert found[0].signal == "open_tickets"
    assert list(found) == sorted(found, key=lambda lever: lever.risk)


def test_every_name_is_of_the_catalogue_and_has_a_healthier_way() -> None:
    """A signal that is renamed is missed here, not in silence."""
    healthier: dict[str, Sequence[str]] = {signal.name: signal.healthier for signal in CATALOGUE}
    assert all(healthier.get(name) in {"more", "less"} for name in INFLUENCEABLE)
    assert all(isinstance(column, SignalColumn) for column in COLUMNS)
    assert len(COLUMNS) == len(WANTED)

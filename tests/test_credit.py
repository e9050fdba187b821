"""When everything falls together, the amount of use gets the credit; base and shares still add to the same log-odds."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.pasts import COLUMNS, Past, column
from training.credit import CREDIT, credit_of, credited, fit_credit
from training.dataset import Dataset
from training.score import Linear, Scorer
from training.train import train

USE, PEOPLE, TERM = column("use", "more"), column("people", "more", "seats"), column("term_days", window=None)
SEEN = (USE, PEOPLE, TERM)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """People follow use, and differ on their own a little."""
    draw = np.random.default_rng(3)
    use = draw.normal(size=2000)
    signals = pd.DataFrame(
        {
            "use_28d": np.expm1(use + 4),
            "people_28d": np.expm1(use + draw.normal(size=2000) / 4 + 4),
            "term_days": np.where(draw.random(2000) < 0.5, 30.0, 365.0),
        }
    )
    keys = pd.DataFrame({"account_id": map(str, range(2000)), "contract_id": map(str, range(2000)), "segment": ""})
    times = dict.fromkeys(("cutoff", "ends_on", "decided_on"), pd.Timestamp("2026-01-01"))
    return Dataset(keys=keys.assign(lead_days=30, arr=1.0, **times), signals=signals, left=np.zeros(2000))


@pytest.fixture(scope="module")
def scorer(data: Dataset) -> Scorer:
    """A model that reads everything off the people, and knows the term."""
    ones = np.ones(3)
    weights = np.array([0.0, -1.0, 0.1])
    line = Linear(
        intercept=-1.0, low=-9 * ones, high=9 * ones, centre=4 * ones, scale=ones, weight=weights, unknown=0 * ones
    )
    plain = Scorer(columns=tuple(c.name for c in SEEN), part=line, about={})
    about = json.loads(json.dumps({CREDIT: fit_credit(plain, data, SEEN).written()}))
    return Scorer(columns=plain.columns, part=line, about=about)


def asked(use: float, people: float) -> pd.DataFrame:
    """One account's signals."""
    return pd.DataFrame({"use_28d": [np.expm1(use + 4)], "people_28d": [np.expm1(people + 4)], "term_days": [365.0]})


def test_base_and_told_shares_are_the_log_odds(scorer, data):
    """Nothing is lost: they add to the same, and the risk is the same to the bit."""
    plain, told = scorer.score(data.signals), credited(scorer, data.signals)
    assert np.abs(told.base + told.contributions.sum(axis=1).to_numpy() - plain.log_odds).max() < 1e-9
    assert np.array_equal(told.risk, plain.risk)


def test_a_decline_of_everything_is_a_decline_of_use(scorer):
    """Fewer people as far as use falls too are credited to use, though the model reads people only."""
    shares = credited(scorer, asked(-2, -2)).contributions.iloc[0]
    assert shares["use_28d"] > 1.5
    assert abs(shares["people_28d"]) < 0.5


def test_fewer_people_at_the_same_use_are_their_own_reason(scorer):
    """What does not go along with use stays where it is."""
    shares = credited(scorer, asked(0, -2)).contributions.iloc[0]
    assert shares["people_28d"] > 1.5


def test_the_term_is_the_question_and_no_reason(scorer):
    """Its share goes into the base."""
    told = credited(scorer, asked(0, 0))
    assert told.contributions["term_days"].eq(0).all()


def test_shares_are_measured_against_the_healthy_half(scorer, data):
    """Among those with at most the median risk, each signal's shares are zero on average."""
    told = credited(scorer, data.signals)
    healthy = told.risk <= np.median(told.risk)
    assert np.abs(told.contributions[healthy].mean()).max() < 1e-9


def test_use_that_is_not_known_takes_no_credit(scorer):
    """An unknown amount of use explains nothing."""
    unknown = asked(0, -2).assign(use_28d=np.nan)
    assert credited(scorer, unknown).contributions["people_28d"].iloc[0] > 1.5


def test_a_model_without_it_tells_its_own_shares(scorer, data):
    """A model from before, or a stranger's, has its shares as they are."""
    plain = Scorer(columns=scorer.columns, part=scorer.part, about={})
    assert credited(plain, data.signals).contributions.equals(plain.score(data.signals).contributions)


def test_training_learns_it_and_it_survives_writing(tmp_path):
    """Every trained model has it, in its one JSON file."""
    trained = train(Past().make(), COLUMNS)
    trained.scorer.save(tmp_path)
    again = Scorer.load(tmp_path)
    signals = trained.tested.signals
    assert credit_of(again.about) is not None
    told = credited(again, signals)
    assert np.array_equal(told.base, credited(trained.scorer, signals).base)
    assert np.abs(told.base + told.contributions.sum(axis=1).to_numpy() - told.log_odds).max() < 1e-9

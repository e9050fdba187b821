"""GRR and NRR are counted from contracts as the field counts them, and renewals tell what they did to the ARR."""

from datetime import date

import pandas as pd
import pytest

from features.analyses.recurring import growth_ratios, retained
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.sources.market import MarketSettings
from features.sources.simulated import Simulated


def by_hand(contracts: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """What each account pays on a day; one within the grace of an undecided end still does."""
    known = contracts[(contracts["starts_on"] <= day) & (contracts["known_at"] <= day) & (contracts["arr"] > 0)]
    running = known[known["ends_on"] > day].groupby("account_id")["arr"].sum()
    waits = (known["ends_on"] <= day) & (known["ends_on"] + pd.Timedelta(days=31) > day)
    undecided = known["decided_on"].isna() | (known["decided_on"] > day)
    late = known[waits & undecided].groupby("account_id")["arr"].max()
    found: pd.Series = pd.concat([running, late[~late.index.isin(running.index)]])
    return found


def test_retention_is_what_pandas_counts_by_hand() -> None:
    """The sums of the market's contracts, a second way; the shares are within what they can be."""
    settings = MarketSettings(accounts=80, months=30, seed=3)
    with DuckEngine() as engine:
        facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
        found, ratios = retained(facts), growth_ratios(facts)
        terms = engine.frame("SELECT * FROM terms")
    assert found is not None
    for name in ("starts_on", "ends_on", "decided_on", "known_at"):
        terms[name] = pd.to_datetime(terms[name])
    before, after = (by_hand(terms, pd.Timestamp(day)) for day in (found.since, found.until))
    then = after.reindex(before.index).fillna(0.0)
    assert found.starting == pytest.approx(before.sum())
    assert found.kept == pytest.approx(then.clip(upper=before).sum())
    assert found.expanded == pytest.approx((then - before).clip(lower=0).sum())
    assert found.grr is not None
    assert found.nrr is not None
    assert 0 < found.grr <= min(1, found.nrr)
    assert ratios
    assert all(0.1 < ratio < 10 for ratio in ratios)

"""What is known of outcomes now, and a market as it was known on an earlier day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features import table
from features.checks.stream import breaks
from features.facts import Facts
from features.hindsight import known_now
from features.snapshots import Inactivity, Renewal
from features.sources.market import MarketSettings, simulate
from features.sources.market.earlier import known_by
from tests.frames import Frames, facts

DAY = pd.Timestamp("2024-11-01")
SETTINGS = MarketSettings(accounts=160, months=22, seed=4, volume=0.1)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return dict(simulate(SETTINGS).tables)


@pytest.fixture(scope="module")
def whole(tables: dict[str, pd.DataFrame]) -> Facts:
    return facts(Frames(tables=tables))


def test_an_earlier_market_gives_the_signals_of_that_day(tables: dict[str, pd.DataFrame], whole: Facts) -> None:
    """To the bit: what is cut off is exactly what was not known."""
    earlier = facts(Frames(tables=known_by(tables, DAY)))
    assert earlier.cutoff == DAY.date()
    then = table.books(earlier, Renewal(), cutoffs=(DAY.date(),))
    now = table.books(whole, Renewal(), cutoffs=(DAY.date(),))
    assert len(then) > 20
    assert then.keys["account_id"].tolist() == now.keys["account_id"].tolist()
    pd.testing.assert_frame_equal(then.signals, now.signals)


def test_what_was_decided_then_is_decided_so_now(tables: dict[str, pd.DataFrame], whole: Facts) -> None:
    """The earlier market knows fewer outcomes, and each of them as it is known later."""
    earlier = known_now(facts(Frames(tables=known_by(tables, DAY))), Renewal(), ())
    later = known_now(whole, Renewal(), ()).set_index("contract_id")
    assert 20 < len(earlier) < len(later)
    assert (earlier["decided_on"] < DAY).all()
    assert np.array_equal(earlier["left"], later.loc[earlier["contract_id"], "left"])


def test_outcomes_of_silence_are_counted_from_each_cutoff(tables: dict[str, pd.DataFrame], whole: Facts) -> None:
    """Counted in pandas: left when no person did anything in the 90 days after."""
    cutoffs = (date(2024, 6, 3), date(2024, 9, 1), date(2025, 4, 1))
    found = known_now(whole, Inactivity(), cutoffs)
    assert set(found["cutoff"]) == {pd.Timestamp(day) for day in cutoffs[:2]}, "the last horizon is not over"
    events = tables["events"][tables["events"]["actor"] == "human"]
    for day, rows in found.groupby("cutoff"):
        near = events[(events["occurred_at"] - pd.Timestamp(str(day))).abs() < pd.Timedelta(days=90)]
        after = set(near.loc[near["occurred_at"] >= pd.Timestamp(str(day)), "account_id"])
        assert rows.set_index("account_id")["left"].to_dict() == {
            account: float(account not in after) for account in rows["account_id"]
        }


def test_breaks_name_what_fell_silent_and_when(tables: dict[str, pd.DataFrame]) -> None:
    """A feature and a table that end; nothing in a market where nothing does, nor what is long past."""
    since = date(2025, 2, 1)
    assert breaks(facts(Frames(tables=tables)), since=since) == ()
    events, touches = tables["events"], tables["touches"]
    stop = pd.Timestamp("2025-03-01")
    lost = (events["event"] == "workflow_run") & (events["occurred_at"] >= stop)
    spoilt = {**tables, "events": events[~lost], "touches": touches[touches["touched_at"] < stop]}
    found = breaks(facts(Frames(tables=spoilt)), since=since)
    assert {(one.kind, one.what) for one in found} == {
        ("feature stopped", "workflow_run"),
        ("table stopped", "touches"),
    }
    assert all(abs((one.first - stop.date()).days) <= 7 for one in found)
    assert all(one.last == date(2025, 4, 30) for one in found)
    assert breaks(facts(Frames(tables=spoilt)), since=date(2025, 5, 1)) == ()

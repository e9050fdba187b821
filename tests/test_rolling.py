"""Rolling through time: each quarter is told by a model that knew nothing of it, with ranks and losses as they were."""

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from tests.pasts import COLUMNS, Past, silences
from training.dataset import Dataset
from training.figures import figures
from training.losses import losses
from training.rolling import Rolling, months, origins, ranks, roll, settled
from training.train import TrainSettings

QUICK = TrainSettings(folds=2, capacity=5)


def no_books(data: Dataset) -> Dataset:
    """Books with nobody in them."""
    return data.take(np.zeros(len(data), dtype=bool))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Past(accounts=100).make()


@pytest.fixture(scope="module")
def rolled(data: Dataset) -> Rolling:
    books = data.take(data.keys["lead_days"].eq(30).to_numpy())
    return roll(data, books, COLUMNS, starts=origins(data, 3), settings=QUICK)


def test_every_settled_look_of_the_quarters_is_told_once(data: Dataset, rolled: Rolling) -> None:
    """The looks are those with a cutoff from the first origin on whose loss would be known by now."""
    later = settled(data).keys["cutoff"] >= origins(data, 3)[0]
    assert len(rolled.looks) == later.sum()
    assert not rolled.looks.keys.duplicated(["contract_id", "lead_days"]).any()
    assert (rolled.said["origin"] <= rolled.looks.keys["cutoff"]).all()


def test_a_quarter_knows_nothing_of_what_was_decided_later(data: Dataset, rolled: Rolling) -> None:
    """Outcomes decided from an origin on, turned round, leave what its model said as it was, to the bit."""
    start = rolled.origins[1].origin
    later = (data.keys["decided_on"] >= start).to_numpy()
    turned = Dataset(keys=data.keys, signals=data.signals, left=np.where(later, 1 - data.left, data.left))
    again = roll(turned, no_books(data), COLUMNS, starts=origins(data, 3), settings=QUICK)
    until = (rolled.said["origin"] <= start).to_numpy()
    assert until.sum() > 20
    assert np.array_equal(again.risk[until], rolled.risk[until])


def test_ranks_are_places_in_the_book_of_the_month() -> None:
    """Counted one by one: how many other open accounts of that month had a higher risk; of equal ones, half."""
    draw = np.random.default_rng(3)
    data = Past(accounts=60, terms=2).make()
    looks = data.take(data.keys["lead_days"].eq(90).to_numpy())
    books = data.take(data.keys["lead_days"].eq(30).to_numpy())
    risk, book_risk = draw.random(len(looks)).round(1), draw.random(len(books)).round(1)
    found = ranks(looks, risk, books, book_risk)
    for row, (account, cutoff) in enumerate(zip(looks.keys["account_id"], looks.keys["cutoff"], strict=True)):
        others = {
            other: chance
            for other, at, chance in zip(books.keys["account_id"], books.keys["cutoff"], book_risk, strict=True)
            if (at.year, at.month) == (cutoff.year, cutoff.month)
        }
        if not others:
            assert np.isnan(found["rank"][row])
            continue
        others.pop(account, None)
        equal = sum(chance == risk[row] for chance in others.values())
        assert found["rank"][row] == 1 + sum(chance > risk[row] for chance in others.values()) + equal // 2
        assert found["among"][row] == 1 + len(others)


def test_every_lost_contract_has_its_looks(rolled: Rolling) -> None:
    """One loss a lost contract, its looks from the farthest to the nearest, a sentence where something raised it."""
    lost = rolled.looks.keys[rolled.looks.left == 1]
    assert rolled.lost["loss"].nunique() == lost["contract_id"].nunique()
    assert len(rolled.lost) == len(lost)
    assert all(days.is_monotonic_decreasing for _, days in rolled.lost.groupby("loss")["days_before"])
    usable = {origin.origin for origin in rolled.origins if origin.usable}
    said = rolled.said.iloc[rolled.lost["look"]]
    told = said["sentence"][said["origin"].isin(usable)]
    assert told.notna().mean() > 0.8
    assert said["sentence"][~said["origin"].isin(usable)].isna().all()
    assert "{" not in " ".join(told.dropna())


def test_a_silence_is_one_loss() -> None:
    """Looks that nothing follows, one after the other, are one loss, dated by the first of them."""
    data = silences(accounts=1)
    left = np.zeros(len(data))
    left[[4, 5, 9]] = 1
    found = losses(Dataset(keys=data.keys, signals=data.signals, left=left))
    first = found[found["loss"] == 0]
    assert found["loss"].nunique() == 2
    assert first["lost_on"].unique() == data.keys["decided_on"][4]
    assert dict(zip(first["look"], first["days_before"], strict=True)) == {1: 180, 2: 150, 3: 120, 4: 90, 5: 60, 6: 30}


def test_figures_are_told_by_kind(rolled: Rolling) -> None:
    """Every kind of account is counted whole, with an interval around what can be judged."""
    found = figures(rolled.looks, rolled.risk, capacity=5)
    for kind in ("by_lead_days", "by_segment", "by_size", "by_quarter"):
        assert sum(each["snapshots"] for each in found[kind].values()) == len(rolled.looks)
    assert list(found["by_lead_days"]) == ["30", "90"]
    assert len(found["by_size"]) == 3
    assert found["overall"]["auc"]["low"] < found["overall"]["auc"]["value"] < found["overall"]["auc"]["high"]


def test_recall_at_capacity_is_about_the_whole_book(rolled: Rolling) -> None:
    """A loss counts as found when its rank among all open accounts is within what the team takes on in a week."""
    found = figures(rolled.looks, rolled.risk, capacity=2, ranks=rolled.said["rank"].to_numpy())
    lost = rolled.looks.left == 1
    assert found["overall"]["recall_at_capacity"]["value"] == pytest.approx((rolled.said["rank"][lost] <= 2).mean())


def test_accounts_that_fall_silent_are_rolled_too() -> None:
    """Without contracts, horizons take the place of terms."""
    data = silences(accounts=60)
    found = roll(data, no_books(data), COLUMNS, starts=origins(data, 2), settings=QUICK)
    assert found.lost["loss"].nunique() > 5
    assert found.said["rank"].isna().all()


def test_too_little_before_every_quarter_is_said(data: Dataset) -> None:
    """The first quarters alone cannot be learnt before; nothing decided at all is a fault too."""
    with pytest.raises(DataError, match=r"too few outcomes|too short a time"):
        roll(data, no_books(data), COLUMNS, starts=[pd.Timestamp("2020-10-01")], settings=QUICK)
    with pytest.raises(DataError, match="nothing to test on"):
        origins(Dataset(keys=data.keys, signals=data.signals, left=np.full(len(data), np.nan)))


def test_books_are_asked_for_each_month(data: Dataset) -> None:
    """From the first origin's month to that of the last look."""
    starts = origins(data, 2)
    asked = months(data, starts)
    assert asked[0] == starts[0]
    assert asked[-1] <= data.keys["cutoff"].max() < asked[-1] + pd.DateOffset(months=1)

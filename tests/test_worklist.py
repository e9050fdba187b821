"""The worklist: reasons, plays, order, and the sentence when there is nothing yet."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import StoreError
from features.signal import columns
from features.signals import CATALOGUE, FAMILIES
from serving.book import BANDS
from serving.plays import PLAYS, suggested
from serving.store import Choice, ScoreStore
from serving.worklist import item, worklist
from tests.books import CUTOFF, a_reason, a_run, a_score


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ScoreStore]:
    with ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}") as opened:
        yield opened


def test_nothing_scored_yet_is_said(store: ScoreStore) -> None:
    """An empty store names the command that fills it."""
    with pytest.raises(StoreError, match="no scores yet; `ebb score` makes them"):
        worklist(store, Choice())


def test_the_latest_run_is_the_list(store: ScoreStore) -> None:
    """Only accounts of the latest run stand in the list, the most expected ARR lost first."""
    store.append(a_run(), [a_score("gone", arr=1e9)])
    store.append(a_run(), [a_score("small", arr=10.0), a_score("big", arr=1000.0)])
    listed = worklist(store, Choice())
    assert [entry.score.account_id for entry in listed.items] == ["big", "small"]


def test_reasons_are_those_that_raise_the_risk() -> None:
    """Three at most, strongest first, none that lowers it; the bottom of the list says what keeps the account."""
    strengths = {"seats": 0.5, "support": 0.9, "adoption": -0.4, "frequency": 0.1, "commercial": 0.2}
    score = a_score("a", reasons=tuple(a_reason(family, strength) for family, strength in strengths.items()))
    assert item(score).reasons == ("something about support", "something about seats", "something about commercial")
    assert item(score, keeping=True).reasons == ("something about adoption",)


@pytest.mark.parametrize(
    ("changed", "play"),
    [
        ({"days": 3}, "last week"),
        ({"days": 350, "starts_on": CUTOFF - timedelta(days=15)}, "first month"),
        ({"reasons": (a_reason("seats", 0.5),)}, "seat training"),
        ({"reasons": (a_reason("adoption", 0.5), a_reason("seats", 0.4))}, "key features"),
        ({"reasons": (a_reason("lifecycle", 0.5),)}, "renewal work"),
        ({"reasons": (), "days": 200}, "look closer"),
        ({"band": "low"}, "keep in touch"),
    ],
)
def test_dates_and_the_strongest_driver_call_for_a_play(changed: dict[str, object], play: str) -> None:
    """The last week and the first month come before causes, causes before the calendar; calm accounts are left calm."""
    assert suggested(a_score("a", **changed)).name == play  # type: ignore[arg-type]


@given(
    band=st.sampled_from(BANDS),
    days=st.none() | st.integers(-30, 800),
    family=st.sampled_from(sorted(FAMILIES)),
    contribution=st.floats(-3, 3),
)
def test_every_score_has_a_play(band: str, days: int | None, family: str, contribution: float) -> None:
    """Whatever the score, one play is suggested."""
    score = a_score("a", days=days, band=band, reasons=(a_reason(family, contribution),))
    assert suggested(score) in PLAYS


def test_plays_name_families_and_signals_that_exist() -> None:
    """What a play looks for can be found in the catalogue."""
    names = [column.name for column in columns(CATALOGUE)]
    for play in PLAYS:
        assert set(play.families) <= set(FAMILIES)
        assert all(any(name.startswith(wanted) for name in names) for wanted in play.signals)
    assert len({play.name for play in PLAYS}) == len(PLAYS)

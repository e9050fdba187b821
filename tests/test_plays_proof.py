"""Plays and their proof: a planted effect is found with its sign, none is claimed where none is, harm is flagged."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.analyses.draws import DRAWN
from features.errors import DataError
from serving.book import Run, Score
from serving.config import PlaySettings
from serving.lots import LEFT_OUT, Lots
from serving.plays import PLAYS, suggested
from serving.store import Choice, ScoreStore
from serving.worklist import worklist
from tests.books import a_run, a_score
from tests.worlds import CUTOFF, World, day, facts_of, moment
from training.adjusted import false_discoveries
from training.analyses.proof import proof
from training.effect import LEAST, effect

NAMES = ("settle tickets", "regular visits")


def a_market(
    seed: int, shift: float, *, terms: int = 1500, holdout: float = 0.25, harmed: str | None = None
) -> tuple[World, pd.DataFrame]:
    """Terms of which a quarter is left out of a play that moves the chance of leaving by ``shift``.

    ``harmed``: a segment in which the play does the opposite.
    """
    rng = np.random.default_rng(seed)
    names = np.array([f"a{number:05}" for number in range(terms)])
    segment = rng.choice(["large", "small"], terms)
    risk = rng.beta(2, 5, terms)
    given = rng.random(terms) >= holdout
    moved = np.where(segment == harmed, -shift, shift)
    left = rng.random(terms) < np.clip(risk + np.where(given, moved, 0), 0, 1)
    world: World = {
        "events": [{"account_id": "a00000", "occurred_at": moment(1), "event": "view"}],
        "contracts": [
            {
                "contract_id": f"c-{name}",
                "account_id": name,
                "starts_on": day(420),
                "ends_on": day(55),
                "arr": 100.0,
                "outcome": "churned" if gone else "renewed",
                "decided_on": day(40),
            }
            for name, gone in zip(names, left, strict=True)
        ],
    }
    drawn = pd.DataFrame(
        {
            "play": NAMES[0],
            "account_id": names,
            "contract_id": [f"c-{name}" for name in names],
            "segment": segment,
            "band": "high",
            "drawn_on": day(120),
            "arm": np.where(given, "play", "holdout"),
            "risk": risk,
            "arr": 100.0,
        }
    )
    return world, drawn[list(DRAWN)]


@pytest.mark.parametrize(("shift", "verdict"), [(-0.15, "works"), (0.15, "harms"), (0.0, "no proof yet")])
def test_a_planted_effect_is_found_with_its_sign(shift: float, verdict: str) -> None:
    """The verdict names it and the interval holds it; where nothing was planted nothing is claimed."""
    world, drawn = a_market(1, shift)
    found = proof(facts_of(world, until=CUTOFF), drawn, NAMES).sheet("plays").frame.iloc[0]
    assert found["verdict"].startswith(verdict)
    assert found["low"] <= shift <= found["high"]
    assert found["decided"] == 1500
    if shift:
        assert np.sign(found["arr_kept"]) == -np.sign(shift)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 400 draws without an effect 95 % hold nought, and hardly any that is looked at ten times is called proven."""
    rng = np.random.default_rng(5)
    held, proven = 0, 0
    for _ in range(400):
        risk = rng.beta(1.5, 6, 400)
        given, left = rng.random(400) >= 0.1, rng.random(400) < risk
        looks = [effect(given[:many], left[:many], risk[:many]) for many in range(220, 401, 20)]
        last = looks[-1]
        assert last is not None
        held += last.low <= 0 <= last.high
        proven += any(one is not None and (one.always_high < 0 or one.always_low > 0) for one in looks)
    assert 0.92 <= held / 400 <= 0.98
    assert proven / 400 <= 0.05


def test_the_risk_when_drawn_narrows_the_interval() -> None:
    """Adjusting for what was known before says the same with less doubt."""
    rng = np.random.default_rng(2)
    risk = rng.beta(0.5, 1.0, 2000)
    given, left = rng.random(2000) < 0.5, rng.random(2000) < risk
    with_risk, without = effect(given, left, risk), effect(given, left, np.full(2000, 0.3))
    assert with_risk is not None
    assert without is not None
    assert with_risk.high - with_risk.low < 0.9 * (without.high - without.low)


def test_too_few_are_no_proof() -> None:
    """Below twenty of each nothing is said, and the verdict counts what is there."""
    world, drawn = a_market(3, -0.5, terms=30)
    found = proof(facts_of(world, until=CUTOFF), drawn, NAMES).sheet("plays").frame
    assert found["effect"].isna().all()
    assert found["verdict"].iloc[0].startswith(f"no proof yet: {LEAST} of each must be decided, there are ")
    assert found["drawn"].tolist()[1] == 0


def test_accounts_that_contact_harms_are_flagged() -> None:
    """A play that keeps the small and drives the large away is flagged for open terms of the large, and only there."""
    world, drawn = a_market(4, -0.2, harmed="large")
    for row in world["contracts"][:40]:
        row["outcome"], row["decided_on"], row["ends_on"] = None, None, day(-100)
    answer = proof(facts_of(world, until=CUTOFF), drawn, NAMES)
    assert answer.sheet("harmed").frame["group"].tolist() == ["segment large"]
    open_large = drawn.iloc[:40].query("segment == 'large' and arm == 'play'")["account_id"]
    assert sorted(answer.sheet("flagged").frame["account_id"]) == sorted(open_large)
    assert any("seems to harm accounts of segment large" in line for line in answer.says)


def test_nothing_is_flagged_where_nothing_is_planted() -> None:
    """Of twenty markets without an effect hardly one flags anybody."""
    flagged = 0
    for seed in range(20):
        world, drawn = a_market(100 + seed, 0.0, terms=400)
        flagged += not proof(facts_of(world, until=CUTOFF), drawn, NAMES).sheet("harmed").frame.empty
    assert flagged <= 3


def test_what_was_decided_before_it_was_drawn_proves_nothing() -> None:
    """Only outcomes that were still open on the day of drawing, and known by the cutoff, count."""
    world, drawn = a_market(6, -0.15)
    late = proof(facts_of(world, until=CUTOFF), drawn.assign(drawn_on=day(39)), NAMES).sheet("plays").frame
    assert late["drawn"].sum() == 0
    assert false_discoveries(np.array([])).size == 0


def test_without_contracts_it_says_so() -> None:
    """The sentence names the table."""
    facts = facts_of({"events": [{"account_id": "a", "occurred_at": moment(1), "event": "view"}]})
    with pytest.raises(DataError, match="plays cannot be computed: the table contracts is missing"):
        proof(facts, pd.DataFrame(columns=list(DRAWN)), NAMES)


def some_scores(many: int) -> list[Score]:
    """Accounts of high risk, all of one segment, each paying a little less than the one before."""
    return [a_score(f"a{number:03}", risk=0.5, arr=1000.0 - number) for number in range(many)]


@pytest.fixture
def store(url: str) -> Iterator[ScoreStore]:
    """An empty store, in SQLite and in PostgreSQL."""
    with ScoreStore(url) as opened:
        yield opened


def drawn_of(store: ScoreStore, scores: list[Score], cutoff: date = CUTOFF, **settings: float) -> tuple[Run, int]:
    """A run in the store, its terms drawn."""
    run = a_run(cutoff=cutoff)
    number = store.append(run, scores)
    Lots(store).draw(run, number, scores, PlaySettings(**settings))
    return run, number


def test_one_in_ten_is_left_out_and_stays_so(store: ScoreStore) -> None:
    """Of a hundred terms of one stratum exactly ten; drawing again draws nobody anew, a later run only new terms."""
    scores = some_scores(100)
    drawn_of(store, scores, spared=0.0)
    first = Lots(store).compared()
    assert (first["arm"] == "holdout").sum() == 10
    drawn_of(store, some_scores(120), CUTOFF + timedelta(days=7), spared=0.0)
    later = Lots(store).compared()
    assert len(later) == 120
    assert later.set_index("contract_id").loc[first["contract_id"], "arm"].tolist() == first["arm"].tolist()


def test_who_pays_most_is_never_left_out(store: ScoreStore) -> None:
    """The accounts that pay the first half of the ARR get their plays and are compared with nobody."""
    drawn_of(store, some_scores(100), spared=0.5, holdout=0.5)
    compared = Lots(store).compared()
    assert compared["arr"].max() <= 1000.0 - 45
    assert (compared["arm"] == "holdout").mean() == pytest.approx(0.5, abs=0.05)
    drawn_of(store, some_scores(130), CUTOFF + timedelta(days=7), spared=0.0, holdout=0.0)
    assert (Lots(store).compared()["arm"].value_counts().to_dict())["play"] >= 30


def test_the_list_says_who_is_left_out(store: ScoreStore) -> None:
    """Its todo is to do as always; the others' is the play, with the day by which it is due."""
    drawn_of(store, some_scores(20), spared=0.0, holdout=0.5)
    items = worklist(store, Choice()).items
    left_out = [item for item in items if item.left_out]
    assert len(left_out) == 10
    assert {item.todo for item in left_out} == {LEFT_OUT}
    for item in items:
        assert item.lot is not None
        assert item.lot.due_on == CUTOFF + timedelta(days=item.play.due_days)


def test_every_play_says_who_does_it_and_how() -> None:
    """Each has an owner, a due day and steps; plays that come too late or do nothing are not tried by chance."""
    assert all(play.owner and play.due_days > 0 and play.steps for play in PLAYS)
    assert {play.name for play in PLAYS if not play.drawn} == {"last week", "keep in touch"}
    assert suggested(a_score("a", band="low")).drawn is False

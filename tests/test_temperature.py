"""Buying more: which days count, how it is learnt and scored, and what is said where it cannot be."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import bought, outcomes, snapshots
from features.errors import DataError
from features.snapshots import Expansion, Renewal
from features.sources.market import MarketSettings, simulate
from features.sources.market.settings import Growth
from features.sources.simulated import write
from serving import steps, taking
from serving.book import NO_WARMTH, Temperature, Warmth
from serving.commands.scores import show
from serving.config import DataSettings, Settings
from serving.desk import Desk
from serving.output import Format
from serving.progress import Progress
from serving.store import Choice, ScoreStore
from serving.wired import account, listed
from serving.worklist import worklist
from tests.books import a_reason, a_run, a_score
from tests.oracles import Row
from tests.worlds import CUTOFF, World, day, facts_of, moment
from training import tracking
from training.target import CHURN, EXPANSION

EVENT = {"account_id": "a", "occurred_at": moment(1), "event": "edit"}
WARM = Warmth(model_name="ebb-temperature", model_version="2", horizon_days=90, usable=True, verdict="good")


def contract(number: int, starts: int, ends: int, **more: object) -> Row:
    """A contract from so many days before the cutoff to so many."""
    row = {"contract_id": f"c{number}", "account_id": "a", "starts_on": day(starts), "ends_on": day(ends)}
    return row | {"known_at": moment(starts), "arr": 1000.0, "seats": 10.0} | more


def days_bought(world: World) -> list[int]:
    """How many days before the cutoff accounts bought more."""
    facts = facts_of({"events": [EVENT], **world})
    outcomes.lay(facts)
    bought.lay(facts, grace_days=31)
    days = facts.engine.rows(f"SELECT date_diff('day', day, DATE '{CUTOFF}') FROM bought ORDER BY day")
    return [int(str(age)) for (age,) in days]


@pytest.mark.parametrize(
    ("more", "found"),
    [({}, []), ({"arr": 1040.0}, []), ({"arr": 1060.0}, [100]), ({"seats": 11.0}, [100]), ({"seats": 9.0}, [])],
)
def test_a_larger_next_contract_is_buying_more(more: dict[str, float], found: list[int]) -> None:
    """More seats, or an ARR more than 5 % larger, known from the day the contract is."""
    assert days_bought({"contracts": [contract(0, 465, 100), contract(1, 100, -265, **more)]}) == found


def test_one_purchase_written_twice_counts_once() -> None:
    """An opportunity won and the contract that follows within the days of grace are one purchase, known from the
    first; a later one is another.
    """
    deals = [
        {
            "opportunity_id": f"o{at}",
            "account_id": "a",
            "opened_at": moment(at + 9),
            "closed_at": moment(at),
            "won": won,
        }
        for at, won in ((110, True), (60, False), (30, True))
    ]
    contracts = [contract(0, 465, 100), contract(1, 100, -265, arr=2000.0)]
    assert days_bought({"contracts": contracts, "opportunities": deals}) == [110, 30]


def test_without_anything_that_tells_who_bought_more_it_is_said() -> None:
    """Contracts without sizes and no opportunities: one line says what is needed."""
    with pytest.raises(DataError, match="nothing tells who bought more"):
        days_bought({"contracts": [contract(0, 465, 100, arr=None, seats=None)]})


def test_the_label_is_what_happened_within_the_horizon() -> None:
    """From the cutoff on and before the horizon ends; one day earlier or later does not count, and it has passed."""
    facts = facts_of({"events": [EVENT], "contracts": [contract(0, 465, 100), contract(1, 100, -265, seats=20.0)]})
    snapshots.lay_past(facts, Expansion(of=Renewal(), horizon_days=90, every_days=1), anchor=CUTOFF)
    found = facts.engine.frame("SELECT CAST(cutoff AS TIMESTAMP) AS cutoff, decided_on, outcome_left FROM snapshots")
    ages = (pd.Timestamp(CUTOFF) - found["cutoff"]).dt.days
    assert set(ages[found["outcome_left"] == 1]) == set(range(100, 190))
    decided = pd.to_datetime(found["decided_on"])
    assert ((decided - found["cutoff"]).dt.days == 90).all()
    assert (decided <= pd.Timestamp(facts.cutoff)).all()


def test_what_becomes_known_later_changes_no_label() -> None:
    """Facts from after the horizon leave every decided label as it was, to the bit."""
    mode = Expansion(of=Renewal(), horizon_days=60, every_days=7)
    world = {"events": [EVENT], "contracts": [contract(0, 465, 100), contract(1, 100, -265, seats=20.0)]}
    later = {**world, "contracts": [*world["contracts"], contract(2, -10, -400, seats=90.0)]}
    found = []
    for each in (world, later):
        facts = facts_of(each)
        snapshots.lay_past(facts, mode, anchor=CUTOFF)
        sql = f"SELECT cutoff, outcome_left FROM snapshots WHERE decided_on <= DATE '{CUTOFF}' ORDER BY cutoff"
        found.append(facts.engine.rows(sql))
    assert found[0] == found[1]


def test_the_usual_market_is_what_it_was_and_growth_can_be_planted_or_left_to_chance() -> None:
    """In a planted market those who want more buy far more often; by chance they buy as often as the others."""
    planted: Growth = "planted"
    by_chance: Growth = "chance"
    for growth, apart in ((planted, True), (by_chance, False)):
        market = simulate(MarketSettings(accounts=400, months=24, seed=5, volume=0.05, growth=growth))
        ended = market.tables["contracts"].merge(market.wants[["contract_id", "since"]], on="contract_id")
        ended = ended[ended["outcome"].notna() & (ended["billing_period"] != "monthly")]
        rates = (ended["outcome"] == "expanded").groupby(ended["since"].notna()).mean()
        assert (rates[True] > 5 * rates[False]) == apart, growth
    assert simulate(MarketSettings(accounts=30, months=6, volume=0.1)).wants["since"].isna().all()


@dataclass(frozen=True, kw_only=True)
class Home:
    """A home in which both models were learnt from a planted market, and its book scored."""

    settings: Settings
    cold: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Learn, score, learn buying more, score again."""
    folder = tmp_path_factory.mktemp("warm")
    write(simulate(MarketSettings(accounts=300, months=30, seed=11, volume=0.08, growth="planted")), folder / "data")
    settings = Settings(home=folder, data=DataSettings(folder=folder / "data"))
    progress = Progress()
    with taking.facts_of(settings, progress) as facts:
        steps.train(facts, settings, progress)
        steps.score(facts, tracking.champion(settings.tracking_uri), settings, progress)
        with ScoreStore(settings.store_url) as store:
            cold = worklist(store, Choice(limit=1)).no_temperature or ""
        steps.train(facts, settings, progress, target=EXPANSION)
        steps.score(facts, tracking.champion(settings.tracking_uri), settings, progress)
    return Home(settings=settings, cold=cold)


def test_before_there_is_a_model_the_book_says_so(home: Home) -> None:
    """Without a model of buying more the worklist has no temperatures and says which command makes one."""
    assert home.cold == NO_WARMTH


def test_the_planted_wish_for_more_is_learnt_and_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The model beats the base rate; every account has a temperature with reasons, in the list and over the wire."""
    champion = tracking.champion(home.settings.tracking_uri, EXPANSION)
    assert champion.usable, champion.verdict
    with ScoreStore(home.settings.store_url) as store:
        found = worklist(store, Choice(limit=50))
    assert found.no_temperature is None
    assert all(item.temperature is not None and 0 <= item.temperature.value <= 100 for item in found.items)
    first = found.items[0]
    assert first.temperature is not None
    assert listed(first).temperature == first.temperature.value
    show(replace(found, items=found.items[:2]), Format.table)
    assert "temperature" in capsys.readouterr().out
    told = Desk(home.settings).account(first.score.account_id, past=1)
    assert told is not None
    warm = account(told).temperature
    assert warm is not None
    total = warm.base + sum(driver.contribution for driver in warm.drivers)
    assert 100 / (1 + np.exp(-total)) == pytest.approx(warm.value, abs=1e-6)
    assert warm.horizon_days == 90


def test_each_target_has_its_own_registered_model(home: Home) -> None:
    """Training one leaves the other's versions and champion alone."""
    uri = home.settings.tracking_uri
    assert [len(tracking.versions(uri, target)) for target in (CHURN, EXPANSION)] == [1, 1]
    assert tracking.champion(uri, EXPANSION).name == "ebb-temperature"
    assert tracking.champion(uri).scorer.about["target"] == "churn"


def test_temperatures_are_kept_as_they_were_said(tmp_path: Path) -> None:
    """What was written is read back equal, and an account without one is left out."""
    warm = Temperature(account_id="a", value=31.5, base=-1.0, reasons=(a_reason("seats", 0.4),))
    with ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}") as store:
        run = a_run(number=store.append(a_run(), [a_score("a"), a_score("b")], WARM, [warm]))
        assert store.temperatures(run, ["a", "b"]) == {"a": warm}
        assert store.warmth(run) == WARM


def test_without_a_usable_signal_the_list_says_so(tmp_path: Path) -> None:
    """A model that does not beat the base rate gives no temperature, and its name stands there with the reason."""
    with ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}") as store:
        store.append(a_run(), [a_score("a")], replace(WARM, usable=False))
        found = worklist(store, Choice())
    assert found.items[0].temperature is None
    assert found.no_temperature == "ebb-temperature version 2 has no usable signal"

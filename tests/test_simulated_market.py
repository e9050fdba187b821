"""The simulated market: the same to the bit, honest about its truth, and with every planted cause to be seen."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import domain
from features.engines.duckdb import DuckEngine
from features.errors import SettingsError
from features.sources.market import MarketSettings, simulate
from features.sources.market.accounts import draw_accounts
from features.sources.market.causes import CAUSES, EFFECTS
from features.sources.market.contracts import contract_ids, draw_contracts
from features.sources.market.faults import FAULTS
from features.sources.market.simulation import Market
from features.sources.market.truth import snapshots
from features.sources.simulated import Simulated, write

SMALL = MarketSettings(accounts=40, months=14, seed=3)


@cache
def market() -> Market:
    return simulate(MarketSettings(accounts=240, months=36, seed=11))


@cache
def truth_of_many() -> pd.DataFrame:
    """The truth of eight markets, drawn without their events, with whether the term is a month."""
    frames = []
    for seed in range(8):
        settings = MarketSettings(seed=seed)
        accounts = draw_accounts(settings)
        contracts = draw_contracts(accounts, settings)
        frame = snapshots(contracts, accounts, settings)
        monthly = dict(zip(contract_ids(contracts, accounts), contracts.monthly, strict=True))
        frames.append(frame.assign(monthly=frame["contract_id"].map(monthly).astype(bool), seed=seed))
    return pd.concat(frames, ignore_index=True)


@cache
def causes() -> pd.DataFrame:
    """Every planted cause with the dates of its term; terms of a year only, begun six weeks before the record ends."""
    contracts = market().tables["contracts"]
    frame = market().causes.merge(contracts.drop(columns="account_id"), on="contract_id")
    year = (frame["ends_on"] - frame["starts_on"]).dt.days > 40
    return frame[year & (frame["onset"] < pd.Timestamp("2026-05-15"))]


@cache
def human() -> pd.DataFrame:
    events = market().tables["events"]
    return events[events["actor"] == "human"].assign(
        account_id=lambda e: e["account_id"].astype(str), user_id=lambda e: e["user_id"].astype(str)
    )


def rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples())


def ranked_auc(outcome: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve by ranks (Mann and Whitney, 1947)."""
    ranks = pd.Series(score).rank().to_numpy()
    ones = int(outcome.sum())
    return float((ranks[outcome].sum() - ones * (ones + 1) / 2) / (ones * (outcome.size - ones)))


def around(cause: str, days: int = 28) -> list[tuple[pd.DataFrame, pd.DataFrame, Any]]:
    """For each occurrence of the cause: human events before the onset, those once it has taken hold, and its row."""
    found = []
    for row in rows(causes()[causes()["cause"] == cause]):
        settled = row.onset + pd.Timedelta(days=25 if cause != "champion_left" else 1)
        until = min(settled + pd.Timedelta(days=days), row.ends_on)
        events = human()[human()["account_id"] == row.account_id]
        at = events["occurred_at"]
        before = events[(at >= row.onset - pd.Timedelta(days=days)) & (at < row.onset)]
        after = events[(at >= settled) & (at < until)]
        if (until - settled).days >= 14 and len(before) > 20:
            found.append((before, after, row))
    assert len(found) >= 5, f"only {len(found)} occurrences of {cause}"
    return found


def test_same_settings_give_the_same_market_to_the_bit():
    """Two runs with one seed are equal in every table, and another seed is not."""
    one, two = simulate(SMALL), simulate(SMALL)
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, two.tables[name], check_exact=True)
    pd.testing.assert_frame_equal(one.snapshots, two.snapshots, check_exact=True)
    pd.testing.assert_frame_equal(one.causes, two.causes, check_exact=True)
    other = simulate(MarketSettings(accounts=40, months=14, seed=4))
    assert not one.snapshots["probability"].equals(other.snapshots["probability"])


def test_tables_are_those_of_the_domain():
    """Every table but the traits is there, with its declared columns, unique keys and known accounts only."""
    tables = market().tables
    assert set(tables) == {table.name for table in domain.TABLES} - {"traits"}
    for name, frame in tables.items():
        table = domain.table(name)
        declared = {column.name for column in table.columns}
        assert table.open_columns or set(frame.columns) <= declared, name
        assert not frame[list(table.required_columns)].isna().to_numpy().any(), name
        if table.key:
            assert not frame.duplicated(list(table.key)).any(), name
        assert set(frame["account_id"].astype(str)) <= set(tables["accounts"]["account_id"]), name


def test_nothing_lies_after_the_end_of_the_record():
    """No fact is known at or after the cutoff, and no term begins before its account was known."""
    end = pd.Timestamp(market().facts["cutoff"])
    tables = market().tables
    for name, column in (
        ("events", "occurred_at"),
        ("events", "known_at"),
        ("contracts", "known_at"),
        ("contracts", "decided_on"),
        ("users", "created_at"),
        ("tickets", "opened_at"),
        ("tickets", "closed_at"),
        ("invoices", "issued_on"),
        ("invoices", "paid_on"),
        ("surveys", "answered_at"),
        ("touches", "touched_at"),
        ("opportunities", "opened_at"),
        ("opportunities", "closed_at"),
    ):
        assert (tables[name][column].dropna() < end).all(), f"{name}.{column}"
    terms = tables["contracts"].merge(tables["accounts"], on="account_id")
    assert (terms["created_at"] <= terms["known_at"]).all()


def test_the_outcome_cannot_be_known_before_its_decision():
    """The next term is known from the decision on, a lost term has none, and bills follow the signing."""
    contracts, invoices = market().tables["contracts"], market().tables["invoices"]
    following = contracts.groupby("account_id").shift(-1)
    renewed = contracts["outcome"].isin(["renewed", "expanded", "downgraded"])
    assert (following.loc[renewed, "known_at"] >= contracts.loc[renewed, "decided_on"]).all()
    assert following.loc[~renewed, "known_at"].isna().all()
    assert (following.loc[renewed, "starts_on"] == contracts.loc[renewed, "ends_on"]).all()
    assert contracts["outcome"].isna().equals(contracts["decided_on"].isna())
    begun = contracts.groupby("account_id")["starts_on"].min()
    assert (invoices["issued_on"] >= invoices["account_id"].map(begun)).all()
    bills = invoices.merge(contracts[["account_id", "starts_on", "ends_on", "known_at"]], on="account_id")
    bills = bills[(bills["issued_on"] > bills["starts_on"]) & (bills["issued_on"] < bills["ends_on"])]
    assert (bills.groupby("invoice_id")["known_at"].min() <= bills.groupby("invoice_id")["issued_on"].first()).all()


def test_before_the_decision_the_leaving_look_like_the_staying_of_equal_truth():
    """In the days after the cutoff the use of those who will leave changes no more than that of the others."""
    truth = market().snapshots
    at30 = truth[(truth["lead_days"] == 30) & ~truth["open"]].copy()
    counts = []
    for row in rows(at30):
        events = human()[human()["account_id"] == row.account_id]
        at = events["occurred_at"]
        recent = ((at >= row.cutoff) & (at < row.cutoff + pd.Timedelta(days=5))).sum()
        usual = ((at >= row.cutoff - pd.Timedelta(days=35)) & (at < row.cutoff)).sum()
        counts.append((recent + 1) / (usual / 7 + 1))
    at30["surge"] = np.log(counts)
    left, stayed = at30[at30["left"]], at30[~at30["left"]]
    error = np.sqrt(left["surge"].var() / len(left) + stayed["surge"].var() / len(stayed))
    assert abs(left["surge"].mean() - stayed["surge"].mean()) < 3.5 * error


def test_a_lost_account_is_silent_after_its_end():
    """Of the use of lost accounts hardly anything comes more than a day after the end, nothing after five weeks."""
    contracts = market().tables["contracts"]
    lost = contracts[contracts["outcome"] == "churned"].set_index("account_id")["ends_on"]
    events = human()[human()["account_id"].isin(lost.index)]
    past = (events["occurred_at"] - events["account_id"].map(lost)).dt.days
    assert (past > 1).mean() < 0.01
    assert past.max() <= 35
    assert (past > 1).any()


def test_the_true_probability_is_calibrated():
    """In each tenth of the true probability, over eight markets and each lead, as many left as were to."""
    truth = truth_of_many()
    truth = truth[~truth["open"]]
    for (monthly, lead), group in truth.groupby(["monthly", "lead_days"]):
        p, left = group["probability"].to_numpy(), group["left"].to_numpy(dtype=float)
        tenth = np.minimum(pd.Series(p).rank(method="first").to_numpy() * 10 // len(p), 9).astype(int)
        excess = np.bincount(tenth, left - p)
        z = excess / np.sqrt(np.bincount(tenth, p * (1 - p)))
        assert np.abs(z).max() < 4, f"monthly {monthly}, lead {lead}: {z.round(1).tolist()}"
        assert np.abs(excess).sum() / len(p) < 0.02, "expected calibration error"


def test_the_true_probability_of_open_terms_is_calibrated():
    """Also at the end of the record, at any lead, what is to come follows the truth."""
    open_now = truth_of_many()[truth_of_many()["open"]]
    expected = open_now["probability"].sum()
    error = np.sqrt((open_now["probability"] * (1 - open_now["probability"])).sum())
    assert abs(open_now["left"].sum() - expected) < 3.5 * error
    assert (open_now["lead_days"] > 0).all()
    assert open_now.groupby(["seed", "account_id"]).size().max() == 1


def test_the_truth_ranks_well_but_not_perfectly():
    """The true probability ranks yearly renewals with an AUC of 0.80 to 0.88 at 30 days, and worse from afar."""
    year = truth_of_many()[~truth_of_many()["monthly"] & ~truth_of_many()["open"]]
    auc = {
        lead: ranked_auc(group["left"].to_numpy(), group["probability"].to_numpy())
        for lead, group in year.groupby("lead_days")
    }
    assert 0.80 <= auc[30] <= 0.88
    assert auc[30] > auc[60] > auc[90] > auc[120] > auc[180] > 0.6


def test_as_many_leave_as_in_a_plausible_business():
    """18 to 25 % leave at a yearly renewal and 3 to 4 % at a monthly one; most risky terms have a single cause."""
    last = truth_of_many()[~truth_of_many()["open"]].sort_values("lead_days")
    last = last.drop_duplicates(["seed", "contract_id"])
    rate = last.groupby("monthly")["left"].mean()
    assert 0.18 <= rate[False] <= 0.25
    assert 0.03 <= rate[True] <= 0.04
    risky = last[(last["probability"] > 0.4) & ~last["monthly"]]
    assert (risky["causes"].str.count(r"\|").add(1).where(risky["causes"] != "", 0) == 1).mean() > 0.5
    reasonless = last[last["left"] & ~last["monthly"] & (last["causes"] == "")]
    assert 0.1 < len(reasonless) / (last["left"] & ~last["monthly"]).sum() < 0.4


def test_a_champion_who_left_does_nothing_more():
    """The most active person of the weeks before has no event after the onset."""
    kept = 0
    for before, after, _ in around("champion_left"):
        champion = before["user_id"].value_counts().index[0]
        kept += champion in set(after["user_id"])
    assert kept <= 0.15 * len(around("champion_left"))


def test_an_abandoned_key_feature_narrows_use_and_leaves_its_volume():
    """Fewer features are used after the onset while the number of events hardly falls."""
    ratios = [
        (b["event"].nunique(), a["event"].nunique(), len(b), len(a)) for b, a, _ in around("key_feature_abandoned")
    ]
    breadth_before, breadth_after, volume_before, volume_after = np.sum(ratios, axis=0)
    assert breadth_after < 0.85 * breadth_before
    assert volume_after > 0.6 * volume_before


def test_unused_seats_show_in_the_number_of_people():
    """After the onset at most six in ten of the people are still seen."""
    people = np.sum([(b["user_id"].nunique(), a["user_id"].nunique()) for b, a, _ in around("seats_unused")], axis=0)
    assert people[1] < 0.6 * people[0]


def test_a_decline_shows_in_the_number_of_events():
    """After the onset events become clearly fewer."""
    events = np.sum([(len(b), len(a)) for b, a, _ in around("decline")], axis=0)
    assert events[1] < 0.7 * events[0]


def test_a_price_rise_shows_in_the_price_per_seat():
    """Every planted rise is at least a sixth on the price of the term before, and no other term rises so."""
    contracts = market().tables["contracts"]
    price = contracts["arr"] / contracts["seats"]
    rise = price / price.groupby(contracts["account_id"]).shift() - 1
    planted = market().causes.loc[market().causes["cause"] == "price_rise", "contract_id"]
    risen = contracts["contract_id"].isin(planted)
    assert risen.sum() >= 10
    assert (rise[risen] > 1 / 6).all()
    assert not (rise[~risen] > 0.05).any()


def test_unresolved_tickets_show_in_support():
    """Within three days of the onset a ticket is opened, and several stay open for weeks."""
    tickets = market().tables["tickets"]
    waiting = []
    for row in rows(causes()[causes()["cause"] == "unresolved_tickets"]):
        mine = tickets[tickets["account_id"] == row.account_id]
        since = (mine["opened_at"] - row.onset).dt.total_seconds() / 86_400
        assert ((since >= 0) & (since <= 3)).any()
        month_later = row.onset + pd.Timedelta(days=20)
        open_then = (mine["opened_at"] < month_later) & ~(mine["closed_at"] < month_later)
        waiting.append(open_then.sum() if month_later < row.ends_on else 2)
    assert len(waiting) >= 5
    assert np.mean(waiting) > 1.5


def test_distractors_carry_no_effect():
    """Integrations that replace logins and shared logins add nothing to the log-odds, yet show in the data."""
    found = market().causes
    distracting = found[~found["cause"].isin([cause.name for cause in CAUSES])]
    assert set(distracting["cause"]) == {"integration_replaced_logins", "account_shared"}
    assert (distracting["effect"] == 0).all()
    assert (EFFECTS > 1).all()
    events = market().tables["events"]
    replaced = distracting[distracting["cause"] == "integration_replaced_logins"].iloc[0]
    mine = events[(events["account_id"] == replaced.account_id)]
    before, after = mine[mine["occurred_at"] < replaced.onset], mine[mine["occurred_at"] >= replaced.onset]
    assert (after["actor"] == "api").mean() > 0.4 > (before["actor"] == "api").mean()


def test_a_shared_login_is_used_at_impossible_hours():
    """The login that several people share is seen at most hours of the day, the others only at work."""
    shared = market().causes[market().causes["cause"] == "account_shared"]
    row = shared.sort_values("onset").iloc[0]
    mine = human()[(human()["account_id"] == row.account_id) & (human()["occurred_at"] >= row.onset)]
    night = mine["occurred_at"].dt.hour.groupby(mine["user_id"]).nunique().sort_values()
    assert night.iloc[-1] == 24 > night.iloc[-3]


def test_an_outage_silences_the_whole_fleet_for_a_day():
    """On the days of an outage human use is a fraction of that a week before."""
    daily = human().groupby(human()["occurred_at"].dt.normalize()).size()
    for outage in pd.to_datetime(market().facts["outages"]):
        assert daily[outage] < 0.4 * daily[outage - pd.Timedelta(days=7)]


def test_few_events_are_known_late():
    """A few percent are known a day or two after they occurred."""
    events = market().tables["events"]
    late = (events["known_at"] - events["occurred_at"]).dropna().dt.total_seconds() / 86_400
    assert 0.01 < len(late) / len(events) < 0.05
    assert late.between(0.5, 2.5).all()


def test_the_source_serves_what_the_folder_holds(tmp_path):
    """Raw rows of the source equal those of the written Parquet files, and the truth lies apart."""
    write(simulate(SMALL), tmp_path)
    with DuckEngine() as engine:
        for name, raw in Simulated(settings=SMALL).raw(engine).items():
            columns = ", ".join(raw.columns)
            path = tmp_path / f"{name}.parquet"
            served = engine.rows(f"SELECT {columns} FROM ({raw.sql}) EXCEPT SELECT {columns} FROM '{path}'")
            written = engine.rows(f"SELECT {columns} FROM '{path}' EXCEPT SELECT {columns} FROM ({raw.sql})")
            assert served == written == [], name
            assert engine.rows(f"SELECT min(_row), count(DISTINCT _row) = count(*) FROM ({raw.sql})") == [(1, True)]
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {
        "snapshots.parquet",
        "causes.parquet",
        "facts.json",
    }


@pytest.mark.parametrize("fault", [fault.__name__ for fault in FAULTS])
def test_a_fault_asked_for_is_there(fault):
    """Each fault changes the tables, and in the way its name says."""
    clean = simulate(SMALL).tables
    settings = MarketSettings(accounts=40, months=14, seed=3, faults=(fault,))
    spoilt = simulate(settings).tables
    events, contracts = spoilt["events"], spoilt["contracts"]
    end = pd.Timestamp(settings.first + settings.days)
    following = contracts.sort_values(["account_id", "ends_on"]).groupby("account_id")
    evidence = {
        "feature_stops": lambda: (
            events.loc[events["event"] == "search_run", "occurred_at"].max()
            < events["occurred_at"].max() - pd.Timedelta(days=50)
        ),
        "gap": lambda: events["occurred_at"].diff().max() > pd.Timedelta(days=5),
        "duplicates": lambda: contracts["contract_id"].duplicated().any() and events.duplicated().sum() > 5,
        "late": lambda: ((events["known_at"] - events["occurred_at"]) > pd.Timedelta(days=10)).mean() > 0.1,
        "unknown_accounts": lambda: not set(events["account_id"].astype(str)) <= set(spoilt["accounts"]["account_id"]),
        "mixed_zones": lambda: spoilt["tickets"]["opened_at"].str.contains("+02:00", regex=False).mean() > 0.2,
        "overlapping_contracts": lambda: (contracts["starts_on"] < following["ends_on"].shift()).any(),
        "ends_before_starts": lambda: (contracts["ends_on"] < contracts["starts_on"]).any(),
        "future_events": lambda: (events["occurred_at"] > end).any(),
        "contradicting_outcomes": lambda: (
            (contracts["outcome"] == "churned").sum() > (clean["contracts"]["outcome"] == "churned").sum()
        ),
    }
    assert evidence[fault]()


def test_impossible_settings_are_refused():
    """An unknown fault and an empty market are refused, and the message says what there is."""
    with pytest.raises(SettingsError, match="no fault flood; there are feature_stops, gap"):
        simulate(MarketSettings(accounts=5, months=2, faults=("flood",)))
    with pytest.raises(SettingsError, match="accounts = 0"):
        MarketSettings(accounts=0)
    with pytest.raises(SettingsError, match="months = 0"):
        MarketSettings(months=0)


@pytest.mark.parametrize(("accounts", "months"), [(1, 1), (2, 3), (3, 240)])
def test_the_smallest_and_longest_markets_are_simulated(accounts, months):
    """A single account for a month and few accounts for twenty years give tables, not errors."""
    tables = simulate(MarketSettings(accounts=accounts, months=months, seed=0)).tables
    assert len(tables["accounts"]) == accounts
    assert len(tables["contracts"]) >= accounts

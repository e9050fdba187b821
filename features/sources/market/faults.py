"""Instrumentation faults to order: each spoils the tables in one way that `ebb check` must find."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from features.errors import SettingsError
from features.sources.market.settings import MarketSettings

Tables = Mapping[str, pd.DataFrame]
Fault = Callable[[Tables], dict[str, pd.DataFrame]]

BROKEN_FOR: Final = 60
"""Days before the end of the record at which recording goes wrong."""
GAP_DAYS: Final = 6


def _days_before_end(tables: Tables, days: int) -> pd.Timestamp:
    return pd.Timestamp(tables["events"]["occurred_at"].max()).ceil("D") - pd.Timedelta(days=days)


def _every_tenth(rows: "pd.Series[bool]") -> "pd.Series[bool]":
    return rows & (rows.cumsum() % 10 == 1)


def feature_stops(tables: Tables) -> dict[str, pd.DataFrame]:
    """A feature of everybody is recorded no more from one day on."""
    events = tables["events"]
    lost = (events["event"] == "search_run") & (events["occurred_at"] >= _days_before_end(tables, BROKEN_FOR))
    return {"events": events[~lost].reset_index(drop=True)}


def gap(tables: Tables) -> dict[str, pd.DataFrame]:
    """Nothing is recorded for six days."""
    at, begin = tables["events"]["occurred_at"], _days_before_end(tables, 2 * BROKEN_FOR)
    lost = (at >= begin) & (at < begin + pd.Timedelta(days=GAP_DAYS))
    return {"events": tables["events"][~lost].reset_index(drop=True)}


def duplicates(tables: Tables) -> dict[str, pd.DataFrame]:
    """One contract, user and ticket in fifty is there twice, and so are five percent of a month's events."""
    events = tables["events"]
    month = np.flatnonzero((events["occurred_at"] >= _days_before_end(tables, 30)).to_numpy())
    spoilt = {"events": pd.concat([events, events.iloc[month[::20]]], ignore_index=True)}
    for name in ("contracts", "users", "tickets"):
        spoilt[name] = pd.concat([tables[name], tables[name].iloc[::50]], ignore_index=True)
    return spoilt


def late(tables: Tables) -> dict[str, pd.DataFrame]:
    """A fifth of the events is known two to six weeks late; what would be known after the end is missing."""
    events = tables["events"].copy()
    row = np.arange(len(events))
    some = row % 5 == 2
    known = events["occurred_at"] + pd.to_timedelta(14 + row % 29, unit="D").astype("timedelta64[us]")
    events.loc[some, "known_at"] = known[some]
    return {"events": events[~(some & (known >= _days_before_end(tables, 0)))].reset_index(drop=True)}


def unknown_accounts(tables: Tables) -> dict[str, pd.DataFrame]:
    """One account in fifty, at least one, is missing from the accounts while its events are there."""
    accounts = tables["accounts"]
    return {"accounts": accounts[np.arange(len(accounts)) % 50 != 3 % len(accounts)].reset_index(drop=True)}


def mixed_zones(tables: Tables) -> dict[str, pd.DataFrame]:
    """Times of tickets are texts, some in UTC, some two hours ahead and saying so, some without a word of the zone."""
    tickets = tables["tickets"].copy()
    zone = np.arange(len(tickets)) % 3
    shift = pd.to_timedelta(np.where(zone == 1, 2, 0), unit="h")
    text = (tickets["opened_at"] + shift).dt.strftime("%Y-%m-%dT%H:%M:%S")
    tickets["opened_at"] = text + np.array(["Z", "+02:00", ""], dtype=object)[zone]
    return {"tickets": tickets}


def overlapping_contracts(tables: Tables) -> dict[str, pd.DataFrame]:
    """One following term in ten begins twenty days before the term before it ends."""
    contracts = tables["contracts"].copy()
    following = _every_tenth(contracts["account_id"].duplicated())
    contracts.loc[following, "starts_on"] = contracts.loc[following, "starts_on"] - pd.Timedelta(days=20)
    return {"contracts": contracts}


def ends_before_starts(tables: Tables) -> dict[str, pd.DataFrame]:
    """One contract in a hundred ends a day before it starts."""
    contracts = tables["contracts"].copy()
    wrong = np.arange(len(contracts)) % 100 == 0
    contracts.loc[wrong, "ends_on"] = contracts.loc[wrong, "starts_on"] - pd.Timedelta(days=1)
    return {"contracts": contracts}


def future_events(tables: Tables) -> dict[str, pd.DataFrame]:
    """One event in five thousand carries a time years ahead."""
    events = tables["events"].copy()
    wrong = np.arange(len(events)) % 5000 == 17
    events.loc[wrong, "occurred_at"] = events.loc[wrong, "occurred_at"] + pd.Timedelta(days=3650)
    return {"events": events}


def contradicting_outcomes(tables: Tables) -> dict[str, pd.DataFrame]:
    """One renewed contract in ten is called churned although the next term follows."""
    contracts = tables["contracts"].copy()
    contracts.loc[_every_tenth(contracts["outcome"] == "renewed"), "outcome"] = "churned"
    return {"contracts": contracts}


FAULTS: Final[tuple[Fault, ...]] = (
    feature_stops,
    gap,
    duplicates,
    late,
    unknown_accounts,
    mixed_zones,
    overlapping_contracts,
    ends_before_starts,
    future_events,
    contradicting_outcomes,
)


def inject(tables: Tables, settings: MarketSettings) -> Tables:
    """The tables with the faults asked for, one after another. Raises SettingsError for an unknown one."""
    known = {fault.__name__: fault for fault in FAULTS}
    spoilt = dict(tables)
    for name in settings.faults:
        if name not in known:
            raise SettingsError(f"faults: no fault {name}; there are {', '.join(known)}")
        spoilt |= known[name](spoilt)
    return spoilt

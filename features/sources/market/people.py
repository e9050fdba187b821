"""The people of the simulated accounts: the places they fill, when they begin and stop, and who replaces whom."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.sources.market.accounts import Accounts, Ints
from features.sources.market.causes import CHAMPION, SEATS, Floats
from features.sources.market.contracts import Contracts
from features.sources.market.settings import MarketSettings

REMAINING: Final = 0.35
"""Share of the places still filled after the seats fall into disuse: the busiest ones."""
LIFETIME: Final = 900.0
"""Mean days a person stays in a place; the champion stays until a cause takes them away."""
CHAMPION_RATE: Final = 1.1
"""Visits of a champion on a working day, at least; the others' are far fewer, with a heavy tail."""
CHAMPION_SHARE: Final = 0.3
"""A champion uses at least this much beside all the others of a large account together."""
TITLES: Final = ("analyst", "manager", "specialist", "director", "coordinator", "engineer")


@dataclass(frozen=True, kw_only=True)
class Stays:
    """One row for each person's stay in one term, ordered by account: ``place`` 0 is the champion's.

    ``person`` counts the people who filled the place one after another; they use the product on days
    ``begins`` <= day < ``stops`` with ``rate`` visits a working day.
    """

    contract: Ints
    account: Ints
    place: Ints
    person: Ints
    begins: Floats
    stops: Floats
    rate: Floats


def draw_stays(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> Stays:
    """Fill the seats of every term with people, and let causes and time take some of them away."""
    rng = settings.stream("people")
    usual = _filled(accounts, contracts)
    # Who wants more has run out of seats.
    filled = np.where(np.isnan(contracts.wants), usual, np.maximum(usual, contracts.seats))
    place = _counting(filled)
    contract = np.repeat(np.arange(filled.size), filled)
    account = contracts.account[contract]
    arrival, rate, breaks, first = _places(accounts, contracts, filled, rng)
    where = first[account] + place
    begins = np.maximum(contracts.starts[contract].astype(float), arrival[where])
    # Who is added with a later term arrives over its first weeks.
    later = (contracts.term[contract] > 0) & (place >= _filled_before(contracts, filled)[contract])
    begins = np.where(later, np.maximum(begins, contracts.starts[contract] + rng.exponential(15, place.size)), begins)
    pressing = np.flatnonzero(place >= usual[contract])
    begins[pressing] = np.maximum(
        begins[pressing], contracts.wants[contract[pressing]] + rng.exponential(10, pressing.size)
    )
    stops = _stops(contracts, filled, contract, place, rng)
    champions_gone = np.cumsum(~np.isnan(contracts.onset[:, CHAMPION])) - ~np.isnan(contracts.onset[:, CHAMPION])
    champions_gone -= champions_gone[np.searchsorted(contracts.account, contracts.account)]
    return _with_turnover(
        Stays(
            contract=contract,
            account=account,
            place=place,
            person=np.where(place == 0, champions_gone[contract], 0),
            begins=begins,
            stops=stops,
            rate=rate[where],
        ),
        breaks[where],
    )


def _filled(accounts: Accounts, contracts: Contracts) -> Ints:
    """Seats in use of each term, at least two people."""
    share = accounts.utilisation[contracts.account]
    filled: Ints = np.maximum(np.round(contracts.seats * share), 2).astype(np.int64)
    return filled


def _filled_before(contracts: Contracts, filled: Ints) -> Ints:
    """Seats in use of the term before (of the same account; a first term has none)."""
    return np.where(contracts.term > 0, np.concatenate([[0], filled[:-1]]), 0)


def _counting(lengths: Ints) -> Ints:
    """0, 1, … for each length, one after another."""
    ends = np.cumsum(lengths)
    counted: Ints = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    return counted


def _places(
    accounts: Accounts, contracts: Contracts, filled: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Ints]:
    """Per place: day of arrival, rate, day of the first person's leaving; and each account's first place."""
    most = np.zeros(accounts.ids.size, dtype=np.int64)
    np.maximum.at(most, contracts.account, filled)
    first = np.cumsum(most) - most
    place = _counting(most)
    account = np.repeat(np.arange(most.size), most)
    arrival: Floats = accounts.joined[account].astype(np.float64) + rng.exponential(18, place.size) * (place > 0)
    light = np.minimum(0.18 * np.exp(0.7 * rng.standard_normal(place.size)), 0.4 * CHAMPION_RATE)
    # The busiest have the first places, so that who stops first uses least.
    light = light[np.lexsort((-light, account))]
    others = np.bincount(account, np.where(place == 0, 0.0, light), minlength=most.size)
    champion = np.maximum(CHAMPION_RATE, CHAMPION_SHARE * others)
    rate = np.where(place == 0, champion[account], light) * accounts.intensity[account]
    breaks = np.where(place == 0, np.inf, arrival + rng.exponential(LIFETIME, place.size))
    return arrival, rate.astype(np.float64), breaks, first.astype(np.int64)


def _stops(contracts: Contracts, filled: Ints, contract: Ints, place: Ints, rng: np.random.Generator) -> Floats:
    """The day each stay ends: with the term, or by a cause."""
    ends = contracts.ends[contract].astype(float)
    gone = np.where(place == 0, contracts.onset[contract, CHAMPION], np.nan)
    spread = np.where(contracts.monthly[contract], 4.0, 14.0) * rng.random(place.size)
    kept = np.maximum(np.ceil(REMAINING * filled), 1)[contract]
    idle = np.where(place >= kept, contracts.onset[contract, SEATS] + spread, np.nan)
    stops: Floats = np.fmin(ends, np.fmin(gone, idle))
    return stops


def _with_turnover(stays: Stays, leaves: Floats) -> Stays:
    """Split each stay where its person leaves; the next one begins ten days later in the same place."""
    before = stays.begins < np.minimum(stays.stops, leaves)
    after = np.maximum(stays.begins, leaves + 10) < stays.stops
    values = {
        name: np.concatenate([getattr(stays, name)[before], getattr(stays, name)[after]])
        for name in ("contract", "account", "place", "person", "begins", "stops", "rate")
    }
    values["person"][before.sum() :] += 1
    values["stops"][: before.sum()] = np.minimum(stays.stops, leaves)[before]
    values["begins"][before.sum() :] = np.maximum(stays.begins, leaves + 10)[after]
    order = np.lexsort((values["begins"], values["place"], values["account"]))
    return Stays(**{name: column[order] for name, column in values.items()})


def person_codes(stays: Stays, accounts: Accounts) -> tuple[Ints, list[str]]:
    """For each stay the number of its person, and the people's user ids, ordered by account and place."""
    key = (stays.account * 1000 + stays.place) * 100 + stays.person
    people, code = np.unique(key, return_inverse=True)
    names = [
        f"{accounts.ids[k // 100_000]}-u{k // 100 % 1000:02d}{'abcdefghijklmnopqrstuvwxyz'[k % 100 % 26]}"
        for k in people
    ]
    return code.astype(np.int64), names


def users_table(stays: Stays, accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """The table `users`: everybody who began before the record ends, known from the day before they begin."""
    rng = settings.stream("users")
    code, names = person_codes(stays, accounts)
    _, index = np.unique(code, return_index=True)
    begins = np.full(len(names), np.inf)
    np.minimum.at(begins, code, stays.begins)
    place = stays.place[index]
    role = np.where(place == 0, "admin", np.where(rng.random(place.size) < 0.25, "viewer", "member"))
    created = (settings.first + np.floor(begins - 1).astype(np.int64)).astype("datetime64[us]") + np.timedelta64(
        10, "h"
    )
    frame = pd.DataFrame(
        {
            "user_id": names,
            "account_id": accounts.ids[stays.account[index]],
            "role": role,
            "title": np.array(TITLES)[rng.integers(0, len(TITLES), place.size)],
            "created_at": created,
        }
    )
    return frame[begins < settings.days].reset_index(drop=True)

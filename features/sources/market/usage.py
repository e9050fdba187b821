"""Events of a simulated market: visits of people, calls of integrations, and logins that several people share."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.domain import ACTORS
from features.sources.market.accounts import REGIONS, Accounts, Ints
from features.sources.market.causes import KEY_FEATURE, Floats
from features.sources.market.contracts import Contracts
from features.sources.market.features import API_FEATURES, API_SHARES, CORE, EVENT_NAMES, FEATURES, Adoption
from features.sources.market.people import Stays, person_codes
from features.sources.market.rhythm import Rhythm
from features.sources.market.settings import MarketSettings

DAY: Final = 86_400
NOBODY: Final = -1
MORE_PER_VISIT: Final = 0.28
"""Chance that a visit goes on with one more event, after each event."""
SHARED_RATE: Final = 2.0
"""Visits on a working day by those who use another person's login."""
API_RATE: Final = 2.5
MEASURED: Final = 0.7
LATE: Final = 0.03
"""Share of the events that are known a day or two later."""
AFTERMATH: Final = (0.12, 0.15)
"""Share of the lost accounts of which some still come for a few weeks, and how much of their use remains."""


@dataclass(frozen=True, kw_only=True)
class Visits:
    """One row per visit: its account, term, person (NOBODY: an integration), day, and whether at any hour."""

    account: Ints
    contract: Ints
    user: Ints
    day: Ints
    around_the_clock: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _Spans:
    """Stretches of days with a rate of visits, before anybody has come."""

    account: Ints
    contract: Ints
    user: Ints
    begins: Floats
    stops: Floats
    rate: Floats


def events_table(
    accounts: Accounts, contracts: Contracts, stays: Stays, adoption: Adoption, rhythm: Rhythm, settings: MarketSettings
) -> pd.DataFrame:
    """The table `events`, ordered by time: only what was known before the record ends."""
    rng = settings.stream("usage")
    code, names = person_codes(stays, accounts)
    people = _visits(_with_aftermath(stays, code, contracts, rng), rhythm.human, settings, rng)
    sharers = _visits(_sharing(stays, code, accounts), rhythm.human, settings, rng, around_the_clock=True)
    machines = _visits(_integrations(accounts, contracts), rhythm.api, settings, rng, around_the_clock=True)
    visits = _together((people, sharers, machines))
    return _events(visits, accounts, contracts, adoption, names, settings, rng)


def _with_aftermath(stays: Stays, code: Ints, contracts: Contracts, rng: np.random.Generator) -> _Spans:
    """Everybody's stay, and a few who still come for some weeks after their account has left."""
    gone = contracts.left[stays.contract] & (stays.stops == contracts.ends[stays.contract])
    some = rng.random(contracts.account.size) < AFTERMATH[0]
    row = np.flatnonzero(gone & some[stays.contract])
    after = stays.stops[row]
    return _Spans(
        account=np.concatenate([stays.account, stays.account[row]]),
        contract=np.concatenate([stays.contract, stays.contract[row]]),
        user=np.concatenate([code, code[row]]),
        begins=np.concatenate([stays.begins, after]),
        stops=np.concatenate([stays.stops, after + rng.uniform(5, 30, row.size)]),
        rate=np.concatenate([stays.rate, stays.rate[row] * AFTERMATH[1]]),
    )


def _sharing(stays: Stays, code: Ints, accounts: Accounts) -> _Spans:
    """The visits that others make with the login of the account's second person."""
    shared = accounts.shared_on[stays.account]
    row = np.flatnonzero((stays.place == 1) & (shared < stays.stops))
    return _Spans(
        account=stays.account[row],
        contract=stays.contract[row],
        user=code[row],
        begins=np.maximum(stays.begins, shared)[row],
        stops=stays.stops[row],
        rate=SHARED_RATE * accounts.intensity[stays.account[row]],
    )


def _integrations(accounts: Accounts, contracts: Contracts) -> _Spans:
    """The calls of integrations, as many as the account is large; the rhythm knows when there is one."""
    size = np.sqrt(accounts.seats[contracts.account] / 10)
    return _Spans(
        account=contracts.account,
        contract=np.arange(contracts.account.size),
        user=np.full(contracts.account.size, NOBODY),
        begins=contracts.starts.astype(float),
        stops=contracts.ends.astype(float),
        rate=API_RATE * size,
    )


def _visits(
    spans: _Spans,
    daily: NDArray[np.float32],
    settings: MarketSettings,
    rng: np.random.Generator,
    *,
    around_the_clock: bool = False,
) -> Visits:
    """Draw the visits of a Poisson process whose rate on a day is the span's rate times the account's daily rhythm.

    The number of visits is drawn from the rhythm summed over the span, their days by inverting that sum.
    """
    before = np.concatenate([np.zeros((daily.shape[0], 1)), np.cumsum(daily, axis=1, dtype=np.float64)], axis=1)
    top = before[:, -1] + 1
    # One rising line through all accounts, so that one search finds every day.
    line = (before + (np.cumsum(top) - top)[:, None]).ravel()
    width = settings.days + 1
    begins = np.ceil(np.clip(spans.begins, 0, settings.days)).astype(np.int64)
    stops = np.maximum(np.ceil(np.clip(spans.stops, 0, settings.days)).astype(np.int64), begins)
    low, high = line[spans.account * width + begins], line[spans.account * width + stops]
    number = rng.poisson((high - low) * spans.rate * settings.volume)
    span = np.repeat(np.arange(number.size), number)
    at = low[span] + rng.random(span.size) * (high - low)[span]
    position = np.searchsorted(line, at, side="right") - 1 - spans.account[span] * width
    return Visits(
        account=spans.account[span],
        contract=spans.contract[span],
        user=spans.user[span],
        day=np.clip(position, begins[span], np.maximum(stops[span] - 1, begins[span])),
        around_the_clock=np.full(span.size, around_the_clock),
    )


def _together(parts: tuple[Visits, ...]) -> Visits:
    return Visits(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Visits)})


def _events(
    visits: Visits,
    accounts: Accounts,
    contracts: Contracts,
    adoption: Adoption,
    names: list[str],
    settings: MarketSettings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Turn each visit into one or more events, minutes apart."""
    start = _start_second(visits, accounts, rng)
    length = np.where(visits.user == NOBODY, 1, rng.geometric(1 - MORE_PER_VISIT, start.size))
    visit = np.repeat(np.arange(length.size), length)
    nth = np.arange(visit.size) - np.repeat(np.cumsum(length) - length, length)
    second = start[visit] + (nth * rng.uniform(60, 400, visit.size)).astype(np.int64)
    feature = _features(visits, visit, adoption, contracts, rng)
    late = rng.random(visit.size) < LATE
    known = second + np.where(late, rng.uniform(0.7, 2.2, visit.size) * DAY, 0).astype(np.int64)
    order = np.argsort(second, kind="stable")
    order = order[
        (known[order] < settings.days * DAY) & (second[order] >= accounts.joined[visits.account[visit[order]]] * DAY)
    ]
    visit, second, feature, known, late = visit[order], second[order], feature[order], known[order], late[order]
    origin = settings.first.astype("datetime64[s]")
    api = visits.user[visit] == NOBODY
    return pd.DataFrame(
        {
            "account_id": pd.Categorical.from_codes(visits.account[visit], pd.Index(accounts.ids)),
            "occurred_at": (origin + second).astype("datetime64[us]"),
            "event": pd.Categorical.from_codes(feature, pd.Index(EVENT_NAMES)),
            "user_id": pd.Categorical.from_codes(visits.user[visit], pd.Index(names)),
            "quantity": _quantities(feature, rng),
            "duration_s": _durations(feature, rng),
            "actor": pd.Categorical.from_codes(api.astype(np.int8), pd.Index(ACTORS)),
            "known_at": np.where(late, (origin + known).astype("datetime64[us]"), np.datetime64("NaT", "us")),
        }
    )


def _start_second(visits: Visits, accounts: Accounts, rng: np.random.Generator) -> Ints:
    """Working hours of the account's region; integrations and shared logins come at any hour."""
    ahead = np.array(list(REGIONS.values()))[accounts.region[visits.account]]
    size = visits.day.size
    hour = np.where(
        visits.around_the_clock, rng.uniform(0, 24, size), np.clip(rng.normal(13, 2.7, size), 6, 21) - ahead
    )
    seconds: Ints = visits.day * DAY + (hour * 3600).astype(np.int64)
    return seconds


def _features(visits: Visits, visit: Ints, adoption: Adoption, contracts: Contracts, rng: np.random.Generator) -> Ints:
    """What each event does: what the account uses on that day, drawn anew or the basics where it is not to be had."""
    account, day = visits.account[visit], visits.day[visit]
    feature = _drawn(adoption, account, rng)
    onset = contracts.onset[visits.contract[visit], KEY_FEATURE]
    monthly = contracts.monthly[visits.contract[visit]]
    # The features of a workflow are given up one after another.
    pace = np.where(monthly, 0.7, 3.0)
    for again in (_drawn(adoption, account, rng), rng.integers(0, CORE, visit.size)):
        abandoned = adoption.key[account, feature] & (day >= onset + pace * (feature % 4))
        feature = np.where((adoption.since[account, feature] > day) | abandoned, again, feature)
    called = rng.choice([EVENT_NAMES.index(name) for name in API_FEATURES], visit.size, p=API_SHARES)
    return np.where(visits.user[visit] == NOBODY, called, feature).astype(np.int64)


def _drawn(adoption: Adoption, account: Ints, rng: np.random.Generator) -> Ints:
    """One feature for each row, by its account's shares."""
    line = (np.cumsum(adoption.share, axis=1) + np.arange(adoption.share.shape[0])[:, None]).ravel()
    found = np.searchsorted(line, account + rng.random(account.size), side="right")
    feature: Ints = np.clip(found - account * len(FEATURES), 0, len(FEATURES) - 1)
    return feature


def _quantities(feature: Ints, rng: np.random.Generator) -> Floats:
    many = np.array([*(f.many for f in FEATURES), True])[feature]
    return np.where(many, np.ceil(rng.lognormal(3, 1, feature.size)), 1.0)


def _durations(feature: Ints, rng: np.random.Generator) -> Floats:
    """Seconds, where the feature has a duration and it was measured."""
    usual = np.array([*(f.seconds for f in FEATURES), 0.0])[feature]
    measured = (usual > 0) & (rng.random(feature.size) < MEASURED)
    return np.where(measured, np.round(usual * rng.lognormal(-0.2, 0.6, feature.size), 1), np.nan)

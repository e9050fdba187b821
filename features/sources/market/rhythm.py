"""How much an account uses the product on each day: weeks, holidays, outages, growth, and what causes do to it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.sources.market.accounts import Accounts
from features.sources.market.causes import CHAMPION, DECLINE, Floats
from features.sources.market.contracts import Contracts
from features.sources.market.settings import MarketSettings

WEEKDAYS: Final = (1.0, 1.08, 1.05, 1.0, 0.87, 0.07, 0.05)
"""Use on Monday, …, Sunday, beside an average working day."""
YEAR_END: Final = 0.15
AUGUST: Final = 0.72
OUTAGE: Final = 0.06
OUTAGE_EVERY: Final = 270
"""Days from one outage of the whole product to the next, roughly."""
DECLINE_DAYS: Final = {False: 35.0, True: 8.0}
"""Days until a decline has reached its floor, by whether the term is a month."""
DECLINE_FLOOR: Final = (0.1, 0.3)
TAKEN_OVER: Final = 1.1
"""What the others do more once the champion has left."""
LEFT_TO_PEOPLE: Final = 0.15
"""The share of human use that remains once an integration has replaced the logins."""


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """``human`` and ``api`` (n, days) beside an average working day; ``outages`` are the days of outages."""

    human: NDArray[np.float32]
    api: NDArray[np.float32]
    outages: tuple[int, ...]


def draw_rhythm(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> Rhythm:
    """Draw the daily intensity of every account, on all days of the record."""
    rng, n = settings.stream("rhythm"), accounts.ids.size
    outages = _outages(settings, rng)
    day = np.arange(settings.days)
    calendar = _calendar(settings, outages)
    age = day[None, :] - accounts.joined[:, None]
    start = 1 - 0.75 * np.exp(-np.maximum(age, 0) / 14)
    trend = np.exp(accounts.growth[:, None] * np.clip(age, 0, 730) / 365)
    weeks = np.repeat(rng.lognormal(-0.02, 0.2, (n, settings.days // 7 + 1)), 7, axis=1)[:, : settings.days]
    level = start * trend * weeks
    _apply_causes(level, contracts, settings, rng)
    replaced = np.nan_to_num(accounts.replaced_on, nan=np.inf)[:, None] <= day
    integrated = np.nan_to_num(accounts.integrated_on, nan=np.inf)[:, None] <= day
    # An integration works every day: weekends and holidays do not touch it, an outage does.
    api = level * np.where(np.isin(day, outages), OUTAGE, 1.0) * (0.25 * integrated + 1.2 * replaced)
    human = level * calendar * np.where(replaced, LEFT_TO_PEOPLE, 1.0)
    return Rhythm(human=human.astype(np.float32), api=api.astype(np.float32), outages=tuple(int(d) for d in outages))


def _calendar(settings: MarketSettings, outages: NDArray[np.int64]) -> Floats:
    """(days,): weekdays, the summer, the turn of the year, outages."""
    dates = settings.first + np.arange(settings.days)
    weekday = (dates.astype(np.int64) + 3) % 7
    month = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    of_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    calendar = np.array(WEEKDAYS)[weekday]
    calendar = np.where(month == 8, calendar * AUGUST, calendar)
    calendar = np.where(
        ((month == 12) & (of_month >= 23)) | ((month == 1) & (of_month <= 2)), calendar * YEAR_END, calendar
    )
    calendar[outages] *= OUTAGE
    return calendar


def _outages(settings: MarketSettings, rng: np.random.Generator) -> NDArray[np.int64]:
    """The working days on which hardly anybody could work: one or two in a row, about every nine months."""
    first = np.arange(OUTAGE_EVERY // 2, settings.days - 2, OUTAGE_EVERY)
    first = np.minimum(first + rng.integers(-40, 40, first.size), settings.days - 3)
    weekday = ((settings.first + first).astype(np.int64) + 3) % 7
    first = first - np.where(weekday >= 4, weekday - 2, 0)
    outages: NDArray[np.int64] = np.unique(np.concatenate([first, first[::2] + 1]))
    return outages


def _apply_causes(level: Floats, contracts: Contracts, settings: MarketSettings, rng: np.random.Generator) -> None:
    """Let declines run to the end of their term, and the others do a little more where the champion has left."""
    floors = rng.uniform(*DECLINE_FLOOR, contracts.account.size)
    for row in np.flatnonzero(contracts.onset[:, DECLINE] < settings.days):
        begin, end = int(contracts.onset[row, DECLINE]), min(int(contracts.ends[row]), settings.days)
        progress = np.minimum(np.arange(end - begin) / DECLINE_DAYS[bool(contracts.monthly[row])], 1)
        level[contracts.account[row], begin:end] *= 1 - (1 - floors[row]) * progress
    for row in np.flatnonzero(contracts.onset[:, CHAMPION] < settings.days):
        begin, end = int(contracts.onset[row, CHAMPION]), min(int(contracts.ends[row]), settings.days)
        level[contracts.account[row], begin:end] *= TAKEN_OVER

"""Oracles of habits: gaps, weekdays and hours, days too long for one person, and the features of the fleet."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise

from tests.oracles import TWO_YEARS, Oracle, Row, View, counts, days, ratio, seen, visits, within

NEVER = 731
USER = ("events.user_id",)


def _people(view: View, window: int) -> list[Row]:
    return within(view, view.people, window)


def _longest_gap(view: View, window: int) -> int:
    used = sorted(days(view, view.people))
    return max((before - age for age, before in pairwise(used) if age <= window), default=1)


def _against_longest(view: View, window: int) -> float:
    return min(days(view, _people(view, TWO_YEARS)), default=NEVER) / _longest_gap(view, window)


def _spread(kinds: Sequence[int], of: int) -> float | None:
    """Pielou's evenness over a fixed number of kinds."""
    shares = [count / len(kinds) for count in Counter(kinds).values()]
    return -sum(share * math.log(share) for share in shares) / math.log(of) if kinds else None


def _weekdays(view: View, window: int) -> float | None:
    return _spread([weekday for _, weekday in {_day(row) for row in _people(view, window)}], 7)


def _day(row: Row) -> tuple[date, int]:
    at: datetime = row["occurred_at"]
    return at.date(), at.weekday()


def _hours(view: View, window: int) -> float | None:
    named = [row["occurred_at"] for row in _people(view, window) if row["user_id"] is not None]
    return _spread([part for _, part in {(at.date(), at.hour // 3) for at in named}], 8)


def _logins(view: View, window: int) -> list[set[int]]:
    """The half-hours of each login and day."""
    return list(visits(view, _people(view, window)).values())


def _restless(slots: set[int]) -> bool:
    return {slot // 6 for slot in slots} == set(range(8))


def _load(view: View, window: int) -> float | None:
    events = counts(_people(view, window), "user_id").values()
    share = ratio(max(events, default=0), sum(events))
    return None if share is None else share * len(events)


def _quarter(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def _used(view: View, quarter: int) -> set[tuple[str, str]]:
    """Which account used which feature in a quarter, as known by its end."""
    return {
        (row["account_id"], row["event"])
        for row in view.fleet
        if _quarter(row["occurred_at"]) == _quarter(row["known_at"]) == quarter
    }


def _core(view: View) -> list[str]:
    users = Counter(event for _, event in _used(view, _quarter(view.cutoff) - 1))
    return sorted(users, key=lambda event: (-users[event], event))[:5]


def _sticky(view: View) -> list[str]:
    now = _quarter(view.cutoff)
    before, after = _used(view, now - 2), {account for account, _ in _used(view, now - 1)}
    there = {account for account, _ in before}
    usual = ratio(len(there & after), len(there)) or 0.0
    stayed = {}
    for event in {event for _, event in before}:
        users = {account for account, used in before if used == event}
        if len(users) >= 5 and len(users & after) / len(users) > usual:
            stayed[event] = (-len(users & after) / len(users), -len(users), event)
    return sorted(stayed, key=lambda event: stayed[event])[:5]


def _ages(view: View) -> dict[str, int]:
    """How long ago each core feature was last used."""
    rows = _people(view, TWO_YEARS)
    return {event: min(days(view, [r for r in rows if r["event"] == event]), default=NEVER) for event in _core(view)}


def _known_ages(view: View) -> list[int]:
    return [age for age in _ages(view).values() if age < NEVER]


def _usual_silence(view: View, _: int) -> float:
    ages = list(_ages(view).values())
    return (sum(ages) + NEVER * (5 - len(ages))) / 5


def _sticky_share(view: View, window: int) -> float:
    sticky = set(_sticky(view))
    return ratio(len(sticky & seen(_people(view, window), "event")), len(sticky)) or 0.0


def _first_value(view: View, _: int) -> int | None:
    created = [row["created_at"].date() for row in view.own("accounts") if row["created_at"] is not None]
    if not created or not view.fleet or min(row["occurred_at"].date() for row in view.fleet) > created[0]:
        return None
    core = _core(view)
    first = min((row["occurred_at"].date() for row in view.people if row["event"] in core), default=view.cutoff)
    return int(max((first - created[0]).days, 0))


HABITS: Mapping[str, tuple[tuple[str, ...], Oracle]] = {
    # frequency
    "longest_gap": ((), _longest_gap),
    "silence_against_longest": ((), _against_longest),
    "weekday_evenness": ((), _weekdays),
    "hour_evenness": (USER, _hours),
    # adoption
    "core_features": ((), lambda v, w: len(set(_core(v)) & seen(_people(v, w), "event"))),
    "core_silence": ((), lambda v, w: min(_known_ages(v), default=NEVER)),
    "core_feature_usual_silence": ((), _usual_silence),
    "sticky_features_share": ((), _sticky_share),
    # lifecycle
    "first_value_delay": (("accounts.created_at",), _first_value),
    # seats
    "top_user_load": (USER, _load),
    "long_user_days": (USER, lambda v, w: sum(len(slots) >= 28 for slots in _logins(v, w))),
    "restless_user_days": (USER, lambda v, w: sum(map(_restless, _logins(v, w)))),
    "longest_user_day": (USER, lambda v, w: max(map(len, _logins(v, w)), default=0) / 2),
}
"""For each signal what must be known for it, and its value."""

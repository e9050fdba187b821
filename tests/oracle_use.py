"""Oracles of what people did: frequency, time spent, adoption, users."""

import math
from collections.abc import Callable, Mapping

from tests.oracles import (
    TWO_YEARS,
    Oracle,
    Row,
    View,
    counts,
    days,
    log_ratio,
    ratio,
    seen,
    visits,
    within,
)

YEAR = 364


def _people(view: View, until: int, after: int = 0) -> list[Row]:
    return within(view, view.people, until, after)


def _machines(view: View, until: int, after: int = 0) -> list[Row]:
    return within(view, view.machines, until, after)


def _hours(view: View, until: int, after: int = 0) -> float:
    return sum(len(slots) for slots in visits(view, _people(view, until, after)).values()) / 2


def _sessions(view: View, window: int) -> int:
    runs = 0
    for slots in visits(view, _people(view, window)).values():
        runs += sum(slot - 1 not in slots for slot in slots)
    return runs


def _user_days(view: View, window: int) -> int:
    return len(visits(view, _people(view, window)))


def _recency(view: View) -> int:
    return min(days(view, _people(view, TWO_YEARS)), default=731)


def _days_seen(view: View, window: int) -> int:
    return min(max(days(view, _people(view, TWO_YEARS)), default=window), window)


def _silence(view: View, window: int) -> float:
    return _recency(view) / (_days_seen(view, window) / (len(days(view, _people(view, window))) + 1))


def _against_fleet(view: View, window: int) -> float:
    own = log_ratio(len(_people(view, window)), len(_people(view, 2 * window, window)))
    now, before = within(view, view.fleet, window), within(view, view.fleet, 2 * window, window)
    return own - log_ratio(len(now), len(before))


def _weekend_share(view: View, window: int) -> float | None:
    rows = _people(view, window)
    return ratio(sum(row["occurred_at"].weekday() >= 5 for row in rows), len(rows))


def _all_change(view: View, window: int) -> float:
    now = len(_people(view, window)) + len(_machines(view, window))
    return log_ratio(now, len(_people(view, 2 * window, window)) + len(_machines(view, 2 * window, window)))


def _silent_share(what: str) -> Oracle:
    def oracle(view: View, window: int) -> float | None:
        half_year, lately = _people(view, 182), seen(_people(view, window), what)
        named = [row for row in half_year if row[what] is not None]
        return ratio(sum(row[what] not in lately for row in named), len(named))

    return oracle


def _against_year(now: int, year: int, view: View, window: int) -> float:
    watched = min(max(max(days(view, view.people), default=0), 28), YEAR)
    return math.log((now + 1) * watched / ((year + 1) * window))


def _share_of_year(what: str) -> Oracle:
    def oracle(view: View, window: int) -> float:
        return ratio(len(seen(_people(view, window), what)), len(seen(_people(view, YEAR), what))) or 0.0

    return oracle


def _first_time(what: str) -> Oracle:
    def oracle(view: View, window: int) -> int:
        return len(seen(_people(view, window), what) - seen(_people(view, TWO_YEARS, window), what))

    return oracle


def _gone(what: str) -> Oracle:
    def oracle(view: View, window: int) -> int:
        return len(seen(_people(view, 2 * window, window), what) - seen(_people(view, window), what))

    return oracle


def _kept(what: str) -> Oracle:
    def oracle(view: View, window: int) -> float | None:
        before = seen(_people(view, 2 * window, window), what)
        return ratio(len(before & seen(_people(view, window), what)), len(before))

    return oracle


def _distinct(what: str) -> Oracle:
    return lambda view, window: len(seen(_people(view, window), what))


def _distinct_change(what: str, after: Callable[[int], int]) -> Oracle:
    def oracle(view: View, window: int) -> float:
        before = _people(view, after(window) + window, after(window))
        return log_ratio(len(seen(_people(view, window), what)), len(seen(before, what)))

    return oracle


def _largest_share(what: str) -> Oracle:
    def oracle(view: View, window: int) -> float | None:
        events = counts(_people(view, window), what).values()
        return ratio(max(events, default=0), sum(events))

    return oracle


def _largest_silence(what: str) -> Oracle:
    def oracle(view: View, window: int) -> int:
        rows = _people(view, window)
        most = max(counts(rows, what).values(), default=0)
        leaders = [name for name, events in counts(rows, what).items() if events == most]
        return min((min(days(view, [r for r in rows if r[what] == name])) for name in leaders), default=731)

    return oracle


def _evenness(view: View, window: int) -> float | None:
    events = list(counts(_people(view, window), "event").values())
    if len(events) < 2:
        return 0.0 if events else None
    shares = [count / sum(events) for count in events]
    return -sum(share * math.log(share) for share in shares) / math.log(len(shares))


def _measured_hours(view: View, window: int) -> float:
    return sum(row["duration_s"] or 0.0 for row in _people(view, window)) / 3600


def _before(window: int) -> int:
    return window


def _year(_: int) -> int:
    return YEAR


USE: Mapping[str, tuple[tuple[str, ...], Oracle]] = {
    # frequency
    "events": ((), lambda v, w: len(_people(v, w))),
    "active_days": ((), lambda v, w: len(days(v, _people(v, w)))),
    "active_weeks": ((), lambda v, w: len({(age - 1) // 7 for age in days(v, _people(v, w))})),
    "recency": ((), lambda v, w: _recency(v)),
    "silence": ((), _silence),
    "days_seen": ((), _days_seen),
    "events_change": ((), lambda v, w: log_ratio(len(_people(v, w)), len(_people(v, 2 * w, w)))),
    "events_change_year": ((), lambda v, w: log_ratio(len(_people(v, w)), len(_people(v, YEAR + w, YEAR)))),
    "active_days_change": (
        (),
        lambda v, w: log_ratio(len(days(v, _people(v, w))), len(days(v, _people(v, 2 * w, w)))),
    ),
    "fleet_events": ((), lambda v, w: len(within(v, v.fleet, w))),
    "events_against_fleet": ((), _against_fleet),
    "events_share": ((), lambda v, w: 1000 * (ratio(len(_people(v, w)), len(within(v, v.fleet, w))) or 0)),
    "quantity": ((), lambda v, w: sum(row["quantity"] for row in _people(v, w))),
    "events_against_year": (
        (),
        lambda v, w: _against_year(len(_people(v, w)), len(_people(v, YEAR)), v, w),
    ),
    "active_days_against_year": (
        (),
        lambda v, w: _against_year(len(days(v, _people(v, w))), len(days(v, _people(v, YEAR))), v, w),
    ),
    "weekend_share": ((), _weekend_share),
    "api_events": (("events.actor",), lambda v, w: len(_machines(v, w))),
    "api_share": (
        ("events.actor",),
        lambda v, w: ratio(len(_machines(v, w)), len(_machines(v, w)) + len(_people(v, w))) or 0,
    ),
    "all_events_change": (("events.actor",), _all_change),
    # time spent
    "hours": (("events.user_id",), _hours),
    "sessions": (("events.user_id",), _sessions),
    "session_hours": (("events.user_id",), lambda v, w: ratio(_hours(v, w), _sessions(v, w))),
    "hours_a_day_of_use": (("events.user_id",), lambda v, w: ratio(_hours(v, w), _user_days(v, w))),
    "user_days": (("events.user_id",), _user_days),
    "hours_change": (("events.user_id",), lambda v, w: log_ratio(_hours(v, w), _hours(v, 2 * w, w))),
    "measured_hours": (("events.duration_s",), _measured_hours),
    # adoption
    "features": ((), _distinct("event")),
    "features_change": ((), _distinct_change("event", _before)),
    "new_features": ((), _first_time("event")),
    "abandoned_features": ((), _gone("event")),
    "kept_features": ((), _kept("event")),
    "features_of_year": ((), _share_of_year("event")),
    "silent_features_share": ((), _silent_share("event")),
    "feature_evenness": ((), _evenness),
    "top_feature_share": ((), _largest_share("event")),
    "main_feature_silence": ((), _largest_silence("event")),
    "depth": (("events.user_id",), lambda v, w: ratio(len(_people(v, w)), len(seen(_people(v, w), "user_id")))),
    # users
    "active_users": (("events.user_id",), _distinct("user_id")),
    "users_change": (("events.user_id",), _distinct_change("user_id", _before)),
    "users_change_year": (("events.user_id",), _distinct_change("user_id", _year)),
    "arrivals": (("events.user_id",), _first_time("user_id")),
    "departures": (("events.user_id",), _gone("user_id")),
    "kept_users": (("events.user_id",), _kept("user_id")),
    "users_of_year": (("events.user_id",), _share_of_year("user_id")),
    "silent_users_share": (("events.user_id",), _silent_share("user_id")),
    "stickiness": (
        ("events.user_id",),
        lambda v, w: ratio(_user_days(v, w), 28 * len(seen(_people(v, w), "user_id"))) or 0,
    ),
    "top_user_share": (("events.user_id",), _largest_share("user_id")),
    "champion_silence": (("events.user_id",), _largest_silence("user_id")),
    "use_share_of_life": (
        (),
        lambda v, w: len(days(v, _people(v, w))) / min(max(days(v, v.people), default=1), 365),
    ),
}
"""For each signal what must be known for it, and its value."""

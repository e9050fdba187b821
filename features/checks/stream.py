"""The event stream: days on which nobody did anything, and features that stop for everybody on one day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from features.checks.silence import WEEKS, Counts, Silence, silences, usual_level
from features.facts import Facts, Finding

NAMED = 3
"""How many features a sentence names before it says how many more."""

FEEDS = (("tickets", "opened_at"), ("touches", "touched_at"), ("surveys", "answered_at"), ("invoices", "issued_on"))
"""Tables that are filled day by day, and the time of a row."""


@dataclass(frozen=True, kw_only=True)
class Break:
    """A silence with its days, both ends silent: of everybody's events, of one feature, or of one table.

    ``usual`` is how many accounts a day would have had.
    """

    kind: Literal["gap", "feature stopped", "table stopped"]
    what: str
    first: date
    last: date
    usual: float

    @property
    def sentence(self) -> str:
        """What fell silent and when, in a line."""
        when = f"on {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        return f"{self.what}: nothing {when}, where about {self.usual:.2g} accounts a day were usual"


def breaks(facts: Facts, *, since: date) -> tuple[Break, ...]:
    """Every silence of the events, a feature or a table that reaches to ``since`` or later, the earliest first."""
    days = _days(facts)
    if days is None:
        return ()
    first_day, length = days
    daily = _daily(facts, first_day, length)
    level = usual_level(daily)
    found = [("gap", "events", silence) for silence in silences(daily)]
    for event, counts in _by_feature(facts, first_day, length):
        found += [("feature stopped", event, silence) for silence in silences(counts, level)]
    for name, time in FEEDS:
        if facts.knows(name):
            found += [("table stopped", name, one) for one in silences(_daily(facts, first_day, length, name, time))]
    told = [
        Break(
            kind=kind,  # type: ignore[arg-type]
            what=what,
            first=first_day + timedelta(days=silence.first),
            last=first_day + timedelta(days=silence.last),
            usual=silence.usual,
        )
        for kind, what, silence in found
    ]
    return tuple(sorted((one for one in told if one.last >= since), key=lambda one: (one.first, one.kind, one.what)))


def gaps(facts: Facts) -> tuple[Finding, ...]:
    """Silences of everybody, as one finding."""
    days = _days(facts)
    if days is None:
        return ()
    first_day, length = days
    counts = _daily(facts, first_day, length)
    found = silences(counts)
    if not found:
        return ()
    longest = max(found, key=lambda silence: silence.days)
    usual = f"about {longest.usual:.0f} accounts are active on such a day"
    more = f"; {len(found)} gaps in all" if len(found) > 1 else ""
    return (
        Finding(
            kind="gap",
            table="events",
            count=sum(silence.days for silence in found),
            sentence=f"no event of anybody {_span(longest, first_day)}, where {usual}{more}; did the recording fail?",
        ),
    )


def stopped(facts: Facts) -> tuple[Finding, ...]:
    """Features used by many and then, from one day on or for a while, by nobody while the rest went on."""
    days = _days(facts)
    if days is None:
        return ()
    first_day, length = days
    level = usual_level(_daily(facts, first_day, length))
    found = []
    for event, counts in _by_feature(facts, first_day, length):
        found += [(event, silence) for silence in silences(counts, level)]
    if not found:
        return ()
    found.sort(key=lambda each: (each[1].first, each[0]))
    said = "; ".join(
        f"{event} {_span(silence, first_day)} (about {silence.usual:.1f} accounts a day before)"
        for event, silence in found[:NAMED]
    )
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        Finding(
            kind="feature stopped",
            table="events",
            count=len({event for event, _ in found}),
            sentence=f"used by nobody: {said}{more}; did the recording break?",
        ),
    )


def _days(facts: Facts) -> tuple[date, int] | None:
    """The first day with an event, and the number of days from it to the cutoff."""
    first = facts.engine.rows("SELECT min(occurred_at)::DATE FROM events")[0][0]
    if not isinstance(first, date):
        return None
    return first, (facts.cutoff - first).days


def _daily(facts: Facts, first_day: date, length: int, table: str = "events", time: str = "occurred_at") -> Counts:
    rows = facts.engine.rows(
        f"SELECT date_diff('day', DATE '{first_day}', {time}) AS day, count(DISTINCT account_id) "
        f"FROM {table} WHERE {time} >= DATE '{first_day}' AND {time} < DATE '{first_day}' + {length} GROUP BY 1"
    )
    return _dense(rows, length)


def _by_feature(facts: Facts, first_day: date, length: int) -> Sequence[tuple[str, Counts]]:
    """Daily accounts of each feature that was used on enough days to have a usual week."""
    rows = facts.engine.rows(
        f"WITH daily AS (SELECT event, date_diff('day', DATE '{first_day}', occurred_at) AS day, "
        "count(DISTINCT account_id) AS accounts "
        "FROM events GROUP BY ALL) "
        f"SELECT event, list((day, accounts)) FROM daily GROUP BY event HAVING count(*) >= {WEEKS} ORDER BY event"
    )
    return [(str(event), _dense(pairs, length)) for event, pairs in rows if isinstance(pairs, list)]


def _dense(rows: Sequence[tuple[object, ...]], length: int) -> Counts:
    counts = np.zeros(length)
    for day, accounts in rows:
        counts[int(str(day))] = int(str(accounts))
    return counts


def _span(silence: Silence, first_day: date) -> str:
    first, last = (first_day + timedelta(days=day) for day in (silence.first, silence.last))
    return f"on {first}" if first == last else f"from {first} to {last}"

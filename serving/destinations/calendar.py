"""A calendar of renewals and check-ins (iCalendar, RFC 5545), for a calendar program to subscribe to or import.

Each account has its renewal, the day on which renewal work begins, and a check-in every two weeks in the first two
months of a term. An event keeps its UID, so that importing the file again changes events and adds none; SEQUENCE is the
number of the run (3.8.7.4).
"""

# ruff: noqa: RUF009 -- setting() declares a field, as dataclasses.field does

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from features.analyses.life_days import CHECK_IN_DAYS, LONG_TERM_DAYS, RENEWAL_WORK_DAYS
from features.errors import SettingsError
from serving.config import setting
from serving.push.parcels import Book, Parcel
from serving.push.replaced import Replaced

if TYPE_CHECKING:
    from serving.worklist import Item

NAMESPACE: Final = "ebb"


@dataclass(frozen=True, kw_only=True)
class Calendar(Replaced):
    """Renewals and check-ins as an .ics file."""

    kind: ClassVar[str] = "calendar"
    writes: ClassVar[str] = "renewals, the start of renewal work 90 days before, and check-ins, as an .ics file"
    limits: ClassVar[str] = "none"
    idempotent: ClassVar[str] = "replaced whole, in one step; every event keeps its UID"
    at_once: ClassVar[int] = 1

    name: str
    path: Path = setting(Path(), "the file, .ics")
    owners: tuple[str, ...] = setting((), "only the accounts of these owners (empty: all)")

    def __post_init__(self) -> None:
        if self.path.suffix != ".ics":
            raise SettingsError(f"[destinations.{self.name}] path is {str(self.path)!r}, but should end in .ics")

    def parcels(self, book: Book) -> list[Parcel]:
        """One parcel, the file; when it was made is no reason to make it again."""
        wanted = [item for item in book.items if not self.owners or item.score.owner in self.owners]
        events = [event for item in wanted for event in events_of(item)]
        made = {"sequence": book.run.number or 0, "made_at": book.run.made_at.isoformat()}
        return [Parcel(key="calendar", content={"events": sorted(events, key=lambda one: one["uid"])}, beside=made)]

    def write(self, parcel: Parcel, path: Path) -> None:
        """All events, as RFC 5545 has them."""
        path.write_bytes(_written(parcel.told))


def events_of(item: "Item") -> list[dict[str, Any]]:
    """The days of an account's term: none without a date of renewal."""
    score = item.score
    if score.ends_on is None:
        return []
    name = score.name or score.account_id
    days = [("renewal", score.ends_on, f"Renewal: {name}")]
    term = None if score.starts_on is None else (score.ends_on - score.starts_on).days
    if term is None or term > RENEWAL_WORK_DAYS:
        start = score.ends_on - timedelta(days=RENEWAL_WORK_DAYS)
        days.append(("renewal work", start, f"Begin the renewal: {name}"))
    if score.starts_on is not None and term is not None and term >= LONG_TERM_DAYS:
        for number, after in enumerate(CHECK_IN_DAYS, start=1):
            days.append((f"check-in {number}", score.starts_on + timedelta(days=after), f"Check-in {number}: {name}"))
    about = [f"Account {score.account_id}", *([f"owner {score.owner}"] if score.owner else []), f"{score.band} risk"]
    return [
        {
            "uid": _uid(score.account_id, score.contract_id or score.ends_on.isoformat(), what),
            "day": day.isoformat(),
            "summary": summary,
            "description": "\n".join([", ".join(about), *item.reasons, item.todo]),
        }
        for what, day, summary in days
    ]


def _uid(*parts: str) -> str:
    return f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}@{NAMESPACE}"


def _written(told: Mapping[str, Any]) -> bytes:
    from icalendar import Calendar as Written
    from icalendar import Event

    calendar = Written()
    calendar.add("prodid", "-//Ebb//Renewals and check-ins//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Renewals")
    made_at = datetime.fromisoformat(told["made_at"])
    for one in told["events"]:
        event, day = Event(), date.fromisoformat(one["day"])
        event.add("uid", one["uid"])
        event.add("dtstamp", made_at)
        event.add("sequence", told["sequence"])
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", one["summary"])
        event.add("description", one["description"])
        # A day to know about, no time that is taken.
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())

"""What of the list is asked for: filters, order, search and page, all in the address, so that it can be shared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from serving.access.people import Person
from serving.acts import Standing
from serving.book import BANDS
from serving.web.shelf import Line

ALL: Final = "all"
"""As an owner: everybody's, also where a person has a book of their own."""

NOBODY: Final = "-"
"""As an owner or segment: those that have none."""

WINDOWS: Final = (7, 30, 60, 90, 180)
STATES: Final[Mapping[str, str]] = {
    "": "To do",
    "mine": "Taken by me",
    "taken": "Taken",
    "later": "Put off",
    "done": "Done",
    "all": "To do or not",
}
SIZES: Final = (25, 50, 100, 250)

Key = Callable[[Line], Any]


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """One order of the list: its title, and what is sorted by; ``falls``: the largest first unless turned."""

    title: str
    key: Key
    falls: bool


SORTS: Final[Mapping[str, Sorting]] = {
    "rank": Sorting(title="Expected loss", key=lambda line: line.item.score.place, falls=False),
    "risk": Sorting(title="Risk", key=lambda line: line.item.score.risk, falls=True),
    "moved": Sorting(title="Movement", key=lambda line: line.moved, falls=True),
    "arr": Sorting(title="ARR", key=lambda line: line.item.score.arr, falls=True),
    "renewal": Sorting(title="Renewal", key=lambda line: line.item.score.days_to_renewal, falls=False),
    "health": Sorting(title="Health", key=lambda line: line.health, falls=False),
    "temperature": Sorting(
        title="Temperature", key=lambda line: line.item.temperature and line.item.temperature.value, falls=True
    ),
    "account": Sorting(title="Account", key=lambda line: line.found_by, falls=False),
}


@dataclass(frozen=True, kw_only=True)
class Work:
    """Where accounts stand, by account, as one person sees them on a day."""

    standings: Mapping[str, Standing]
    person: str
    today: date

    def at(self, line: Line) -> Standing:
        """Where the account of a line stands."""
        score = line.item.score
        return self.standings.get(score.account_id, Standing()).of(score.contract_id)

    def has(self, state: str, line: Line) -> bool:
        """Whether it belongs to one of `STATES`."""
        if state == "all":
            return True
        if line.item.score.account_id not in self.standings:
            return state == ""
        at = self.at(line)
        if state in ("mine", "taken"):
            return at.by is not None and (state == "taken" or at.by == self.person)
        if state == "done":
            return at.done
        return at.is_open(self.today) if state == "" else not at.done and not at.is_open(self.today)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One choice; empty texts ask for nothing. ``end`` "bottom" turns the order, ``n`` accounts stand on a page."""

    q: str = ""
    owner: str = ""
    segment: str = ""
    band: str = ""
    window: str = ""
    play: str = ""
    state: str = ""
    sort: str = "rank"
    end: str = "top"
    n: int = 50
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str], person: Person) -> "Asked":
        """What an address asks for; what makes no sense is as if it were not there. A CSM sees the own book first."""
        texts = {
            one.name: query[one.name][:200]
            for one in fields(cls)
            if one.name in query and one.name not in ("n", "page")
        }
        asked = cls(**texts, n=_whole(query.get("n"), 50, 500), page=_whole(query.get("page"), 1, 100_000))
        return replace(
            asked,
            owner=asked.owner or (person.owner or "" if person.role == "csm" else ""),
            state=asked.state if asked.state in STATES else "",
            band=asked.band if asked.band in BANDS else "",
            window=asked.window if asked.window.isdecimal() and len(asked.window) < 6 else "",
            sort=asked.sort if asked.sort in SORTS else "rank",
            end="bottom" if asked.end == "bottom" else "top",
        )

    def address(self, base: str, **changed: object) -> str:
        """The address that asks for this, with some things changed."""
        plain = asdict(Asked())
        told = {name: value for name, value in (asdict(self) | changed).items() if value != plain[name]}
        return f"{base}?{urlencode(told)}" if told else base

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the order is asked for."""
        return any((self.q, self.segment, self.band, self.window, self.play, self.state)) or self.owner not in ("", ALL)

    def of_lines(self, lines: Sequence[Line], work: Work | None = None) -> list[Line]:
        """The lines asked for, all of them, in the order asked for; without ``work`` wherever they stand."""
        words, found = self.q.casefold().split(), []
        for line in lines:
            score = line.item.score
            if (
                _is(self.owner, score.owner)
                and _is(self.segment, score.segment)
                and (not self.band or score.band == self.band)
                and (not self.play or line.item.play.name == self.play)
                and (not self.window or _within(score.days_to_renewal, int(self.window)))
                and all(word in line.found_by for word in words)
                and (work is None or work.has(self.state, line))
            ):
                found.append(line)
        return self._ordered(found)

    def _ordered(self, lines: list[Line]) -> list[Line]:
        """Sorted; what is not known stands last from either end."""
        sorting = SORTS[self.sort]
        known = [line for line in lines if sorting.key(line) is not None]
        unknown = [line for line in lines if sorting.key(line) is None]
        known.sort(key=sorting.key, reverse=sorting.falls != (self.end == "bottom"))
        return known + unknown


def _is(wanted: str, value: str | None) -> bool:
    return wanted in ("", ALL) or (not value if wanted == NOBODY else value == wanted)


def _within(days: int | None, most: int) -> bool:
    return days is not None and 0 <= days <= most


def _whole(text: str | None, usual: int, most: int) -> int:
    return min(max(int(text), 1), most) if text and text.isdecimal() and len(text) < 9 else usual

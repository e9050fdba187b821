"""What every page stands on: the desk, the people who sign in, and how often somebody may try to."""

import threading
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from serving.access.people import People, Person
from serving.access.sessions import Sessions
from serving.desk import Desk
from serving.web.proofs import Proofs
from serving.web.shelf import Shelves

LOCAL: Final = Person(name="local", role="admin")
"""Who works where the service is open to everybody on this machine."""

TRIES: Final = (
    ("name and address", RateLimitItemPerMinute(10, 5)),
    ("address", RateLimitItemPerMinute(50, 5)),
    ("name", RateLimitItemPerMinute(100, 5)),
)
"""Failed tries in five minutes. A name alone is bounded loosely, so that nobody shuts out somebody else."""

AT_ONCE: Final = 4
"""Passwords checked at the same time: each takes 64 MB while it is hashed."""


class Workspace:
    """The workspace of one service process; raises EbbError where the store is away."""

    def __init__(self, desk: Desk, *, is_open: bool):
        """``is_open``: nobody signs in, whoever reaches the service works as `LOCAL`."""
        self.desk = desk
        self.is_open = is_open
        self.shelves = Shelves(desk)
        self.proofs = Proofs(desk)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._hashing = threading.Semaphore(AT_ONCE)

    @property
    def sessions(self) -> Sessions:
        """The sessions of the store."""
        return Sessions(self.desk.store.database)

    @property
    def people(self) -> People:
        """The people of the store."""
        return People(self.desk.store.database)

    def anybody(self) -> bool:
        """Whether anybody could sign in."""
        return any(person.removed_at is None for person in self.people.all())

    def too_often(self, name: str, address: str) -> bool:
        """Whether there were too many failed tries of late."""
        return not all(self._limiter.test(limit, *who) for limit, who in _counted(name, address))

    def sign_in(self, name: str, password: str, address: str) -> str | None:
        """The token of a new session; None where name and password do not go together, which is counted."""
        with self._hashing:
            person = self.people.check(name, password)
        if person is None:
            for limit, who in _counted(name, address):
                self._limiter.hit(limit, *who)
            return None
        return self.sessions.begin(person)


def _counted(name: str, address: str) -> list[tuple[RateLimitItemPerMinute, tuple[str, ...]]]:
    by = {"name and address": (name, address), "address": (address,), "name": (name,)}
    return [(limit, (kind, *by[kind])) for kind, limit in TRIES]

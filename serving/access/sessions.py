"""Sessions of people who signed in: a random token in their browser, its hash in the store, ended when they say so."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import insert, select, update

from serving.access.people import Person
from serving.access.tables import PEOPLE, SESSIONS
from serving.database import Database

LASTS: Final = timedelta(hours=12)
"""A working day; then one signs in again."""


class Sessions:
    """The sessions of one store. Raises StoreError."""

    def __init__(self, database: Database):
        self._database = database

    def begin(self, person: Person) -> str:
        """A new session; the token is kept nowhere but in the browser."""
        token, now = new_token(), datetime.now(UTC)
        with self._database.writing() as connection:
            values = {"digest": _digest(token), "person": person.name, "began_at": now, "expires_at": now + LASTS}
            connection.execute(insert(SESSIONS).values(**values))
        return token

    def person(self, token: str) -> Person | None:
        """Who signed in with a token; None where it never was one, or is one no more."""
        query = select(PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.owner).join(SESSIONS, SESSIONS.c.person == PEOPLE.c.name)
        still = SESSIONS.c.ended_at.is_(None), SESSIONS.c.expires_at > datetime.now(UTC), PEOPLE.c.removed_at.is_(None)
        with self._database.reading() as connection:
            row = connection.execute(query.where(SESSIONS.c.digest == _digest(token), *still)).first()
        return None if row is None else Person(name=row.name, role=row.role, owner=row.owner)

    def end(self, token: str) -> None:
        """End a session for good."""
        open_ = SESSIONS.c.digest == _digest(token), SESSIONS.c.ended_at.is_(None)
        with self._database.writing() as connection:
            connection.execute(update(SESSIONS).where(*open_).values(ended_at=datetime.now(UTC)))


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def csrf_of(token: str) -> str:
    """What a form must bring along with the cookie of this token: nobody can make it without knowing the cookie."""
    return hashlib.sha256(f"form.{token}".encode()).hexdigest()


def is_csrf(token: str, given: str) -> bool:
    """Whether a form was made for the browser that sends it."""
    return hmac.compare_digest(csrf_of(token), given)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""The people who sign in to the pages: their role, whose book is theirs, and a slow hash of their password.

Passwords are kept with argon2id in the library's own parameters, those of RFC 9106 for little memory.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Row, insert, select, update

from features.errors import SettingsError
from serving.access.tables import PEOPLE, SESSIONS
from serving.database import Database, in_utc

Role = Literal["csm", "lead", "analyst", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

MAY_ACT: Final[frozenset[Role]] = frozenset({"csm", "lead", "admin"})
"""Who takes accounts, notes and closes; an analyst reads, and may say that a score is wrong."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

SHORTEST, LONGEST = 12, 200
"""Length of a password: NIST SP 800-63B asks for more than composition rules do."""

HASHER: Final = PasswordHasher()


@dataclass(frozen=True, kw_only=True)
class Person:
    """One who signs in; ``owner`` is whose accounts are theirs, None where they are nobody's in particular."""

    name: str
    role: Role
    owner: str | None = None
    made_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def may_act(self) -> bool:
        """Whether they work on accounts, or only read."""
        return self.role in MAY_ACT


class People:
    """The people of one store. Raises StoreError."""

    def __init__(self, database: Database):
        self._database = database
        # Somebody who is not known takes as long to refuse as a wrong password does.
        self._nobody: str | None = None

    def add(self, name: str, role: str, owner: str | None, password: str) -> Person:
        """Let somebody in from now on; SettingsError naming what is wrong."""
        if not NAME.fullmatch(name):
            raise SettingsError("a person's name is up to 64 letters, digits, dots, dashes, underscores and @")
        if role not in ROLES:
            raise SettingsError(f"no role {role!r}; there are {', '.join(ROLES)}")
        values = {"role": role, "owner": owner or None, "digest": hashed(password), "removed_at": None}
        with self._database.writing() as connection:
            row = connection.execute(select(PEOPLE).where(PEOPLE.c.name == name)).first()
            if row is not None and row.removed_at is None:
                raise SettingsError(f"there is a person {name} already; `ebb people list`")
            now = datetime.now(UTC)
            if row is None:
                connection.execute(insert(PEOPLE).values(name=name, made_at=now, **values))
            else:
                connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(made_at=now, **values))
            return _person(connection.execute(select(PEOPLE).where(PEOPLE.c.name == name)).one())

    def password(self, name: str, password: str) -> None:
        """Give somebody another password, and end their sessions."""
        self._change(name, digest=hashed(password))

    def remove(self, name: str) -> None:
        """Let somebody in no more, and end their sessions; what they did stays on record."""
        self._change(name, removed_at=datetime.now(UTC))

    def all(self) -> Sequence[Person]:
        """Everybody who may sign in, or once might, by name."""
        with self._database.reading() as connection:
            return tuple(_person(row) for row in connection.execute(select(PEOPLE).order_by(PEOPLE.c.name)))

    def check(self, name: str, password: str) -> Person | None:
        """Who it is, if the password is theirs; None takes as long for a name that nobody has."""
        with self._database.reading() as connection:
            row = connection.execute(select(PEOPLE).where(PEOPLE.c.name == name)).first()
        known = row is not None and row.removed_at is None
        if row is not None and known:
            digest = row.digest
        else:
            digest = self._nobody = self._nobody or HASHER.hash("nobody's password")
        try:
            HASHER.verify(digest, password[: LONGEST + 1])
        except VerificationError:
            return None
        return _person(row) if row is not None and known else None

    def _change(self, name: str, **values: Any) -> None:
        now = datetime.now(UTC)
        with self._database.writing() as connection:
            there = PEOPLE.c.name == name, PEOPLE.c.removed_at.is_(None)
            if not connection.execute(update(PEOPLE).where(*there).values(**values)).rowcount:
                raise SettingsError(f"no person {name}; `ebb people list` shows who there is")
            open_ = SESSIONS.c.person == name, SESSIONS.c.ended_at.is_(None)
            connection.execute(update(SESSIONS).where(*open_).values(ended_at=now))


def hashed(password: str) -> str:
    """The argon2id hash of a password; SettingsError where it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise SettingsError(f"a password has {SHORTEST} to {LONGEST} characters; a sentence is easy to remember")
    return HASHER.hash(password)


def _person(row: Row[Any]) -> Person:
    return Person(
        name=row.name,
        role=row.role,
        owner=row.owner,
        made_at=in_utc(row.made_at),
        removed_at=None if row.removed_at is None else in_utc(row.removed_at),
    )

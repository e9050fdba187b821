"""The key ring: the keys kept in the score store, and the record of calls."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from features.errors import SettingsError
from serving.access.keys import Key
from serving.access.tables import CALLS, KEYS
from serving.database import Database, in_utc


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of the service: who asked for which accounts (the first hundred are named), and how it was answered."""

    at: datetime
    key: str | None
    method: str
    path: str
    status: int
    accounts: int
    account_ids: Sequence[str]
    model_version: str | None
    cutoff: date | None
    milliseconds: float


class KeyRing:
    """Keys and calls of one store. Raises StoreError."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, key: Key) -> None:
        """Keep a new key; SettingsError when its name was ever given before."""
        values = {**asdict(key), "scopes": sorted(key.scopes)}
        with self._database.writing() as connection:
            if connection.execute(select(KEYS.c.id).where(KEYS.c.name == key.name)).first() is not None:
                raise SettingsError(f"there is a key {key.name} already; names are not used again, `ebb keys list`")
            connection.execute(insert(KEYS).values(values))

    def all(self) -> tuple[Key, ...]:
        """Every key ever made, the latest last."""
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.made_at, KEYS.c.id)))

    def revoke(self, name: str) -> bool:
        """Revoke a key for good; False when it was revoked before. SettingsError when there is none."""
        with self._database.writing() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.name == name)).first()
            if row is None:
                raise SettingsError(f"no key {name}; `ebb keys list` shows which there are")
            if row.revoked_at is not None:
                return False
            connection.execute(update(KEYS).where(KEYS.c.name == name).values(revoked_at=datetime.now(UTC)))
        return True

    def record(self, calls: Sequence[Call], used: Mapping[str, datetime]) -> None:
        """Add calls to the record, and when each key (by name) was last used."""
        with self._database.writing() as connection:
            if calls:
                connection.execute(insert(CALLS), [vars(call) | {"account_ids": [*call.account_ids]} for call in calls])
            for name, moment in used.items():
                connection.execute(update(KEYS).where(KEYS.c.name == name).values(used_at=moment))

    def calls(self, *, key: str | None = None, limit: int = 100) -> tuple[Call, ...]:
        """The latest calls, the last first."""
        query = select(CALLS).order_by(CALLS.c.number.desc()).limit(limit)
        if key is not None:
            query = query.where(CALLS.c.key == key)
        with self._database.reading() as connection:
            return tuple(_call(row) for row in connection.execute(query))


def _key(row: Row[Any]) -> Key:
    values = {item.name: getattr(row, item.name) for item in fields(Key)}
    times = {name: None if values[name] is None else in_utc(values[name]) for name in values if name.endswith("_at")}
    return Key(**{**values, **times, "scopes": frozenset(row.scopes)})


def _call(row: Row[Any]) -> Call:
    values = {item.name: getattr(row, item.name) for item in fields(Call)}
    return Call(**{**values, "at": in_utc(row.at)})

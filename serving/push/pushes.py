"""The ledger of pushes: what each destination was last told under each key, and how every push went."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import JSON, Column, DateTime, Integer, Table, Text, delete, func, insert, select, update

from serving.database import Database, in_utc
from serving.ledger import METADATA
from serving.push.parcels import Parcel, Refusal

PUSHES: Final = Table(
    "pushes",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("destination", Text, nullable=False, index=True),
    Column("run", Integer, nullable=False),
    # What was delivered before this push is sent anew: set by --all, and handed on until a push comes to its end.
    Column("anew_since", Integer),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("sent", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("fault", Text),
    sqlite_autoincrement=True,
)

DELIVERED: Final = Table(
    "delivered",
    METADATA,
    Column("destination", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text),
    Column("times", Integer, nullable=False),
    Column("push", Integer),
    Column("delivered_at", DateTime(timezone=True)),
    Column("trying", Text),
    Column("refused", Text),
    Column("reason", Text),
    Column("letter", JSON(none_as_null=True)),
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a destination knows under one key: the digest last delivered, how often it was told anything, by which push.

    ``trying`` is the digest of a delivery that was begun and not answered, ``refused`` that of one that was not taken;
    ``letter`` keeps what it said.
    """

    digest: str | None = None
    times: int = 0
    push: int | None = None
    delivered_at: datetime | None = None
    trying: str | None = None
    refused: str | None = None
    reason: str | None = None
    letter: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Push:
    """One push of a run to a destination. ``anew_since``: what was delivered before that push is sent anew."""

    number: int
    destination: str
    run: int
    anew_since: int | None
    started_at: datetime
    finished_at: datetime | None
    sent: int
    refused: int
    fault: str | None


class Pushes:
    """The ledger at one SQLAlchemy address. Raises StoreError."""

    def __init__(self, url: str):
        self.database = Database(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.database.close()

    def last(self, destination: str) -> Push | None:
        """The latest push to a destination; None when there was none."""
        query = select(PUSHES).where(PUSHES.c.destination == destination).order_by(PUSHES.c.number.desc()).limit(1)
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        values = dict(row._mapping)
        ended = values["finished_at"]
        values |= {"started_at": in_utc(row.started_at), "finished_at": None if ended is None else in_utc(ended)}
        return Push(**values)

    def aside(self, destination: str) -> int:
        """How many parcels stand aside because they were refused."""
        query = select(func.count()).where(DELIVERED.c.destination == destination, DELIVERED.c.refused.is_not(None))
        with self.database.reading() as connection:
            return connection.execute(query).scalar_one()

    def begin(self, destination: str, run: int, *, anew: bool) -> Push:
        """A new push; it goes on with the sending anew of one that was not finished."""
        before = self.last(destination)
        values = {"destination": destination, "run": run, "started_at": datetime.now(UTC), "sent": 0, "refused": 0}
        with self.database.writing() as connection:
            number = int(connection.execute(insert(PUSHES).values(values)).inserted_primary_key[0])  # type: ignore[index]
            since = before.anew_since if before is not None and before.finished_at is None else None
            since = number if since is None and anew else since
            connection.execute(update(PUSHES).where(PUSHES.c.number == number).values(anew_since=since))
        return Push(number=number, anew_since=since, finished_at=None, fault=None, **values)  # type: ignore[arg-type]

    def end(self, push: Push, *, sent: int, refused: int, fault: str | None) -> None:
        """Write down how a push ended; one with a fault is not finished, and the next one goes on with it."""
        ended = None if fault else datetime.now(UTC)
        values = {"sent": sent, "refused": refused, "fault": fault, "finished_at": ended}
        with self.database.writing() as connection:
            connection.execute(update(PUSHES).where(PUSHES.c.number == push.number).values(values))

    def known(self, destination: str) -> dict[str, Known]:
        """What the destination knows, by key."""
        with self.database.reading() as connection:
            rows = connection.execute(select(DELIVERED).where(DELIVERED.c.destination == destination)).all()
        return {row.key: _known(row._mapping) for row in rows}

    def trying(self, destination: str, parcels: Sequence[Parcel], known: dict[str, Known]) -> None:
        """Write down that parcels are about to be sent."""
        self._keep(
            destination,
            known,
            {one.key: replace(known.get(one.key, Known()), trying=one.digest) for one in parcels},
        )

    def delivered(self, push: Push, parcels: Sequence[Parcel], known: dict[str, Known]) -> None:
        """Write down that parcels arrived."""
        now = datetime.now(UTC)
        told = {
            one.key: Known(
                digest=one.digest, times=known.get(one.key, Known()).times + 1, push=push.number, delivered_at=now
            )
            for one in parcels
        }
        self._keep(push.destination, known, told)

    def refused(
        self, destination: str, parcels: Sequence[Parcel], refusals: Iterable[Refusal], known: dict[str, Known]
    ) -> None:
        """Keep parcels that were not taken, with the reason and all they said."""
        by_key = {one.key: one for one in parcels}
        told = {
            refusal.key: replace(
                known.get(refusal.key, Known()),
                trying=None,
                refused=by_key[refusal.key].digest,
                reason=refusal.reason,
                letter={"content": dict(by_key[refusal.key].content), "beside": dict(by_key[refusal.key].beside)},
            )
            for refusal in refusals
        }
        self._keep(destination, known, told)

    def _keep(self, destination: str, known: dict[str, Known], told: Mapping[str, Known]) -> None:
        """Write rows anew, in one transaction."""
        if not told:
            return
        with self.database.writing() as connection:
            for key in told:
                here = (DELIVERED.c.destination == destination) & (DELIVERED.c.key == key)
                connection.execute(delete(DELIVERED).where(here))
            rows = [{"destination": destination, "key": key, **vars(one)} for key, one in told.items()]
            connection.execute(insert(DELIVERED), rows)
        known.update(told)


def delivery_id(destination: str, key: str, digest: str, known: Known) -> str:
    """The name of one delivery: the same however often it is tried, another one when the same is told later anew."""
    told = "\0".join((destination, key, digest, str(known.times)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _known(row: Mapping[Any, Any]) -> Known:
    at = row["delivered_at"]
    values = {name: row[name] for name in Known.__dataclass_fields__}
    return Known(**(values | {"delivered_at": None if at is None else in_utc(at)}))

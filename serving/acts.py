"""What people did about accounts: who, when and what, only ever added; two people never overwrite each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import Row, func, insert, select

from features.errors import EbbError, StoreError
from serving.database import Database, in_utc
from serving.ledger import ACTS

Kind = Literal["take", "release", "snooze", "done", "reopen", "note", "touch", "wrong", "outcome"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

STANDING: Final[tuple[Kind, ...]] = ("take", "release", "snooze", "done", "reopen")
"""What changes where an account stands."""


class ConflictError(EbbError):
    """Somebody else did something in between."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing one person did; ``told`` holds what they said with it, ``version`` counts the acts of the account."""

    person: str
    account_id: str
    contract_id: str | None
    kind: Kind
    told: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where an account stands: who has it, until when it sleeps, and whether its work is done for this contract."""

    by: str | None = None
    until: date | None = None
    done: bool = False
    contract_id: str | None = None

    def of(self, contract_id: str | None) -> "Standing":
        """The same for a contract: what was done or slept over for an earlier one is open again."""
        return self if contract_id == self.contract_id else Standing(by=self.by, contract_id=contract_id)

    def after(self, act: Act) -> "Standing":
        """Where it stands once this was done."""
        sleeps = date.fromisoformat(act.told["until"]) if act.kind == "snooze" else None
        by = {"take": act.person, "release": None}.get(act.kind, self.by)
        return Standing(by=by, until=sleeps, done=act.kind == "done", contract_id=act.contract_id)

    def is_open(self, today: date) -> bool:
        """Whether there is something to do."""
        return not self.done and (self.until is None or self.until <= today)


class Acts:
    """The acts of one store. Raises StoreError."""

    def __init__(self, database: Database):
        self._database = database

    def of(self, account_id: str) -> tuple[Act, ...]:
        """Everything done about an account, the last first."""
        query = select(ACTS).where(ACTS.c.account_id == account_id).order_by(ACTS.c.version.desc())
        with self._database.reading() as connection:
            return tuple(_act(row) for row in connection.execute(query))

    def outcomes(self, limit: int) -> tuple[Act, ...]:
        """The outcomes that people marked, the last first."""
        query = select(ACTS).where(ACTS.c.kind == "outcome").order_by(ACTS.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(_act(row) for row in connection.execute(query))

    def standings(self) -> dict[str, Standing]:
        """Where each account stands; those about which nothing was done are left out."""
        query = select(ACTS).where(ACTS.c.kind.in_(STANDING)).order_by(ACTS.c.account_id, ACTS.c.version)
        found: dict[str, Standing] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                act = _act(row)
                found[act.account_id] = found.get(act.account_id, Standing()).after(act)
        return found

    def seen(self, account_id: str, version: int, once: str) -> bool:
        """Whether this very act is there already; ConflictError where others were added since that version."""
        with self._database.reading() as connection:
            if connection.execute(select(ACTS.c.number).where(ACTS.c.once == once)).first() is not None:
                return True
            last = connection.execute(select(func.max(ACTS.c.version)).where(ACTS.c.account_id == account_id)).scalar()
        if (last or 0) != version:
            raise ConflictError(f"{account_id} has version {last or 0} by now, not {version}")
        return False

    def add(self, act: Act, once: str) -> None:
        """Add one act behind ``act.version``, once; ConflictError where somebody else was first."""
        if self.seen(act.account_id, act.version, once):
            return
        values = {**vars(act), "told": dict(act.told), "version": act.version + 1, "at": datetime.now(UTC)}
        try:
            with self._database.writing() as connection:
                connection.execute(insert(ACTS).values(once=once, **values))
        except StoreError:
            # Whoever came in between is told of; else the store is at fault.
            if not self.seen(act.account_id, act.version, once):
                raise


def _act(row: Row[Any]) -> Act:
    return Act(
        person=row.person,
        account_id=row.account_id,
        contract_id=row.contract_id,
        kind=row.kind,
        told=row.told,
        version=row.version,
        at=in_utc(row.at),
    )

"""What others send in: outcomes and feedback, each request once, whoever asks again gets the same answer."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from sqlalchemy import insert, select

from features.errors import EbbError
from features.told import ToldOutcome
from serving.access.tables import SENT
from serving.database import in_utc
from serving.ledger import SCORES
from serving.store import ScoreStore

Kind = Literal["outcomes", "feedback"]
AT_ONCE: Final = 500


class ReusedKeyError(EbbError):
    """An idempotency key came again with something else."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """One request as it was answered: who sent it, what was kept, and what was not, with the reason."""

    number: int
    at: datetime
    key: str | None
    kind: Kind
    kept: Sequence[dict[str, Any]]
    errors: Sequence[dict[str, str]]
    again: bool = False


class Inbox:
    """What was sent into one store. Raises StoreError."""

    def __init__(self, store: ScoreStore):
        self._store = store

    def take(self, kind: Kind, rows: Sequence[dict[str, Any]], *, idempotency_key: str, key: str | None) -> Sending:
        """Keep what was sent, once; an account's contract is the one it was last scored with where none is named.

        Raises ReusedKeyError where the key came before with something else.
        """
        digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        contracts = self._contracts([row["account_id"] for row in rows])
        same = select(SENT).where(SENT.c.kind == kind, SENT.c.idempotency_key == idempotency_key)
        with self._store.database.writing() as connection:
            row = connection.execute(same).first()
            if row is None:
                kept, errors = _sorted(rows, contracts, of_contracts=kind == "outcomes")
                values = {"kind": kind, "idempotency_key": idempotency_key, "digest": digest, "key": key}
                held = {"kept": kept, "errors": errors}
                connection.execute(insert(SENT).values(at=datetime.now(UTC), rows=held, **values))
                return _sending(connection.execute(same).one())
        if row.digest != digest:
            raise ReusedKeyError(f"the Idempotency-Key {idempotency_key[:40]!r} was used for something else before")
        return _sending(row, again=True)

    def all(self, kind: Kind | None = None, *, limit: int | None = None) -> tuple[Sending, ...]:
        """Everything that was sent in, the last first."""
        query = select(SENT).order_by(SENT.c.number.desc()).limit(limit)
        if kind is not None:
            query = query.where(SENT.c.kind == kind)
        with self._store.database.reading() as connection:
            return tuple(_sending(row) for row in connection.execute(query))

    def told(self) -> tuple[ToldOutcome, ...]:
        """Every outcome that was told, the last one last."""
        return tuple(
            ToldOutcome(
                contract_id=row["contract_id"],
                outcome=row["outcome"],
                decided_on=date.fromisoformat(row["decided_on"]),
            )
            for sending in reversed(self.all("outcomes"))
            for row in sending.kept
        )

    def _contracts(self, account_ids: Sequence[str]) -> dict[str, list[str | None]]:
        """Account -> the contracts it was ever scored with, the last one first."""
        found: dict[str, list[str | None]] = {}
        wanted = list(dict.fromkeys(account_ids))
        with self._store.database.reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                query = select(SCORES.c.account_id, SCORES.c.contract_id).where(
                    SCORES.c.account_id.in_(wanted[start : start + AT_ONCE])
                )
                for account_id, contract_id in connection.execute(query.order_by(SCORES.c.run.desc())):
                    found.setdefault(account_id, []).append(contract_id)
        return found


def _sorted(
    rows: Sequence[dict[str, Any]], contracts: dict[str, list[str | None]], *, of_contracts: bool
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What can be kept, with its contract, and what cannot, with the reason."""
    kept, errors = [], []
    for row in rows:
        account_id, known = row["account_id"], contracts.get(row["account_id"])
        contract_id = row.get("contract_id") or (known[0] if known else None)
        if known is None:
            errors.append({"account_id": account_id, "error": "no such account was ever scored"})
        elif of_contracts and contract_id not in known:
            errors.append({"account_id": account_id, "error": "it was never scored with such a contract"})
        elif of_contracts and contract_id is None:
            errors.append({"account_id": account_id, "error": "it has no contract; its outcome follows from its use"})
        else:
            kept.append({**row, "contract_id": contract_id})
    return kept, errors


def _sending(row: Any, *, again: bool = False) -> Sending:
    return Sending(
        number=row.number,
        at=in_utc(row.at),
        key=row.key,
        kind=row.kind,
        kept=row.rows["kept"],
        errors=row.rows["errors"],
        again=again,
    )

"""Alarms that somebody has seen to: kept in the store as feedback, so that they stop until the account falls again."""

from datetime import UTC, date, datetime
from typing import Final

from features.errors import DataError
from serving.config import Settings
from serving.sent import Inbox
from serving.store import ScoreStore

REASON: Final = "alarm acknowledged"


def acknowledge(settings: Settings, account_id: str, note: str | None = None) -> None:
    """Keep that the alarms of an account up to today are seen to. DataError for an account that was never scored."""
    now = datetime.now(UTC)
    row = {"account_id": account_id, "reason": REASON, "note": note, "by": None}
    with ScoreStore(settings.store_url) as store:
        sending = Inbox(store).take("feedback", [row], idempotency_key=f"{account_id} {now.isoformat()}", key=None)
    if sending.errors:
        raise DataError(f"the alarm of {account_id} was not acknowledged: {sending.errors[0]['error']}")


def acknowledged(settings: Settings) -> dict[str, date]:
    """Account -> the last day on which its alarms were acknowledged."""
    with ScoreStore(settings.store_url) as store:
        sendings = Inbox(store).all("feedback")
    found: dict[str, date] = {}
    for sending in reversed(sendings):
        found.update({row["account_id"]: sending.at.date() for row in sending.kept if row.get("reason") == REASON})
    return found

"""What an answer over HTTP means: taken, worth another try, or final."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from features.errors import PushError, TerminalError, TransientError

SAID: Final = 200
"""Characters of an answer that are repeated in a message."""

WORTH_ANOTHER_TRY: Final = (408, 425, 429)
"""Time-out, too early, too many requests; with every status from 500 on."""

OF_ALL: Final = (401, 403, 407, 410)
"""Statuses that no single parcel is to blame for: credentials, permission, a proxy, an address that is gone."""


def fault_of(status: int, retry_after: str | None, said: str) -> PushError | None:
    """The fault of a status; None where it was taken, and where only this one request was refused (other 4xx)."""
    told = f"it answers {status}{f', {said[:SAID]}' if said.strip() else ''}"
    if status in WORTH_ANOTHER_TRY or status >= 500:
        return TransientError(told, after=seconds(retry_after))
    if status in OF_ALL or 300 <= status < 400:
        return TerminalError(f"{told}; redirects are not followed" if status < 400 else told)
    return None


def seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds from now: a number or a date (RFC 9110, 10.2.3); None where there is none to be read."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

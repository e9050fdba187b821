"""What is sent in, taken with patience: a store that is being restarted is waited for, so that nobody is sent away."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from features.errors import StoreError
from serving import wire
from serving.access.guard import asking
from serving.sent import Inbox, Kind, Sending
from serving.store import ScoreStore

RESTART_SECONDS: Final = 5
RETRY_SECONDS: Final = 0.2
"""What is sent in waits so long, and is tried so often."""

MOST_WAITING: Final = 8
"""Requests that wait at once; others are refused right away, so that readers are not kept out."""


class PatientInbox:
    """The inbox of one service; ``opened`` gives its store. Raises StoreError where that stays away."""

    def __init__(self, opened: Callable[[], ScoreStore]):
        self._opened = opened
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def take(self, kind: Kind, told: Sequence[wire.Body], idempotency_key: str) -> Sending:
        """Keep it, once: the key makes trying again safe."""
        rows = [one.model_dump(mode="json") for one in told]
        give_up = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return Inbox(self._opened()).take(kind, rows, idempotency_key=idempotency_key, key=asking())
            except StoreError:
                if time.monotonic() > give_up or not self._waiting.acquire(blocking=False):
                    raise
                time.sleep(RETRY_SECONDS)
                self._waiting.release()

"""What a running service knows of its keys, and how calls get on record without making anybody wait."""

import logging
import queue
import threading
import time
from datetime import datetime
from typing import Final

from features.errors import EbbError
from serving.access.keys import Key
from serving.access.ring import Call, KeyRing
from serving.database import Database

LOOK_SECONDS: Final = 2.0
"""How long keys are believed before the store is asked again: a revoked key is refused after so long at the latest."""

STRANGE_SECONDS: Final = 0.05
"""The same for a key that is not known."""

PATIENCE_SECONDS: Final = 0.25
"""How long a request waits for somebody else's look at the keys."""

AT_ONCE: Final = 500
"""Calls written in one transaction."""

WAITING: Final = 100_000
"""Calls that may wait while the store is away; further ones are dropped, and the log says how many."""

RETRY_SECONDS: Final = 1.0

LOG: Final = logging.getLogger(__name__)


class Watch:
    """The keys of a store and the record of calls, for one process.

    Calls are written by a thread as soon as the last transaction is through: a kill loses what happened during one
    transaction, a few milliseconds, and nothing else.
    """

    def __init__(self, url: str, *, open: frozenset[str]):  # noqa: A002 -- the word of the setting
        self.open = open
        self._url = url
        self._ring: KeyRing | None = None
        self._keys: dict[str, Key] = {}
        self._looked = float("-inf")
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._calls: queue.Queue[Call | None] = queue.Queue(WAITING)
        self._dropped = self._told = 0
        self._writer = threading.Thread(target=self._write, name="calls", daemon=True)
        self._writer.start()

    def key(self, identity: str) -> Key | None:
        """The key of an id; while the store is away, as it was last known. EbbError where it never was there."""
        # A key that was made just now is looked for at once; one that nobody made costs few looks.
        return self._known().get(identity) or self._known(STRANGE_SECONDS).get(identity)

    def any_key(self) -> bool:
        """Whether a key was ever made."""
        return bool(self._keys) or bool(self._known())

    def record(self, call: Call) -> None:
        """Put a call on record, soon."""
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, and end."""
        self._calls.put(None)
        self._writer.join(10)

    def _opened(self) -> KeyRing:
        with self._opening:
            if self._ring is None:
                self._ring = KeyRing(Database(self._url))
            return self._ring

    def at_hand(self, identity: str) -> Key | None:
        """The key of an id where that is known without asking the store."""
        return self._keys.get(identity) if time.monotonic() - self._looked <= LOOK_SECONDS else None

    def _known(self, seconds: float = LOOK_SECONDS) -> dict[str, Key]:
        """The keys as they were in the store so many seconds ago at most.

        While somebody waits for a store that does not answer, the others go on with what was known.
        """
        if not self._lock.acquire(timeout=-1 if self._looked == float("-inf") else PATIENCE_SECONDS):
            return self._keys
        try:
            if time.monotonic() - self._looked > seconds:
                try:
                    self._keys = {key.id: key for key in self._opened().all()}
                except EbbError:
                    if self._looked == float("-inf"):
                        raise
                    LOG.warning("the store is away; keys are checked as last known")
                self._looked = time.monotonic()
            return self._keys
        finally:
            self._lock.release()

    def _write(self) -> None:
        ended = False
        while not ended:
            batch = [self._calls.get()]
            while len(batch) < AT_ONCE and not self._calls.empty():
                batch.append(self._calls.get_nowait())
            ended = None in batch
            calls = [call for call in batch if call is not None]
            while not self._written(calls) and not ended:
                time.sleep(RETRY_SECONDS)

    def _written(self, calls: list[Call]) -> bool:
        used: dict[str, datetime] = {call.key: call.at for call in calls if call.key is not None and call.status != 401}
        try:
            self._opened().record(calls, used)
        except EbbError as error:
            LOG.warning("%d calls wait to be recorded: %s", len(calls), error)
            return False
        lost = self._dropped - self._told
        if lost:
            LOG.error("%d calls were not recorded: too many waited", lost)
            self._told += lost
        return True

    def waiting(self) -> int:
        """How many calls wait to be recorded."""
        return self._calls.qsize()

    def dropped(self) -> int:
        """How many calls could not be recorded."""
        return self._dropped

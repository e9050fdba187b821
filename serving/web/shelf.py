"""The book as the pages show it: every account of the latest run with its reasons, play, movement and health.

A run never changes, so it is read once and kept in memory; filters, search and sorting work on what is kept.
"""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from features.errors import EbbError
from serving.answered import FOLDER, read
from serving.book import Run
from serving.desk import Desk
from serving.plays import PLAYS
from serving.store import Choice
from serving.worklist import Item, worklist

LOG: Final = logging.getLogger(__name__)

HEALTH: Final = "health"
"""The kept answer that health comes from."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One account of the list; ``health`` (0 to 100) and its ``colour`` are None where nobody asked for it."""

    item: Item
    health: int | None
    colour: str | None
    found_by: str

    @property
    def moved(self) -> float | None:
        """How far the risk moved since the run before; None where that did not know the account."""
        changes = self.item.changes
        return None if changes is None else changes.risk - changes.risk_before


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The lines of one run in their order, and what they can be chosen by."""

    run: Run
    lines: tuple[Line, ...]
    owners: tuple[str, ...]
    segments: tuple[str, ...]
    plays: tuple[str, ...]
    since: date | None
    no_temperature: str | None
    has_health: bool
    kept: dict[str, Any] = field(default_factory=dict)
    """What was worked out of it, which lives as long as it does."""


class Shelves:
    """The shelf of the latest run, built once for each run and answer of health. Raises StoreError.

    Nobody waits for a new one: the old one answers until it is built. Only the very first is waited for.
    """

    def __init__(self, desk: Desk):
        self._desk = desk
        self._lock = threading.Lock()
        self._kept: tuple[object, Shelf] | None = None

    def begin(self) -> None:
        """Build the first one in the background; where it cannot be built, whoever asks is told why."""
        threading.Thread(target=self._try, name="shelf", daemon=True).start()

    def latest(self) -> Shelf:
        """The shelf of the latest run, or of the one before while that is built."""
        run = self._desk.latest()
        mark = run.number, self._answered()
        kept = self._kept
        if kept is not None and kept[0] == mark:
            return kept[1]
        if kept is not None:
            if self._lock.acquire(blocking=False):
                threading.Thread(target=self._renew, args=(run, mark), name="shelf", daemon=True).start()
            return kept[1]
        with self._lock:
            if self._kept is None:
                self._kept = mark, self._built(run)
            return self._kept[1]

    def _answered(self) -> int | None:
        """When health was last answered."""
        file = self._desk.home / FOLDER / f"{HEALTH}.json"
        return file.stat().st_mtime_ns if file.is_file() else None

    def _renew(self, run: Run, mark: object) -> None:
        try:
            self._kept = mark, self._built(run)
        except EbbError as error:
            LOG.warning("the list could not be renewed: %s", error)
        finally:
            self._lock.release()

    def _try(self) -> None:
        with suppress(EbbError):
            self.latest()

    def _built(self, run: Run) -> Shelf:
        found = worklist(self._desk.store, Choice(), run.number)
        answer = read(self._desk.home, HEALTH)
        rows = {} if answer is None else {row["account_id"]: row for row in answer.sheets[0]["rows"]}
        lines = tuple(_line(item, rows.get(item.score.account_id, {})) for item in found.items)
        suggested = {line.item.play.name for line in lines}
        return Shelf(
            run=found.run,
            lines=lines,
            owners=_known(line.item.score.owner for line in lines),
            segments=_known(line.item.score.segment for line in lines),
            plays=tuple(play.name for play in PLAYS if play.name in suggested),
            since=next((line.item.changes.since for line in lines if line.item.changes), None),
            no_temperature=found.no_temperature,
            has_health=bool(rows),
        )


def _line(item: Item, healthy: dict[str, Any]) -> Line:
    score = item.score
    text = " ".join(part for part in (score.name, score.account_id, score.owner, score.segment) if part)
    return Line(item=item, health=healthy.get("health"), colour=healthy.get("colour"), found_by=text.casefold())


def _known(values: Any) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def total(lines: Sequence[Line]) -> float:
    """The ARR of some lines, where it is known."""
    return sum(line.item.score.arr or 0.0 for line in lines)

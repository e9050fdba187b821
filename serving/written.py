"""Scores of one champion and one book as the bytes that go over the wire: written once, answered any number of times.

What a champion says of a book does not change, so a request for it need not be computed twice. Accounts nobody asked
for yet are written in the background.
"""

import threading
from collections.abc import Sequence
from typing import Final

from serving import wired
from serving.book import Run, Score
from serving.config import BandSettings
from serving.rating import Peers, rate
from serving.signal_book import SignalBook
from training.score import Scorer

AT_ONCE: Final = 500
"""Accounts rated together: few, so that requests get their turn in between."""

MOST_KEPT: Final = 200_000
"""Accounts kept written, some 3 KB each; beyond them the rest is rated when it is asked for."""


class Written:
    """What ``scorer`` says of each account of a book. Raises ModelError when the two do not fit."""

    def __init__(self, *, scorer: Scorer, signals: SignalBook, peers: Peers, bands: BandSettings, run: Run):
        self._scorer, self._signals, self._peers, self._bands, self._run = scorer, signals, peers, bands, run
        self._kept: dict[str, bytes] = {}
        self._ended = threading.Event()

    def of(self, account_ids: Sequence[str]) -> list[bytes]:
        """The scores of accounts of the book, in that order, each a JSON object."""
        cold = [name for name in account_ids if name not in self._kept]
        fresh = self._write(cold) if cold else {}
        # What was said once is said again, to the last digit, although rows rated in company may round otherwise.
        return [self._kept.get(name) or fresh[name] for name in account_ids]

    def all(self) -> None:
        """Write every account, unless it is ended before."""
        names = list(self._signals.places)[:MOST_KEPT]
        for start in range(0, len(names), AT_ONCE):
            if self._ended.is_set():
                return
            self._write([name for name in names[start : start + AT_ONCE] if name not in self._kept])

    def warm(self) -> None:
        """Write every account in the background."""
        threading.Thread(target=self.all, name="write scores", daemon=True).start()

    def end(self) -> None:
        """Write no more in the background: another book, or another champion, takes over."""
        self._ended.set()

    def _write(self, names: Sequence[str]) -> dict[str, bytes]:
        fresh = {score.account_id: self._bytes(score) for score in self._rated(names)} if names else {}
        if len(self._kept) < MOST_KEPT:
            for name, said in fresh.items():
                self._kept.setdefault(name, said)
        return fresh

    def _rated(self, names: Sequence[str]) -> tuple[Score, ...]:
        places = [self._signals.places[name] for name in names]
        return rate(self._scorer, self._signals.rows(places), self._peers.of(places), self._bands)

    def _bytes(self, score: Score) -> bytes:
        return wired.account_score(score, self._run).model_dump_json().encode()

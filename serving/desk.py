"""The desk: what answers a service's requests, from the champion, the scored book and its signals.

It looks for a new book and a new champion now and then; when that fails it goes on with the last good ones and says so
where readiness is asked for.
"""

import threading
import time
from dataclasses import dataclass, replace
from typing import Final

from features.errors import EbbError, ModelError, StoreError
from serving import wire
from serving.book import Run, Score
from serving.config import Settings
from serving.explained import Explained, explained
from serving.outlook import Outlook
from serving.rating import Peers, levers_of, peers, rate
from serving.signal_book import BOOK, SignalBook
from serving.store import Choice, ScoreStore
from serving.worklist import Worklist, latest, worklist
from training.levers import Lever
from training.tracking import Champion, champion, champion_version

LOOK_SECONDS: Final = 10
"""How old what the desk knows may be before it looks again."""


@dataclass(frozen=True, kw_only=True)
class Laid:
    """What lies on the desk: a champion, and the run and signals it scores."""

    champion: Champion
    run: Run
    signals: SignalBook
    peers: Peers


class Desk:
    """Answers of one service process; every method raises EbbError, saying why, when it cannot answer."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._lock = threading.Lock()
        self._store: ScoreStore | None = None
        self._laid: Laid | None = None
        self._fault: EbbError | None = None
        self._looked = float("-inf")

    def score(self, account_ids: list[str]) -> tuple[Run, tuple[Score, ...], tuple[str, ...]]:
        """Scores by the champion on the signals of the latest book, in the order asked for, and the ids not in it.

        An account that is asked for twice is answered once.
        """
        laid = self._look()
        wanted = dict.fromkeys(account_ids)
        places = [laid.signals.places[name] for name in wanted if name in laid.signals.places]
        unknown = tuple(name for name in wanted if name not in laid.signals.places)
        champion = laid.champion
        run = replace(laid.run, model_name=champion.name, model_version=champion.version)
        scores = rate(champion.scorer, laid.signals.rows(places), laid.peers.of(places), self._settings.bands)
        return run, scores, unknown

    def worklist(self, choice: Choice) -> Worklist:
        """The ranked book, cut to the choice."""
        return worklist(self._opened(), choice)

    def account(self, account_id: str, *, past: int) -> Explained | None:
        """An account explained, with its risks in so many runs; None when it is not in the book."""
        found = explained(self._opened(), account_id, past=past)
        if found is None:
            return None
        try:
            survival = self._outlook(found.run).survival(found.score)
        except StoreError:
            survival = ()
        return replace(found, levers=self._levers(found), survival=survival)

    def forecast(self) -> tuple[Run, Outlook]:
        """The renewals of the coming months, as they were forecast when the book was scored."""
        run = latest(self._opened())
        return run, self._outlook(run)

    def _outlook(self, run: Run) -> Outlook:
        return Outlook.read(self._settings.home / BOOK, run.signals)

    def _levers(self, found: Explained) -> tuple[Lever, ...]:
        """What would lower the risk most; nothing where the champion that said it is not at hand."""
        try:
            laid = self._look()
        except EbbError:
            return ()
        place = laid.signals.places.get(found.score.account_id)
        same = laid.run.number == found.run.number and laid.champion.version == found.run.model_version
        if not same or place is None or not found.run.usable:
            return ()
        return levers_of(laid.champion.scorer, laid.signals.rows([place]), laid.peers.of([place]))

    def ready(self) -> wire.Ready:
        """With what it scores; EbbError saying what is missing or does not fit."""
        laid = self._look()
        if self._fault is not None:
            raise self._fault
        if laid.run.model_version != laid.champion.version:
            raise ModelError(
                f"the book was scored by version {laid.run.model_version} of {laid.run.model_name}, the champion is "
                f"version {laid.champion.version}; run `ebb score`"
            )
        return wire.Ready(
            model_name=laid.champion.name,
            model_version=laid.champion.version,
            verdict=laid.champion.verdict,
            usable=laid.champion.usable,
            cutoff=laid.run.cutoff,
            accounts=len(laid.signals),
        )

    def _opened(self) -> ScoreStore:
        with self._lock:
            if self._store is None:
                self._store = ScoreStore(self._settings.store_url)
            return self._store

    def _look(self) -> Laid:
        """What lies on the desk, looked after when it is old; the fault when nothing ever lay there."""
        store = self._opened()
        with self._lock:
            if time.monotonic() - self._looked > LOOK_SECONDS:
                try:
                    self._laid, self._fault = self._lay(store), None
                except EbbError as error:
                    self._fault = error
                else:
                    self._looked = time.monotonic()
            if self._laid is None:
                raise self._fault or StoreError("nothing is loaded yet")
            return self._laid

    def _lay(self, store: ScoreStore) -> Laid:
        old, uri = self._laid, self._settings.tracking_uri
        version = champion_version(uri)
        model = old.champion if old is not None and old.champion.version == version else champion(uri)
        run = latest(store)
        if old is not None and old.run.number == run.number and old.champion is model:
            return old
        signals = SignalBook.read(self._settings.home / BOOK, run.signals)
        return Laid(champion=model, run=run, signals=signals, peers=peers(model.scorer, signals))

"""The desk: what answers a service's requests, from the champion, the scored book and its signals.

It looks for a new book and a new champion now and then; when that fails it goes on with the last good ones and says so
where readiness is asked for.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import pandas as pd

from features.errors import EbbError, ModelError, StoreError
from serving import wire, wired
from serving.book import Run
from serving.config import Settings
from serving.explained import Explained, explained
from serving.jobs import Job, Jobs
from serving.last_good import LastGood
from serving.outlook import Outlook
from serving.patient import PatientInbox
from serving.rating import Peers, levers_of, peers, rate
from serving.sent import Kind, Sending
from serving.signal_book import BOOK, SignalBook
from serving.store import Choice, ScoreStore
from serving.telemetry.meters import Standing
from serving.worklist import NoRunError, Worklist, latest, worklist
from serving.written import Written
from training.levers import Lever
from training.tracking import Champion, champion, champion_version

KEYS: Final = ("contract_id", "name", "owner", "plan", "arr", "starts_on", "ends_on", "days_to_renewal")
"""What a book tells of an account beside its signals."""

LOOK_SECONDS: Final = 10
"""How old what the desk knows may be before it looks again."""

AWAY_SECONDS: Final = 2
"""The same while something is away; so long nobody asks a store again that did not answer."""

Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class Laid:
    """What lies on the desk: a champion, and the run and signals it scores; ``scored`` names it as the run's model."""

    champion: Champion
    run: Run
    scored: Run
    signals: SignalBook
    peers: Peers
    written: Written
    last: LastGood


class Desk:
    """Answers of one service process; every method raises EbbError, saying why, when it cannot answer."""

    def __init__(self, settings: Settings, refreshing: Sequence[str] = ("score",)):
        """``refreshing`` is the command, without `ebb`, that reads the facts and scores the book anew."""
        self._settings = settings
        self._jobs = Jobs(settings.home, refreshing)
        self._lock = threading.Lock()
        self._store: ScoreStore | None = None
        self._laid: Laid | None = None
        self._fault: EbbError | None = None
        self._looked = self._away = float("-inf")
        self._looking = threading.Lock()
        self._inbox = PatientInbox(self._opened)

    def score(self, account_ids: list[str]) -> tuple[Run, list[bytes], tuple[str, ...]]:
        """Scores by the champion on the signals of the latest book, in the order asked for, and the ids not in it.

        Each score is a JSON object as it goes over the wire. An account that is asked for twice is answered once.
        """
        laid = self._look()
        wanted = dict.fromkeys(account_ids)
        known = [name for name in wanted if name in laid.signals.places]
        unknown = tuple(name for name in wanted if name not in laid.signals.places)
        return laid.scored, laid.written.of(known), unknown

    @property
    def home(self) -> Path:
        """Where answers of analyses are kept."""
        return self._settings.home

    @property
    def store(self) -> ScoreStore:
        """The score store. Raises StoreError where it cannot be opened."""
        return self._opened()

    def stale(self) -> str | None:
        """Why what is answered may be old: the model or the book could not be looked for; None where they could."""
        return None if self._fault is None or self._laid is None else str(self._fault)

    def refresh(self) -> Job:
        """Begin to read the facts and score the book anew, or give the job that does so already."""
        return self._jobs.start()

    def job(self, identity: str) -> Job | None:
        """The job of an id; None when there is none."""
        return self._jobs.get(identity)

    def close(self) -> None:
        """End what runs in the background."""
        self._jobs.close()
        if self._laid is not None:
            self._laid.written.end()

    def brought(self, accounts: list[wire.SignalsOfAccount]) -> wire.SignalsResponse:
        """Scores of accounts whose signals the caller brings."""
        laid = self._look()
        names = list(laid.champion.scorer.columns)
        values = pd.DataFrame([{name: one.signals.get(name) for name in names} for one in accounts], columns=names)
        keys = pd.DataFrame({"account_id": [one.account_id for one in accounts]}).assign(
            segment=[one.segment for one in accounts], **dict.fromkeys(KEYS)
        )
        now = values.astype(float)
        book = SignalBook(keys=keys, now=now, before=now * float("nan"))
        among = laid.peers.of_segments([one.segment for one in accounts], laid.signals)
        scores = rate(laid.champion.scorer, book, among, self._settings.bands)
        known = frozenset(names)
        return wire.SignalsResponse(
            scores=[
                wire.BroughtScore(
                    account_id=one.account_id,
                    risk=score.risk,
                    band=score.band,
                    base=score.base,
                    drivers=wired.drivers(score),
                    missing=[name for name in names if one.signals.get(name) is None],
                    unknown=sorted(set(one.signals) - known),
                )
                for one, score in zip(accounts, scores, strict=True)
            ],
            model_name=laid.champion.name,
            model_version=laid.champion.version,
        )

    def model(self) -> wire.Model:
        """The model that scores."""
        champion = self._look().champion
        return wire.Model(
            name=champion.name,
            version=champion.version,
            verdict=champion.verdict,
            usable=champion.usable,
            base_rate=champion.base_rate,
            signals=list(champion.scorer.columns),
        )

    def take(self, kind: Kind, told: Sequence[wire.Body], idempotency_key: str) -> Sending:
        """Keep what others sent in: how contracts ended, or what they say of scores."""
        return self._inbox.take(kind, told, idempotency_key)

    def latest(self) -> Run:
        """The latest run, which is the book."""
        return self._or_last(latest, lambda last: last.run)

    def worklist(self, choice: Choice, run: int | None = None) -> Worklist:
        """The ranked book, cut to the choice; of an earlier run where one is named."""
        return self._or_last(lambda store: worklist(store, choice, run), lambda last: last.worklist(choice, run))

    def account(self, account_id: str, *, past: int) -> Explained | None:
        """An account explained, with its risks in so many runs; None when it is not in the book."""
        found = self._or_last(
            lambda store: explained(store, account_id, past=past), lambda last: last.explained(account_id)
        )
        if found is None:
            return None
        try:
            survival = self._outlook(found.run).survival(found.score)
        except StoreError:
            survival = ()
        return replace(found, levers=self._levers(found), survival=survival)

    def forecast(self) -> tuple[Run, Outlook]:
        """The renewals of the coming months, as they were forecast when the book was scored."""
        run = self.latest()
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

    def standing(self) -> Standing | None:
        """What it answers from; None where nothing ever lay there."""
        laid = self._laid
        if laid is None:
            return None
        return Standing(
            model_name=laid.champion.name,
            model_version=laid.champion.version,
            made_at=laid.run.made_at,
            accounts=len(laid.signals),
            stale=self._fault is not None,
        )

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

    def _or_last(self, ask: Callable[[ScoreStore], Told], instead: Callable[[LastGood], Told]) -> Told:
        """What the store answers; while it is away, what the last good book answers from memory."""
        laid = self._laid
        if laid is not None and time.monotonic() - self._away < AWAY_SECONDS:
            return instead(laid.last)
        try:
            return ask(self._opened())
        except NoRunError:
            raise
        except StoreError as error:
            if laid is None:
                raise
            self._fault, self._away = error, time.monotonic()
            return instead(laid.last)

    def begin(self) -> None:
        """Lay what is there, in the background: then it is at hand when the store goes away."""
        threading.Thread(target=self._first, name="first look", daemon=True).start()

    def _first(self) -> None:
        with suppress(EbbError):
            self._look()

    def _opened(self) -> ScoreStore:
        with self._lock:
            if self._store is None:
                self._store = ScoreStore(self._settings.store_url)
            return self._store

    def _look(self) -> Laid:
        """What lies on the desk; the fault when nothing ever lay there. What is old is looked after in the background.

        Nobody waits for a new champion or book: the old ones answer until the new ones lie ready.
        """
        laid = self._laid
        if laid is None:
            self._opened()
            with self._looking:
                laid = self._laid or self._looked_after()
            laid.written.warm()
        elif self._is_due() and self._looking.acquire(blocking=False):
            self._looked = time.monotonic()
            threading.Thread(target=self._renew, name="look", daemon=True).start()
        return laid

    def _is_due(self) -> bool:
        return time.monotonic() - self._looked > (LOOK_SECONDS if self._fault is None else AWAY_SECONDS)

    def _looked_after(self) -> Laid:
        """Lay what is there; EbbError, which is remembered, when nothing can be laid."""
        try:
            laid = self._lay(self._opened())
        except EbbError as error:
            self._fault = error
            raise
        self._laid, self._fault, self._looked = laid, None, time.monotonic()
        return laid

    def _renew(self) -> None:
        """Look for a new champion and book; put them in the old ones' place once every score is written."""
        try:
            old = self._laid
            laid = self._lay(self._opened())
            if old is not None and laid is not old:
                old.written.end()
                laid.written.all()
            self._laid, self._fault = laid, None
        except EbbError as error:
            self._fault = error
        finally:
            self._looking.release()

    def _lay(self, store: ScoreStore) -> Laid:
        old, uri = self._laid, self._settings.tracking_uri
        version = champion_version(uri)
        model = old.champion if old is not None and old.champion.version == version else champion(uri)
        run = latest(store)
        if old is not None and old.run.number == run.number and old.champion is model:
            return old
        signals = SignalBook.read(self._settings.home / BOOK, run.signals)
        among = peers(model.scorer, signals)
        scored = replace(run, model_name=model.name, model_version=model.version)
        written = Written(scorer=model.scorer, signals=signals, peers=among, bands=self._settings.bands, run=scored)
        last = LastGood(scorer=model.scorer, signals=signals, peers=among, bands=self._settings.bands, run=scored)
        return Laid(champion=model, run=run, scored=scored, signals=signals, peers=among, written=written, last=last)

"""One push: what a destination does not know yet is sent, and each parcel is on record before the next one goes.

A push that is killed goes on where it was: what was answered is on record as delivered, and what was begun but not
answered carries the same id again, or is looked for at the destination first where that can be asked.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_base

from features.errors import EbbError, PushError, TerminalError, TransientError
from serving.push.parcels import Book, Destination, Line, Parcel, Refusal
from serving.push.pushes import Known, Push, Pushes, delivery_id
from serving.push.secret import Secrets

AWAY: Final = 3
"""So many batches that fail one after the other, however often tried, say that the destination is away."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a destination is waited for: tries a batch, seconds before the second, and the most between two.

    A destination that asks for more than ``longest`` seconds (Retry-After) is left for the next push.
    """

    tries: int = 5
    first: float = 1.0
    most: float = 60.0
    longest: float = 600.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, state: RetryCallState) -> float:
        """Seconds before the next try: what the destination asked for, or exponential back-off; with jitter."""
        fault = None if state.outcome is None else state.outcome.exception()
        if isinstance(fault, TransientError) and fault.after is not None:
            return fault.after + random.uniform(0, self.first)  # noqa: S311 -- jitter, no secret
        return float(min(self.most, self.first * 2 ** (state.attempt_number - 1)) * random.uniform(0.5, 1))  # noqa: S311


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asked for: everything ``anew``, also what was ``refused`` before."""

    anew: bool = False
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Due:
    """A parcel that is to be sent, and why: new, changed, anew, or refused before."""

    parcel: Parcel
    why: str


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """How a push went: parcels sent, those the destination knew, those it refused now, those that failed for now."""

    sent: int
    unchanged: int
    refused: tuple[Refusal, ...]
    failed: tuple[Refusal, ...]


def due(destination: Destination, book: Book, pushes: Pushes, wanted: Wanted) -> tuple[list[Due], int]:
    """What would be sent now, with its ids, and how many parcels the destination knows; nothing is written."""
    known, last = pushes.known(destination.name), pushes.last(destination.name)
    unfinished = last is not None and last.finished_at is None and last.anew_since is not None
    since = last.anew_since if last is not None and unfinished else None
    everything = destination.is_lost or (wanted.anew and since is None)
    parcels = list(destination.parcels(book))
    if wanted.refused:
        parcels += _letters(known, {one.key for one in parcels})
    found = []
    for parcel in parcels:
        row = known.get(parcel.key, Known())
        why = "anew" if everything or (since is not None and (row.push or 0) < since) else _why(parcel, row, wanted)
        if why:
            name = delivery_id(destination.name, parcel.key, parcel.digest, row)
            found.append(Due(parcel=replace(parcel, id=name), why=why))
    # What failed before goes last: it must not hold up the others.
    found.sort(key=lambda one: known.get(one.parcel.key, Known()).trying == one.parcel.digest)
    return found, len(parcels) - len(found)


def _why(parcel: Parcel, row: Known, wanted: Wanted) -> str:
    """Why a parcel is to be sent; empty where it is not."""
    if row.refused == parcel.digest:
        return "refused before" if wanted.refused else ""
    if row.digest == parcel.digest and row.trying is None:
        return ""
    return "new" if row.digest is None else "changed"


def _letters(known: dict[str, Known], present: set[str]) -> Iterator[Parcel]:
    """What was refused about keys that the book no longer tells of, as it was said then."""
    for key, row in known.items():
        if row.letter is not None and key not in present:
            yield Parcel(key=key, content=row.letter["content"], beside=row.letter["beside"])


def push(
    destination: Destination,
    book: Book,
    pushes: Pushes,
    secrets: Secrets,
    *,
    wanted: Wanted | None = None,
    patience: Patience | None = None,
) -> Pushed:
    """Send what is due. Raises PushError when the destination stops taking anything; the next push goes on there."""
    wanted = wanted or Wanted()
    found, unchanged = due(destination, book, pushes, wanted)
    record = pushes.begin(destination.name, book.run.number or 0, anew=wanted.anew)
    sending = _Sending(destination=destination, pushes=pushes, record=record, patience=patience or Patience())
    try:
        with _covered(secrets):
            if found:
                with destination.opened(secrets) as line:
                    sending.everything(line, [one.parcel for one in found], secrets)
    except PushError as error:
        pushes.end(record, sent=sending.sent, refused=len(sending.refused), fault=str(error))
        left, name = len(found) - sending.sent - len(sending.refused), destination.name
        raise type(error)(
            f"{name}: {error}; {sending.sent} sent, {left} left: `ebb push {name}` goes on there"
        ) from None
    fault = sending.failed[0].reason if sending.failed else None
    pushes.end(record, sent=sending.sent, refused=len(sending.refused), fault=fault)
    return Pushed(sent=sending.sent, unchanged=unchanged, refused=tuple(sending.refused), failed=tuple(sending.failed))


@contextmanager
def _covered(secrets: Secrets) -> Iterator[None]:
    """Faults without any secret, and those that no destination named as one line too."""
    try:
        yield
    except TransientError as error:
        raise TransientError(secrets.masked(str(error)), after=error.after) from None
    except PushError as error:
        raise type(error)(secrets.masked(str(error))) from None
    except EbbError:
        raise
    except Exception as error:  # noqa: BLE001 -- a library's own fault may hold a secret
        raise TerminalError(secrets.masked(f"{type(error).__name__}: {error}")) from None


@dataclass(kw_only=True)
class _Sending:
    """One push under way."""

    destination: Destination
    pushes: Pushes
    record: Push
    patience: Patience
    sent: int = 0
    refused: list[Refusal] = field(default_factory=list)
    failed: list[Refusal] = field(default_factory=list)

    def everything(self, line: Line, parcels: Sequence[Parcel], secrets: Secrets) -> None:
        """Send batch by batch; stop where several in a row fail."""
        known = self.pushes.known(self.destination.name)
        begun = [one for one in parcels if known.get(one.key, Known()).trying == one.digest]
        if begun:
            there = set(line.arrived(begun))
            self._delivered([one for one in begun if one.key in there], known)
            parcels = [one for one in parcels if one.key not in there]
        away = 0
        for start in range(0, len(parcels), self.destination.at_once):
            batch = _Batch(left=list(parcels[start : start + self.destination.at_once]))
            self.pushes.trying(self.destination.name, batch.left, known)
            try:
                self._send(line, batch, known, secrets)
            except TransientError as error:
                away += 1
                self.failed += [
                    Refusal(key=one.key, reason=secrets.masked(str(error)), again=True) for one in batch.left
                ]
                nothing = not self.sent and not self.refused and start + self.destination.at_once >= len(parcels)
                if away == AWAY or nothing or self._asked_too_much(error):
                    raise
            else:
                away = 0

    def _send(self, line: Line, batch: "_Batch", known: dict[str, Known], secrets: Secrets) -> None:
        """Send one batch, patiently; what is taken or refused is on record at once."""
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=_Stop(self.patience),
            wait=self.patience.wait,
            sleep=self.patience.sleep,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    there = set(line.arrived(batch.left))
                    self._settled(batch, [one for one in batch.left if one.key in there], [], known)
                if batch.left:
                    self._try(line, batch, known, secrets)

    def _try(self, line: Line, batch: "_Batch", known: dict[str, Known], secrets: Secrets) -> None:
        refusals = [replace(one, reason=secrets.masked(one.reason)) for one in line.deliver(batch.left)]
        by_key = {refusal.key: refusal for refusal in refusals}
        taken = [one for one in batch.left if one.key not in by_key]
        self._settled(batch, taken, [one for one in refusals if not one.again], known)
        if batch.left:
            raise TransientError(by_key[batch.left[0].key].reason)

    def _settled(
        self, batch: "_Batch", taken: Sequence[Parcel], refusals: Sequence[Refusal], known: dict[str, Known]
    ) -> None:
        self._delivered(taken, known)
        self.pushes.refused(self.destination.name, batch.left, refusals, known)
        self.refused += refusals
        done = {one.key for one in taken} | {one.key for one in refusals}
        batch.left = [one for one in batch.left if one.key not in done]

    def _delivered(self, parcels: Sequence[Parcel], known: dict[str, Known]) -> None:
        self.pushes.delivered(self.record, parcels, known)
        self.sent += len(parcels)

    def _asked_too_much(self, error: TransientError) -> bool:
        return error.after is not None and error.after > self.patience.longest


@dataclass(kw_only=True)
class _Batch:
    """Parcels sent together, and what of them is left."""

    left: list[Parcel]


class _Stop(stop_base):
    """After so many tries, or at once where the destination wants to be left alone for long."""

    def __init__(self, patience: Patience):
        self._tries, self._longest = stop_after_attempt(patience.tries), patience.longest

    def __call__(self, retry_state: RetryCallState) -> bool:
        fault = None if retry_state.outcome is None else retry_state.outcome.exception()
        after = fault.after if isinstance(fault, TransientError) else None
        return self._tries(retry_state) or (after is not None and after > self._longest)

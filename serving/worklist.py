"""The worklist: the ranked book cut to what the team can handle, each account with its reasons and a play."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from features.errors import StoreError
from serving.book import NO_WARMTH, Run, Score, Temperature, Warmth
from serving.changes import Changes, changes
from serving.lots import LEFT_OUT, Lot, Lots
from serving.plays import Play, suggested
from serving.store import Choice, ScoreStore

REASONS: Final = 3
"""How many reasons stand beside an account: what a person takes in at a glance."""


class NoRunError(StoreError):
    """A run was named that is not in the store."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One account of the worklist: its score, up to three reasons as sentences, and what to do.

    ``changes`` is what moved since the run before; None where that did not know the account. ``temperature`` is None
    where there is none. ``lot`` is what its term was drawn as for the play; None where nobody drew.
    """

    score: Score
    reasons: tuple[str, ...]
    play: Play
    changes: Changes | None = None
    temperature: Temperature | None = None
    lot: Lot | None = None

    @property
    def left_out(self) -> bool:
        """Whether it was left out of the play by chance."""
        return self.lot is not None and self.lot.arm == "holdout"

    @property
    def todo(self) -> str:
        """What to do about it."""
        return LEFT_OUT if self.left_out else self.play.todo


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """The items of one run, the first first; ``no_temperature`` says why they have none.

    ``stale`` says why they come from memory and not from the store.
    """

    run: Run
    items: tuple[Item, ...]
    no_temperature: str | None = None
    stale: str | None = None


def worklist(store: ScoreStore, choice: Choice, number: int | None = None) -> Worklist:
    """The chosen accounts of the latest run, or of the run of that number; StoreError when there is none."""
    run = latest(store) if number is None else store.run(number)
    if run is None:
        raise NoRunError(f"there is no run {number}; begin with the first page again")
    scores = store.scores(run, choice)
    moved = changed(store, run, scores)
    warm = store.temperatures(run, [score.account_id for score in scores])
    lots = Lots(store).of(scores)
    items = (
        replace(
            item(score, keeping=choice.bottom, changes=moved.get(score.account_id)),
            temperature=warm.get(score.account_id),
            lot=lots.get(score.account_id),
        )
        for score in scores
    )
    return Worklist(run=run, items=tuple(items), no_temperature=lacking(store.warmth(run)))


def lacking(warmth: Warmth | None) -> str | None:
    """Why a book has no temperatures; None where it has."""
    return NO_WARMTH if warmth is None else warmth.lacking


def changed(store: ScoreStore, run: Run, scores: Sequence[Score]) -> dict[str, Changes]:
    """What changed of each account since the run before; accounts that are new are left out."""
    earlier = store.before(run)
    if earlier is None:
        return {}
    before = store.scores_of(earlier, [score.account_id for score in scores])
    return {
        score.account_id: changes(run, score, earlier, before[score.account_id])
        for score in scores
        if score.account_id in before
    }


def latest(store: ScoreStore) -> Run:
    """The latest run; StoreError when nothing was scored yet."""
    run = store.latest()
    if run is None:
        raise StoreError("no scores yet; `ebb score` makes them")
    return run


def item(score: Score, *, keeping: bool = False, changes: Changes | None = None) -> Item:
    """One account as it stands in the worklist; ``keeping`` gives the reasons that lower the risk instead."""
    return Item(score=score, reasons=reasons(score, keeping=keeping), play=suggested(score), changes=changes)


def reasons(score: Score, *, keeping: bool = False) -> tuple[str, ...]:
    """The sentences of the drivers that raise the risk most (or lower it most), the strongest first."""
    sign = -1 if keeping else 1
    ranked = sorted(score.reasons, key=lambda reason: -sign * reason.contribution)
    return tuple(reason.sentence for reason in ranked if sign * reason.contribution > 0)[:REASONS]

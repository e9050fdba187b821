"""What a service still answers of a book while the score store is away: what it holds in memory, and no past."""

from dataclasses import replace
from functools import cached_property
from typing import Final

from serving.book import Run, Score
from serving.config import BandSettings
from serving.explained import Explained
from serving.rating import Peers, bare, rate
from serving.signal_book import SignalBook
from serving.store import Choice, placed
from serving.worklist import NoRunError, Worklist, item
from training.score import Scorer

AWAY: Final = "the score store is away"

NAMES: Final = ("owner", "segment", "plan", "band")


class LastGood:
    """The last good book, ranked when it is first asked for. Raises ModelError when model and book do not fit."""

    def __init__(self, *, scorer: Scorer, signals: SignalBook, peers: Peers, bands: BandSettings, run: Run):
        self.run = run
        self._scorer, self._signals, self._peers, self._bands = scorer, signals, peers, bands

    def worklist(self, choice: Choice, number: int | None) -> Worklist:
        """The ranked book, cut to the choice; NoRunError for any other run."""
        if number not in (None, self.run.number):
            raise NoRunError(f"run {number} is not at hand while the score store is away; begin with the first page")
        wanted = [score for score in self._ranked if _fits(score, choice)]
        if choice.bottom:
            wanted.sort(key=lambda score: (self._unknown(score), -(score.place or 0)))
        if choice.after is not None:
            wanted = [score for score in wanted if self._is_after(score, choice)]
        page = self._whole([score.account_id for score in wanted[: choice.limit]])
        return Worklist(
            run=self.run,
            items=tuple(item(score, keeping=choice.bottom) for score in page),
            no_temperature=AWAY,
            stale=AWAY,
        )

    def explained(self, account_id: str) -> Explained | None:
        """One account as it is now; None when it is not in the book."""
        if account_id not in self._signals.places:
            return None
        (score,) = self._whole([account_id])
        return Explained(run=self.run, score=score, history=((self.run, score.risk),), changes=None, lacks=AWAY)

    @cached_property
    def _ranked(self) -> tuple[Score, ...]:
        found = bare(self._scorer, self._signals, self._peers, self._bands)
        places = placed(self.run, found)
        ranked = (_at(score, places[score.account_id]) for score in found)
        return tuple(sorted(ranked, key=lambda score: score.place or 0))

    def _whole(self, account_ids: list[str]) -> list[Score]:
        """These accounts with their reasons."""
        if not account_ids:
            return []
        of = {score.account_id: score.place for score in self._ranked}
        places = [self._signals.places[name] for name in account_ids]
        found = rate(self._scorer, self._signals.rows(places), self._peers.of(places), self._bands)
        return [_at(score, of[score.account_id]) for score in found]

    def _unknown(self, score: Score) -> bool:
        return (score.arr_at_risk if self.run.usable else score.arr) is None

    def _is_after(self, score: Score, choice: Choice) -> bool:
        place, unknown = choice.after or (0, False)
        if not choice.bottom:
            return (score.place or 0) > place
        return (self._unknown(score), -(score.place or 0)) > (unknown, -place)


def _at(score: Score, place: int | None) -> Score:
    return replace(score, place=place)


def _fits(score: Score, choice: Choice) -> bool:
    if any(getattr(choice, name) not in (None, getattr(score, name)) for name in NAMES):
        return False
    days = score.days_to_renewal
    return choice.within_days is None or (days is not None and 0 <= days <= choice.within_days)

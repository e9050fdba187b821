"""One account explained: its score, its past, what changed, and what would lower the risk most."""

from dataclasses import dataclass, replace
from datetime import date

from serving.book import Run, Score, Temperature, Warmth
from serving.changes import Changes
from serving.lots import Lot, Lots
from serving.store import ScoreStore
from serving.worklist import Item, changed, item, lacking, latest
from training.levers import Lever


@dataclass(frozen=True, kw_only=True)
class Explained:
    """``history`` holds its risks in the runs so far, the latest first.

    ``changes`` is None where the run before did not know it.

    ``levers`` are empty where nothing would help, and where the book was scored by another model than the champion,
    which cannot be asked about it. ``survival`` is the chance to be still there after each renewal. ``warmth`` says
    what the temperature comes from, ``lot`` what its term was drawn as for the play; ``lacks`` why nothing but
    the score itself could be told.
    """

    run: Run
    score: Score
    history: tuple[tuple[Run, float], ...]
    changes: Changes | None
    levers: tuple[Lever, ...] = ()
    survival: tuple[tuple[date, float], ...] = ()
    temperature: Temperature | None = None
    warmth: Warmth | None = None
    lot: Lot | None = None
    lacks: str | None = None

    @property
    def item(self) -> Item:
        """The account as it stands in the worklist."""
        return replace(item(self.score, changes=self.changes), temperature=self.temperature, lot=self.lot)

    @property
    def no_temperature(self) -> str | None:
        """Why it has no temperature; None where it has."""
        return self.lacks or lacking(self.warmth)


def explained(store: ScoreStore, account_id: str, *, past: int) -> Explained | None:
    """What the store knows of an account; None when it is not in the latest book."""
    run = latest(store)
    score = store.score(run.number or 0, account_id)
    if score is None:
        return None
    return Explained(
        run=run,
        score=score,
        history=store.history(account_id, limit=past),
        changes=changed(store, run, [score]).get(account_id),
        temperature=store.temperatures(run, [account_id]).get(account_id),
        warmth=store.warmth(run),
        lot=Lots(store).of([score]).get(account_id),
    )

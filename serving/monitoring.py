"""The steps of `ebb monitor`: today's book against the year the champion learnt in, and what came of its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

from features.checks.stream import breaks
from features.facts import Facts
from features.hindsight import known_now
from features.snapshots import LEADS_BY_TERM, Mode, Renewal
from serving.config import Settings
from serving.progress import Progress
from serving.steps import mode_of
from serving.store import ScoreStore
from serving.watched_books import Books, learnt_until, watched_books
from training.journal import later_folds
from training.monitor import Judgement, Watched, judge
from training.months import drift_of
from training.promise import Comparison, Told, compare, promise, told
from training.tracking import Champion

BREAK_DAYS: Final = 84
"""How long a break of the recording counts: the window most signals look back over."""

NEAR: Final = 0.25
NEAR_DAYS: Final = 4
"""A score belongs to a look so many days before the end when it is off by at most a quarter, or half a week."""


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """One look at a champion in use: of what, what was seen, and the verdict."""

    champion: Champion
    cutoff: date
    books: Books
    seen: Watched
    judgement: Judgement

    @property
    def accounts(self) -> int:
        """How many accounts are open."""
        return int(self.books.of([self.books.today]).sum())

    @property
    def weights(self) -> dict[str, float]:
        """The share of what the model says that rests on each signal."""
        total = float(self.seen.moves.sum())
        return {str(name): float(move) / total if total else 0.0 for name, move in self.seen.moves.items()}


def monitor(facts: Facts, champion: Champion, settings: Settings, progress: Progress) -> Monitored:
    """Look at everything; nothing is written."""
    mode = mode_of(facts, settings)
    with progress.step("look for breaks of the recording"):
        found = breaks(facts, since=facts.cutoff - timedelta(days=BREAK_DAYS))
    with progress.step("compute today's book and those of the years to compare it with"):
        books = watched_books(facts, mode, champion)
    with progress.step(f"compare {books.signals.shape[1]} signals and the scores"):
        drifted, jumped = books.moved_from(books.learnt_in), books.moved_from(books.just_past)
    with progress.step("compare what was said with what came"):
        live, kept = _kept(facts, mode, champion, settings)
    seen = Watched(
        broken=[one.sentence for one in found],
        drifts=drifted,
        jumps=jumped,
        moves=books.moves,
        kept=kept,
        live=live,
        fresh=_fresh(facts, mode, champion),
        usable=champion.usable,
    )
    return Monitored(champion=champion, cutoff=facts.cutoff, books=books, seen=seen, judgement=judge(seen))


def _kept(facts: Facts, mode: Mode, champion: Champion, settings: Settings) -> tuple[Told, tuple[Comparison, ...]]:
    """What this version said in use with what came of it, and how that compares with its promise."""
    with ScoreStore(settings.store_url) as store:
        said = store.said_by(champion.version, settings.outcome.mode)
    said["cutoff"] = pd.to_datetime(said["cutoff"])
    outcomes = known_now(facts, mode, [day.date() for day in said["cutoff"].unique()])
    on = ["contract_id"] if isinstance(mode, Renewal) else ["account_id", "cutoff"]
    looks = at_leads(said, mode) if isinstance(mode, Renewal) else said.assign(lead_days=mode.horizon_days)
    live = told(looks, outcomes, on, pd.Timestamp(facts.cutoff))
    promised = promise(later_folds(settings.tracking_uri, champion.version))
    return live, compare(live, promised, drift_of(champion.scorer.about))


def at_leads(said: pd.DataFrame, mode: Renewal) -> pd.DataFrame:
    """Of each contract, the score said nearest to each of the lead times that training looks from.

    A score of every week would count one renewal many times, and some of them from farther away than was ever promised.
    """
    known = said[said["starts_on"].notna() & said["ends_on"].notna()]
    ends, starts = pd.to_datetime(known["ends_on"]), pd.to_datetime(known["starts_on"])
    leads = pd.Series([_leads(int(days), mode) for days in (ends - starts).dt.days], index=known.index, dtype=object)
    rows = known.assign(ends_on=ends, lead_days=leads).explode("lead_days").dropna(subset=["lead_days"])
    rows["lead_days"] = rows["lead_days"].astype(int)
    off = (rows["days_to_renewal"] - rows["lead_days"]).abs()
    rows = rows.assign(off=off)[off <= (NEAR * rows["lead_days"]).clip(lower=NEAR_DAYS)]
    nearest = rows.sort_values(["off", "cutoff"], kind="stable").drop_duplicates(["contract_id", "lead_days"])
    return nearest.drop(columns=["off", "days_to_renewal", "starts_on"]).reset_index(drop=True)


def _leads(term_days: int, mode: Renewal) -> Sequence[int]:
    fitting = next((leads for least, leads in LEADS_BY_TERM if term_days >= least), ())
    return [days for days in mode.lead_days or fitting if days < term_days]


def _fresh(facts: Facts, mode: Mode, champion: Champion) -> tuple[int, int]:
    """(losses, others) decided since the last outcome the champion learnt from."""
    cutoffs = [] if isinstance(mode, Renewal) else [facts.cutoff - timedelta(days=mode.horizon_days)]
    outcomes = known_now(facts, mode, cutoffs)
    later = outcomes[pd.to_datetime(outcomes["decided_on"]) > learnt_until(champion, pd.Timestamp(facts.cutoff))]
    lost = int((later["left"] == 1).sum())
    return lost, len(later) - lost

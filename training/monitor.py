"""Watching a champion in use: whether the world moved, whether it keeps its promise, whether the data is whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from training.drift import SignalDrift, share_of
from training.promise import Comparison, Told, enough
from training.split import LEAST_OF_EACH

Verdict = Literal["fine", "wait", "retrain now", "mend the data first"]

LARGE_SHARE: Final = 0.2
"""Share of what the model says that must rest on drifted signals before they call for a new one: a fifth."""

MANY: Final = 0.05
"""Share of all signals that never move at once by chance: months of a quiet market show one in a hundred at most."""

FEW: Final = 0.02
LITTLE: Final = 0.05
"""Shares of all signals, and of what the model says, that may move without a word: chance moves as many."""

RISK: Final = "risk"
"""The name of the scores themselves among the drifts."""

NAMED: Final = 3


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What there is to judge from.

    ``broken`` are sentences about recording that broke off. ``drifts`` compare the signals and `RISK` with the year the
    champion learnt in, ``jumps`` with the year just past. ``moves`` (signals,) is how much each moves the log-odds on
    average. ``kept`` compares ``live`` with the promise. ``fresh`` are (losses, others) decided since the champion
    learnt; ``usable`` says whether it has any signal.
    """

    broken: Sequence[str]
    drifts: Sequence[SignalDrift]
    jumps: Sequence[SignalDrift]
    moves: pd.Series
    kept: Sequence[Comparison]
    live: Told
    fresh: tuple[int, int]
    usable: bool = True

    @property
    def dead(self) -> list[str]:
        """Signals that are not filled any more."""
        return list(dict.fromkeys(one.name for one in (*self.jumps, *self.drifts) if one.dead and one.name != RISK))

    @property
    def drifted(self) -> list[str]:
        """Signals that drifted from what the champion learnt from, those that the model looks at most first."""
        return self._first(self.drifts)

    @property
    def jumped(self) -> list[str]:
        """Signals that moved at once, against all that they did in the year just past."""
        return self._first(self.jumps)

    def share(self, names: Sequence[str]) -> float:
        """How much of what the model says rests on some signals."""
        return share_of(names, self.moves)

    def matters(self, moved: Sequence[SignalDrift]) -> bool:
        """Whether the scores themselves moved, or signals on which a good part of them rests."""
        risk = any(one.drifted for one in moved if one.name == RISK)
        return risk or self.share(self._first(moved)) >= LARGE_SHARE

    def _first(self, moved: Sequence[SignalDrift]) -> list[str]:
        names = [one.name for one in moved if one.drifted and one.name != RISK]
        return sorted(names, key=lambda name: -float(self.moves.get(name, 0.0)))


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict, and why in one sentence."""

    verdict: Verdict
    reason: str

    @property
    def exit_code(self) -> int:
        """What a scheduled job sees."""
        return EXIT_CODES[self.verdict]


EXIT_CODES: Final[Mapping[Verdict, int]] = {"fine": 0, "wait": 0, "retrain now": 3, "mend the data first": 4}


def judge(seen: Watched) -> Judgement:
    """Whole data first: what is learnt from broken data is broken. Then the promise, then drift that matters."""
    if seen.broken or seen.dead:
        return Judgement(verdict="mend the data first", reason=_broken(seen))
    if seen.matters(seen.jumps) or len(seen.jumped) > MANY * len(seen.moves):
        reason = f"{_moved(seen, seen.jumps, 'moved at once')}: was the recording changed? If the world did, wait for"
        return Judgement(verdict="mend the data first", reason=f"{reason} its outcomes and retrain")
    broken = [one.sentence for one in seen.kept if one.broken]
    if broken:
        return Judgement(verdict="retrain now", reason=f"what it said did not come true: {'; '.join(broken)}")
    learnable = min(seen.fresh) >= LEAST_OF_EACH
    if not seen.usable:
        reason = f"it has no usable signal, and {_fresh(seen)} since it learnt"
        return Judgement(verdict="retrain now" if learnable else "wait", reason=reason)
    drifted = _moved(seen, seen.drifts, "drifted")
    if seen.matters(seen.drifts):
        if learnable:
            return Judgement(verdict="retrain now", reason=f"{drifted}; {_fresh(seen)} since to learn from")
        reason = f"{drifted}, but only {_fresh(seen)} since it learnt: there is too little new to learn from"
        return Judgement(verdict="wait", reason=reason)
    told, names = drifted or _moved(seen, seen.jumps, "moved at once"), {*seen.drifted, *seen.jumped}
    if told and len(names) <= FEW * len(seen.moves) and seen.share(list(names)) < LITTLE:
        return Judgement(verdict="fine", reason=f"{told}: no more than chance makes; {_promised(seen)}")
    if told:
        return Judgement(verdict="wait", reason=f"{told}: too little to act on; {_promised(seen)}")
    return Judgement(verdict="fine", reason=f"{_steady(seen)}; {_promised(seen)}")


def _broken(seen: Watched) -> str:
    told = list(seen.broken)
    if seen.dead:
        told.append(f"{_listed(seen.dead)} {'is' if len(seen.dead) == 1 else 'are'} not filled as before")
    more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return "; ".join(told[:NAMED]) + more


def _moved(seen: Watched, moved: Sequence[SignalDrift], how: str) -> str:
    """Which moved, in words; nothing where none did."""
    names = [one.name for one in moved if one.drifted]
    parts = [f"the scores {how}"] if RISK in names else []
    if signals := seen.jumped if moved is seen.jumps else seen.drifted:
        parts.append(
            f"{len(signals)} of {len(seen.moves)} signals {how} ({_listed(signals)}), on which "
            f"{seen.share(signals):.0%} of what the model says rests"
        )
    return " and ".join(parts)


def _steady(seen: Watched) -> str:
    if not seen.drifts:
        return "too few months or accounts to tell drift from habit"
    return f"none of {len(seen.moves)} signals drifted beyond what the year before explains, nor did the scores"


def _promised(seen: Watched) -> str:
    if not enough(seen.live):
        return (
            f"too few outcomes of its own scores to judge them: {seen.live.lost:.0f} left and {seen.live.stayed:.0f} "
            f"stayed, {LEAST_OF_EACH} of each are needed"
        )
    return f"what it said came true as promised ({seen.kept[0].sentence})"


def _fresh(seen: Watched) -> str:
    return f"{sum(seen.fresh):,} outcomes ({seen.fresh[0]:,} left) were decided"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

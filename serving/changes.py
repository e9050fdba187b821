"""What changed since the last score: the difference of each driver's share between two runs of the same model."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from serving.book import Reason, Run, Score

LEAST: Final = 0.05
"""A share that moved by less, in log-odds, did not change: it is about one point of risk at even odds."""

TOLD: Final = 2
"""How many changes stand beside an account."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One family's share of the log-odds, then and now; ``sentence`` is what is said of it now."""

    family: str
    before: float
    now: float
    sentence: str

    @property
    def difference(self) -> float:
        """Above 0: it raises the risk more than it did."""
        return self.now - self.before


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How one account's risk moved since an earlier run, and which families moved it, the furthest first.

    ``base`` is what its term and date alone moved. ``incomparable`` says why there are no families to tell of: another
    model gives other shares, and their difference would be no reason.
    """

    since: date
    risk_before: float
    risk: float
    base: float
    families: tuple[Change, ...]
    incomparable: str | None = None


def changes(run: Run, score: Score, earlier: Run, before: Score) -> Changes:
    """What changed from an earlier run to this one."""
    if (earlier.model_name, earlier.model_version) != (run.model_name, run.model_version):
        why = f"the model changed from version {earlier.model_version} to {run.model_version}"
        return Changes(
            since=earlier.cutoff, risk_before=before.risk, risk=score.risk, base=0.0, families=(), incomparable=why
        )
    then, now = _by_family(before), _by_family(score)
    moved = [
        Change(
            family=family,
            before=then[family].contribution if family in then else 0.0,
            now=now[family].contribution if family in now else 0.0,
            sentence=now[family].sentence if family in now else f"No more: {then[family].sentence}",
        )
        for family in dict.fromkeys((*now, *then))
    ]
    told = sorted((one for one in moved if abs(one.difference) >= LEAST), key=lambda one: -abs(one.difference))
    return Changes(
        since=earlier.cutoff,
        risk_before=before.risk,
        risk=score.risk,
        base=score.base - before.base,
        families=tuple(told),
    )


def told(found: Changes) -> tuple[str, ...]:
    """What changed, in sentences: the families that moved the risk its way, the furthest first."""
    if found.incomparable:
        return (f"{found.incomparable} since {found.since}, so shares cannot be compared",)
    way = 1 if found.risk >= found.risk_before else -1
    return tuple(one.sentence for one in found.families if way * one.difference > 0)[:TOLD]


def _by_family(score: Score) -> dict[str, Reason]:
    return {reason.family: reason for reason in score.reasons}

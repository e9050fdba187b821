"""Small drawings made of numbers alone: a risk over time, and signed bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from serving.book import Reason, Run, Score
from training.forecast import Month

WIDTH, HEIGHT = 640.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 14.0, 12.0, 26.0
STEPS: Final = (0.02, 0.05, 0.1, 0.2, 0.25)


@dataclass(frozen=True, kw_only=True)
class Over:
    """A line over time: where its points stand, its area, and the marks of both axes (place, text)."""

    path: str
    area: str
    points: tuple[tuple[float, float, str], ...]
    across: tuple[tuple[float, str], ...]
    along: tuple[tuple[float, str, str], ...]
    base: float
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT


def over_time(history: Sequence[tuple[Run, float]], base: float) -> Over | None:
    """The risks of the runs so far, the latest first; None where there is but one."""
    told = sorted({run.cutoff: risk for run, risk in reversed(history)}.items())
    if len(told) < 2:
        return None
    top = max(0.1, *(risk for _, risk in told), base) * 1.1
    step = next((one for one in STEPS if top / one <= 5), STEPS[-1])
    first, last = told[0][0], told[-1][0]
    ground = HEIGHT - BOTTOM

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / ((last - first).days or 1)

    def y(risk: float) -> float:
        return TOP + (ground - TOP) * (1 - risk / top)

    points = tuple((x(day), y(risk), f"{day:%-d %b %Y}: {100 * risk:.0f} %") for day, risk in told)
    path = "M" + " L".join(f"{at:.1f} {up:.1f}" for at, up, _ in points)
    return Over(
        path=path,
        area=f"{path} L{points[-1][0]:.1f} {ground} L{points[0][0]:.1f} {ground} Z",
        points=points,
        across=tuple((y(step * k), f"{100 * step * k:.0f} %") for k in range(math.floor(top / step) + 1)),
        along=((LEFT, f"{first:%-d %b %Y}", "start"), (WIDTH - RIGHT, f"{last:%-d %b %Y}", "end")),
        base=y(base),
    )


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One driver as a bar from the middle of 0 to 100; ``times`` is what it does to the odds of leaving."""

    reason: Reason
    start: float
    width: float
    times: float

    @property
    def raises(self) -> bool:
        """Whether it raises the risk."""
        return self.reason.contribution > 0


def bars(score: Score) -> tuple[Bar, ...]:
    """The drivers, the strongest first, on one scale."""
    most = max((abs(reason.contribution) for reason in score.reasons), default=0.0) or 1.0
    found = []
    for reason in sorted(score.reasons, key=lambda one: -abs(one.contribution)):
        width = 49 * abs(reason.contribution) / most
        start = 50.0 if reason.contribution > 0 else 50 - width
        found.append(Bar(reason=reason, start=start, width=max(width, 0.5), times=math.exp(reason.contribution)))
    return tuple(found)


def share(log_odds: float) -> float:
    """The probability of log-odds.

    >>> share(0.0)
    0.5
    """
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, log_odds))))


@dataclass(frozen=True, kw_only=True)
class Span:
    """A month with where its interval of ARR at risk stands on one scale of 0 to 100."""

    month: Month
    low: float
    mid: float
    wide: float


def spans(months: Sequence[Month]) -> tuple[Span, ...]:
    """The months on one scale."""
    most = max((month.at_risk.high_80 for month in months), default=0.0) or 1.0
    return tuple(
        Span(
            month=month,
            low=98 * month.at_risk.low_80 / most,
            mid=98 * month.at_risk.expected / most,
            wide=98 * (month.at_risk.high_80 - month.at_risk.low_80) / most,
        )
        for month in months
    )

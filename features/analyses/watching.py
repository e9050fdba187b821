"""Falls of use found day by day: each account against its own usual weeks, with what moves everybody taken out.

A day's expectation is the account's level of one to three months before, times its own weekday, times what all others
do on that day (who is compared is left out). One to three weeks below it are a fall when it is both
large and rarer than the account's noise makes it. Only days up to the one looked from are used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WINDOWS: Final = (7, 14, 21)
"""Whole weeks, so that weekdays compare."""

BASE: Final = (28, 84)
"""The days before that tell the usual level: far enough back that a slow decline has not lowered it yet."""

FEWEST_BASE_DAYS: Final = 21
RAMP_DAYS: Final = 14
"""The first two weeks of an account tell nothing of its usual level."""

REST_DAYS: Final = 28
"""After a fall has ended, the next one of the same account begins no sooner."""

RECOVERED: Final = 0.8
MEMORY: Final = 1 - 1 / 56
"""Weekday profiles forget with a time constant of eight weeks."""

FLEET_WEEKS: Final = 2.0
"""The fleet's weekday profile counts as so many weeks of the account's own."""

CROWD: Final = 10.0
"""So many events as expected are added to what the fleet did, so that a small fleet is not believed too much."""

BURST: Final = 4.0
"""Beyond so many times what was expected, a day's use does not count towards the fleet's."""

LARGE: Final = 0.9
"""An account above this quantile counts towards the fleet as one at it."""

NOISE_WEEKS: Final = 52
FIRST_NOISE: Final = (1.5, 0.04)
"""Until weeks have told: counts vary half as much again as by chance, and weeks differ by a fifth."""

LEAST_BY_WEEK: Final = 1e-3

FEWEST_WEEKS: Final = 200
"""Account-weeks needed to tell the noise."""

HANDED_OVER: Final = (1.5, 0.25)
"""Where integrations do half as much again as before, and gained a quarter of what people do less, they took over."""

MAD: Final = 0.6745
"""The median distance from the middle, in standard deviations of a normal variable."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What counts as a fall: use below ``1 - drop`` of what is expected, ``sure`` standard deviations away.

    Accounts of which fewer than ``least`` events are expected in the window are left in silence.
    """

    drop: float = 0.35
    sure: float = 3.3
    least: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Fall:
    """One fall: account (its place), first and last day (None: still on), and how it looked on its first day."""

    account: int
    began: int
    ended: int | None
    window: int
    expected: float
    seen: float
    strength: float
    fleet: float


@dataclass(frozen=True, kw_only=True)
class Watched:
    """All ``falls``, by day; ``fleet`` (days,) is use of all against what was expected; ``expected`` (days, n) of each.

    ``handed_over`` counts falls of people whose work integrations took over.
    """

    falls: tuple[Fall, ...]
    fleet: Floats
    expected: Floats
    handed_over: int


def watch(use: Floats, present: Flags, rule: Rule, *, instead: Floats | None = None) -> Watched:
    """Go through the days; ``use`` and ``present`` (days, n): events, and whether the account is a customer that day.

    ``instead`` (days, n): use that explains a fall where it rises, as that of integrations explains one of people.
    """
    state = _State(use.shape)
    falls: list[Fall] = []
    handed = 0
    for day in range(len(use)):
        state.see(day, use[day], present[day])
        found, taken_over = state.judge(day, rule, instead)
        handed += taken_over
        falls.extend(found)
    falls.extend(state.still_on())
    ordered = sorted(falls, key=lambda fall: (fall.began, -fall.strength, fall.account))
    return Watched(falls=tuple(ordered), fleet=state.fleet, expected=state.expected, handed_over=handed)


class _State:
    """What is known up to a day."""

    def __init__(self, shape: tuple[int, int]):
        days, many = shape
        self.fleet, self.expected = np.ones(days), np.zeros(shape)
        self._used, self._exposed = np.zeros((days + 1, many)), np.zeros((days + 1, many))
        self._there = np.zeros((days + 1, many))
        self._fleet_sum = np.zeros(days + 1)
        self._weekday, self._all_weekday = np.zeros((7, many)), np.ones(7)
        self._noise: list[Floats] = []
        self._spread = FIRST_NOISE
        self._on: dict[int, Fall] = {}
        self._silent: set[int] = set()
        self._rested = np.full(many, -1)

    def see(self, day: int, use: Floats, present: Flags) -> None:
        """Take a day in: what all did, what each was exposed to, and the weekdays."""
        profile = self._profile(day)
        there = self._there[day] + present
        level = self._level(day)
        usual = np.where(present & (level > 0) & (there > FEWEST_BASE_DAYS), level * profile, 0.0)
        fleet, others = _fleet(use, usual)
        exposed = np.where(present & (there > RAMP_DAYS), profile * others, 0.0)
        self.fleet[day] = fleet
        self.expected[day] = level * profile * others
        self._there[day + 1] = there
        self._used[day + 1] = self._used[day] + np.where(exposed > 0, use, 0.0)
        self._exposed[day + 1] = self._exposed[day] + exposed
        self._fleet_sum[day + 1] = self._fleet_sum[day] + fleet
        self._weekday *= MEMORY
        self._weekday[day % 7] += use
        self._all_weekday = self._all_weekday * MEMORY
        self._all_weekday[day % 7] += use.sum()

    def judge(self, day: int, rule: Rule, instead: Floats | None) -> tuple[list[Fall], int]:
        """Falls that ended on a day, and how many that began were work handed over; new ones are kept in mind."""
        if day < BASE[0] + FEWEST_BASE_DAYS:
            return [], 0
        looks = [self._look(day, window) for window in WINDOWS]
        if day % 7 == 6:
            self._learn_noise(looks[0])
        ratios = np.stack([look.ratio for look in looks])
        strengths = np.stack([np.where(look.expected >= rule.least, look.strength, 0.0) for look in looks])
        strengths = np.where(ratios <= 1 - rule.drop, strengths, 0.0)
        present = self._there[day + 1] > self._there[day]
        best = strengths.argmax(axis=0)
        strength = strengths.max(axis=0)
        ended = self._end(day, looks[-1].ratio, present)
        new = np.flatnonzero((strength >= rule.sure) & present & (self._rested < day))
        handed = 0
        for account in new:
            if int(account) in self._on:
                continue
            look = looks[best[account]]
            if instead is not None and self._handed_over(day, int(account), look, instead):
                self._silent.add(int(account))
                handed += 1
            self._on[int(account)] = look.fall(int(account), day)
        return ended, handed

    def still_on(self) -> Iterator[Fall]:
        """Falls that have not ended."""
        yield from (fall for account, fall in self._on.items() if account not in self._silent)

    def _end(self, day: int, ratio: Floats, present: Flags) -> list[Fall]:
        over = [account for account in self._on if ratio[account] >= RECOVERED or not present[account]]
        self._rested[over] = day + REST_DAYS
        gone = [self._on.pop(account) for account in over]
        told = [Fall(**{**vars(fall), "ended": day}) for fall in gone if fall.account not in self._silent]
        self._silent.difference_update(over)
        return told

    def _profile(self, day: int) -> Floats:
        """What each account does on this weekday, beside its average day; leaning on the fleet's where it is new."""
        weeks = np.minimum(self._there[day] / 7, 8.0)
        own = self._weekday[day % 7] / np.maximum(self._weekday.sum(axis=0), 1e-9)
        fleet = self._all_weekday[day % 7] / self._all_weekday.sum()
        return np.asarray(7 * (weeks * own + FLEET_WEEKS * fleet) / (weeks + FLEET_WEEKS))

    def _level(self, day: int) -> Floats:
        """Events on an average day of the base before a day; of younger accounts, of all days so far."""
        first, last = max(0, day - BASE[1]), max(0, day - BASE[0])
        used, exposed = self._used[last] - self._used[first], self._exposed[last] - self._exposed[first]
        young = exposed < FEWEST_BASE_DAYS / 2
        used = np.where(young, self._used[day], used)
        exposed = np.where(young, self._exposed[day], exposed)
        return np.asarray(np.divide(used, exposed, out=np.zeros(len(used)), where=exposed > 0))

    def _look(self, day: int, window: int) -> "_Look":
        first, last, since = max(0, day + 1 - BASE[1]), max(0, day + 1 - BASE[0]), day + 1 - window
        base_used, base = self._used[last] - self._used[first], self._exposed[last] - self._exposed[first]
        enough = self._there[last] - self._there[first] >= FEWEST_BASE_DAYS
        seen = self._used[day + 1] - self._used[since]
        exposed = self._exposed[day + 1] - self._exposed[since]
        level = np.divide(base_used, base, out=np.zeros(len(seen)), where=enough & (base > 0))
        expected = level * exposed
        ratio = np.divide(seen, expected, out=np.ones(len(seen)), where=expected > 0)
        by_event, by_week = self._spread
        noise = (
            by_event * (1 + expected / np.maximum(base_used, 1e-9)),
            by_week * (7 / window + 7 / (BASE[1] - BASE[0])),
        )
        usual = (self._fleet_sum[last] - self._fleet_sum[first]) / max(last - first, 1)
        fleet = (self._fleet_sum[day + 1] - self._fleet_sum[since]) / window / max(usual, 1e-9)
        return _Look(
            window=window,
            expected=expected,
            seen=seen,
            ratio=ratio,
            strength=_strength(seen, expected, *noise),
            fleet=float(fleet),
            noise=np.stack([expected, ratio - 1], axis=1)[expected > 1],
        )

    def _learn_noise(self, look: "_Look") -> None:
        """How much weeks differ, apart from what counting alone makes: from large and small accounts, by medians."""
        self._noise = [*self._noise, look.noise][-NOISE_WEEKS:]
        weeks = np.concatenate(self._noise)
        if len(weeks) < FEWEST_WEEKS:
            return
        few = 1 / weeks[:, 0]
        small = few > np.median(few)
        squared = [(np.median(np.abs(weeks[part, 1])) / MAD) ** 2 for part in (small, ~small)]
        rarity = [float(np.median(few[part])) for part in (small, ~small)]
        by_event = max(1.0, (squared[0] - squared[1]) / max(rarity[0] - rarity[1], 1e-9))
        self._spread = (float(by_event), float(max(0.0, squared[1] - by_event * rarity[1])))

    def _handed_over(self, day: int, account: int, look: "_Look", instead: Floats) -> bool:
        """Whether the other kind of use rose much, and by a good part of what is missing."""
        since, first, last = day + 1 - look.window, max(0, day + 1 - BASE[1]), day + 1 - BASE[0]
        before = float(instead[first:last, account].mean() * look.window)
        now = float(instead[since : day + 1, account].sum())
        missing = float(look.expected[account] - look.seen[account])
        return now >= HANDED_OVER[0] * before and now - before >= HANDED_OVER[1] * missing


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A window against what was expected of it, (n,) each; ``noise`` (m, 2): expected, and the ratio less one."""

    window: int
    expected: Floats
    seen: Floats
    ratio: Floats
    strength: Floats
    fleet: float
    noise: Floats

    def fall(self, account: int, day: int) -> Fall:
        """The fall of one account that begins on a day."""
        return Fall(
            account=account,
            began=day,
            ended=None,
            window=self.window,
            expected=float(self.expected[account]),
            seen=float(self.seen[account]),
            strength=float(self.strength[account]),
            fleet=self.fleet,
        )


def _strength(seen: Floats, expected: Floats, by_event: Floats, by_week: float) -> Floats:
    """How far below what was expected, in standard deviations: the signed root of a negative binomial deviance.

    Counts vary by ``by_event`` times their mean and, beyond that, by ``by_week`` times its square (McCullagh and
    Nelder, 1989, on deviance residuals): where little is expected, a normal score would hardly ever reach far.
    """
    count, mean = seen / by_event, np.maximum(expected, 1e-9) / by_event
    size = 1 / max(by_week, LEAST_BY_WEEK)
    own = np.where(count > 0, count * np.log(np.where(count > 0, count, 1.0) / mean), 0.0)
    deviance = 2 * (own - (count + size) * np.log((count + size) / (mean + size)))
    return np.asarray(np.sign(mean - count) * np.sqrt(np.maximum(deviance, 0.0)))


def _fleet(use: Floats, usual: Floats) -> tuple[float, Floats]:
    """What all did against what was expected of them, and for each account what all others did."""
    counted = usual > 0
    if not counted.any():
        return 1.0, np.ones(len(use))
    held = np.minimum(1.0, np.quantile(usual[counted], LARGE) / np.maximum(usual, 1e-9))
    did = np.where(counted, held * np.minimum(use, BURST * usual + CROWD), 0.0)
    would = np.where(counted, held * usual, 0.0)
    whole = (did.sum() + CROWD) / (would.sum() + CROWD)
    others = (did.sum() - did + CROWD) / (would.sum() - would + CROWD)
    return float(whole), np.asarray(others)

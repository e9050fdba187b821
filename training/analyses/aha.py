"""Aha thresholds: "k times feature F within the first d days", scanned on earlier cohorts and tested on later ones."""

from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import outcomes
from features.analyses.answer import Answer, Field, Sheet, percent
from features.analyses.early_use import NAME, EarlyUse, early_use
from features.errors import SettingsError
from features.facts import Facts
from training.adjusted import Differences, controls, differences
from training.analyses.aha_charts import chart
from training.analyses.sticky import WARNING
from training.survival import holm

EARLIER: Final = 0.5
"""Thresholds are chosen on the earlier half of those who began, and tested on the later half, who are others."""

CANDIDATES: Final = 3
"""So many features, each with its best threshold, are tested on later cohorts; Holm keeps the chance of any claim."""

PROOF: Final = 0.05
STAY_DAYS: Final = {"account": 400, "user": 28}
"""Who is there so many days after the start stays: accounts past the first renewal of a year's term."""

FEWEST_LEFT: Final = 10
HOLDS, FAILED, UNTESTED = "holds", "does not hold later", "not tested"

SCAN: Final = (
    Field(name="feature", title="feature", kind="text", meaning="the event"),
    Field(name="times", title="times", kind="whole", meaning="done at least so often"),
    Field(name="days", title="in days", kind="whole", meaning="within so many first days"),
    Field(name="finding", title="finding", kind="text", meaning=f"{HOLDS}, {FAILED} or {UNTESTED}"),
    Field(name="reached", title="reach it", kind="share", meaning="of the later ones"),
    Field(name="stayed", title="stayed", kind="share", meaning="of the later ones who reached it"),
    Field(name="others", title="without", kind="share", meaning="stayed of the later ones who did not"),
    Field(name="lift", title="lift", kind="number", meaning="stayed of those who reached it, over all later ones"),
    Field(name="difference", title="adjusted", kind="share", meaning="later: size, segment and other use held still"),
    Field(name="low", title="at least", kind="share", meaning="lower end of its 95 % interval"),
    Field(name="high", title="at most", kind="share", meaning="upper end of its 95 % interval"),
    Field(name="earlier", title="earlier", kind="share", meaning="adjusted difference where it was chosen", apart=True),
    Field(name="p", title="p", kind="number", meaning="later, one-sided, adjusted after Holm", apart=True),
)


@dataclass(frozen=True, kw_only=True)
class Aha:
    """Thresholds ``times`` within the first ``days``, for accounts or people, who stay if there ``stay_days`` later.

    ``unit`` None: accounts where there are contracts, else people. ``stay_days`` None: those of `STAY_DAYS`.
    Both sides of a threshold need ``fewest``. Raises SettingsError.
    """

    unit: Literal["account", "user"] | None = None
    times: tuple[int, ...] = (1, 2, 3, 5, 8, 13, 21, 34)
    days: tuple[int, ...] = (7, 14, 28)
    stay_days: int | None = None
    fewest: int = 20

    def __post_init__(self) -> None:
        if self.unit not in ("account", "user", None):
            raise SettingsError(f"unit = {self.unit!r}: it is account or user")
        if not self.times or not self.days or min(*self.times, *self.days, 1) < 1:
            raise SettingsError(f"times = {self.times}, days = {self.days}: whole numbers from 1")
        if self.stay_days is not None and self.stay_days < max(self.days):
            raise SettingsError(
                f"stay_days = {self.stay_days}: it cannot end before the first {max(self.days)} days do"
            )
        if self.fewest < 5:
            raise SettingsError(f"fewest = {self.fewest}: at least 5")


def aha(facts: Facts, asked: Aha | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """The best threshold of every feature, the best few of them tested on later cohorts. Raises DataError."""
    asked = _settled(facts, asked or Aha())
    assert asked.unit is not None
    assert asked.stay_days is not None
    early = early_use(facts, asked.unit, tuple(sorted(asked.days)), asked.stay_days, grace_days=grace_days)
    scan = scanned(early, asked)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(scan, early, asked),
        sheets=(Sheet(name="thresholds", fields=SCAN, frame=scan, most=10),),
        chart=chart(early, scan, asked.times, asked.days) if len(scan) else None,
        asked=asdict(asked),
    )


def _settled(facts: Facts, asked: Aha) -> Aha:
    """What was asked, with who is followed and how long."""
    unit = asked.unit or ("account" if facts.knows("contracts") else "user")
    stay_days = STAY_DAYS[unit] if asked.stay_days is None else asked.stay_days
    if stay_days < max(asked.days):
        raise SettingsError(f"days = {asked.days}: the first {max(asked.days)} days end after day {stay_days}")
    return replace(asked, unit=unit, stay_days=stay_days)


@dataclass(frozen=True, kw_only=True)
class _Threshold:
    feature: str
    days: int
    times: int
    reached: NDArray[np.bool_]
    rest: NDArray[np.float64]


def scanned(early: EarlyUse, asked: Aha) -> pd.DataFrame:
    """Every feature's best threshold by the earlier ones, the clearest first; the first few tested on the later ones.

    Where nothing matters, any threshold "holds" in at most `PROOF` of books.
    """
    n = len(early.entities)
    earlier = np.arange(n) < int(EARLIER * n)
    best: dict[str, tuple[float, float, _Threshold]] = {}
    met: set[tuple[str, bytes]] = set()
    for (feature, days), done in early.counts.groupby(["feature", "days"]):
        fresh = []
        for one in _thresholds(early, str(feature), int(str(days)), done, asked):
            # Of thresholds that the very same reach, the one within fewer days says more.
            same = one.feature, one.reached.tobytes()
            fresh += [] if same in met else [one]
            met.add(same)
        for one, found in _compared(early, fresh, earlier, asked.fewest):
            rank = float(found.p[0])
            if found.difference[0] > 0 and (one.feature not in best or rank < best[one.feature][0]):
                best[one.feature] = rank, float(found.difference[0]), one
    chosen = sorted(best.values(), key=lambda row: (row[0], row[2].feature))
    tested: dict[str, Differences] = {}
    for _, _, best_one in chosen:
        if len(tested) < CANDIDATES:
            tested |= {one.feature: found for one, found in _compared(early, [best_one], ~earlier, asked.fewest)}
    p = holm({name: float(d.p[0] / 2 if d.difference[0] > 0 else 1 - d.p[0] / 2) for name, d in tested.items()})
    rows = [_row(early, one, first, ~earlier, tested.get(one.feature), p.get(one.feature)) for _, first, one in chosen]
    return pd.DataFrame(rows, columns=[field.name for field in SCAN])


def _thresholds(early: EarlyUse, feature: str, days: int, rows: pd.DataFrame, asked: Aha) -> list[_Threshold]:
    n = len(early.entities)
    times, rest = np.zeros(n), np.zeros(n)
    times[rows["entity"].to_numpy()] = rows["times"].to_numpy()
    within = early.counts[early.counts["days"] == days]
    np.add.at(rest, within["entity"].to_numpy(), within["times"].to_numpy())
    made = []
    for k in sorted(asked.times):
        reached = times >= k
        if min(reached.sum(), n - reached.sum()) >= 2 * asked.fewest:
            made.append(_Threshold(feature=feature, days=days, times=k, reached=reached, rest=rest - times))
    return made


def _compared(
    early: EarlyUse, ones: list[_Threshold], rows: NDArray[np.bool_], fewest: int
) -> list[tuple[_Threshold, Differences]]:
    """The adjusted difference in staying among some, for thresholds of one feature and span.

    Those that too few reached, or did not, are left out; all are where too few left.
    """
    these, able = early.entities[rows], []
    stayed = these["stayed"].to_numpy()
    for one in ones:
        many = int(one.reached[rows].sum())
        able += [one] if min(many, len(these) - many) >= fewest else []
    if not able or min(stayed.sum(), (1 - stayed).sum()) < FEWEST_LEFT:
        return []
    account = pd.factorize(these["account_id"])[0].astype(np.int64)
    numbers = pd.DataFrame({"size": these["size"].to_numpy(), "rest": able[0].rest[rows]})
    uses = np.column_stack([one.reached[rows] for one in able]).astype(np.float64)
    found = differences(stayed, uses, controls(numbers, these[["segment"]]), account)
    parts = (found.difference, found.low, found.high, found.p)
    split = zip(able, *(np.split(part, len(able)) for part in parts), strict=True)
    return [
        (one, Differences(difference=difference, low=low, high=high, p=p))
        for one, difference, low, high, p in split
        if not np.isnan(p[0])
    ]


def _row(
    early: EarlyUse,
    one: _Threshold,
    first: float,
    rows: NDArray[np.bool_],
    found: Differences | None,
    p: float | None,
) -> tuple[object, ...]:
    stayed, reached = early.entities["stayed"].to_numpy()[rows], one.reached[rows]
    inside, outside, whole = (
        float(part.mean()) if part.size else np.nan for part in (stayed[reached], stayed[~reached], stayed)
    )
    adjusted = (np.nan,) * 3 if found is None else (found.difference[0], found.low[0], found.high[0])
    finding = UNTESTED if p is None else HOLDS if p <= PROOF else FAILED
    lift = inside / whole if whole else np.nan
    share = float(reached.mean()) if reached.size else np.nan
    told = (one.feature, one.times, one.days, finding, share, inside, outside, lift)
    return (*told, *adjusted, first, np.nan if p is None else p)


def _says(scan: pd.DataFrame, early: EarlyUse, asked: Aha) -> tuple[str, ...]:
    who = "accounts" if asked.unit == "account" else "people"
    n, left = len(early.entities), int((1 - early.entities["stayed"]).sum())
    of = f"{n:,} {who} whose first {asked.stay_days} days have passed, {left:,} of whom did not stay"
    if scan.empty:
        return (f"Nothing can be said of any threshold: there are {of}.",)
    holds = scan[scan["finding"] == HOLDS]
    if holds.empty:
        return (f"No threshold of early use holds on later cohorts: of {of}.", WARNING)
    lines = [
        f"{row['feature']} at least {row['times']} times in the first {row['days']} days: of the later {who} "
        f"{percent(row['reached'])} reach it; {percent(row['stayed'])} of them stay, {percent(row['others'])} of the "
        f"others (lift {row['lift']:.2f}; adjusted {100 * row['difference']:.0f} points, {100 * row['low']:.0f} to "
        f"{100 * row['high']:.0f})."
        for row in holds.to_dict("records")
    ]
    return (*lines, f"Chosen among {of}: on the earlier half, tested on the later half.", WARNING)

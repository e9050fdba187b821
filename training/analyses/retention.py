"""Retention: the share that comes back, period after period, and how long accounts stay, with intervals, by group."""

from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd

from features import outcomes
from features.analyses.answer import Answer, Field, Sheet, percent
from features.analyses.returning import LENGTHS, NAME, Returning, returning
from features.analyses.tenures import WHOLE, tenures
from features.facts import Facts
from training.analyses.retention_charts import chart
from training.survival import Survival, differ, survival, wilson

MARKS: Final = (30, 90, 180, 366, 731, 1096)
"""Days after which the share of accounts still there is told; a term of a year may have 366."""

PROOF: Final = 0.05

GROUP: Final = Field(name="grouped", title="group", kind="text", meaning="which accounts; all: everybody")
LOW: Final = Field(name="low", title="at least", kind="share", meaning="lower end of the 95 % interval")
HIGH: Final = Field(name="high", title="at most", kind="share", meaning="upper end of the 95 % interval")

CURVE: Final = (
    GROUP,
    Field(name="k", title="period", kind="whole", meaning="periods after the start"),
    Field(name="entities", title="followed", kind="whole", meaning="accounts or people that had this period in full"),
    Field(name="came", title="came", kind="whole", meaning="of them came back in it (unbounded: or later)"),
    Field(name="share", title="share", kind="share", meaning="came back, of those followed"),
    LOW,
    HIGH,
)

COHORTS: Final = (
    Field(name="cohort", title="began", kind="date", meaning="first day of the cohort's month, week, …"),
    *CURVE[1:5],
)

STAYING: Final = (
    GROUP,
    Field(name="days", title="days", kind="whole", meaning="days since the first term began"),
    Field(name="at_risk", title="still watched", kind="whole", meaning="accounts watched at least that long"),
    Field(name="share", title="still there", kind="share", meaning="share that has not left by then (Kaplan-Meier)"),
    LOW,
    HIGH,
)


def retention(facts: Facts, asked: Returning | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """Cohort curves of coming back and, where there are contracts, of staying. Raises DataError."""
    asked = asked or Returning()
    counted = returning(facts, asked, grace_days=grace_days)
    curve = _curve(counted)
    cohorts = _shares(counted.groupby(["cohort", "k"], as_index=False)[["entities", "came"]].sum())
    says = list(_says(curve, asked))
    stays: dict[str, Survival] = {}
    if facts.knows("contracts"):
        watched = tenures(facts, asked.by, NAME, grace_days=grace_days)
        stays = _stays(watched)
        says += _says_staying(stays, watched)
    else:
        says.append("How long accounts stay is not told: the table contracts is missing.")
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=tuple(says),
        sheets=(
            Sheet(name="curve", fields=CURVE, frame=curve, most=24),
            Sheet(name="cohorts", fields=COHORTS, frame=cohorts[[one.name for one in COHORTS]], most=12),
            Sheet(name="staying", fields=STAYING, frame=_staying(stays), most=24),
        ),
        chart=chart(curve, cohorts, stays, asked),
        asked=asdict(asked),
    )


def _curve(counted: pd.DataFrame) -> pd.DataFrame:
    """Share that came back, by group and period: everybody first, then each group where there is more than one."""
    frames = [_pooled(counted, WHOLE)]
    groups = sorted(set(counted["grouped"]) - {WHOLE})
    if len(groups) > 1:
        frames += [_pooled(counted[counted["grouped"] == one], one) for one in groups]
    return pd.concat(frames, ignore_index=True)[[one.name for one in CURVE]]


def _pooled(counted: pd.DataFrame, name: str) -> pd.DataFrame:
    """All cohorts together. People of one account come and go together, so intervals count accounts, not people.

    The variance is that of a ratio of sums over accounts (Cochran, Sampling Techniques, 1977, chapter 6); as many
    independent people as would have that variance go into Wilson's interval.
    """
    rows = counted.groupby(["k", "account_id"], as_index=False)[["entities", "came"]].sum()
    frame = _shares(rows.groupby("k", as_index=False)[["entities", "came"]].sum())
    rows = rows.merge(frame[["k", "share"]], on="k")
    rows["square"] = (rows["came"] - rows["share"] * rows["entities"]) ** 2
    spread = rows.groupby("k", as_index=False).agg(square=("square", "sum"), accounts=("account_id", "size"))
    n, p = frame["entities"].to_numpy(), frame["share"].to_numpy()
    several = spread["accounts"].to_numpy() / np.maximum(spread["accounts"].to_numpy() - 1, 1)
    variance = several * spread["square"].to_numpy() / n**2
    alone = np.where(variance > 0, p * (1 - p) / np.where(variance > 0, variance, 1), spread["accounts"].to_numpy())
    trials = np.minimum(n, alone)
    frame["low"], frame["high"] = wilson(p * trials, trials)
    return frame.assign(grouped=name)


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(share=frame["came"] / frame["entities"])


def _stays(watched: pd.DataFrame) -> dict[str, Survival]:
    """The survival curve of everybody, and of each group where there is more than one."""
    groups = {WHOLE: watched} if len(watched) else {}
    if len(set(watched["grouped"])) > 1:
        groups |= {str(name): rows for name, rows in watched.groupby("grouped")}
    return {name: survival(rows["days"].to_numpy(), rows["left"].to_numpy(bool)) for name, rows in groups.items()}


def _staying(stays: dict[str, Survival]) -> pd.DataFrame:
    rows = []
    for name, curve in stays.items():
        for mark in MARKS:
            if (found := curve.at(mark)) is not None:
                at_risk = int(curve.at_risk[curve.days >= mark].max(initial=0))
                rows.append((name, mark, at_risk, *found))
    return pd.DataFrame(rows, columns=[one.name for one in STAYING])


def _says(curve: pd.DataFrame, asked: Returning) -> tuple[str, ...]:
    whole = curve[curve["grouped"] == WHOLE]
    who = {"account": "accounts", "user": "people"}[asked.unit]
    if whole.empty:
        return (f"No cohort is old enough: nobody had a full {asked.every} after the start yet.",)
    first, last = whole.iloc[0], whole.iloc[-1]
    later = "" if asked.bounded else " or later"
    lines = [
        f"Of {int(first['entities']):,} {who}, {percent(first['share'])} came back in {asked.every} {int(first['k'])}"
        f"{later}; in {asked.every} {int(last['k'])}{later} {percent(last['share'])} of {int(last['entities']):,} "
        f"({percent(last['low'])} to {percent(last['high'])})."
    ]
    lowest = whole.iloc[int(whole["share"].argmin())]
    if asked.bounded and last["low"] > lowest["high"]:
        lines.append(f"The curve rises again after {asked.every} {int(lowest['k'])}: {who} come back.")
    ends = curve[curve["k"] == last["k"]].sort_values("share")
    if len(ends) > 2 and ends["high"].iloc[0] < ends["low"].iloc[-1]:
        worst, best = ends.iloc[0], ends.iloc[-1]
        lines.append(
            f"By {asked.every} {int(last['k'])} {best['grouped']} keeps {percent(best['share'])}, "
            f"{worst['grouped']} {percent(worst['share'])}: their intervals do not meet."
        )
    if LENGTHS[asked.every] * asked.periods > LENGTHS[asked.every] * int(last["k"]):
        lines.append(f"No cohort has had {asked.every} {int(last['k']) + 1} in full yet.")
    return tuple(lines)


def _says_staying(stays: dict[str, Survival], watched: pd.DataFrame) -> list[str]:
    if WHOLE not in stays:
        return ["No term has begun: how long accounts stay is not known."]
    year = stays[WHOLE].at(MARKS[3])
    lines = [f"{int(watched['left'].sum()):,} of {len(watched):,} accounts have left so far."]
    if year is not None:
        lines.append(
            f"{percent(year[0])} of accounts are still there a year after their first term began "
            f"({percent(year[1])} to {percent(year[2])})."
        )
    groups = {str(n): (g["days"].to_numpy(), g["left"].to_numpy(bool)) for n, g in watched.groupby("grouped")}
    apart = differ(groups)
    for name, p in apart.items():
        if p <= PROOF:
            others = next(other for other in groups if other != name) if len(groups) == 2 else WHOLE
            until = min(stays[name].longest, stays[others].longest)
            word = "longer" if stays[name].mean(until) > stays[others].mean(until) else "less long"
            whom = others if len(groups) == 2 else "the others"
            lines.append(f"Accounts of {name} stay {word} than {whom}: log-rank p = {p:.2g}.")
    if apart and min(apart.values()) > PROOF:
        lines.append("No group stays provably longer than the others (log-rank).")
    return lines

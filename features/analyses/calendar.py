"""The life of every account as due dates: first steps, check-ins, renewal work, regular contact; what was missed."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from features import outcomes
from features.analyses import life
from features.analyses.accounts_now import accounts_now
from features.analyses.activation import first_uses, progress, steps_of
from features.analyses.answer import Answer, need, percent
from features.analyses.calendar_sheets import KINDS, sheets
from features.analyses.drawing import HEIGHT, SERIES, WIDTH, data, styled
from features.analyses.intent import Intent, intent
from features.analyses.life_days import (
    CHECK_IN_DAYS,
    CRITICAL_WINDOW_DAYS,
    EXPANSION_DAYS,
    KEY_DAYS,
    LAST_WEEK_DAYS,
    PROGRAMME_DAYS,
    RENEWAL_WORK_DAYS,
    SHARED_DAYS,
)
from features.analyses.tiers import tiers
from features.errors import DataError, SettingsError
from features.facts import Facts

NAME: Final = "calendar"
YEAR_DAYS: Final = 365
WEEKS_DRAWN: Final = 13


@dataclass(frozen=True, kw_only=True)
class CalendarAsked:
    """What is due within ``ahead`` days, and by which days of an account's life. Raises SettingsError.

    ``steps``: events that activate an account (empty: those that ``most`` of the retained did in the first days).
    """

    ahead: int = 30
    activation_days: int = CRITICAL_WINDOW_DAYS
    check_ins: tuple[int, ...] = CHECK_IN_DAYS
    renewal_days: int = RENEWAL_WORK_DAYS
    key_days: int = KEY_DAYS
    shared_days: int = SHARED_DAYS
    programme_days: int = PROGRAMME_DAYS
    steps: tuple[str, ...] = ()
    most: float = 0.6

    def __post_init__(self) -> None:
        if self.ahead < 1 or self.activation_days < 1:
            raise SettingsError("a calendar looks at least one day ahead, and activation takes at least one day")
        if self.renewal_days <= LAST_WEEK_DAYS:
            raise SettingsError(f"renewal_days = {self.renewal_days}: nobody is first met in the last week")
        if min(self.check_ins, default=1) < 1 or min(self.key_days, self.shared_days, self.programme_days) < 0:
            raise SettingsError("days of check-ins and of regular contact are not negative")


@dataclass(frozen=True, kw_only=True)
class Life:
    """What the calendar is made of: each a table, as `features.analyses.calendar_sheets` declares them."""

    tasks: pd.DataFrame
    activation: pd.DataFrame
    steps: pd.DataFrame
    renewals: pd.DataFrame
    expansion: pd.DataFrame
    missed: pd.DataFrame
    met: bool


def calendar(facts: Facts, asked: CalendarAsked | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """What is due for every account with an open term. Raises DataError without contracts."""
    asked = asked or CalendarAsked()
    need(facts, NAME, "contracts", "accounts")
    outcomes.lay(facts, grace_days=grace_days)
    known = _with_tiers(facts, accounts_now(facts, grace_days=grace_days), grace_days)
    found = _life(facts, known, asked)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(found, asked),
        sheets=sheets(found.tasks, found.renewals, found.activation, found.steps, found.expansion, found.missed),
        chart=_chart(facts, found.tasks) if len(found.tasks) else None,
        asked=asdict(asked),
    )


def _with_tiers(facts: Facts, known: pd.DataFrame, grace_days: int) -> pd.DataFrame:
    """The accounts with a tier; without ARR nobody has one, and all are met like those who share a person."""
    if not facts.knows("contracts", "arr"):
        return known.assign(tier="shared")
    found = tiers(facts, grace_days=grace_days).sheet("accounts").frame
    return known.merge(found[["account_id", "tier"]], on="account_id", how="left")


def _life(facts: Facts, known: pd.DataFrame, asked: CalendarAsked) -> Life:
    cutoff = pd.Timestamp(facts.cutoff)
    there = known[known["contract_id"].notna()].reset_index(drop=True)
    touches = life.touches_of(facts)
    young = cutoff - there["since"] <= pd.Timedelta(days=max(asked.check_ins, default=0) + life.AROUND_DAYS)
    renewing = there["ends_on"] - cutoff <= pd.Timedelta(days=asked.renewal_days)
    every = {"people": asked.key_days, "shared": asked.shared_days, "programmes": asked.programme_days}
    parts = [life.check_ins(there[young], asked.check_ins), life.renewals(there, asked.renewal_days)]
    if touches is not None:
        # Whoever has just begun, or is about to end, is met for that.
        parts.append(life.cadence(there[~young & ~renewing], touches, every))
    windows = pd.concat(parts, ignore_index=True)
    met = life.with_touches(windows, touches)
    met["state"] = life.states(met, cutoff) if touches is not None else "not known"
    activation, steps = _activation(facts, known, there, asked)
    renewals = met[(met["kind"] == "renewal work") & (met["opens"] <= cutoff)]
    return Life(
        tasks=_tasks(met, activation, there, cutoff, asked),
        activation=activation.merge(there[["account_id", "name", "owner", "arr", "since"]], on="account_id"),
        steps=steps,
        renewals=_renewals(renewals, there, cutoff),
        expansion=_expansion(facts, there, cutoff),
        missed=_missed(facts, known, touches, asked),
        met=touches is not None,
    )


def _activation(
    facts: Facts, known: pd.DataFrame, there: pd.DataFrame, asked: CalendarAsked
) -> tuple[pd.DataFrame, pd.DataFrame]:
    uses = first_uses(facts, known, asked.activation_days)
    steps = steps_of(facts, known, uses, most=asked.most, given=asked.steps)
    new = progress(facts, there, uses, steps, days=asked.activation_days)
    return new.sort_values(["behind", "age"], ascending=False, ignore_index=True), steps


def _tasks(
    met: pd.DataFrame, activation: pd.DataFrame, there: pd.DataFrame, cutoff: pd.Timestamp, asked: CalendarAsked
) -> pd.DataFrame:
    """What is open or missed, or begins within the days ahead, the earliest due first."""
    soon = (met["opens"] <= cutoff + timedelta(days=asked.ahead)) & (met["due"] <= cutoff + timedelta(days=asked.ahead))
    tasks = met[soon & (met["state"] != "done")][["account_id", "kind", "due", "closes", "state"]]
    behind = activation[activation["behind"]]
    since = behind[["account_id"]].merge(there[["account_id", "since"]], on="account_id")["since"]
    due = since + pd.Timedelta(days=asked.activation_days)
    first = pd.DataFrame(
        {
            "account_id": behind["account_id"].to_numpy(),
            "kind": "first steps",
            "due": due.to_numpy(),
            "closes": due.to_numpy(),
            "state": "open",
            "what": [f"has not yet done: {missing}" for missing in behind["missing"]],
        }
    )
    tasks = pd.concat([tasks.assign(what=None), first], ignore_index=True)
    tasks["what"] = tasks["what"].where(tasks["what"].notna(), tasks["kind"].map(KINDS))
    tasks = tasks.merge(there[["account_id", "name", "owner", "arr", "tier"]], on="account_id")
    return tasks.sort_values(["due", "arr", "account_id"], ascending=[True, False, True], ignore_index=True)


def _renewals(windows: pd.DataFrame, there: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Every account whose renewal is being worked on, the next first."""
    found = windows.merge(there[["account_id", "name", "owner", "arr", "ends_on", "use"]], on="account_id")
    found["days_left"] = (found["ends_on"] - cutoff).dt.days
    found["met_on"] = found["touched"]
    return found.sort_values(["days_left", "account_id"], ignore_index=True)


def _expansion(facts: Facts, there: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Accounts three to twelve months after signing that are in use and show signs of buying, the warmest first."""
    age = (cutoff - there["since"]).dt.days
    ripe: pd.DataFrame = there[age.between(*EXPANSION_DAYS) & (there["use"] == "active")].assign(age=age)
    try:
        signs = intent(facts, facts.cutoff, Intent())
    except DataError:
        return ripe.assign(temperature=np.nan, why=None).iloc[:0]
    found: pd.DataFrame = ripe.merge(signs, on="account_id")
    found = found[found["temperature"] > 0]
    return found.sort_values(["temperature", "arr", "account_id"], ascending=[False, False, True], ignore_index=True)


def _missed(facts: Facts, known: pd.DataFrame, touches: pd.DataFrame | None, asked: CalendarAsked) -> pd.DataFrame:
    """Of the windows that closed within the past year, how many passed without any contact."""
    if touches is None:
        return pd.DataFrame({name: [] for name in ("kind", "windows", "missed", "share")})
    cutoff = pd.Timestamp(facts.cutoff)
    terms = facts.engine.frame(
        f"""SELECT account_id, CAST(starts_on AS TIMESTAMP) AS starts_on, CAST(ends_on AS TIMESTAMP) AS ends_on
        FROM terms WHERE known_at < DATE '{facts.cutoff}' ORDER BY account_id, starts_on, contract_id"""
    )
    begun = known[known["terms"] > 0]
    windows = pd.concat([life.check_ins(begun, asked.check_ins), life.renewals(terms, asked.renewal_days)])
    # What began before anybody wrote contacts down was not missed.
    begun_by = touches["day"].min() if len(touches) else cutoff
    year = windows["closes"].between(cutoff - timedelta(days=YEAR_DAYS), cutoff, inclusive="left")
    past = windows[year & (windows["opens"] >= begun_by)].reset_index(drop=True)
    met = life.with_touches(past, touches)
    found = met.groupby("kind", as_index=False).agg(windows=("account_id", "size"), met=("touched", "count"))
    found["missed"] = found["windows"] - found["met"]
    return found.assign(share=found["missed"] / found["windows"])


def _says(found: Life, asked: CalendarAsked) -> tuple[str, ...]:
    states = found.tasks["state"]
    late = int((states == "missed").sum())
    lines = [
        f"{len(found.tasks) - late:,} things are due within {asked.ahead} days, {late:,} were missed and still wait."
        if found.met
        else f"{len(found.tasks):,} things are due within {asked.ahead} days; what was missed cannot be told: the "
        "table touches is missing."
    ]
    if len(found.steps) and len(found.activation):
        steps = ", ".join(found.steps["event"])
        behind = int(found.activation["behind"].sum())
        lines.append(
            f"{behind:,} of {len(found.activation):,} accounts in their first {asked.activation_days} days are behind; "
            f"the steps are {steps}."
        )
    elif len(found.activation):
        lines.append("First steps cannot be told: too few accounts whose beginning is recorded have stayed.")
    if len(found.renewals):
        alone = found.renewals["met_on"].isna()
        lines.append(
            f"{len(found.renewals):,} renewals are within {asked.renewal_days} days"
            + (f", {int(alone.sum()):,} of them with nobody met yet." if found.met else ".")
        )
    if len(found.expansion):
        lines.append(f"{len(found.expansion):,} accounts 3 to 12 months after signing show signs of buying more.")
    lines += [
        f"Of {many:,} windows for {kind} in the past year {percent(share)} were missed."
        for kind, many, share in found.missed[["kind", "windows", "share"]].itertuples(index=False)
    ]
    return tuple(lines)


def _chart(facts: Facts, tasks: pd.DataFrame) -> alt.TopLevelMixin:
    """What is due in each week, by kind; what was missed stands before the cutoff."""
    monday = pd.Timestamp(facts.cutoff - timedelta(days=facts.cutoff.weekday()))
    week = tasks["due"].dt.normalize() - pd.to_timedelta(tasks["due"].dt.day_of_week, unit="D")
    earliest = monday - pd.Timedelta(weeks=WEEKS_DRAWN)
    counts = tasks.assign(week=week.clip(lower=earliest)).groupby(["week", "kind"], as_index=False).size()
    bars = (
        alt.Chart(data(counts.assign(end=counts["week"] + pd.Timedelta(days=6))))
        .mark_bar()
        .encode(
            x=alt.X("week:T", bin="binned", title="due in the week of (the first bar: and before)"),
            x2="end:T",
            y=alt.Y("size:Q", title="accounts"),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=list(KINDS), range=list(SERIES[: len(KINDS)])), title=None
            ),
            tooltip=["week:T", "kind:N", "size:Q"],
        )
    )
    now = pd.DataFrame({"day": [pd.Timestamp(facts.cutoff)]})
    line = alt.Chart(data(now)).mark_rule(color="#444", strokeDash=[4, 3]).encode(x="day:T")
    return styled((bars + line).properties(width=WIDTH, height=HEIGHT), "What is due")  # type: ignore[no-any-return]

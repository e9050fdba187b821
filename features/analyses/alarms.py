"""Early warning: accounts that use the product far less than they usually do, while all others hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from features import outcomes
from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.budget import within_budget
from features.analyses.daily_use import DailyUse, daily_use
from features.analyses.drawing import ALARM, INK, data, styled
from features.analyses.watching import WINDOWS, Fall, Rule, Watched, watch
from features.errors import SettingsError
from features.facts import Facts

NAME: Final = "alarms"
DIP: Final = 0.75
"""A day on which all together do less than this share of the usual is a dip of the fleet: a holiday, an outage."""

MOST_BETWEEN: Final = 3
USUAL_DAYS: Final = 56
DRAWN, WEEKS_DRAWN = 6, 26

ALARMS: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    ARR,
    Field(name="ends_on", title="renewal", kind="date", meaning="the end of its open term"),
    Field(name="told_on", title="since", kind="date", meaning="the day of the alarm"),
    Field(name="kind", title="of", kind="text", meaning="whose use fell: that of people, or of integrations"),
    Field(name="change", title="change", kind="share", meaning="use against what was expected, at the alarm"),
    Field(name="now", title="now", kind="share", meaning="the same over the last two weeks"),
    Field(name="seen", title="seen", kind="number", meaning="what was seen in the days before the alarm", apart=True),
    Field(name="expected", title="expected", kind="number", meaning="what was expected of them", apart=True),
    Field(name="days", title="days", kind="whole", meaning="how many days these were", apart=True),
    Field(name="strength", title="strength", kind="number", meaning="how rare, in standard deviations", apart=True),
    Field(name="fleet", title="fleet", kind="share", meaning="what all did, beside their usual, on them", apart=True),
    Field(name="evidence", title="evidence", kind="text", meaning="what says so", wraps=True),
)

DIPS: Final = (
    Field(name="first", title="first day", kind="date", meaning="the first day of the dip"),
    Field(name="last", title="last day", kind="date", meaning="its last day"),
    Field(name="fleet", title="all together", kind="share", meaning="what all accounts did of their usual"),
)

WEEKS: Final = (
    Field(name="week", title="week of", kind="date", meaning="its Monday"),
    Field(name="alarms", title="alarms", kind="whole", meaning="told in that week"),
)


@dataclass(frozen=True, kw_only=True)
class AlarmsAsked:
    """Alarms of the last ``days``, at most ``a_week`` new ones a week, by the rule of `Rule`. Raises SettingsError."""

    days: int = 30
    a_week: int = 20
    drop: float = Rule.drop
    sure: float = Rule.sure
    least: float = Rule.least

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 365:
            raise SettingsError(f"days = {self.days}: alarms are told of the last 1 to 365 days")
        if self.a_week < 1:
            raise SettingsError(f"a_week = {self.a_week}: a week has room for at least one alarm")
        if not 0 < self.drop < 1:
            raise SettingsError(f"drop = {self.drop}: it is the share of use that is missing, between 0 and 1")
        if self.sure < 1 or self.least < 1:
            raise SettingsError("sure and least are at least 1: less is noise")

    @property
    def rule(self) -> Rule:
        """What counts as a fall."""
        return Rule(drop=self.drop, sure=self.sure, least=self.least)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One alarm: the day on which it is told (a place), of people or of integrations, and the fall."""

    day: int
    kind: str
    fall: Fall


def alarms(
    facts: Facts,
    asked: AlarmsAsked | None = None,
    *,
    acknowledged: Mapping[str, date] | None = None,
    grace_days: int = outcomes.GRACE_DAYS,
) -> Answer:
    """The accounts that are in alarm at the cutoff; those ``acknowledged`` since are left out.

    Raises DataError without events.
    """
    asked = asked or AlarmsAsked()
    need(facts, NAME, "events")
    use = daily_use(facts, grace_days=grace_days)
    people = watch(use.people, use.present, asked.rule, instead=use.api)
    api = watch(use.api, use.present, asked.rule)
    told = everything_told(use, people, api, a_week=asked.a_week)
    known = {name: day + timedelta(days=1) for name, day in (acknowledged or {}).items()}
    last = len(use.people)
    recent = [one for one in told if one.fall.ended is None and one.day >= last - asked.days]
    shown = [one for one in recent if _date(use, one.day) >= known.get(use.accounts[one.fall.account], date.min)]
    unit = "person-days" if facts.knows("events", "user_id") else "events"
    frame = _frame(facts, use, {"people": people, "api": api}, shown, unit, grace_days)
    dips = _dips(use.first, people.fleet)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(frame, dips, use, people, asked, len(recent) - len(shown), unit),
        sheets=(
            Sheet(name="alarms", fields=ALARMS, frame=frame, most=40),
            Sheet(name="fleet dips", fields=DIPS, frame=dips, most=12),
            Sheet(name="weeks", fields=WEEKS, frame=_weeks(use, told), most=8),
        ),
        chart=_chart(use, people, api, shown, dict(zip(frame["account_id"], frame["name"], strict=True))),
        asked=asdict(asked),
    )


def everything_told(use: DailyUse, people: Watched, api: Watched, *, a_week: int) -> list[Told]:
    """Every alarm that would have been told, of both kinds within one budget, by day."""
    kinds = {id(fall): kind for kind, found in (("people", people), ("api", api)) for fall in found.falls}
    falls = sorted((*people.falls, *api.falls), key=lambda fall: (fall.began, -fall.strength, fall.account))
    told, _ = within_budget(falls, a_week=a_week, monday=-use.first.weekday())
    return sorted((Told(day=day, kind=kinds[id(fall)], fall=fall) for day, fall in told), key=lambda one: one.day)


def _frame(
    facts: Facts, use: DailyUse, watched: Mapping[str, Watched], shown: list[Told], unit: str, grace_days: int
) -> pd.DataFrame:
    """The alarms, the latest first, then the strongest."""
    known = accounts_now(facts, grace_days=grace_days).set_index("account_id")
    rows = []
    for one in sorted(shown, key=lambda told: (-told.day, -told.fall.strength)):
        fall, account = one.fall, use.accounts[one.fall.account]
        # What integrations do is always counted in events.
        what = unit if one.kind == "people" else "events of integrations"
        rows.append(
            {
                "account_id": account,
                "told_on": _date(use, one.day),
                "kind": one.kind,
                "change": fall.seen / fall.expected - 1,
                "now": _now(use, watched[one.kind], one),
                "seen": fall.seen,
                "expected": fall.expected,
                "days": fall.window,
                "strength": fall.strength,
                "fleet": fall.fleet,
                "evidence": f"{fall.seen:.0f} {what} in {fall.window} days, {fall.expected:.0f} expected; "
                f"all others at {percent(fall.fleet)} of their usual",
            }
        )
    frame = pd.DataFrame(rows, columns=[one.name for one in ALARMS if one.name not in known.columns])
    frame = frame.join(known[["name", "owner", "arr", "ends_on"]], on="account_id")
    frame["told_on"] = pd.to_datetime(frame["told_on"])
    return frame[[one.name for one in ALARMS]].reset_index(drop=True)


def _now(use: DailyUse, watched: Watched, one: Told) -> float:
    """Use of the last two weeks against what was expected before the fall of days like them."""
    series = use.people if one.kind == "people" else use.api
    account, last, days = one.fall.account, len(series), WINDOWS[1]
    level = one.fall.expected / one.fall.window
    fleet = watched.fleet[-days:].mean() / max(watched.fleet[-USUAL_DAYS:].mean(), 1e-9)
    return float(series[last - days :, account].mean() / max(level * fleet, 1e-9) - 1)


def _dips(first: date, fleet: np.ndarray) -> pd.DataFrame:
    """Stretches of days on which all together did much less than usual, the latest first."""
    usual = pd.Series(fleet).rolling(USUAL_DAYS, min_periods=14).median().to_numpy()
    share = np.nan_to_num(fleet / usual, nan=1.0)
    days = np.flatnonzero(share < DIP)
    # A weekend within a dip belongs to it: nothing is seen on it either way.
    stretches = np.split(days, np.flatnonzero(np.diff(days) > MOST_BETWEEN) + 1) if len(days) else []
    rows = [
        {
            "first": pd.Timestamp(first + timedelta(days=int(some[0]))),
            "last": pd.Timestamp(first + timedelta(days=int(some[-1]))),
            "fleet": float(share[some].mean()),
        }
        for some in stretches[::-1]
    ]
    return pd.DataFrame(rows, columns=[one.name for one in DIPS])


def _weeks(use: DailyUse, told: list[Told]) -> pd.DataFrame:
    days = [_date(use, one.day) for one in told]
    mondays = pd.Series([day - timedelta(days=day.weekday()) for day in days], dtype=object)
    counts = mondays.value_counts().sort_index(ascending=False)
    return pd.DataFrame({"week": pd.to_datetime(pd.Series(counts.index)), "alarms": counts.to_numpy(dtype=int)})


def _says(
    frame: pd.DataFrame,
    dips: pd.DataFrame,
    use: DailyUse,
    people: Watched,
    asked: AlarmsAsked,
    hidden: int,
    unit: str,
) -> tuple[str, ...]:
    last = use.present[-1] if len(use.present) else np.zeros(0, dtype=bool)
    most = max(WINDOWS)
    expected = people.expected[-most:].sum(axis=0) if len(use.present) else np.zeros(0)
    tiny = int((last & (expected < asked.least)).sum())
    since = use.first + timedelta(days=len(use.people) - 7)
    new = int((frame["told_on"] > pd.Timestamp(since)).sum())
    lines = [
        f"{len(frame):,} of {int(last.sum()):,} accounts are in alarm, {new:,} since the last week: they use it "
        f"at least {percent(asked.drop)} less than they usually do, while others hold."
        if len(frame)
        else f"No alarm: none of {int(last.sum()):,} accounts fell far below its usual use in {asked.days} days."
    ]
    if tiny:
        lines.append(f"{tiny:,} are too small to watch: fewer than {asked.least:.0f} {unit} expected in {most} days.")
    if hidden:
        lines.append(f"{hidden:,} more {'is' if hidden == 1 else 'are'} acknowledged.")
    if len(dips):
        day = dips["first"].iloc[0].date()
        lines.append(f"{len(dips):,} dips of all accounts raised no alarm, the last from {day} on.")
    if people.handed_over:
        lines.append(f"{people.handed_over:,} times integrations took over what people did: no alarm either.")
    return tuple(lines)


def _chart(
    use: DailyUse, people: Watched, api: Watched, shown: list[Told], names: Mapping[str, str]
) -> alt.TopLevelMixin | None:
    """The weeks of the strongest alarms: what was seen, and what was expected as the fleet went on."""
    if not shown:
        return None
    rows = []
    for one in sorted(shown, key=lambda told: -told.fall.strength)[:DRAWN]:
        series, watched = (use.people, people) if one.kind == "people" else (use.api, api)
        account, last = one.fall.account, len(series)
        for week in range(min(WEEKS_DRAWN, last // 7)):
            part = slice(last - 7 * week - 7, last - 7 * week)
            name = names[use.accounts[account]]
            base = {"account": name, "week": pd.Timestamp(_date(use, last - 7 * week - 7))}
            rows.append({**base, "what": "seen", "use": series[part, account].sum()})
            rows.append({**base, "what": "expected", "use": watched.expected[part, account].sum()})
    lines = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("week:T", title=None, axis=alt.Axis(format="%b", tickCount=6)),
            y=alt.Y("use:Q", title="use a week"),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=["seen", "expected"], range=[ALARM, INK]), sort=None
            ),
            strokeDash=alt.StrokeDash("what:N", legend=None, scale=alt.Scale(range=[[1, 0], [4, 3]]), sort=None),
        )
        .properties(width=250, height=110)
    )
    faceted = lines.facet(alt.Facet("account:N", title=None, sort=None), columns=2, data=data(pd.DataFrame(rows)))
    return styled(faceted.resolve_scale(y="independent"), "Accounts in alarm")  # type: ignore[no-any-return]


def _date(use: DailyUse, day: int) -> date:
    return use.first + timedelta(days=int(day))

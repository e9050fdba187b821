"""Unit economics: what an account is worth, what winning it costs, when that is paid back, and how the ARR moves."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import pandas as pd

from features import outcomes
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.cash import monthly_cash, yearly_cost
from features.analyses.recurring import bridge
from features.analyses.tenures import WHOLE, grouped_by, tenures
from features.errors import SettingsError
from features.facts import Facts
from training.analyses.economics_charts import chart
from training.lifetime import Worth, worth

NAME: Final = "economics"
HEALTHY: Final = 3.0
"""LTV should be at least three times CAC (Skok, "SaaS Metrics 2.0", 2013)."""

FEWEST: Final = 20
"""A group with fewer accounts gets no LTV of its own."""

FEWEST_OLD: Final = 5
"""A month of a cohort's curve needs so many accounts that had it in full."""

GROUP: Final = Field(name="grouped", title="group", kind="text", meaning="which accounts; all: everybody")
UNITS: Final = (
    GROUP,
    Field(name="accounts", title="accounts", kind="whole", meaning="whose first term has begun"),
    Field(name="arr", title="ARR", kind="money", meaning="mean ARR of an account's latest term"),
    Field(name="cost", title="cost", kind="money", meaning="mean cost to serve an account for a year"),
    Field(name="ltv", title="LTV", kind="money", meaning="discounted gain of an account over the horizon"),
    Field(name="low", title="at least", kind="money", meaning="lower end of the 95 % interval of LTV"),
    Field(name="high", title="at most", kind="money", meaning="upper end of the 95 % interval of LTV"),
    Field(name="cac", title="CAC", kind="money", meaning="mean cost of winning an account"),
    Field(name="ratio", title="LTV:CAC", kind="number", meaning=f"healthy from {HEALTHY:.0f}"),
    Field(name="finding", title="against 3", kind="text", meaning="above, below, or the interval spans it: unclear"),
    Field(name="payback", title="payback", kind="number", meaning="months until an account has paid its CAC"),
)

BRIDGE: Final = (
    GROUP,
    Field(name="accounts", title="accounts", kind="whole", meaning="paying a year ago"),
    Field(name="starting", title="a year ago", kind="money", meaning="their ARR then"),
    Field(name="new", title="new", kind="money", meaning="ARR of accounts that did not pay then"),
    Field(name="expanded", title="expanded", kind="money", meaning="more ARR of accounts that paid then"),
    Field(name="contracted", title="contracted", kind="money", meaning="less ARR of accounts that still pay"),
    Field(name="churned", title="churned", kind="money", meaning="ARR of accounts that pay no more"),
    Field(name="ending", title="now", kind="money", meaning="ARR at the cutoff"),
    Field(name="grr", title="GRR", kind="share", meaning="gross revenue retention"),
    Field(name="nrr", title="NRR", kind="share", meaning="net revenue retention"),
    Field(name="logo_churn", title="logo churn", kind="share", meaning="accounts lost, of those a year ago"),
)

CASH: Final = (
    Field(name="cohort", title="began", kind="text", meaning="the year or quarter of the first term; all: everybody"),
    Field(name="month", title="month", kind="whole", meaning="full months of life"),
    Field(name="accounts", title="accounts", kind="whole", meaning="that had that month in full"),
    Field(name="cash", title="cash so far", kind="money", meaning="of a usual account: earned - served - won for"),
)


@dataclass(frozen=True, kw_only=True)
class Economics:
    """LTV over ``months``, discounted at ``discount`` a year; ``margin`` is the share of ARR left before serving costs.

    ``by`` is the column of accounts to compare by, ``cohort`` what makes a cohort. Raises SettingsError.
    """

    by: str | None = "segment"
    cohort: Literal["quarter", "year"] = "year"
    months: int = 60
    discount: float = 0.1
    margin: float = 1.0

    def __post_init__(self) -> None:
        if self.cohort not in ("quarter", "year"):
            raise SettingsError(f"cohort = {self.cohort!r}: it is quarter or year")
        if self.months < 1 or self.discount < 0 or not 0 < self.margin <= 1:
            raise SettingsError(
                f"months = {self.months}, discount = {self.discount}, margin = {self.margin}: "
                "at least 1, at least 0, above 0 and at most 1"
            )


def economics(facts: Facts, asked: Economics | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """LTV, CAC, payback, the cash curve, GRR, NRR, logo churn and the ARR bridge. Raises DataError without ARR."""
    asked = asked or Economics()
    need(facts, NAME, "contracts", "contracts.arr")
    watched = tenures(facts, asked.by, NAME, grace_days=grace_days).merge(yearly_cost(facts), "left", on="account_id")
    units = _units(watched, asked)
    cohorts = watched.assign(grouped=watched["started_on"].dt.to_period(asked.cohort[0].upper()).astype(str))
    by_cohort = _units(cohorts, asked)
    moved = _moved(facts, asked.by, grace_days)
    cash = _cash(monthly_cash(facts, asked.cohort, asked.months, grace_days=grace_days), asked.cohort)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(facts, units, moved, cash, asked),
        sheets=(
            Sheet(name="units", fields=UNITS, frame=units, most=12),
            Sheet(name="cohorts", fields=UNITS, frame=by_cohort, most=12),
            Sheet(name="bridge", fields=BRIDGE, frame=moved, most=12),
            Sheet(name="cash", fields=CASH, frame=cash, most=0),
        ),
        chart=chart(units, moved, cash, facts.cutoff),
        asked=asdict(asked),
    )


def _units(watched: pd.DataFrame, asked: Economics) -> pd.DataFrame:
    """A row for everybody, and one for each group where there is more than one."""
    rows = [_unit(WHOLE, watched, asked)] if len(watched) else []
    if len(set(watched["grouped"])) > 1:
        rows += [_unit(str(name), these, asked) for name, these in watched.groupby("grouped")]
    return pd.DataFrame(rows, columns=[one.name for one in UNITS])


def _unit(name: str, these: pd.DataFrame, asked: Economics) -> dict[str, Any]:
    paying = these[these["last_arr"].notna()]
    cost, cac = (float(these[one].mean()) if these[one].notna().any() else None for one in ("cost", "won_for"))
    row: dict[str, Any] = {"grouped": name, "accounts": len(these), "arr": paying["last_arr"].mean(), "cost": cost}
    if len(paying) < FEWEST:
        return row | {"cac": cac, "finding": "too few accounts"}
    found = worth(
        paying["days"].to_numpy(),
        paying["left"].to_numpy(bool),
        paying["last_arr"].to_numpy(),
        cost=cost or 0.0,
        cac=cac,
        margin=asked.margin,
        months=asked.months,
        discount=asked.discount,
    )
    ratio = found.value / cac if cac else None
    told = {"ltv": found.value, "low": found.low, "high": found.high, "cac": cac, "ratio": ratio}
    return row | told | {"finding": _against(found, cac), "payback": found.payback}


def _against(found: Worth, cac: float | None) -> str | None:
    if not cac:
        return None
    return "above" if found.low >= HEALTHY * cac else "below" if found.high < HEALTHY * cac else "unclear"


def _moved(facts: Facts, by: str | None, grace_days: int) -> pd.DataFrame:
    frame = bridge(facts, f"'{WHOLE}'", grace_days=grace_days)
    groups = bridge(facts, grouped_by(facts, by, NAME), grace_days=grace_days)
    if len(groups) > 1:
        frame = pd.concat([frame, groups], ignore_index=True)
    starting = frame["starting"].where(frame["starting"] > 0)
    frame["grr"] = (starting - frame["contracted"] - frame["churned"]) / starting
    frame["nrr"] = frame["grr"] + frame["expanded"] / starting
    frame["logo_churn"] = frame["lost"] / frame["accounts"].where(frame["accounts"] > 0)
    return frame[[one.name for one in BRIDGE]]


def _cash(months: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """The mean cumulative cash of an account (Nelson, 1995): each month's mean over those that had it, summed up."""
    frames = [
        (WHOLE, months.groupby("month", as_index=False)[["accounts", "revenue", "cost", "won_for"]].sum(min_count=1))
    ]
    frames += [(str(one), rows) for one, rows in months.groupby(months["cohort"].dt.to_period(cohort[0].upper()))]
    found = []
    for name, rows in frames:
        old = rows[rows["accounts"] >= FEWEST_OLD].sort_values("month")
        gain = (old["revenue"] - old["cost"] - old["won_for"].fillna(0.0)) / old["accounts"]
        found.append(old.assign(cohort=name, cash=gain.cumsum())[[one.name for one in CASH]])
    return pd.concat(found, ignore_index=True)


def _says(
    facts: Facts, units: pd.DataFrame, moved: pd.DataFrame, cash: pd.DataFrame, asked: Economics
) -> tuple[str, ...]:
    if units.empty or pd.isna(units["ltv"].iloc[0]):
        return (f"Fewer than {FEWEST} accounts have begun: what one is worth cannot be told.",)
    whole, lines = units.iloc[0], []
    worth_ = f"{whole['ltv']:,.0f} ({whole['low']:,.0f} to {whole['high']:,.0f})"
    lines.append(
        f"A usual account brings {worth_} over {asked.months} months, discounted at {percent(asked.discount)} a year."
    )
    if pd.notna(whole["cac"]):
        lines[0] = f"{lines[0][:-1]}: {whole['ratio']:.1f} times what winning it costs; {_verdict(whole)}."
        paid = whole["payback"]
        lines.append(
            f"Its cost is paid back after {paid:.0f} months."
            if pd.notna(paid)
            else "Its cost is not paid back in that time."
        )
        below = units.iloc[1:][units["finding"].iloc[1:] == "below"]
        if len(below):
            lines.append(f"Below three times their cost: {', '.join(below['grouped'])}.")
    else:
        lines.append(
            "CAC, LTV:CAC and payback are not told: the column acquisition_cost of the table accounts is missing."
        )
    if not facts.knows("costs"):
        lines.append("LTV counts no cost to serve: the table costs is missing.")
    book = moved.iloc[0] if len(moved) else None
    if book is not None and pd.notna(book["grr"]):
        lines.append(
            f"In a year ARR went from {book['starting']:,.0f} to {book['ending']:,.0f}: GRR {percent(book['grr'])}, "
            f"NRR {percent(book['nrr'])}, logo churn {percent(book['logo_churn'])}."
        )
    return (*lines, *_observed(cash))


def _verdict(row: "pd.Series[Any]") -> str:
    told = {"above": "above the three that are healthy", "below": "below the three that are healthy"}
    return told.get(str(row["finding"]), "whether that is the healthy three cannot be told")


def _observed(cash: pd.DataFrame) -> tuple[str, ...]:
    """When the accounts so far really had their cost back; nothing where no cost of winning is known."""
    whole = cash[cash["cohort"] == WHOLE]
    if whole.empty or not whole["cash"].iloc[0] < 0:
        return ()
    positive = whole[whole["cash"] >= 0]
    if positive.empty:
        return (f"So far no cohort has earned its cost back: {int(whole['month'].max()) + 1} months have been seen.",)
    return (f"So far a usual account had earned its cost back after {int(positive['month'].iloc[0]) + 1} months.",)

"""Tiers by payment: those who pay more get people, the rest get programmes; free and dormant accounts stand apart."""

from dataclasses import asdict, dataclass
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from features import outcomes
from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, SEGMENT, USES, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.drawing import HEIGHT, SERIES, WIDTH, data, styled
from features.errors import SettingsError
from features.facts import Facts

NAME: Final = "tiers"
TIERS: Final = ("people", "shared", "programmes", "free")

ACCOUNTS: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    SEGMENT,
    Field(name="tier", title="tier", kind="text", meaning="who looks after it: people, shared, programmes, or free"),
    ARR,
    Field(name="arr_so_far", title="ARR so far", kind="share", meaning="share of all ARR, of it and who pays more"),
    Field(name="use", title="use", kind="text", meaning=f"{', '.join(USES)} in the last four weeks"),
)

SUMS: Final = (
    Field(name="tier", title="tier", kind="text", meaning="who looks after it"),
    Field(name="accounts", title="accounts", kind="whole", meaning="how many"),
    Field(name="arr", title="ARR", kind="money", meaning="their annual recurring revenue"),
    Field(name="arr_share", title="of all ARR", kind="share", meaning="their share of it"),
    Field(name="median_arr", title="median ARR", kind="money", meaning="of an account"),
    Field(name="dormant", title="dormant", kind="whole", meaning="of them without an event in four weeks"),
    Field(name="never_active", title="never active", kind="whole", meaning="of them without any event"),
)


@dataclass(frozen=True, kw_only=True)
class Tiers:
    """Accounts that together pay the first ``people`` of all ARR get a person, those up to ``shared`` share one.

    Raises SettingsError.
    """

    people: float = 0.5
    shared: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.people <= self.shared <= 1:
            raise SettingsError(
                f"people = {self.people}, shared = {self.shared}: shares of ARR, 0 < people <= shared <= 1"
            )


def tiers(facts: Facts, asked: Tiers | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """Every account's tier, and what each tier holds. Raises DataError where no contract has an ARR."""
    asked = asked or Tiers()
    need(facts, NAME, "contracts.arr", "accounts")
    found = accounts_now(facts, grace_days=grace_days)
    found = found.sort_values(["arr", "account_id"], ascending=[False, True], na_position="last", ignore_index=True)
    paid = found["arr"].fillna(0.0)
    total = float(paid.sum())
    # Where an account begins counts: the one that crosses the line still belongs above it.
    begins = ((paid.cumsum() - paid) / total) if total else paid
    found["arr_so_far"] = (paid.cumsum() / total).where(found["paying"]) if total else np.nan
    found["tier"] = np.select(
        [~found["paying"], begins < asked.people, begins < asked.shared], ["free", "people", "shared"], "programmes"
    )
    # A customer who left is neither free nor anybody's: only accounts with a term, or with use, are looked after.
    found = found[found["paying"] | found["contract_id"].notna() | (found["use"] == "active")]
    accounts = found[[one.name for one in ACCOUNTS]].reset_index(drop=True)
    sums = _sums(accounts, total)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(sums, total),
        sheets=(
            Sheet(name="tiers", fields=SUMS, frame=sums),
            Sheet(name="accounts", fields=ACCOUNTS, frame=accounts, most=20),
        ),
        chart=_chart(sums),
        asked=asdict(asked),
    )


def _sums(accounts: pd.DataFrame, total: float) -> pd.DataFrame:
    rows = []
    for tier in TIERS:
        these = accounts[accounts["tier"] == tier]
        arr = float(these["arr"].sum())
        rows.append(
            {
                "tier": tier,
                "accounts": len(these),
                "arr": arr,
                "arr_share": arr / total if total else np.nan,
                "median_arr": these["arr"].median(),
                "dormant": int((these["use"] == "dormant").sum()),
                "never_active": int((these["use"] == "never active").sum()),
            }
        )
    return pd.DataFrame(rows, columns=[one.name for one in SUMS])


def _says(sums: pd.DataFrame, total: float) -> tuple[str, ...]:
    if not total:
        return ("No open term has an ARR: nobody pays, and there are no tiers.",)
    accounts, share = dict(zip(sums["tier"], sums["accounts"], strict=True)), float(sums["arr_share"].iloc[0])
    quiet = int(sums.loc[sums["tier"] != "free", ["dormant", "never_active"]].to_numpy().sum())
    lines = [
        f"{accounts['people']:,} of {sums['accounts'].sum():,} accounts pay {percent(share)} of the ARR: "
        f"give them people; {accounts['shared']:,} share a person, {accounts['programmes']:,} get programmes."
    ]
    if quiet:
        lines.append(f"{quiet:,} paying accounts have not used the product for four weeks, or never.")
    return tuple(lines)


def _chart(sums: pd.DataFrame) -> alt.TopLevelMixin:
    paying = sums[sums["tier"] != "free"]
    share = paying.assign(accounts_share=paying["accounts"] / max(1, paying["accounts"].sum()))
    long = share.melt("tier", ["accounts_share", "arr_share"], "of", "share").replace(
        {"of": {"accounts_share": "accounts", "arr_share": "ARR"}}
    )
    made = (
        alt.Chart(data(long))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("of:N", title=None),
            color=alt.Color("tier:N", sort=list(TIERS), scale=alt.Scale(range=list(SERIES)), title="looked after by"),
            order=alt.Order("tier_order:Q"),
            tooltip=["tier:N", "of:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .transform_calculate(tier_order=f"indexof({list(TIERS)}, datum.tier)")
        .properties(width=WIDTH, height=HEIGHT / 3)
    )
    return styled(made, "Who pays, and who looks after them")  # type: ignore[no-any-return]

"""The life of accounts as windows of days in which somebody should meet them, and whether somebody did."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.analyses.life_days import LAST_WEEK_DAYS
from features.facts import Facts

AROUND_DAYS = 7
"""A check-in counts within a week of its day."""

WINDOWS = ("account_id", "kind", "opens", "due", "closes", "touched")


def touches_of(facts: Facts) -> pd.DataFrame | None:
    """Every contact known before the cutoff: account_id and day, by day; None where nobody wrote them down."""
    if not facts.knows("touches"):
        return None
    return facts.engine.frame(
        f"""SELECT account_id, CAST(CAST(touched_at AS DATE) AS TIMESTAMP) AS day FROM touches
        WHERE touched_at < DATE '{facts.cutoff}' AND known_at < DATE '{facts.cutoff}' ORDER BY day, account_id"""
    )


def check_ins(accounts: pd.DataFrame, days: tuple[int, ...]) -> pd.DataFrame:
    """Windows of the first visits of each account; ``accounts`` has account_id and since."""
    parts = [
        pd.DataFrame(
            {"account_id": accounts["account_id"], "kind": "check-in", "due": accounts["since"] + _days(after)}
        )
        for after in days
    ]
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["account_id", "kind", "due"])
    made["due"] = pd.to_datetime(made["due"])
    return made.assign(opens=made["due"] - _days(AROUND_DAYS), closes=made["due"] + _days(AROUND_DAYS))


def renewals(terms: pd.DataFrame, days: int) -> pd.DataFrame:
    """Windows of renewal work of terms longer than that; ``terms`` has account_id, starts_on and ends_on."""
    long = terms[(terms["ends_on"] - terms["starts_on"]).dt.days > days]
    opens = long["ends_on"] - _days(days)
    closes = long["ends_on"] - _days(LAST_WEEK_DAYS)
    made = {"account_id": long["account_id"], "kind": "renewal work", "opens": opens, "due": opens, "closes": closes}
    return pd.DataFrame(made).reset_index(drop=True)


def cadence(accounts: pd.DataFrame, touches: pd.DataFrame, every: Mapping[str, int]) -> pd.DataFrame:
    """The next regular contact of each account: since the last one, by its tier; sooner where nobody uses the product.

    ``accounts`` has account_id, since, tier and use. Tiers of no days are left to programmes.
    """
    days = accounts["tier"].map(dict(every)).fillna(0).to_numpy(dtype=float)
    days = np.where(accounts["use"].isin(["dormant", "never active"]), days / 2, days)
    due = accounts[days > 0].assign(days=days[days > 0])
    met = touches.groupby("account_id")["day"].max().reindex(due["account_id"]).to_numpy()
    last = due["since"].where(~(met >= due["since"].to_numpy()), met)
    when = last + pd.to_timedelta(np.floor(due["days"]), unit="D")
    made = {"account_id": due["account_id"], "kind": "regular contact", "opens": last + _days(1), "due": when}
    return pd.DataFrame({**made, "closes": when}).reset_index(drop=True)


def with_touches(windows: pd.DataFrame, touches: pd.DataFrame | None) -> pd.DataFrame:
    """The windows with ``touched``, the last contact within each; NaT where there was none, or none is known."""
    if touches is None or not len(windows) or not len(touches):
        never = pd.Series(pd.NaT, index=windows.index, dtype="datetime64[us]")
        return windows.assign(touched=never)[list(WINDOWS)]
    units = dict.fromkeys(("opens", "due", "closes"), "datetime64[us]")
    left = windows.astype(units).sort_values("closes", kind="stable")
    right = touches.astype({"day": "datetime64[us]"}).rename(columns={"day": "touched"})
    found = pd.merge_asof(left, right, left_on="closes", right_on="touched", by="account_id").sort_index()
    found["touched"] = found["touched"].where(found["touched"] >= found["opens"])
    return found[list(WINDOWS)]


def states(windows: pd.DataFrame, cutoff: pd.Timestamp) -> pd.Series:
    """Done, ahead, open or missed: whether somebody met the account in the window, or may still."""
    names = np.select(
        [windows["touched"].notna(), windows["opens"] > cutoff, windows["closes"] >= cutoff],
        ["done", "ahead", "open"],
        "missed",
    )
    return pd.Series(names, index=windows.index, dtype=object)


def _days(days: int) -> pd.Timedelta:
    return pd.Timedelta(days=days)

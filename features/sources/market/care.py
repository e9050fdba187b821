"""What passes between the team and the accounts: tickets, surveys, touches, opportunities."""

from typing import Final

import numpy as np
import pandas as pd

from features.sources.market.accounts import Accounts, Flags, Ints
from features.sources.market.arrivals import arrivals, known_moments, moments, numbered
from features.sources.market.causes import TICKETS, Floats
from features.sources.market.contracts import Contracts
from features.sources.market.settings import MarketSettings

TOUCHES_A_MONTH: Final = (0.25, 0.9, 2.0)
"""By how much care the account gets."""
PLAYS: Final = {"review": "business_review", "training": "onboarding"}
KINDS: Final = {"call": 0.4, "email": 0.35, "training": 0.1, "review": 0.15}
TICKETS_A_MONTH: Final = 0.12
"""For each root of a seat, in an account without trouble."""
TROUBLE_A_DAY: Final = {False: 0.09, True: 0.25}
"""Further tickets while they are not resolved, by whether the term is a month."""
SEVERITIES: Final = ("low", "normal", "high", "urgent")
USUAL_SEVERITY: Final = (0.3, 0.5, 0.15, 0.05)
TROUBLE_SEVERITY: Final = (0.05, 0.3, 0.4, 0.25)


def tickets_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `tickets`: usual ones closed in days, and those of a cause left open for weeks, until the term ends."""
    rng = settings.stream("tickets")
    starts, ends = contracts.starts.astype(float), contracts.ends.astype(float)
    usual = TICKETS_A_MONTH / 30 * np.sqrt(contracts.seats)
    row, opened = arrivals(usual, starts, ends, rng)
    onset = contracts.onset[:, TICKETS]
    troubled = np.flatnonzero(~np.isnan(onset))
    rate = np.where(contracts.monthly, TROUBLE_A_DAY[True], TROUBLE_A_DAY[False])
    more, later = arrivals(rate[troubled], onset[troubled], np.minimum(onset[troubled] + 60, ends[troubled]), rng)
    first = onset[troubled] + rng.uniform(0, 2, troubled.size)
    trouble_row = np.concatenate([troubled, troubled, troubled[more]])
    trouble_at = np.concatenate([first, first + rng.uniform(0.5, 6, troubled.size), later])
    closed = opened + rng.lognormal(0.5, 0.9, opened.size)
    slow = np.minimum(
        trouble_at + rng.lognormal(4.0, 0.6, trouble_at.size), ends[trouble_row] + rng.uniform(1, 10, trouble_at.size)
    )
    rows, opens = np.concatenate([row, trouble_row]), np.concatenate([opened, trouble_at])
    trouble = np.arange(rows.size) >= row.size
    closes = np.concatenate([closed, np.maximum(slow, trouble_at + 1)])
    frame = pd.DataFrame(
        {
            "account_id": accounts.ids[contracts.account[rows]],
            "opened_at": moments(opens, settings),
            "closed_at": known_moments(closes, settings),
            "severity": np.where(
                trouble, _severity(TROUBLE_SEVERITY, rows.size, rng), _severity(USUAL_SEVERITY, rows.size, rng)
            ),
            "csat": _csat(accounts.fit[contracts.account[rows]], trouble, rng),
        }
    )
    frame.loc[frame["closed_at"].isna(), "csat"] = np.nan
    return numbered(frame[opens < settings.days], "ticket_id", "tkt", "opened_at")


def _severity(
    shares: tuple[float, ...], size: int, rng: np.random.Generator
) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    return np.array(SEVERITIES)[rng.choice(len(SEVERITIES), size, p=shares)]


def _csat(fit: Floats, trouble: Flags, rng: np.random.Generator) -> Floats:
    """1 to 5, from about half of those who asked."""
    liking = np.where(trouble, 1.8, 4.1 + 0.2 * fit) + rng.normal(0, 0.7, fit.size)
    return np.where(rng.random(fit.size) < 0.55, np.clip(np.round(liking), 1, 5), np.nan)


def surveys_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `surveys`: some people answer each quarter; what has begun to trouble them lowers their answers."""
    rng = settings.stream("surveys")
    row, at = arrivals(
        np.full(contracts.account.size, 0.55 / 91), contracts.starts.astype(float), contracts.ends.astype(float), rng
    )
    troubles = (contracts.onset[row] < at[:, None]).sum(axis=1)
    liking = (
        7.6 + 1.1 * accounts.fit[contracts.account[row]] - 2.5 * np.minimum(troubles, 2) + rng.normal(0, 1.6, row.size)
    )
    frame = pd.DataFrame(
        {
            "account_id": accounts.ids[contracts.account[row]],
            "answered_at": moments(at, settings),
            "nps": np.clip(np.round(liking), 0, 10),
        }
    )
    return frame[at < settings.days].sort_values(["answered_at", "account_id"], kind="stable", ignore_index=True)


def touches_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `touches`: how many depends on the care the term gets, never on trouble, so that they lower risk."""
    rng = settings.stream("touches")
    rate = np.array(TOUCHES_A_MONTH)[contracts.care] / 30
    row, at = arrivals(rate, contracts.starts.astype(float), contracts.ends.astype(float), rng)
    kind = rng.choice(list(KINDS), row.size, p=list(KINDS.values()))
    frame = pd.DataFrame(
        {
            "account_id": accounts.ids[contracts.account[row]],
            "touched_at": moments(at, settings),
            "kind": kind,
            "play": pd.Series(kind).map(PLAYS),
            "csm": accounts.owner[contracts.account[row]],
        }
    )
    return frame[at < settings.days].sort_values(["touched_at", "account_id"], kind="stable", ignore_index=True)


def opportunities_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `opportunities`: opened before the renewal and closed with it, won where the next term is larger."""
    rng = settings.stream("opportunities")
    row: Ints = np.flatnonzero(contracts.opportunity < settings.days)
    opened = contracts.opportunity[row] + rng.uniform(0.3, 0.7, row.size)
    closed = np.maximum(contracts.decided[row] + 0.5, opened)
    won = contracts.outcome()[row] == "expanded"
    stage = np.where(closed >= settings.days, "proposal", np.where(won, "won", "lost"))
    frame = pd.DataFrame(
        {
            "account_id": accounts.ids[contracts.account[row]],
            "opened_at": moments(opened, settings),
            "stage": stage,
            "amount": np.round(contracts.arr[row] * rng.uniform(0.1, 0.4, row.size), 2),
            "closed_at": known_moments(closed, settings),
            "won": pd.Series(won, dtype="boolean").where(closed < settings.days),
        }
    )
    return numbered(frame, "opportunity_id", "opp", "opened_at")

"""What the accounts pay and cost: invoices and the monthly cost to serve."""

from typing import Final

import numpy as np
import pandas as pd

from features.sources.market.accounts import Accounts
from features.sources.market.arrivals import known_dates, numbered
from features.sources.market.contracts import Contracts
from features.sources.market.settings import MarketSettings

DUE_DAYS: Final = 30
SERVING: Final = (14.0, 45.0, 150.0)
"""Cost to serve a month, by segment, beside what each seat and each level of care costs."""
PER_SEAT: Final = 2.5
PER_CARE: Final = 40.0


def invoices_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `invoices`: one a year, a quarter or a month; late payers pay days or weeks after the due date."""
    rng = settings.stream("invoices")
    quarterly = accounts.quarterly[contracts.account] & ~contracts.monthly
    parts = np.where(quarterly, 4, 1)
    row = np.repeat(np.arange(parts.size), parts)
    nth = np.arange(row.size) - np.repeat(np.cumsum(parts) - parts, parts)
    # No bill goes out before the term is signed.
    issued = np.maximum(contracts.starts[row] + nth * 91, contracts.signed[row] + 1).astype(float)
    late = accounts.late_payer[contracts.account[row]]
    delay = np.where(late, rng.uniform(2, 50, row.size), rng.integers(-25, 2, row.size))
    due = issued + DUE_DAYS
    yearly = np.where(contracts.monthly, 12, parts)[row]
    frame = pd.DataFrame(
        {
            "account_id": accounts.ids[contracts.account[row]],
            "issued_on": known_dates(issued, settings),
            "amount": np.round(contracts.arr[row] / yearly, 2),
            "due_on": (settings.first + due.astype(np.int64)).astype("datetime64[s]"),
            "paid_on": known_dates(due + delay, settings),
        }
    )
    return numbered(frame[issued < settings.days], "invoice_id", "inv", "issued_on")


def costs_table(accounts: Accounts, contracts: Contracts, settings: MarketSettings) -> pd.DataFrame:
    """The table `costs`: one row for each whole month of an account within its terms."""
    rng = settings.stream("costs")
    months = np.datetime64(settings.first_day, "M") + np.arange(settings.months)
    middle = ((months.astype("datetime64[D]") - settings.first).astype(np.int64) + 14)[None, :]
    term, month = np.nonzero((contracts.starts[:, None] <= middle) & (middle < contracts.ends[:, None]))
    account = contracts.account[term]
    usual = (
        np.array(SERVING)[accounts.segment[account]]
        + PER_SEAT * contracts.seats[term]
        + PER_CARE * contracts.care[term]
    )
    return pd.DataFrame(
        {
            "account_id": accounts.ids[account],
            "month": months[month].astype("datetime64[s]"),
            "cost_to_serve": np.round(usual * rng.lognormal(0, 0.25, account.size), 2),
        }
    )

"""Losses: each lost contract (or account that fell silent), and the looks that were taken at it before."""

from typing import Final

import pandas as pd

from training.dataset import Dataset

FARTHEST: Final = 180
"""Days before a loss from which on a look at an account that fell silent belongs to that loss."""

COLUMNS: Final = ("loss", "lost_on", "days_before", "look")


def losses(looks: Dataset) -> pd.DataFrame:
    """One row per loss and look before it, the farthest look first; columns `COLUMNS`.

    ``loss`` numbers the losses, ``look`` is the place of the snapshot. A contract is lost on the day it ends; an
    account that falls silent, on the day its silence has lasted the horizon.
    """
    keys = looks.keys[["account_id", "contract_id", "cutoff", "lead_days", "ends_on", "decided_on"]]
    keys = keys.assign(left=looks.left, look=range(len(looks)))
    found = _of_contracts(keys) if keys["contract_id"].notna().any() else _of_silence(keys)
    found = found.assign(loss=pd.factorize(found["loss"])[0])
    return found.sort_values(["loss", "days_before"], ascending=[True, False])[list(COLUMNS)].reset_index(drop=True)


def _of_contracts(keys: pd.DataFrame) -> pd.DataFrame:
    lost = keys[keys["left"] == 1]
    lost_on = lost["ends_on"].fillna(lost["decided_on"])
    return pd.DataFrame(
        {"loss": lost["contract_id"], "lost_on": lost_on, "days_before": lost["lead_days"], "look": lost["look"]}
    )


def _of_silence(keys: pd.DataFrame) -> pd.DataFrame:
    """A loss begins with a look that nothing follows, after none or one that something followed."""
    ordered = keys.sort_values(["account_id", "cutoff"])
    before = ordered.groupby("account_id")["left"].shift()
    begins = ordered[(ordered["left"] == 1) & (before != 1)]
    losses_of = pd.DataFrame(
        {"account_id": begins["account_id"], "loss": begins["look"], "lost_on": begins["decided_on"]}
    )
    pairs = ordered.merge(losses_of, on="account_id")
    days = (pairs["lost_on"] - pairs["cutoff"]).dt.days
    return pairs.assign(days_before=days)[(days > 0) & (days <= FARTHEST)]

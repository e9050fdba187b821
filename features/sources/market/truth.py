"""What is really so in a simulated market; written apart and never read by the product.

The true probability at a cutoff is exact, not estimated. Latent at the cutoff are the account's fit, care and habits
and the causes begun by then. Each cause not begun by then may still begin: its onset is spread evenly over its leads,
so with ``chance`` q and the share r of its leads still to come, it will begin with probability q r / (1 - q (1 - r)).
Causes are independent, so the probability of leaving is the sum over all 2^6 sets of causes still to begin.
"""

from itertools import product
from typing import Final

import numpy as np
import pandas as pd

from features.sources.market.accounts import Accounts, Ints
from features.sources.market.causes import (
    CAUSES,
    DISTRACTORS,
    EFFECTS,
    PRICE,
    Floats,
    lead_bounds,
    leave_probability,
)
from features.sources.market.contracts import Contracts, contract_ids
from features.sources.market.settings import LEADS, MarketSettings

SETS: Final = np.array(list(product((0, 1), repeat=len(CAUSES))), dtype=bool)


def true_probability(contracts: Contracts, rows: Ints, cutoff: Floats) -> Floats:
    """The exact probability of leaving of the terms ``rows`` (n), each as latent at its ``cutoff`` (n, in days)."""
    monthly, onset = contracts.monthly[rows], contracts.onset[rows]
    length = (contracts.ends - contracts.starts)[rows].astype(float)
    active = onset < cutoff[:, None]
    # The price of a signed term is known, even when its first day is still to come.
    active[:, PRICE] = ~np.isnan(onset[:, PRICE])
    least, most = lead_bounds(monthly, length)
    lead = (contracts.ends[rows] - cutoff)[:, None]
    width = np.maximum(most - least, 1e-9)
    remaining = np.clip((np.minimum(lead, most) - least) / width, 0, 1)
    remaining[:, PRICE] = 0
    chance = contracts.chance[rows]
    still = np.where(active, 0, chance * remaining / (1 - chance * (1 - remaining)))
    log_odds = contracts.log_odds[rows] + active @ EFFECTS
    total = np.zeros(rows.size)
    for begun in SETS:
        likely = np.where(begun, still, 1 - still).prod(axis=1)
        total += likely * leave_probability(log_odds + EFFECTS[begun].sum(), monthly)
    return total


def snapshots(contracts: Contracts, accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """Every term at each of its leads within the record, and every open term once more at the end of the record.

    ``left`` tells what happened or will happen after the record ends; ``open`` marks the rows at its end.
    """
    rows, cutoff, still_open = [], [], []
    for monthly, leads in LEADS.items():
        for lead in leads:
            at = contracts.ends - lead
            seen = (contracts.monthly == monthly) & (at > contracts.starts) & (at <= settings.days)
            rows.append(np.flatnonzero(seen))
            cutoff.append(at[seen])
            still_open.append(np.zeros(int(seen.sum()), dtype=bool))
    open_now = (contracts.decided >= settings.days) & (contracts.ends > settings.days)
    rows.append(np.flatnonzero(open_now))
    cutoff.append(np.full(int(open_now.sum()), settings.days))
    still_open.append(np.ones(int(open_now.sum()), dtype=bool))
    row, at = np.concatenate(rows), np.concatenate(cutoff)
    frame = pd.DataFrame(
        {
            "contract_id": contract_ids(contracts, accounts)[row],
            "account_id": accounts.ids[contracts.account[row]],
            "cutoff": (settings.first + at).astype("datetime64[s]"),
            "lead_days": contracts.ends[row] - at,
            "probability": true_probability(contracts, row, at.astype(np.float64)),
            "causes": _active_names(contracts.onset[row] < at[:, None]),
            "left": contracts.left[row],
            "open": np.concatenate(still_open),
        }
    )
    return frame.sort_values(["contract_id", "lead_days", "open"], kind="stable", ignore_index=True)


def _active_names(active: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> list[str]:
    return ["|".join(c.name for c, on in zip(CAUSES, row, strict=True) if on) for row in active]


def causes(contracts: Contracts, accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """Every planted cause that began within the record, and every distractor (effect 0) of an account.

    A distractor belongs to an account, not to a term: its ``contract_id`` is that of the term in which it began.
    """
    ids = contract_ids(contracts, accounts)
    row, cause = np.nonzero(contracts.onset < settings.days)
    planted = pd.DataFrame(
        {
            "contract_id": ids[row],
            "account_id": accounts.ids[contracts.account[row]],
            "cause": np.array([c.name for c in CAUSES])[cause],
            "onset": contracts.onset[row, cause],
            "effect": EFFECTS[cause],
            "family": np.array([c.family for c in CAUSES])[cause],
        }
    )
    frames = [planted]
    for name, onset in (("integration_replaced_logins", accounts.replaced_on), ("account_shared", accounts.shared_on)):
        began = onset[contracts.account]
        row = np.flatnonzero((contracts.starts <= began) & (began < contracts.ends))
        frames.append(
            pd.DataFrame(
                {
                    "contract_id": ids[row],
                    "account_id": accounts.ids[contracts.account[row]],
                    "cause": name,
                    "onset": began[row],
                    "effect": 0.0,
                    "family": DISTRACTORS[name],
                }
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    frame["onset"] = (settings.first + np.floor(frame["onset"]).astype(np.int64).to_numpy()).astype("datetime64[s]")
    return frame.sort_values(["contract_id", "onset", "cause"], kind="stable", ignore_index=True)


def wants(contracts: Contracts, accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """Every term: since when it shows that its account wants more (NaT: it does not), and its first and last day."""
    known = ~np.isnan(contracts.wants)
    since = np.full(known.size, np.datetime64("NaT"), dtype="datetime64[s]")
    since[known] = (settings.first + np.floor(contracts.wants[known]).astype(np.int64)).astype("datetime64[s]")
    return pd.DataFrame(
        {
            "contract_id": contract_ids(contracts, accounts),
            "account_id": accounts.ids[contracts.account],
            "starts_on": (settings.first + contracts.starts).astype("datetime64[s]"),
            "ends_on": (settings.first + contracts.ends).astype("datetime64[s]"),
            "since": since,
        }
    )

"""The customers of a simulated market: who they are, and what is latent in them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.sources.market.causes import Floats
from features.sources.market.settings import SEGMENTS, MarketSettings

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

INDUSTRIES: Final = ("software", "retail", "manufacturing", "finance", "health", "education", "logistics")
REGIONS: Final = {"EMEA": 1, "NA": -6, "APAC": 8}
"""Each region's hours ahead of UTC."""
EARLY_SHARE: Final = 0.55
"""Share of the accounts that join in the first fifth of the record, so that renewals begin early."""
_FIRST: Final = (
    "Alder",
    "Birch",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Grove",
    "Harbor",
    "Iris",
    "Juniper",
    "Kite",
    "Lumen",
)
_SECOND: Final = ("Works", "Labs", "Systems", "Group", "Partners", "Logistics", "Health", "Foods", "Media", "Energy")


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Per account, all of length n: days count from the first day of the record.

    ``fit`` is how well the product suits the account; ``replaced_on`` and ``shared_on`` are the onsets of the
    distractors (NaN: none); ``integrated_on`` the day an integration was set up beside the people (NaN: none).
    """

    ids: NDArray[np.str_]
    segment: Ints
    monthly: Flags
    joined: Ints
    fit: Floats
    intensity: Floats
    utilisation: Floats
    discount: Floats
    seats: Ints
    late_payer: Flags
    quarterly: Flags
    region: Ints
    owner: NDArray[np.str_]
    growth: Floats
    replaced_on: Floats
    shared_on: Floats
    integrated_on: Floats


def draw_accounts(settings: MarketSettings) -> Accounts:
    """Draw the customers; about half of them join early, the others until a month before the end."""
    rng, n = settings.stream("accounts"), settings.accounts
    segment = rng.choice(len(SEGMENTS), n, p=[s.share for s in SEGMENTS])
    median, spread = (np.array([s.seats[i] for s in SEGMENTS])[segment] for i in (0, 1))
    fit = rng.standard_normal(n)
    last = max(settings.days - 31, 1)
    joined = np.where(rng.random(n) < EARLY_SHARE, rng.uniform(0, last / 5, n), rng.uniform(0, last, n)).astype(
        np.int64
    )
    return Accounts(
        ids=np.array([f"acc-{i:05d}" for i in range(n)]),
        segment=segment,
        monthly=rng.random(n) < np.array([s.monthly_share for s in SEGMENTS])[segment],
        joined=_within_28(joined, settings),
        fit=fit,
        intensity=np.exp(0.28 * fit + rng.normal(0, 0.2, n)),
        utilisation=np.clip(0.75 + 0.12 * fit + rng.normal(0, 0.05, n), 0.35, 1.0),
        discount=np.round(rng.beta(1.2, 6, n), 2),
        seats=np.clip(np.round(median * np.exp(spread * rng.standard_normal(n))), 3, 80).astype(np.int64),
        late_payer=rng.random(n) < 0.15,
        quarterly=rng.random(n) < 0.5,
        region=rng.choice(len(REGIONS), n, p=[0.45, 0.4, 0.15]),
        owner=_owners(segment, rng),
        growth=rng.normal(0.08, 0.12, n),
        replaced_on=_onset(0.07, joined, last, rng),
        shared_on=_onset(0.06, joined, last, rng),
        integrated_on=_onset(0.3, joined, last, rng),
    )


def _within_28(days: Ints, settings: MarketSettings) -> Ints:
    """Move days 29 to 31 of a month to the 28th, so that adding months always lands on the same day."""
    dates = settings.first + days
    day_of_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    moved: Ints = days - np.maximum(day_of_month - 27, 0)
    return moved


def _onset(share: float, joined: Ints, last: int, rng: np.random.Generator) -> Floats:
    onset = rng.uniform(joined + 60, np.maximum(last, joined + 90) + 1.0)
    return np.where(rng.random(joined.size) < share, np.floor(onset), np.nan)


def _owners(segment: Ints, rng: np.random.Generator) -> NDArray[np.str_]:
    number = np.floor(rng.random(segment.size) * np.array([s.owners for s in SEGMENTS])[segment]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum([s.owners for s in SEGMENTS])])[segment]
    return np.array([f"csm-{i + 1:02d}" for i in first + number])


def accounts_table(accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """The table `accounts`, with `employees` as a further attribute."""
    rng, n = settings.stream("accounts table"), accounts.ids.size
    names = [
        f"{_FIRST[i]} {_SECOND[j]} {k}" for k, (i, j) in enumerate(rng.integers(0, (len(_FIRST), len(_SECOND)), (n, 2)))
    ]
    created = settings.first + accounts.joined - rng.integers(16, 40, n)
    return pd.DataFrame(
        {
            "account_id": accounts.ids,
            "name": names,
            "segment": np.array([s.name for s in SEGMENTS])[accounts.segment],
            "owner": accounts.owner,
            "created_at": created.astype("datetime64[us]"),
            "industry": np.array(INDUSTRIES)[rng.integers(0, len(INDUSTRIES), n)],
            "region": np.array(list(REGIONS))[accounts.region],
            "acquisition_cost": np.round(accounts.seats * rng.lognormal(6.0, 0.3, n), 2),
            "employees": (accounts.seats * rng.lognormal(2.0, 0.6, n)).astype(np.int64),
        }
    )

"""Why accounts leave: the planted causes, what each adds to the log-odds, and the distractors that add nothing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One reason to leave. ``chance`` and ``monthly_chance`` are per term, for an account of average fit.

    The onset falls evenly within ``lead`` (``monthly_lead``) days before the end of the term; only a price rises on the
    day its term is signed. ``family`` is the signal family in which the cause should be read.
    """

    name: str
    family: str
    effect: float
    chance: float
    monthly_chance: float
    lead: tuple[float, float] = (20.0, 200.0)
    monthly_lead: tuple[float, float] = (7.0, 27.0)


CAUSES: Final[tuple[Cause, ...]] = (
    Cause(name="champion_left", family="seats", effect=3.3, chance=0.072, monthly_chance=0.011),
    Cause(
        name="key_feature_abandoned",
        family="adoption",
        effect=3.2,
        chance=0.072,
        monthly_chance=0.011,
        lead=(20.0, 120.0),
    ),
    Cause(name="seats_unused", family="seats", effect=3.2, chance=0.068, monthly_chance=0.012),
    Cause(name="price_rise", family="commercial", effect=2.8, chance=0.105, monthly_chance=0.012),
    Cause(name="unresolved_tickets", family="support", effect=3.1, chance=0.072, monthly_chance=0.011),
    Cause(name="decline", family="frequency", effect=3.4, chance=0.105, monthly_chance=0.015),
)
CHAMPION, KEY_FEATURE, SEATS, PRICE, TICKETS, DECLINE = range(len(CAUSES))

DISTRACTORS: Final[dict[str, str]] = {
    "integration_replaced_logins": "frequency",
    "account_shared": "time_spent",
    "fleet_outage": "frequency",
    "holiday": "frequency",
}
"""What looks like trouble and is none, with the family in which it shows."""

FIT_EFFECT: Final = -0.8
CARE_EFFECT: Final = -0.45
LATE_PAYER_EFFECT: Final = 0.5
FIT_ON_CHANCE: Final = -0.25
"""Well-fitting accounts have somewhat fewer causes: what a unit of fit does to the log of each chance."""
NO_REASON: Final = {False: 0.03, True: 0.007}
"""The share of terms lost for no visible reason, by whether the term is a month."""
MONTHLY_SHIFT: Final = -1.2
"""What a monthly term takes off the log-odds: it is decided twelve times a year."""

EFFECTS: Final[Floats] = np.array([cause.effect for cause in CAUSES])


def leave_probability(log_odds: Floats, monthly: NDArray[np.bool_]) -> Floats:
    """The chance of leaving at the renewal: for no reason first, by the log-odds otherwise."""
    reasonless = np.where(monthly, NO_REASON[True], NO_REASON[False])
    probability: Floats = reasonless + (1 - reasonless) / (1 + np.exp(-log_odds))
    return probability


def chances(
    fit: Floats, monthly: NDArray[np.bool_], *, first_term: NDArray[np.bool_], shared: NDArray[np.bool_]
) -> Floats:
    """(n, causes): the chance of each cause in one term.

    A price cannot rise in a first term, and a login that several people share is never a champion who leaves.
    """
    year, month = (np.array([getattr(cause, name) for cause in CAUSES]) for name in ("chance", "monthly_chance"))
    chance: Floats = np.where(monthly[:, None], month, year) * np.exp(FIT_ON_CHANCE * fit)[:, None]
    chance[first_term, PRICE] = 0
    chance[shared, CHAMPION] = 0
    np.minimum(chance, 0.5, out=chance)
    return chance


def lead_bounds(monthly: NDArray[np.bool_], length: Floats) -> tuple[Floats, Floats]:
    """Two (n, causes): the least and the greatest number of days before the end at which a cause can begin."""
    least = np.where(monthly[:, None], [c.monthly_lead[0] for c in CAUSES], [c.lead[0] for c in CAUSES])
    most = np.where(monthly[:, None], [c.monthly_lead[1] for c in CAUSES], [c.lead[1] for c in CAUSES])
    least[:, PRICE] = most[:, PRICE] = length
    return least, most

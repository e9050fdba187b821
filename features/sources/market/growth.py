"""Who will buy more in a simulated market: as it always was, planted so that it shows beforehand, or left to chance.

Where it is planted or left to chance, nothing else makes an account pay more, and who buys stays: so by chance buying
is independent of everything that is known, and planted it depends on one thing only, on whether the account wants more.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from features.sources.market.accounts import Flags, Ints
from features.sources.market.causes import Floats
from features.sources.market.settings import Growth

WANTING: Final = {False: 0.25, True: 0.02}
"""Share of the terms in which an account comes to want more, by whether the term is a month."""

LEAD: Final = {False: (30.0, 150.0), True: (5.0, 25.0)}
"""Days before the end of the term between which the wanting begins, evenly."""

BUYS: Final = {True: 0.7, False: 0.05}
"""Chance to buy more at the end of the term, by whether it wants more; for a month a third of it."""

OPENED: Final = {True: 0.6, False: 0.1}
"""Chance that an opportunity is opened, by whether it wants more: some days after it came to want it."""

MORE: Final = (1.15, 1.5)
"""Seats bought, as a multiple of those before."""


@dataclass(frozen=True, kw_only=True)
class Wants:
    """Per term (n,): the day from which the account wants more (NaN: it does not), whether it buys, and the day an
    opportunity was opened (NaN: none).
    """

    since: Floats
    buys: Flags
    opportunity: Floats


def draw_wants(growth: Growth, ends: Ints, monthly: Flags, rng: np.random.Generator) -> Wants | None:
    """Draw a round of terms; None where growth is as it always was."""
    if growth == "usual":
        return None
    size = ends.size
    lead = np.where(monthly, rng.uniform(*LEAD[True], size), rng.uniform(*LEAD[False], size))
    wanting = rng.random(size) < np.where(monthly, WANTING[True], WANTING[False])
    shown = wanting if growth == "planted" else rng.permutation(wanting)
    scale = np.where(monthly, 1 / 3, 1.0)
    opened = rng.random(size) < np.where(shown, OPENED[True], OPENED[False]) * scale
    return Wants(
        since=np.where(shown, ends - lead, np.nan),
        buys=rng.random(size) < np.where(wanting, BUYS[True], BUYS[False]) * scale,
        opportunity=np.where(opened, np.floor(ends - lead * rng.uniform(0.3, 0.9, size)), np.nan),
    )


def more_seats(seats: Ints, rng: np.random.Generator) -> Ints:
    """The seats of accounts that buy more: at least one more."""
    bought: Ints = np.maximum(np.round(seats * rng.uniform(*MORE, seats.size)), seats + 1).astype(np.int64)
    return bought


def chance_to_buy(since: Floats, ends: Floats, cutoff: Floats) -> Floats:
    """The exact chance (n,) that a yearly term, as latent at its cutoff, ends with more bought, where it is planted.

    ``since`` is NaN where the account never comes to want more. One that does not yet may still come to: see `truth`.
    """
    least, most = LEAD[False]
    still = np.clip((np.minimum(ends - cutoff, most) - least) / (most - least), 0, 1)
    begins = WANTING[False] * still / (1 - WANTING[False] * (1 - still))
    wants = np.where(since < cutoff, 1.0, begins)
    chance: Floats = wants * BUYS[True] + (1 - wants) * BUYS[False]
    return chance

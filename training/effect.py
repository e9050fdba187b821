"""The effect of something given by chance: a difference of shares, adjusted for what was known before, with intervals.

Whoever was drawn for it counts as having had it, whether or not it was done (intention to treat): only then are those
drawn and those left out alike but for chance.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

LEVEL: Final = 0.05
Z: Final = float(stats.norm.ppf(1 - LEVEL / 2))
LEAST: Final = 20
"""Of each group so many must be decided: with fewer, intervals hold the truth less often than they say."""

EXPECTED: Final = 500
"""How many decided the always-valid interval is narrowest for."""

LIMIT: Final = 1e-4
"""Risks are kept so far from nought and one before their log-odds are taken."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A difference of shares (given minus left out), in points of probability: below 0 fewer left.

    ``low`` and ``high`` hold the truth in 95 % of looks, ``always_low`` and ``always_high`` in 95 % of histories,
    however often one looks. ``p`` is two-sided.
    """

    difference: float
    low: float
    high: float
    always_low: float
    always_high: float
    p: float


def effect(given: npt.NDArray[np.bool_], left: npt.NDArray[np.bool_], risk: Floats) -> Effect | None:
    """The effect of being given (n) on leaving (n), adjusted for the risk (n, 0 to 1) said when it was drawn.

    None while fewer than `LEAST` of either group are decided. Regression with interaction and robust variance, which
    need no model to be right (Lin, "Agnostic notes on regression adjustments to experimental data", 2013; HC3 of
    MacKinnon and White, 1985), with Student's t of the smaller group. The always-valid interval is the asymptotic
    confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit theory", 2024).
    """
    many = given.size
    if min(int(given.sum()), int((~given).sum())) < LEAST:
        return None
    odds = _log_odds(risk)
    shifted = odds - odds.mean()
    treated = given.astype(float)
    design = np.column_stack([np.ones(many), treated, shifted, treated * shifted])
    # A risk that is the same for all adjusts nothing.
    design = design if shifted.std() > 0 else design[:, :2]
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ design.T @ left.astype(float)
    residuals = left - design @ weights
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = residuals**2 / np.maximum(1 - leverage, LIMIT) ** 2
    variance = (inverse @ (design.T * scaled) @ design @ inverse)[1, 1]
    # Where nobody left, or everybody, residuals are nought: half an account more each way keeps an interval.
    spread = max(math.sqrt(max(variance, 0.0)), _least_spread(given))
    freedom = min(int(given.sum()), int((~given).sum())) - design.shape[1] // 2
    spread *= float(stats.t.ppf(1 - LEVEL / 2, freedom)) / Z
    found, always = float(weights[1]), spread * _factor(many)
    return Effect(
        difference=found,
        low=max(-1.0, found - Z * spread),
        high=min(1.0, found + Z * spread),
        always_low=max(-1.0, found - always),
        always_high=min(1.0, found + always),
        p=math.erfc(abs(found) / spread / math.sqrt(2)),
    )


def _log_odds(risk: Floats) -> Floats:
    kept = np.clip(risk, LIMIT, 1 - LIMIT)
    found: Floats = np.log(kept / (1 - kept))
    return found


def _least_spread(given: npt.NDArray[np.bool_]) -> float:
    """The spread of a difference when half an account in each group had turned out otherwise (Agresti and Caffo)."""
    counts = np.array([given.sum(), (~given).sum()], dtype=float)
    share = 0.5 / (counts + 1)
    return float(np.sqrt((share * (1 - share) / (counts + 1)).sum()))


def _factor(many: int) -> float:
    """How many standard errors the always-valid interval reaches to each side, after so many decided."""
    expected = -2 * math.log(LEVEL) + math.log(-2 * math.log(LEVEL) + 1)
    scale = many * expected / EXPECTED
    return math.sqrt(2 * (scale + 1) / scale * math.log(math.sqrt(scale + 1) / LEVEL))

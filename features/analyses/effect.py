"""The effect of something given by chance: a difference of shares, adjusted for what was known before, with intervals.

Whoever was drawn for it counts as having had it, whether or not it was done (intention to treat): only then are those
drawn and those left out alike but for chance.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL: Final = 0.05
Z: Final = 1.959964
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
    wider = _t(freedom) / Z
    spread *= wider
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


def _t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun, 1964, 26.7.5)."""
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


def _factor(many: int) -> float:
    """How many standard errors the always-valid interval reaches to each side, after so many decided."""
    expected = -2 * math.log(LEVEL) + math.log(-2 * math.log(LEVEL) + 1)
    scale = many * expected / EXPECTED
    return math.sqrt(2 * (scale + 1) / scale * math.log(math.sqrt(scale + 1) / LEVEL))


def discoveries(p: Floats, share: float) -> npt.NDArray[np.bool_]:
    """Which of several p-values (n) stand when at most ``share`` of those named may be false.

    Benjamini and Hochberg, "Controlling the false discovery rate", 1995.

    >>> discoveries(np.array([0.001, 0.2, 0.03]), 0.05).tolist()
    [True, False, True]
    """
    if not p.size:
        return np.zeros(0, dtype=bool)
    order = np.argsort(p, kind="stable")
    stands = p[order] <= share * np.arange(1, p.size + 1) / p.size
    found = np.zeros(p.size, dtype=bool)
    if stands.any():
        found[order[: int(np.flatnonzero(stands)[-1]) + 1]] = True
    return found

"""What an account is worth over its life: survival, weighed by what it pays, discounted month by month."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MONTH_DAYS: Final = 365.25 / 12
RESAMPLES: Final = 200
FEWEST_AT_RISK: Final = 10
"""With fewer still watched, the curve is carried on at the mean rate of loss so far."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """The value of the life of a usual account with its 95 % interval, and after how many months it has paid ``cac``.

    ``payback`` is None where it does not within the horizon, or where the cost is not known.
    """

    value: float
    low: float
    high: float
    payback: float | None


def monthly_survival(days: Floats, left: Flags, months: int, weights: Floats) -> Floats:
    """(months): the share still there at the start of each month of life, rows (n) counting by ``weights``.

    Kaplan and Meier's product by day; where fewer than `FEWEST_AT_RISK` are watched, a constant rate of loss.
    """
    last = int(days.max(initial=0.0)) + 1
    whole = days.astype(np.int64)
    lost = np.bincount(whole[left], weights=weights[left], minlength=last + 1)
    watched = np.bincount(whole, weights=weights, minlength=last + 1)[::-1].cumsum()[::-1]
    heads = np.bincount(whole, minlength=last + 1)[::-1].cumsum()[::-1]
    seen = int(np.flatnonzero(heads >= min(FEWEST_AT_RISK, days.size))[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        stays = np.where(watched > 0, 1 - lost / watched, 1.0)[: seen + 1]
    curve = stays.cumprod()
    rate = float((weights * left).sum() / max((weights * days).sum(), 1e-9))
    at = np.arange(months) * MONTH_DAYS
    beyond = np.maximum(at - seen, 0.0)
    share: Floats = curve[np.minimum(at.astype(np.int64), seen)] * np.exp(-rate * beyond)
    return share


def worth(
    days: Floats,
    left: Flags,
    arr: Floats,
    *,
    cost: float,
    cac: float | None,
    margin: float = 1.0,
    months: int = 60,
    discount: float = 0.1,
    seed: int = 0,
) -> Worth:
    """The discounted gain of the first ``months`` of a usual account, at its ARR (n) and a yearly ``cost`` to serve.

    Gain = ARR x margin - cost, earned while it stays. The interval is that of 200 resamples of accounts (percentile
    bootstrap; Efron, 1979); costs are held as they are.
    """
    even = np.ones(days.size)
    value, gains = _value(days, left, arr, even, cost=cost, margin=margin, months=months, discount=discount)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(days.size, even / days.size, RESAMPLES).astype(np.float64)
    others = [_value(days, left, arr, w, cost=cost, margin=margin, months=months, discount=discount)[0] for w in draws]
    low, high = np.quantile(others, [0.025, 0.975])
    return Worth(value=value, low=float(low), high=float(high), payback=_payback(gains, cac))


def _value(
    days: Floats, left: Flags, arr: Floats, weights: Floats, *, cost: float, margin: float, months: int, discount: float
) -> tuple[float, Floats]:
    """The discounted value, and the gain of each month before discounting (months)."""
    paid = float((weights * arr).sum() / weights.sum())
    # Who pays more may stay longer: revenue follows the survival of money, costs that of accounts.
    revenue = monthly_survival(days, left, months, weights * arr) * paid * margin / 12 if paid else np.zeros(months)
    gains = revenue - monthly_survival(days, left, months, weights) * cost / 12
    return float((gains / (1 + discount) ** (np.arange(months) / 12)).sum()), gains


def _payback(gains: Floats, cac: float | None) -> float | None:
    if cac is None:
        return None
    total = gains.cumsum()
    if total[-1] < cac or not (total >= cac).any():
        return None
    month = int(np.argmax(total >= cac))
    before = total[month - 1] if month else 0.0
    return month + float((cac - before) / gains[month])

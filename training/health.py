"""Health: how well an account uses the product, 0 to 100, a weighted sum of signals with weights learnt from renewals.

Each signal is ranked against past looks, turned so that more is healthier. The logarithms of these ranks, which tell
how rare so little use is (as in the combined test of Fisher, 1925), are added with weights that are never negative;
health is the share of past looks whose sum was lower. So 12 says: 88 % of past looks were healthier.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from features.signal import Formula, Signal, SignalColumn, columns
from training.dataset import Dataset, Floats

GROUPS: Final[Mapping[str, Mapping[str, tuple[int, ...]]]] = {
    "frequency": {
        "recency": (),
        "active_days": (28,),
        "active_weeks": (84,),
        "active_days_against_year": (28,),
        "all_events_change": (28, 84),
        "events_against_year": (28,),
    },
    "time": {"hours_a_day_of_use": (28,), "session_hours": (28,), "hours_change": (28, 84)},
    "adoption": {
        "features": (28,),
        "kept_features": (28, 84),
        "silent_features_share": (28,),
        "core_feature_usual_silence": (),
        "seats_used": (28,),
        "kept_users": (28,),
        "silent_users_share": (28,),
        "champion_silence": (182,),
    },
}
"""How often, how long, and how much of it by how many of those who could: signals that do not grow with the account."""

GRID: Final = 400
"""Past values are kept as so many quantiles."""

TAIL: Final = 0.005
"""Nothing counts as rarer than one look in two hundred: quantiles beyond are noise."""

FEWEST_LOSSES: Final = 10
"""With fewer losses weights are not learnt."""

LARGEST_UNKNOWN: Final = 0.9
"""A signal that more looks lack says nothing."""

SHARED_VARIANCE, OWN_VARIANCE = 1.0, 0.3
"""Prior variances: of the slope of all signals together, equal by group, and of what single ones deviate from it."""

FLAT: Final = 1e-6
"""Slopes that add up to less are none."""

LOOSE: Final = 10.0
"""Prior variance of the log-odds of each lead time."""

WITHIN: Final = (60, 90)
"""Days before the end at which it must be seen: enough to solve what bothers a customer."""

RED_LIFT, CAUGHT, MOST_GREEN = 3.0, 2 / 3, 0.8
"""Red accounts leave so many times more often than all; so many lost were not green; so much is green at most."""

MARGIN: Final = 1.1
"""Bands are chosen to keep their promise by a tenth more on what is learnt from."""

RED_SHARES: Final = tuple(np.arange(0.15, 0.019, -0.01))
NOT_GREEN_SHARES: Final = tuple(np.arange(1 - MOST_GREEN, 0.501, 0.01))


@dataclass(frozen=True, kw_only=True)
class Health:
    """The measure: ``columns`` (k), ``grid`` (GRID, k) their past values, more being healthier, ``weights`` (k,) of
    sum one, ``sums`` the past sums of all, and of each group, sorted. ``red`` and ``green`` are health below and from
    which accounts have that colour. ``losses`` are those learnt from; ``learnt`` is whether weights come from them.
    """

    columns: tuple[SignalColumn, ...]
    grid: Floats
    weights: Floats
    sums: Mapping[str, Floats]
    red: float
    green: float
    losses: float
    learnt: bool

    def of(self, signals: pd.DataFrame) -> pd.DataFrame:
        """Health of looks (n rows of signals): health, colour, and each group's own health, 0 to 100."""
        heights = self.heights(signals)
        found = {"health": _place(heights @ self.weights, self.sums["health"])}
        for group, weights in shares(self.columns, self.weights).items():
            found[group] = _place(heights @ weights, self.sums[group])
        frame = pd.DataFrame(found, index=signals.index)
        return frame.assign(colour=self.colours(frame["health"]))

    def heights(self, signals: pd.DataFrame) -> Floats:
        """How unusual each signal is (n, k): the log of its rank plus one, so that the mean is 0, as is the unknown."""
        return _heights(_turned(signals, self.columns), self.grid)

    def colours(self, health: pd.Series) -> pd.Series:
        """Red, yellow or green."""
        names = np.select([health < self.red, health < self.green], ["red", "yellow"], "green")
        return pd.Series(names, index=health.index)

    def by_group(self) -> dict[str, float]:
        """The weight of each group."""
        kind = np.array(groups_of(self.columns))
        return {group: float(self.weights[kind == group].sum()) for group in GROUPS}


def wanted(catalogue: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """The signals of health, in the windows it asks for, and those that their formulas name."""
    known = {signal.name: signal for signal in catalogue}
    windows = {name: set(some) for group in GROUPS.values() for name, some in group.items()}
    waiting = list(windows)
    while waiting:
        signal = known[waiting.pop()]
        if isinstance(signal.measure, Formula):
            for name, _ in signal.measure.references:
                before = windows.get(name)
                windows[name] = (before or set()) | (windows[signal.name] if known[name].windows else set())
                if before is None or windows[name] != before:
                    waiting.append(name)
    return tuple(replace(known[name], windows=tuple(sorted(some))) for name, some in windows.items())


def health_columns(catalogue: tuple[Signal, ...]) -> tuple[SignalColumn, ...]:
    """The columns of health."""
    asked = {name: some for group in GROUPS.values() for name, some in group.items()}
    return columns(replace(signal, windows=asked[signal.name]) for signal in catalogue if signal.name in asked)


def groups_of(asked: tuple[SignalColumn, ...]) -> list[str]:
    """The group of each column."""
    return [next(group for group, names in GROUPS.items() if one.signal.name in names) for one in asked]


def shares(asked: tuple[SignalColumn, ...], weights: Floats) -> dict[str, Floats]:
    """The weights of one group alone, (k,) each; equal ones where all of them are zero."""
    kinds = np.array(groups_of(asked))
    found = {}
    for group in GROUPS:
        own = np.where(kinds == group, weights, 0.0)
        own = own if own.sum() > 0 else (kinds == group).astype(float)
        found[group] = own / max(own.sum(), 1.0) if own.sum() == 0 else own / own.sum()
    return found


def learn(data: Dataset, catalogue: tuple[Signal, ...], by_hand: Mapping[str, float] | None = None) -> Health:
    """Health as decided snapshots teach it; ``by_hand`` are weights of groups that a person has set instead."""
    asked = health_columns(catalogue)
    turned = _turned(data.signals, asked)
    grid = _grid(turned)
    heights = _heights(turned, grid)
    says = (np.isnan(turned).mean(axis=0) <= LARGEST_UNKNOWN) & (heights.std(axis=0) > 0)
    equal = _equal(asked, says)
    losses = float(data.weights @ data.left)
    stays = float(data.weights.sum()) - losses
    learnt = losses >= FEWEST_LOSSES <= stays and bool(says.any())
    weights = _weights(data, heights, equal) if learnt else equal
    if by_hand:
        weights = _set(asked, weights, equal, by_hand)
    sums = {"health": np.sort(heights @ weights)}
    sums |= {group: np.sort(heights @ own) for group, own in shares(asked, weights).items()}
    health = Health(
        columns=asked,
        grid=grid,
        weights=weights,
        sums={name: _quantiles(values) for name, values in sums.items()},
        red=0.0,
        green=0.0,
        losses=losses,
        learnt=learnt and not by_hand,
    )
    red, green = _bands(data, health.of(data.signals)["health"].to_numpy())
    return replace(health, red=red, green=green)


def near_the_end(data: Dataset) -> np.ndarray:
    """The looks at which a loss should have been seen, (n,): 60 to 90 days before, or the earliest of short terms."""
    lead = data.keys["lead_days"].to_numpy(dtype=float)
    terms = data.keys["contract_id"].astype(object).where(data.keys["contract_id"].notna(), data.keys["account_id"])
    latest = pd.Series(lead).groupby(terms.to_numpy()).transform("max").to_numpy()
    within = (lead >= WITHIN[0]) & (lead <= WITHIN[1])
    return np.asarray(within | ((latest < WITHIN[0]) & (lead == latest)))


def _bands(data: Dataset, health: Floats) -> tuple[float, float]:
    """Health below which an account is red, and from which it is green.

    Red as many as leave three times as often as all; green as many as leave a third of the lost unseen at most.
    """
    weights, left = data.weights, data.left
    if not left.sum():
        return 100 * RED_SHARES[-1], 100 * NOT_GREEN_SHARES[0]
    base = float(weights @ left / weights.sum())
    red = 100 * RED_SHARES[-1]
    for share in RED_SHARES:
        below = health < 100 * share
        if below.any() and weights[below] @ left[below] / weights[below].sum() >= MARGIN * RED_LIFT * base:
            red = 100 * share
            break
    lost = near_the_end(data) & (left == 1)
    for share in NOT_GREEN_SHARES:
        seen = health[lost] < 100 * share
        if lost.any() and weights[lost] @ seen / weights[lost].sum() >= MARGIN * CAUGHT:
            return red, float(100 * share)
    return red, float(100 * NOT_GREEN_SHARES[-1])


def _weights(data: Dataset, heights: Floats, equal: Floats) -> Floats:
    """Shares of a logistic regression whose slopes are not negative, shrunk towards one slope for all of them."""
    leads, place = np.unique(data.keys["lead_days"].to_numpy(dtype=float), return_inverse=True)
    shares_of, left, many = data.weights, data.left, len(leads)
    shared = equal / max((heights @ equal).std(), FLAT)
    variance = OWN_VARIANCE / max((equal > 0).sum(), 1)

    def height(guess: Floats) -> tuple[float, Floats]:
        level, slope, own = guess[:many], guess[many], guess[many + 1 :]
        log_odds = level[place] - heights @ own
        off = shares_of * (1 / (1 + np.exp(-np.clip(log_odds, -50, 50))) - left)
        apart = own - slope * shared
        loss = shares_of @ (np.logaddexp(0, log_odds) - left * log_odds)
        loss += level @ level / LOOSE / 2 + slope**2 / SHARED_VARIANCE / 2 + apart @ apart / variance / 2
        by_level = np.bincount(place, off, many) + level / LOOSE
        by_slope = slope / SHARED_VARIANCE - apart @ shared / variance
        return float(loss), np.concatenate([by_level, [by_slope], apart / variance - heights.T @ off])

    bounds = [(None, None)] * many + [(0.0, None)] + [(0.0, None if one else 0.0) for one in equal > 0]
    found = minimize(height, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes = np.asarray(found[many + 1 :])
    return slopes / slopes.sum() if slopes.sum() > FLAT else equal


def _set(asked: tuple[SignalColumn, ...], weights: Floats, equal: Floats, by_hand: Mapping[str, float]) -> Floats:
    """Weights of groups as a person set them, shared out within a group as learnt, or equally."""
    kinds, total = np.array(groups_of(asked)), sum(by_hand.values())
    made = np.zeros(len(asked))
    for group, wish in by_hand.items():
        own = np.where(kinds == group, weights, 0.0)
        own = own if own.sum() > 0 else np.where(kinds == group, equal, 0.0)
        made += wish / total * own / max(own.sum(), 1e-12)
    return made / made.sum() if made.sum() > 0 else equal


def _equal(asked: tuple[SignalColumn, ...], says: np.ndarray) -> Floats:
    """Every group counts the same, and within a group every signal that says something."""
    kinds = np.array(groups_of(asked))
    counts = {group: max(int((says & (kinds == group)).sum()), 1) for group in GROUPS}
    total = np.where(says, [1.0 / counts[kind] for kind in kinds], 0.0)
    return total / total.sum() if total.sum() else np.full(len(asked), 1 / len(asked))


def _turned(signals: pd.DataFrame, asked: tuple[SignalColumn, ...]) -> Floats:
    ways = np.array([-1.0 if one.signal.healthier == "less" else 1.0 for one in asked])
    return np.asarray(signals[[one.name for one in asked]].to_numpy(dtype=float) * ways)


def _grid(turned: Floats) -> Floats:
    known = [column[~np.isnan(column)] for column in turned.T]
    return np.stack([_quantiles(np.sort(column)) if len(column) else np.zeros(GRID) for column in known], axis=1)


def _quantiles(ordered: Floats) -> Floats:
    return np.quantile(ordered, (np.arange(GRID) + 0.5) / GRID, method="inverted_cdf")


def _heights(turned: Floats, grid: Floats) -> Floats:
    places = np.stack([_place(turned[:, k], grid[:, k]) for k in range(turned.shape[1])], axis=1) / 100
    return np.where(np.isnan(turned), 0.0, 1 + np.log(np.clip(places, TAIL, 1)))


def _place(values: Floats, ordered: Floats) -> Floats:
    """The percentage of past values below each, those equal counting half."""
    below = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(50.0 * below / len(ordered))

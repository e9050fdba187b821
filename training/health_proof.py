"""Whether health tells who leaves: learnt anew every quarter from what was decided, judged on the looks that follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.signal import Signal
from training.dataset import Dataset, Floats
from training.health import CAUGHT, FEWEST_LOSSES, MOST_GREEN, RED_LIFT, learn, near_the_end

EVERY_DAYS: Final = 91
"""Weights are learnt anew every quarter."""

MOST_FOLDS: Final = 12
DRAWS: Final = 500
SEED: Final = 7
LEVEL: Final = 0.95
"""Of the intervals, and of the one-sided claim that health tells anything at all."""

FEWEST_JUDGED: Final = 10
"""Fewer losses to judge by prove nothing."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise: what it is, what is wanted, what was found (None: cannot be said), its interval, of how many.

    ``holds`` is None where it cannot be said.
    """

    what: str
    wanted: str
    found: float | None
    low: float | None
    high: float | None
    of: int
    holds: bool | None


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The looks judged out of time (account_id, cutoff, health, colour, left, weight), and what they say.

    ``base`` is the share of them that left (None: too few losses to judge by).
    ``tells``: whether those who stayed were healthier beyond chance, at an error rate of 5 %; None with too few losses.
    """

    looks: pd.DataFrame
    checks: tuple[Check, ...]
    tells: bool | None
    losses: int
    base: float | None = None


def prove(
    data: Dataset, catalogue: tuple[Signal, ...], book: pd.Series, by_hand: Mapping[str, float] | None = None
) -> Proof:
    """Judge health on decided snapshots; ``book`` are the colours of today's accounts."""
    looks = out_of_time(data, catalogue, by_hand)
    terms = looks.loc[looks["left"] == 1, "term"].nunique()
    if terms < FEWEST_JUDGED:
        nothing = {"found": None, "low": None, "high": None, "of": terms, "holds": None}
        first = tuple(Check(what=what, wanted=wanted, **nothing) for what, wanted in PROMISES)  # type: ignore[arg-type]
        return Proof(looks=looks, checks=(*first, _green(book)), tells=None, losses=terms)
    drawn = _drawn(looks)
    return Proof(
        looks=looks,
        checks=(_lift(looks, drawn), _caught(looks, drawn), _green(book)),
        tells=_tells(drawn),
        base=float(drawn["left"][0] / drawn["all"][0]),
        losses=terms,
    )


PROMISES: Final = (
    ("red accounts leave more often than all", f"{RED_LIFT:g} times"),
    ("of the lost, not green 60 to 90 days before", f"{CAUGHT:.0%}".replace("%", " %")),
)


def out_of_time(
    data: Dataset, catalogue: tuple[Signal, ...], by_hand: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Every look that came after enough was decided to learn from, as health learnt before it saw it."""
    cutoff, decided = (data.keys[name].to_numpy(dtype="datetime64[D]") for name in ("cutoff", "decided_on"))
    near = near_the_end(data)
    parts = [_nothing()]
    for first, last in _folds(data, cutoff, decided):
        known, rows = decided < first, (cutoff >= first) & (cutoff < last)
        found = learn(data.take(known), catalogue, by_hand).of(data.signals[rows].reset_index(drop=True))
        keys = data.keys[rows].reset_index(drop=True)
        parts.append(
            found[["health", "colour"]].assign(
                account_id=keys["account_id"],
                term=keys["contract_id"].where(keys["contract_id"].notna(), keys["account_id"]),
                cutoff=keys["cutoff"],
                left=data.left[rows],
                weight=data.weights[rows],
                near=near[rows],
            )
        )
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _folds(data: Dataset, cutoff: np.ndarray, decided: np.ndarray) -> list[tuple[np.datetime64, np.datetime64]]:
    """The quarters to judge, from the day on which enough losses were decided."""
    order = np.argsort(decided, kind="stable")
    enough = np.flatnonzero(np.cumsum((data.weights * data.left)[order]) >= FEWEST_LOSSES)
    if not len(enough):
        return []
    first, last = decided[order][enough[0]] + 1, cutoff.max()
    step = max(EVERY_DAYS, int((last - first).astype(int) / MOST_FOLDS) + 1)
    days = np.timedelta64(step, "D")
    edges = [first + days * number for number in range(max(0, int((last - first) / days) + 1))]
    return [(edge, edge + days) for edge in edges]


def _nothing() -> pd.DataFrame:
    names = ("health", "colour", "account_id", "term", "cutoff", "left", "weight", "near")
    return pd.DataFrame({name: [] for name in names})


def _drawn(looks: pd.DataFrame) -> dict[str, Floats]:
    """Sums of the looks, (DRAWS + 1,) each: as they are, and with accounts drawn anew with replacement."""
    weight, left = looks["weight"].to_numpy(), looks["left"].to_numpy()
    red = (looks["colour"] == "red").to_numpy()
    lost = looks["near"].to_numpy(dtype=bool) * left * weight
    health = looks["health"].to_numpy()
    cells = {
        "all": weight,
        "left": weight * left,
        "red": weight * red,
        "red left": weight * red * left,
        "lost": lost,
        "lost seen": lost * (looks["colour"] != "green").to_numpy(),
        "health of lost": weight * left * health,
        "health": weight * health,
    }
    number, accounts = pd.factorize(looks["account_id"])
    sums = np.stack([np.bincount(number, cell, len(accounts)) for cell in cells.values()], axis=1)
    draw = np.random.default_rng(SEED)
    times = draw.multinomial(len(accounts), np.full(len(accounts), 1 / len(accounts)), size=DRAWS)
    drawn = np.vstack([sums.sum(axis=0), times @ sums])
    return dict(zip(cells, drawn.T, strict=True))


def _lift(looks: pd.DataFrame, drawn: Mapping[str, Floats]) -> Check:
    lift = _ratio(drawn["red left"], drawn["red"]) / _ratio(drawn["left"], drawn["all"])
    of = int((looks["colour"] == "red").sum())
    return _check(PROMISES[0], lift, of, RED_LIFT)


def _caught(looks: pd.DataFrame, drawn: Mapping[str, Floats]) -> Check:
    of = looks.loc[looks["near"].astype(bool) & (looks["left"] == 1), "term"].nunique()
    return _check(PROMISES[1], _ratio(drawn["lost seen"], drawn["lost"]), of, CAUGHT)


def _green(book: pd.Series) -> Check:
    found = float((book == "green").mean()) if len(book) else None
    return Check(
        what="green accounts of the book",
        wanted=f"at most {MOST_GREEN:.0%}".replace("%", " %"),
        found=found,
        low=None,
        high=None,
        of=len(book),
        holds=None if found is None else found <= MOST_GREEN,
    )


def _check(promise: tuple[str, str], drawn: Floats, of: int, least: float) -> Check:
    if not np.isfinite(drawn[0]):
        return Check(
            what=promise[0], wanted=f"at least {promise[1]}", found=None, low=None, high=None, of=of, holds=None
        )
    low, high = np.nanquantile(drawn[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Check(
        what=promise[0],
        wanted=f"at least {promise[1]}",
        found=float(drawn[0]),
        low=float(low),
        high=float(high),
        of=of,
        holds=bool(drawn[0] >= least),
    )


def _tells(drawn: Mapping[str, Floats]) -> bool:
    """Whether who stayed was healthier than who left, one-sided, from the spread of the draws."""
    lost = _ratio(drawn["health of lost"], drawn["left"])
    stayed = _ratio(drawn["health"] - drawn["health of lost"], drawn["all"] - drawn["left"])
    apart = stayed - lost
    return bool(np.nanquantile(apart[1:], 1 - LEVEL) > 0)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))

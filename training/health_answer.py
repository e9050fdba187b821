"""Which accounts are healthy, by what weights, and whether that tells who leaves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from features import table
from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.errors import SettingsError
from features.facts import Facts
from features.signals import CATALOGUE
from features.snapshots import Mode, Renewal
from training.dataset import Dataset
from training.explain import sentence
from training.health import FEWEST_LOSSES, GROUPS, RED_LIFT, Health, learn, wanted
from training.health_chart import COLOURS, chart
from training.health_proof import Proof, prove

NAME: Final = "health"
FEWEST, MOST = 5, 100
"""How many of the best and the worst a team looks at."""

BEFORE_DAYS: Final = 28

ACCOUNTS: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    Field(name="segment", title="segment", kind="text", meaning="the group it belongs to", apart=True),
    ARR,
    Field(name="ends_on", title="renewal", kind="date", meaning="the end of its open term"),
    Field(
        name="health", title="health", kind="whole", meaning="share of past looks that were less healthy, in per cent"
    ),
    Field(name="before", title="before", kind="whole", meaning="its health four weeks earlier"),
    Field(name="colour", title="colour", kind="text", meaning="red, yellow or green"),
    *(
        Field(name=group, title=group, kind="whole", meaning=f"the same for its {group} signals alone", apart=True)
        for group in GROUPS
    ),
    Field(name="weakest", title="weakest signal", kind="text", meaning="what lowers its health most", wraps=True),
)

WEIGHTS: Final = (
    Field(name="group", title="group", kind="text", meaning="what the signals are about"),
    Field(name="signal", title="signal", kind="text", meaning="the signal; of the whole group where none is named"),
    Field(name="weight", title="weight", kind="share", meaning="how much of health it is"),
    Field(name="meaning", title="meaning", kind="text", meaning="what the signal is", wraps=True),
)

VALIDITY: Final = (
    Field(name="what", title="promise", kind="text", meaning="what health should be good for", wraps=True),
    Field(name="wanted", title="wanted", kind="text", meaning="what is asked of it"),
    Field(name="found", title="found", kind="number", meaning="what later looks showed, a share or so many times"),
    Field(name="low", title="at least", kind="number", meaning="lower end of the 95 % interval"),
    Field(name="high", title="at most", kind="number", meaning="upper end of the 95 % interval"),
    Field(name="of", title="of", kind="whole", meaning="how many looks, lost terms or accounts it rests on"),
    Field(name="holds", title="holds", kind="flag", meaning="whether it holds; empty where it cannot be said"),
)


@dataclass(frozen=True, kw_only=True)
class HealthAsked:
    """How many of the ``best`` and ``worst`` are told, and weights of the groups set by hand (all zero: learnt).

    Raises SettingsError.
    """

    best: int = 10
    worst: int = 10
    frequency: float = 0.0
    time: float = 0.0
    adoption: float = 0.0

    def __post_init__(self) -> None:
        for name in ("best", "worst"):
            if not FEWEST <= getattr(self, name) <= MOST:
                raise SettingsError(f"{name} = {getattr(self, name)}: a team looks at {FEWEST} to {MOST} accounts")
        for name in GROUPS:
            if not getattr(self, name) >= 0:
                raise SettingsError(f"{name} = {getattr(self, name)}: a weight of health is not negative")

    @property
    def by_hand(self) -> Mapping[str, float] | None:
        """The weights set by hand; None where they are to be learnt."""
        weights = {group: float(getattr(self, group)) for group in GROUPS}
        return weights if any(weights.values()) else None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Health, what it was learnt from, and the looks at the book: ``looks`` has account_id, cutoff, arr, ends_on,
    health, colour and the groups; ``signals`` their signals in the same order.
    """

    health: Health
    past: Dataset
    looks: pd.DataFrame
    signals: pd.DataFrame

    def at(self, cutoff: date) -> pd.DataFrame:
        """The looks from one cutoff, by account."""
        return self.looks[self.looks["cutoff"] == pd.Timestamp(cutoff)].set_index("account_id")


def measure(facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...], by_hand: Mapping[str, float] | None) -> Measured:
    """Learn health from the decided past and look at the accounts of the book from each of the cutoffs.

    Where nothing was decided yet, the book stands for the past. Raises DataError without events.
    """
    need(facts, NAME, "events")
    catalogue = wanted(CATALOGUE)
    past = table.past(facts, mode, catalogue=catalogue)
    book = table.books(facts, mode, cutoffs=cutoffs, catalogue=catalogue)
    known = past if len(past) else book
    left = known.left if len(past) else np.zeros(len(book))
    learnt_from = Dataset(keys=known.keys, signals=known.signals, left=left)
    health = learn(learnt_from, catalogue, by_hand)
    looks = pd.concat([book.keys[["account_id", "cutoff", "arr", "ends_on"]], health.of(book.signals)], axis=1)
    return Measured(health=health, past=learnt_from, looks=looks, signals=book.signals)


def health(facts: Facts, mode: Mode, asked: HealthAsked | None = None) -> Answer:
    """The health of every account of the book, its weights and its validity. Raises DataError without events."""
    asked = asked or HealthAsked()
    before = facts.cutoff - timedelta(days=BEFORE_DAYS)
    found = measure(facts, mode, cutoffs=(facts.cutoff, before), by_hand=asked.by_hand)
    accounts = _accounts(facts, mode, found, before)
    proof = prove(found.past, wanted(CATALOGUE), accounts["colour"], asked.by_hand)
    best = accounts.iloc[::-1].head(asked.best).reset_index(drop=True)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(accounts, found.health, proof, asked),
        sheets=(
            Sheet(name="accounts", fields=ACCOUNTS, frame=accounts, most=asked.worst),
            Sheet(name="best", fields=ACCOUNTS, frame=best),
            Sheet(name="weights", fields=WEIGHTS, frame=_weights(found.health)),
            Sheet(name="validity", fields=VALIDITY, frame=_validity(proof)),
        ),
        chart=chart(accounts, proof) if len(accounts) else None,
        asked=asdict(asked),
    )


def _accounts(facts: Facts, mode: Mode, found: Measured, before: date) -> pd.DataFrame:
    """The book, the least healthy first."""
    grace = {"grace_days": mode.grace_days} if isinstance(mode, Renewal) else {}
    known = accounts_now(facts, **grace).set_index("account_id")
    now = found.at(facts.cutoff)
    made = now[["ends_on", "health", "colour", *GROUPS]].join(known[["name", "owner", "segment", "arr"]])
    made["before"] = found.at(before)["health"].reindex(made.index)
    rows = (found.looks["cutoff"] == pd.Timestamp(facts.cutoff)).to_numpy()
    made["weakest"] = _weakest(found.health, found.signals[rows])
    whole = ["health", "before", *GROUPS]
    made[whole] = np.floor(made[whole])
    made = made.reset_index().sort_values(["health", "arr", "account_id"], ascending=[True, False, True])
    return made[[one.name for one in ACCOUNTS]].reset_index(drop=True)


def _weakest(found: Health, signals: pd.DataFrame) -> list[str | None]:
    """The signal that lowers each account's health most, as a sentence; None where nothing does."""
    pull = found.heights(signals) * found.weights
    place = pull.argmin(axis=1)
    told = []
    for row, (column, values) in enumerate(zip(place, signals.to_dict("records"), strict=True)):
        one = found.columns[column]
        told.append(sentence(one, float(values[one.name]), None) if pull[row, column] < 0 else None)
    return told


def _weights(found: Health) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for group, weight in sorted(found.by_group().items(), key=lambda one: -one[1]):
        rows.append({"group": group, "signal": None, "weight": weight, "meaning": "all of the group"})
        own = [
            (one, w) for one, w in zip(found.columns, found.weights, strict=True) if one.signal.name in GROUPS[group]
        ]
        rows += [
            {"group": group, "signal": one.name, "weight": float(w), "meaning": one.signal.meaning}
            for one, w in sorted(own, key=lambda pair: -pair[1])
        ]
    return pd.DataFrame(rows, columns=[one.name for one in WEIGHTS])


def _validity(proof: Proof) -> pd.DataFrame:
    return pd.DataFrame([vars(check) for check in proof.checks], columns=[one.name for one in VALIDITY])


def _says(accounts: pd.DataFrame, found: Health, proof: Proof, asked: HealthAsked) -> tuple[str, ...]:
    if not len(accounts):
        return ("No account is open: there is no health to tell.",)
    colours = {name: int((accounts["colour"] == name).sum()) for name in COLOURS}
    arr = accounts.loc[accounts["colour"] == "red", "arr"].sum()
    lines = [
        f"{colours['red']:,} of {len(accounts):,} accounts are red (health below {found.red:.0f}; ARR {arr:,.0f}), "
        f"{colours['yellow']:,} yellow, {colours['green']:,} green (from {found.green:.0f}).",
        f"The {min(asked.worst, len(accounts))} least healthy stand first, then the {min(asked.best, len(accounts))} "
        f"healthiest. {_origin(found, asked)}",
    ]
    if proof.tells is None:
        lines.append(f"Whether health tells who leaves cannot be said yet: {proof.losses} losses to judge it by.")
    elif not proof.tells:
        lines.append(
            f"No proof that health tells who leaves: on {proof.losses} later losses those who stayed were not "
            "healthier beyond chance. Do not act on it alone."
        )
    if proof.base is not None and proof.base > 1 / RED_LIFT:
        lines.append(f"{percent(proof.base)} of all left: nobody can leave {RED_LIFT:g} times as often.")
    for check in proof.checks:
        if check.found is None:
            continue
        value = f"{check.found:.1f} times" if "times" in check.wanted else percent(check.found)
        word = "Holds" if check.holds else "Does not hold"
        between = ""
        if check.low is not None and check.high is not None:
            ends = (f"{end:.1f}" if "times" in check.wanted else percent(end) for end in (check.low, check.high))
            between = f" ({' to '.join(ends)})"
        lines.append(f"{word}: {check.what}: {value}{between}, wanted {check.wanted}.")
    return tuple(lines)


def _origin(found: Health, asked: HealthAsked) -> str:
    weights = ", ".join(f"{group} {percent(weight)}" for group, weight in found.by_group().items())
    if asked.by_hand:
        return f"Weights set by hand: {weights}."
    if not found.learnt:
        return f"Weights are equal ({weights}): fewer than {FEWEST_LOSSES} losses to learn them from."
    return f"Weights learnt from {found.losses:.0f} losses: {weights}."

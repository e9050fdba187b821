"""Champion and challenger, judged on the same later snapshots, of which neither had learnt anything."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from training.dataset import Dataset, Floats
from training.score import SEGMENT, Scorer
from training.select import log_loss_rows
from training.split import LEAST_OF_EACH
from training.train import Trained

LARGEST_ECE: Final = 0.10
"""Expected calibration error above which a model does not pass the gate: such risks mislead whoever reads them."""

DRAWS: Final = 2000
LEVEL: Final = 0.95
SAME: Final = 1e-9
"""Log-odds closer than this are the same but for rounding."""

KEY: Final = ["account_id", "contract_id", "cutoff", "lead_days"]
LOG_ODDS: Final = "log_odds"
LEFT: Final = "left"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The champion as it defends its place.

    ``said`` holds its log-odds on the later folds of its own training (`KEY`, `LOG_ODDS`); ``scorer`` answers for
    what came after the last outcome it learnt from. An unusable one says base rates only.
    """

    version: str
    scorer: Scorer
    said: pd.DataFrame

    @property
    def usable(self) -> bool:
        """Whether it had a usable signal."""
        return bool(self.scorer.about["usable"])


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Whether the challenger takes the place, and why, as words that follow "it"."""

    wins: bool
    reason: str


def said_at_the_time(trained: Trained) -> pd.DataFrame:
    """What a model in training said of the later folds: `KEY`, `LOG_ODDS` as calibrated by then, and what came: `LEFT`.

    It is what the model promises; `training.promise` holds it to that.
    """
    risk = np.clip(trained.tested_risk, 1e-12, 1 - 1e-12)
    return _keyed(trained.tested).assign(**{LOG_ODDS: np.log(risk / (1 - risk)), LEFT: trained.tested.left})


def judge(trained: Trained, holder: Holder | None) -> Judgement:
    """Whether a newly trained model becomes the champion.

    The gate comes first: better than the base rate beyond chance, and calibrated. Then it must beat the holder's log
    loss by more than the 95 % interval (paired bootstrap by account); a holder without a usable signal gives way.
    """
    passes, reason = gate(trained)
    if holder is None:
        return Judgement(wins=True, reason=reason if passes else f"is the first model, though it {reason}")
    if not passes:
        return Judgement(wins=False, reason=reason)
    if not holder.usable:
        return Judgement(wins=True, reason=f"is the first with a usable signal; it {reason}")
    return _duel(trained, holder)


def gate(trained: Trained) -> tuple[bool, str]:
    """Whether a model may become the champion at all, and why."""
    ece = trained.metrics["ece"].value
    if not trained.selection.beyond_chance:
        return False, "does not beat the base rate on later snapshots beyond chance"
    if ece is None or ece > LARGEST_ECE:
        return False, f"is not calibrated: expected calibration error {ece} on later snapshots, at most {LARGEST_ECE}"
    return True, "beats the base rate on later snapshots beyond chance, and is calibrated"


def _duel(trained: Trained, holder: Holder) -> Judgement:
    own, theirs = said_at_the_time(trained)[LOG_ODDS].to_numpy(dtype=float), _defence(trained.tested, holder)
    rows = np.isfinite(theirs)
    against = f"version {holder.version}"
    if not rows.any():
        return Judgement(
            wins=False, reason=f"cannot be compared with {against}: no later snapshot is known of which both spoke"
        )
    part, own, theirs = trained.tested.take(rows), own[rows], theirs[rows]
    left, stayed = (part.weights[part.left == outcome].sum() for outcome in (1, 0))
    if min(left, stayed) < LEAST_OF_EACH:
        return Judgement(
            wins=False,
            reason=f"cannot be told from {against}: on later snapshots of both there are only {left:.0f} that "
            f"{trained.settings.target.happened} and {stayed:.0f} that {trained.settings.target.otherwise}, "
            f"{LEAST_OF_EACH} of each are needed",
        )
    on = f"{len(part):,} later snapshots of {part.keys['account_id'].nunique():,} accounts"
    if np.abs(own - theirs).max() < SAME:
        return Judgement(wins=False, reason=f"says the same as {against} on {on}: same data, same recipe")
    gain, low, high = _gain(part, own, theirs)
    figures = f"log loss {gain:+.4f} better ({low:+.4f} to {high:+.4f}) on {on}"
    if low > 0:
        return Judgement(wins=True, reason=f"beats {against} beyond chance: {figures}, and is calibrated")
    if high < 0:
        return Judgement(wins=False, reason=f"is worse than {against} beyond chance: {figures}")
    return Judgement(wins=False, reason=f"does not beat {against} beyond chance: {figures}")


def _defence(tested: Dataset, holder: Holder) -> Floats:
    """The holder's log-odds of each tested snapshot, (t,); NaN where it would have to speak of what it learnt from."""
    keys = _keyed(tested)
    said = keys.merge(holder.said.drop_duplicates(KEY), on=KEY, how="left")[LOG_ODDS].to_numpy(dtype=float, copy=True)
    until = holder.scorer.about.get("learnt_until")
    if until is not None:
        later = (tested.keys["cutoff"] > pd.Timestamp(until)).to_numpy() & np.isnan(said)
        try:
            frame = tested.signals[later].assign(**{SEGMENT: np.array(tested.segments, dtype=object)[later]})
            said[later] = holder.scorer.score(frame).log_odds
        except ValueError:
            # It asks for a signal that is no more; what it said in training still counts.
            return said
    return said


def _keyed(data: Dataset) -> pd.DataFrame:
    keys = data.keys[KEY].reset_index(drop=True)
    return keys.assign(contract_id=keys["contract_id"].fillna("").astype(str), cutoff=keys["cutoff"].astype(str))


def _gain(data: Dataset, own: Floats, theirs: Floats) -> tuple[float, float, float]:
    """How much smaller the own log loss is, and the ends of its interval: whole accounts drawn, both judged alike."""
    weights, accounts = data.weights, data.accounts
    differences = weights * (log_loss_rows(data.left, theirs) - log_loss_rows(data.left, own))
    sums, mass = np.bincount(accounts, weights=differences), np.bincount(accounts, weights=weights)
    count = len(sums)
    drawn = np.random.default_rng(7).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile((drawn @ sums) / (drawn @ mass), [tail, 1 - tail])
    return float(sums.sum() / mass.sum()), float(low), float(high)

"""Whether the later snapshots were easier than those learnt from.

A model is never better at what it has not seen, unless something tells it the outcome that did not do so earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.dataset import Dataset, Floats
from training.evaluate import METRICS, drawn, in_order
from training.leaks import Leak
from training.models.blend import NAME as BLEND
from training.outing import Key, Outing, raw_log_odds
from training.score import logistic
from training.select import Selection

ERRORS: Final = 4.0
"""Standard errors of the difference beyond which it is no noise; the four folds of every training are looked at."""

LEAST_LOST: Final = 20
"""Accounts lost on either side; with fewer, chance reaches an AUC near one."""

DRAWS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An AUC among looks of the same lead time, and its standard error (bootstrap by account)."""

    auc: float
    error: float


def easier(data: Dataset, tests: Sequence[Outing], selection: Selection) -> tuple[Leak, ...]:
    """The folds on which a model was better than on what it learnt from, beyond noise."""
    key = _judged(selection)
    found = []
    for test in tests:
        learn, later = data.take(test.fold.learn), data.take(test.rows)
        before = within_leads(learn, raw_log_odds(test.fitted[key], learn))
        after = within_leads(later, test.log_odds[key])
        if before is None or after is None:
            continue
        errors = (after.auc - before.auc) / max(float(np.hypot(before.error, after.error)), 1e-9)
        if errors > ERRORS:
            found.append(
                Leak(
                    kind="easier later",
                    sentence=f"from {test.fold.origin:%Y-%m-%d} on the model does better (AUC {after.auc:.3f}) than on "
                    f"what it learnt from (AUC {before.auc:.3f}), by {errors:.1f} standard errors; does a signal know "
                    "the outcome since then?",
                )
            )
    return tuple(found)


def within_leads(data: Dataset, log_odds: Floats) -> Judged | None:
    """The AUC over pairs of the same lead time; None where too few accounts were lost or kept.

    Only such pairs compare: a time with more yearly terms is easier than one with more monthly ones, honestly.
    """
    lost, kept = (data.keys["account_id"][data.left == outcome].nunique() for outcome in (1, 0))
    if min(lost, kept) < LEAST_LOST:
        return None
    accounts = data.accounts
    # The first draw is the sample itself.
    chosen = np.vstack([np.ones(int(accounts.max()) + 1), drawn(int(accounts.max()) + 1, DRAWS, 7)])
    above, pairs = np.zeros(DRAWS + 1), np.zeros(DRAWS + 1)
    leads = data.keys["lead_days"].to_numpy()
    for lead in np.unique(leads):
        rows = np.flatnonzero(leads == lead)
        part = data.take(rows)
        if 0 < part.left.sum() < len(part):
            risk = logistic(log_odds[rows])
            judged = in_order(part, risk, np.argsort(-risk, kind="stable"), 1)
            counts = chosen[:, accounts[rows][judged.order]]
            of = (counts @ judged.left) * (counts @ (1 - judged.left))
            with np.errstate(invalid="ignore", divide="ignore"):
                above += np.where(of > 0, METRICS["auc"][0](judged, counts) * of, 0.0)
            pairs += of
    return Judged(auc=float(above[0] / pairs[0]), error=float(np.std(above[1:] / np.maximum(pairs[1:], 1.0))))


def _judged(selection: Selection) -> Key:
    """The chosen candidate, or the best that is neither a mix nor the base rate."""
    plain = [each for each in selection.candidates[1:] if each.name != BLEND]
    chosen = selection.chosen if selection.chosen in plain else min(plain, key=lambda each: each.log_loss)
    return chosen.name, chosen.strength

"""What was said in use against what came, and against what the champion's later folds promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from training.dataset import Dataset, Floats
from training.evaluate import Metric, evaluate
from training.months import Drift
from training.score import logistic
from training.split import LEAST_OF_EACH, learnable

SURE: Final = 2.576
"""Standard errors beyond which a promise is broken: by chance one look in a hundred, as a job looks every week."""

INTERVAL: Final = 2 * 1.96
"""Standard errors in a 95 % interval."""

LEAST_FALL: Final = 0.03
"""A smaller fall of the AUC does not change whom a team calls."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """Risks as they were said, (n,), and what came of them: decided looks, with their outcomes."""

    looks: Dataset
    risk: Floats

    @property
    def lost(self) -> float:
        """How many outcomes were losses; the looks of one contract share its outcome."""
        return float(self.looks.weights @ self.looks.left) if len(self.looks) else 0.0

    @property
    def stayed(self) -> float:
        """How many outcomes were none."""
        return float(self.looks.weights @ (1 - self.looks.left)) if len(self.looks) else 0.0

    def at(self, leads: Sequence[int]) -> "Told":
        """Only looks from those days before the end."""
        rows = self.looks.keys["lead_days"].isin(list(leads)).to_numpy()
        return Told(looks=self.looks.take(rows), risk=self.risk[rows])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One figure, live and as promised. ``broken`` only beyond chance; None where there is too little to tell."""

    name: str
    live: Metric
    promised: Metric
    broken: bool | None
    sentence: str


def told(said: pd.DataFrame, outcomes: pd.DataFrame, on: Sequence[str], now: pd.Timestamp) -> Told:
    """What was said of looks whose outcome would be known by now whichever way it went.

    ``said`` holds `training.dataset.KEY_COLUMNS` without the decision, and ``risk``; ``outcomes`` as
    `features.hindsight.known_now` tells them; ``on`` joins the two.
    """
    wanted = [*on, "left", "decided_on", "ends_on"]
    rows = said.drop(columns=["ends_on"], errors="ignore").merge(outcomes[wanted], on=list(on), how="inner")
    rows = rows[rows["decided_on"] >= rows["cutoff"]].reset_index(drop=True)
    data = Dataset(
        keys=rows.drop(columns=["left", "risk"]),
        signals=pd.DataFrame(index=rows.index),
        left=rows["left"].to_numpy(dtype=float),
    )
    kept = learnable(data, now) if len(data) else np.zeros(0, dtype=bool)
    return Told(looks=data.take(kept), risk=rows["risk"].to_numpy(dtype=float)[kept])


def enough(live: Told) -> bool:
    """Whether there are enough outcomes of both kinds to judge."""
    return min(live.lost, live.stayed) >= LEAST_OF_EACH


def compare(live: Told, promised: Told, drift: Drift) -> tuple[Comparison, ...]:
    """AUC, calibration and Brier score, live against the promise for the same days before the end.

    ``drift`` is how far off all risks of a time may be together, as the champion's forecast knows it.
    """
    leads = sorted(set(live.looks.keys["lead_days"].astype(int)))
    before = promised.at(leads) if promised.at(leads).lost and promised.at(leads).stayed else promised
    now, then = evaluate(live.looks, live.risk), evaluate(before.looks, before.risk)
    judged = enough(live) and enough(before)
    fall, error = _fall(now["auc"], then["auc"])
    fell = judged and fall >= LEAST_FALL and fall > SURE * error
    worse = f"AUC {_figure(now['auc'])} live, {_figure(then['auc'])} promised"
    return (
        Comparison(
            name="auc",
            live=now["auc"],
            promised=then["auc"],
            broken=fell if judged else None,
            sentence=f"{worse}: a fall beyond chance" if fell else worse,
        ),
        _calibration(live, before, drift, judged=judged),
        _brier(live, now["brier"]),
    )


def _brier(live: Told, now: Metric) -> Comparison:
    """The Brier score, and what it would be were every risk true: the mean of p (1 - p) (Spiegelhalter 1986).

    Not that of the later folds: it depends on how many leave, and the mix of terms is another.
    """
    true = float(np.mean(live.risk * (1 - live.risk))) if len(live.risk) else None
    sentence = f"Brier score {_figure(now)} live"
    return Comparison(
        name="brier",
        live=now,
        promised=Metric(value=true),
        broken=None,
        sentence=sentence if true is None else f"{sentence}, {true:.3f} if every risk were true",
    )


def _fall(now: Metric, then: Metric) -> tuple[float, float]:
    """How far the AUC fell, and the standard error of the difference of two independent samples."""
    if now.value is None or then.value is None:
        return 0.0, np.inf
    return then.value - now.value, float(np.hypot(_error(now), _error(then)))


def _error(metric: Metric) -> float:
    return (metric.high - metric.low) / INTERVAL if metric.low is not None and metric.high is not None else np.inf


def _calibration(live: Told, promised: Told, drift: Drift, *, judged: bool) -> Comparison:
    """The shift of all log-odds that would make the risks true on average: one Newton step, as in the forecast."""
    shift, error = _shift(live)
    months = live.looks.keys["decided_on"].dt.to_period("M").nunique() if len(live.looks) else 0
    allowed = float(np.hypot(drift.common, drift.monthly / np.sqrt(max(1, months))))
    off = judged and abs(shift) > SURE * float(np.hypot(error, allowed))
    sentence = "nothing that it said in use is decided yet"
    if len(live.risk):
        mean = float(np.average(live.risk, weights=live.looks.weights))
        sentence = f"{mean:.1%} said, {live.lost / (live.lost + live.stayed):.1%} left"
        sentence += f"; log-odds off by {shift:+.2f}"
    if off:
        sentence += f", too {'low' if shift > 0 else 'high'} by more than its forecast allows"
    return Comparison(
        name="calibration",
        live=_interval(shift, error),
        promised=_interval(*_shift(promised)),
        broken=off if judged else None,
        sentence=sentence,
    )


def _interval(value: float, error: float) -> Metric:
    if not np.isfinite(value):
        return Metric(value=None, reason="nothing is decided")
    return Metric(value=value, low=value - error * INTERVAL / 2, high=value + error * INTERVAL / 2)


def _shift(some: Told) -> tuple[float, float]:
    weights = some.looks.weights if len(some.looks) else np.zeros(0)
    information = float(weights @ (some.risk * (1 - some.risk)))
    if information <= 0:
        return float("nan"), float("nan")
    return float(weights @ (some.looks.left - some.risk)) / information, information**-0.5


def _figure(metric: Metric) -> str:
    if metric.value is None:
        return "not known"
    interval = "" if metric.low is None or metric.high is None else f" ({metric.low:.3f} to {metric.high:.3f})"
    return f"{metric.value:.3f}{interval}"


def promise(said: pd.DataFrame) -> Told:
    """What the later folds of training said, from the run's file; nothing where it does not hold the outcomes."""
    known = said if "left" in said else said.head(0).assign(left=np.zeros(0))
    cutoff = pd.to_datetime(known["cutoff"])
    ends_on = cutoff + pd.to_timedelta(known["lead_days"].astype(int), unit="D")
    keys = known.drop(columns=["left", "log_odds"]).assign(
        contract_id=known["contract_id"].where(known["contract_id"] != "", None),
        cutoff=cutoff,
        ends_on=ends_on,
        decided_on=ends_on,
        arr=np.nan,
        segment="",
    )
    looks = Dataset(keys=keys, signals=pd.DataFrame(index=keys.index), left=known["left"].to_numpy(dtype=float))
    return Told(looks=looks, risk=logistic(known["log_odds"].to_numpy(dtype=float)))

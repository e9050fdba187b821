"""The whole recipe: snapshots in, a calibrated, tested, explained model out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features import traits
from features.signal import SignalColumn
from training.calibrate import Calibration, fit_calibration
from training.credit import CREDIT, fit_credit
from training.dataset import Dataset, Floats
from training.ease import easier
from training.evaluate import Metric, evaluate
from training.leaks import Leak
from training.models import MODELS, Model
from training.months import measure_drift
from training.outing import Outing, outings
from training.proof import Tuned, improve
from training.score import Part, Scorer, logistic
from training.select import Contest, Selection, log_loss_rows, refit
from training.split import check_enough, forward_folds, learnable
from training.target import CHURN, Target
from training.trials import Budget, Effort


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """``before``: learn only from what was decided before it (None: from everything decided).

    ``folds``: origins along time. ``capacity``: how many accounts the team can take on in a week. ``tuning``: how long
    to try other values of the models (None: not at all).
    """

    before: pd.Timestamp | None = None
    folds: int = 4
    capacity: int = 50
    seed: int = 7
    models: tuple[Model, ...] = MODELS
    tuning: Budget | None = None
    target: Target = CHURN


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model ready to score, and all that is known of how good it is.

    ``tested`` are the snapshots of the later folds, ``tested_risk`` the risks they would have been given at the time.
    ``easier`` names the folds that were easier than what was learnt from, which nothing honest makes. ``tuned`` says
    what tuning tried and what became of it (None: nothing was tried).
    """

    scorer: Scorer
    selection: Selection
    calibration: Calibration
    metrics: dict[str, Metric]
    folds: pd.DataFrame
    learnt: Dataset
    tested: Dataset
    tested_risk: Floats
    columns: tuple[SignalColumn, ...]
    settings: TrainSettings
    easier: tuple[Leak, ...] = ()
    tuned: Tuned | None = None

    @property
    def verdict(self) -> str:
        """One sentence: what was chosen and what it gains, or that there is no usable signal."""
        return self.selection.verdict

    @property
    def base_rate(self) -> float:
        """The share of the outcomes learnt from that came about."""
        return float(np.average(self.learnt.left, weights=self.learnt.weights))


def train(
    dataset: Dataset,
    columns: Sequence[SignalColumn],
    *,
    settings: TrainSettings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Learn risk from decided snapshots. Raises DataError when the outcomes are too few or too short in time."""
    settings = settings or TrainSettings()
    data = _learnt_from(dataset, columns, settings)
    check_enough(data, settings.target.happened, settings.target.otherwise)
    directions = settings.target.directions(columns)
    folds = forward_folds(data, settings.folds)
    tests = outings(data, folds, settings.models, directions, progress)
    contest = Contest(data, tests, settings.models)
    tuned = None
    if settings.tuning is not None:
        effort = Effort(budget=settings.tuning, seed=settings.seed, progress=progress)
        tests, tuned = improve(data, tests, contest, directions, effort)
    selection = contest.decide()
    tested = data.take(selection.rows)
    # The base rate is an average of outcomes, and so is what a lean stands on: nothing is left to calibrate.
    calibration = _calibrated_late(selection, tested) if selection.proven else Calibration()
    progress(f"learns {selection.chosen.name} from all {len(data)} snapshots")
    part = refit(data, selection, contest.needed, directions)
    risk = _risk_at_the_time(selection, tested)
    scorer = _scorer(part, selection, calibration, data, columns, settings.target)
    return Trained(
        scorer=replace(scorer, about={**scorer.about, "drift": measure_drift(tested, risk).written()}),
        selection=selection,
        calibration=calibration,
        metrics=evaluate(tested, risk, capacity=settings.capacity, seed=settings.seed),
        folds=_fold_table(data, tests, selection),
        learnt=data,
        tested=tested,
        tested_risk=risk,
        columns=tuple(columns),
        settings=settings,
        easier=easier(data, tests, selection),
        tuned=tuned,
    )


def _scorer(
    part: Part,
    selection: Selection,
    calibration: Calibration,
    data: Dataset,
    columns: Sequence[SignalColumn],
    target: Target,
) -> Scorer:
    """The model with all that is said of it, and how its shares are told to people."""
    scorer = Scorer(
        columns=tuple(column.name for column in columns),
        part=part,
        slope=calibration.slope,
        intercept=calibration.intercept,
        about={
            "target": target.name,
            "horizon_days": _horizon(data) if target.name == "expansion" else None,
            "model": selection.chosen.name,
            "verdict": selection.verdict,
            "usable": selection.usable,
            "proven": selection.proven,
            "beyond_chance": selection.beyond_chance,
            "base_rate": float(np.average(data.left, weights=data.weights)),
            "learnt_until": f"{data.keys['decided_on'].max():%Y-%m-%d}",
            "fingerprint": data.fingerprint(),
            "traits": traits.written(columns),
        },
    )
    return replace(scorer, about={**scorer.about, CREDIT: fit_credit(scorer, data, columns, target).written()})


def _horizon(data: Dataset) -> int:
    """How many days ahead outcomes of the account itself are looked for."""
    return int((data.keys["decided_on"] - data.keys["cutoff"]).dt.days.median())


def _learnt_from(dataset: Dataset, columns: Sequence[SignalColumn], settings: TrainSettings) -> Dataset:
    """Decided snapshots, in an order that does not depend on how they came, with the signals of the columns."""
    now = dataset.keys["decided_on"].max() + pd.Timedelta(days=1)
    rows = learnable(dataset, settings.before if settings.before is not None else now)
    data = dataset.take(rows)
    order = data.keys.sort_values(["cutoff", "account_id", "contract_id", "lead_days"], kind="stable").index.to_numpy()
    data = data.take(order)
    return Dataset(keys=data.keys, signals=data.signals[[column.name for column in columns]], left=data.left)


def _calibrated_late(selection: Selection, tested: Dataset) -> Calibration:
    """The line through the later half of the folds: the earlier ones learnt from much less than the final model."""
    late = selection.fold_of >= (selection.fold_of.max() + 1) // 2
    return fit_calibration(selection.log_odds[late], tested.left[late], tested.weights[late])


def _risk_at_the_time(selection: Selection, tested: Dataset) -> Floats:
    """Each fold's risks with the calibration known by then, if any: the line through the folds before it."""
    if not selection.proven:
        return logistic(selection.log_odds)
    weights = tested.weights
    log_odds = selection.log_odds.copy()
    for number in np.unique(selection.fold_of)[1:]:
        here, before = selection.fold_of == number, selection.fold_of < number
        line = fit_calibration(selection.log_odds[before], tested.left[before], weights[before])
        log_odds[here] = line.apply(selection.log_odds[here])
    return logistic(log_odds)


def _fold_table(data: Dataset, tests: Sequence[Outing], selection: Selection) -> pd.DataFrame:
    """One row per fold and candidate: how much was learnt from and tested on, and the log loss."""
    rows = []
    for test in tests:
        part = data.take(test.rows)
        for candidate in selection.candidates:
            key = (candidate.name, candidate.strength)
            if key in test.log_odds:
                loss = log_loss_rows(part.left, test.log_odds[key])
                rows.append(
                    {
                        "origin": test.fold.origin,
                        "learnt_from": int(test.fold.learn.sum()),
                        "tested_on": len(part),
                        "model": candidate.name,
                        "log_loss": float(np.average(loss, weights=part.weights)),
                    }
                )
    return pd.DataFrame(rows)

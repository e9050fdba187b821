"""Trials: values of models tried fold by fold along time, within a budget. The only user of Optuna.

Each model is searched on its own (tree-structured Parzen estimator, Bergstra et al. 2011), beginning with its defaults;
a trial is given up after a fold when it is behind the median of the others. What a fold needs whatever the values is
prepared once. Same seed, same number of trials: the same trials. Seconds do not know how many they allow.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from training.calibrate import fit_calibration
from training.dataset import Dataset, Floats
from training.models import Tunable
from training.outing import raw_log_odds
from training.ranges import Range, Values
from training.select import log_loss_rows
from training.task import Task

MOST_TRIALS: Final = 300
"""However many seconds there are: more trials find what suits the trials."""

TURN: Final = 5
"""Of so many trials one goes to each model but the last, the others to the last: only it has several values."""

BLIND: Final = 6
"""Trials of each model before its search learns from them."""

BEFORE_PRUNING: Final = 3
"""Trials of each model that are seen to the end whatever they promise."""

SAID_EVERY: Final = 2.0
"""Seconds between lines of progress that tell nothing new."""

State = Literal["complete", "pruned"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to try: ``seconds``, ``trials``, or until the first of both is spent; zero is no bound."""

    seconds: float = 0.0
    trials: int = 0

    def late(self, began: float) -> bool:
        """Whether the seconds are over."""
        return bool(self.seconds) and time.monotonic() - began >= self.seconds

    def spent(self, began: float, trials: int) -> bool:
        """Whether no trial may follow."""
        return self.late(began) or trials >= (self.trials or MOST_TRIALS)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to try, from which seed, and where to say what comes of it."""

    budget: Budget
    seed: int
    progress: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One choice of values: its best strength and mean log loss over the folds it was asked in."""

    number: int
    model: Tunable
    choice: Values
    strength: float
    log_loss: float
    folds: int
    state: State
    seconds: float

    @property
    def found(self) -> Tunable:
        """The model as it was chosen."""
        return self.model.tuned(self.choice, self.strength)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One fold of the trials: the task, what to ask then with its base log-odds, and what each model prepared."""

    task: Task
    test: Dataset
    base: Floats
    prepared: dict[str, Any] = field(default_factory=dict)

    def losses(self, default: Tunable, model: Tunable) -> dict[float, float]:
        """Log loss at each strength, with the line through the test's own outcomes: caution must not look worse."""
        if default.name not in self.prepared:
            self.prepared[default.name] = default.prepare(self.task)
        found = {}
        for strength, part in model.learn(self.prepared[default.name]).items():
            found[strength] = self._loss(self.base + raw_log_odds(part, self.test))
        return found

    def _loss(self, log_odds: Floats) -> float:
        left, weights = self.test.left, self.test.weights
        line = fit_calibration(log_odds, left, weights)
        return float(np.average(log_loss_rows(left, line.apply(log_odds)), weights=weights))


class Search:
    """The trials of several models in turn, each model searched on its own."""

    def __init__(self, models: Sequence[Tunable], grounds: Sequence[Ground], effort: Effort):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.models, self.grounds = models, grounds
        self.budget, self.progress = effort.budget, effort.progress
        self.mass = np.array([ground.test.weights.sum() for ground in grounds])
        self.studies = [_study(model, effort.seed + place) for place, model in enumerate(models)]
        self.trials: list[Trial] = []
        self.began = time.monotonic()
        self.said = 0.0
        self.interrupted = False

    def run(self) -> tuple[Trial, ...]:
        """Until the budget is spent, or Ctrl-C."""
        try:
            while not self.budget.spent(self.began, len(self.trials)):
                trial = self._trial(self._turn(len(self.trials)))
                if trial is None:
                    break
                self.trials.append(trial)
                self._say(trial)
        except KeyboardInterrupt:
            self.interrupted = True
            so_far = "1 trial" if len(self.trials) == 1 else f"the best of {len(self.trials)} trials"
            self.progress(f"tuning interrupted: goes on with {so_far}; Ctrl-C again stops the training")
        return tuple(self.trials)

    def _turn(self, number: int) -> int:
        return min(number % TURN, len(self.models) - 1)

    def _trial(self, at: int) -> Trial | None:
        """One trial; None where the time ran out within it."""
        began, default, study = time.monotonic(), self.models[at], self.studies[at]
        asked = study.ask()
        choice = {name: _drawn(asked, name, span) for name, span in default.ranges.items()}
        model, sums = default.tuned(choice), dict[float, float]()
        state: State = "complete"
        best, folds = float("inf"), 0
        for ground, mass in zip(self.grounds, self.mass, strict=True):
            if folds and self.budget.late(self.began):
                return None
            for strength, loss in ground.losses(default, model).items():
                sums[strength] = sums.get(strength, 0.0) + mass * loss
            folds += 1
            best = min(sums.values()) / float(self.mass[:folds].sum())
            asked.report(best, folds)
            if folds < len(self.grounds) and asked.should_prune():
                state = "pruned"
                break
        _tell(study, asked, best, state)
        return Trial(
            number=len(self.trials) + 1,
            model=default,
            choice=choice,
            strength=min(sums, key=lambda strength: sums[strength]),
            log_loss=best,
            folds=folds,
            state=state,
            seconds=time.monotonic() - began,
        )

    def _say(self, trial: Trial) -> None:
        """A line when a trial is the best of its model, and now and then."""
        best = min(
            (each.log_loss for each in self.trials if each.model == trial.model and each.state == "complete"),
            default=trial.log_loss,
        )
        now = time.monotonic()
        pruned = trial.state == "pruned"
        if (pruned or trial.log_loss > best) and now - self.said < SAID_EVERY:
            return
        self.said = now
        lost = f"given up after {trial.folds} of {len(self.grounds)} folds"
        told = lost if pruned else f"log loss {trial.log_loss:.4f}, best {best:.4f}"
        self.progress(f"trial {trial.number}{self._of()}: {trial.model.name}, {told}")

    def _of(self) -> str:
        trials = f" of {self.budget.trials}" if self.budget.trials else ""
        seconds = f" after {time.monotonic() - self.began:.0f} of {self.budget.seconds:.0f} s"
        return trials + (seconds if self.budget.seconds else "")


def _study(model: Tunable, seed: int) -> Any:
    """The search of one model: it begins with the defaults, is blind for a while, then goes where losses were small."""
    import optuna

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=BLIND),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING),
    )
    study.enqueue_trial(dict(model.defaults))
    return study


def _drawn(asked: Any, name: str, span: Range) -> float:
    if span.whole:
        return int(asked.suggest_int(name, int(span.low), int(span.high), log=span.ratio))
    return float(asked.suggest_float(name, span.low, span.high, log=span.ratio))


def _tell(study: Any, asked: Any, loss: float, state: State) -> None:
    from optuna.trial import TrialState

    if state == "pruned":
        study.tell(asked, state=TrialState.PRUNED)
    else:
        study.tell(asked, loss)

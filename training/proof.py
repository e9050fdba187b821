"""Proof: a tuned model takes its default's place when it is better by more than a standard error on what came later.

Its trials knew nothing of the later folds. In the folds before, where the trials looked, it answers as its default
did: so would it have been at the time, and no gain is claimed from what the trials had seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.dataset import Dataset
from training.outing import Key, Outing, outings
from training.select import Contest
from training.trials import Effort, Trial
from training.tuning import Tuning, tune


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One tuned model against its default: how much better on the later folds, in standard errors of the difference."""

    trial: Trial
    gain: float
    error: float
    wins: bool

    @property
    def sentence(self) -> str:
        """For people."""
        told = f"log loss {self.gain:+.4f} ± {self.error:.4f} better on later snapshots than the default"
        name = self.trial.model.name
        if self.wins:
            return f"tuned {name}: {told}; takes its place"
        return f"tuned {name}: {told}, within one standard error; the default stays"


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What tuning tried, and what became of it; ``unproved`` names the models for which nothing better was found."""

    tuning: Tuning
    proofs: tuple[Proof, ...]
    unproved: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What became of each model."""
        none = (f"tuned {name}: no trial was better than the default" for name in self.unproved)
        return (*(proof.sentence for proof in self.proofs), *none)


def improve(
    data: Dataset, tests: tuple[Outing, ...], contest: Contest, directions: tuple[float, ...], effort: Effort
) -> tuple[tuple[Outing, ...], Tuned | None]:
    """Tune the contest's models and let each best trial take its default's place if it proves itself.

    The outings, with those of the tuned models, and what was tried; None where the past is too short to try anything.
    """
    tuning = tune(data, [test.fold for test in tests], contest.models, directions, effort)
    if tuning is None:
        return tests, None
    models = contest.models
    best = {model.name: tuning.best(model) for model in models}
    found = {name: trial for name, trial in best.items() if trial is not None}
    later = np.array([number for number, test in enumerate(tests) if test.fold.origin >= tuning.since], dtype=np.intp)
    asked: tuple[Outing, ...] = ()
    if found:
        effort.progress("asks what was found about later snapshots, which no trial has seen")
        entrants = (models[0], *(trial.found for trial in found.values()))
        asked = outings(data, [tests[number].fold for number in later], entrants, directions, lambda _: None)
    proofs = []
    for model in (model for model in models if model.name in found):
        trial = found[model.name]
        key = trial.found.name, trial.strength
        tests = _joined(tests, asked, contest.cautious(model), key)
        contest.enter(key, np.concatenate([test.log_odds[key] for test in tests]))
        gain, error = contest.challenge(model, trial.found, later)
        proofs.append(Proof(trial=trial, gain=gain, error=error, wins=gain > error))
    tried = {trial.model.name for trial in tuning.trials}
    unproved = tuple(model.name for model in models if model.name in tried and model.name not in found)
    told = Tuned(tuning=tuning, proofs=tuple(proofs), unproved=unproved)
    for sentence in told.sentences:
        effort.progress(sentence)
    return tests, told


def _joined(tests: Sequence[Outing], asked: Sequence[Outing], default: Key, tuned: Key) -> tuple[Outing, ...]:
    """The outings with the tuned model's answers: its own in the later folds, its default's before."""
    own: Mapping[object, Outing] = {outing.fold.origin: outing for outing in asked}
    joined = []
    for test in tests:
        source, key = (own[test.fold.origin], tuned) if test.fold.origin in own else (test, default)
        fitted = {**test.fitted, tuned: source.fitted[key]}
        joined.append(replace(test, fitted=fitted, log_odds={**test.log_odds, tuned: source.log_odds[key]}))
    return tuple(joined)

"""The model card: what a model is, what it learnt from, how good it was, and what it must not be used for."""

from collections.abc import Sequence
from typing import Final

from features.facts import Finding
from training import groups
from training.charts import importance
from training.evaluate import Metric, by_group
from training.train import Trained

USE: Final = (
    "It ranks accounts for people who can help them, and says why. It does not know causes: a driver is what went with "
    "{events} before. It has seen no future unlike the past. Decide nothing about a person by it."
)

SEGMENT_METRICS: Final = ("auc", "brier", "ece")
SEGMENT_DRAWS: Final = 100
"""Draws for the intervals of a segment: enough to see how wide they are."""

MEANINGS: Final = {
    "auc": "chance that one who {happened} was ranked above one who {otherwise}",
    "average_precision": "mean precision over all the {events} found",
    "brier": "mean squared error of the probability",
    "log_loss": "mean log loss of the probability",
    "ece": "mean gap between probability and rate, in ten bins of equal size",
    "lift_at_10_percent": "{events} among the tenth with the highest probability, against chance",
    "recall_at_capacity": "share of the {events} among as many a week as the team can take on",
    "arr_recall_at_capacity": "share of the ARR of those {events} among as many a week as the team can take on",
}


def card(trained: Trained, findings: Sequence[Finding] = ()) -> str:
    """The card, in Markdown."""
    return (
        "\n\n".join(
            (
                f"# {trained.settings.target.title}",
                _what(trained),
                "## How good it was on later snapshots",
                _metrics(trained),
                "## By segment",
                _segments(trained),
                "## Candidates",
                _candidates(trained),
                *_tuning(trained),
                "## What it looks at",
                _looks(trained),
                "## The data",
                _data(trained, findings),
                "## Limits",
                _limits(trained),
                "## Use",
                USE.format(events=trained.settings.target.events),
            )
        )
        + "\n"
    )


def _what(trained: Trained) -> str:
    line = trained.calibration
    return (
        f"**Verdict:** {trained.verdict}.\n\n"
        f"{trained.settings.target.what}: {trained.selection.chosen.name} on "
        f"{len(trained.columns)} signals, calibrated by a line in log-odds (slope {line.slope:.2f}, shift "
        f"{line.intercept:+.2f}). The contributions of the signals and the base sum to the calibrated log-odds."
    )


def _metrics(trained: Trained) -> str:
    words = vars(trained.settings.target)
    rows = [
        f"| {name} | {_figure(metric)} | {MEANINGS[name].format(**words)} |" for name, metric in trained.metrics.items()
    ]
    return "\n".join(("| metric | value (95 % interval) | meaning |", "|---|---|---|", *rows))


def _figure(metric: Metric) -> str:
    if metric.value is None:
        return f"none: {metric.reason}"
    interval = f" ({metric.low:.3f} to {metric.high:.3f})" if metric.low is not None and metric.high is not None else ""
    return f"{metric.value:.3f}{interval}"


def _segments(trained: Trained) -> str:
    tested, names = trained.tested, groups.segments(trained.tested)
    rows = []
    found = by_group(tested, trained.tested_risk, names, capacity=trained.settings.capacity, draws=SEGMENT_DRAWS)
    for name, metrics in found.items():
        told = " | ".join(_figure(metrics[key]) for key in SEGMENT_METRICS)
        rows.append(f"| {str(name).replace('|', ' ')} | {names.count(str(name)):,} | {told} |")
    head = (f"| segment | looks | {' | '.join(SEGMENT_METRICS)} |", f"|---|---|{'---|' * len(SEGMENT_METRICS)}")
    return "\n".join((*head, *sorted(rows)))


def _limits(trained: Trained) -> str:
    """What it has not shown, from what it was tested on."""
    tested, learnt = trained.tested, trained.learnt
    lost = sum(tested.weights[tested.left == 1])
    leads = sorted({int(days) for days in learnt.keys["lead_days"]})
    lines = [
        f"- Tested on {lost:,.0f} {trained.settings.target.events}; of a segment with few, the interval above says how "
        "little is known.",
        f"- It has looked from {leads[0]} to {leads[-1]} days ahead; farther ahead it guesses.",
        f"- It knows nothing decided after {learnt.keys['decided_on'].max():%Y-%m-%d}; retrain as outcomes arrive.",
        "- What no table tells (a new decision maker, a rival's offer) it cannot see.",
    ]
    if not trained.selection.usable:
        lines.insert(
            0, "- It has no usable signal: its probabilities are base rates, and only value and date rank accounts."
        )
    elif not trained.selection.proven:
        lines.insert(0, "- Too few outcomes prove its signals; it leans on the direction declared for each.")
    return "\n".join(lines)


def _candidates(trained: Trained) -> str:
    rows = [
        f"| {each.name} | {each.strength:g} | {each.log_loss:.4f} | {each.behind:.4f} ± {each.behind_error:.4f} |"
        for each in trained.selection.candidates
    ]
    head = ("| candidate | strength | log loss on later snapshots | behind the best |", "|---|---|---|---|")
    return "\n".join((*head, *rows)) + "\n\nThe simplest within one standard error of the best is chosen."


def _tuning(trained: Trained) -> tuple[str, ...]:
    """What tuning tried and what became of it; nothing where nothing was tried."""
    if trained.tuned is None:
        return ()
    tuning = trained.tuned.tuning
    early = ", ended by hand" if tuning.interrupted else ""
    said = (f"- {sentence}" for sentence in trained.tuned.sentences)
    return (
        "## Tuning",
        f"{len(tuning.trials)} trials in {tuning.seconds:.0f} s{early}; each saw only what was decided before "
        f"{tuning.since:%Y-%m-%d}, and what was found had to be better than the default by more than a standard error "
        "on snapshots from then on. The trials are in tuning.csv.\n\n" + "\n".join(said),
    )


def _looks(trained: Trained) -> str:
    top = importance(trained).head(10)
    if not top["moves"].any():
        return "At the base rate of the account's kind only."
    rows = [f"| {row.signal} | {row.family} | {row.moves:.3f} |" for row in top.itertuples()]
    return "\n".join(("| signal | family | mean share of the log-odds |", "|---|---|---|", *rows))


def _data(trained: Trained, findings: Sequence[Finding]) -> str:
    learnt = trained.learnt
    first, last = learnt.keys["cutoff"].min(), learnt.keys["cutoff"].max()
    outcomes = learnt.weights.sum()
    said = [f"- {finding.sentence}" for finding in findings] or ["- no fault found"]
    return (
        f"{len(learnt):,} snapshots of {learnt.keys['account_id'].nunique():,} accounts from {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d}, worth {outcomes:,.0f} outcomes, {100 * trained.base_rate:.1f} % of them "
        f"{trained.settings.target.events}; fingerprint {trained.scorer.about['fingerprint']}.\n\n" + "\n".join(said)
    )

"""Learning: what is wrong with the data, what signals there are, training, and training as if at an earlier date."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from serving.options import (
    ActiveDays,
    Config,
    Data,
    DespiteLeak,
    Form,
    Goal,
    Home,
    HorizonDays,
    LeadDays,
    Outcome,
    Tune,
    TuneTrials,
    looks,
    settings,
)
from serving.output import Column, Format, percent, write
from serving.progress import Progress

FINDINGS = (
    Column(key="fatal", title="", shown=lambda fatal: "fatal" if fatal else "note"),
    Column(key="table", title="table"),
    Column(key="kind", title="kind"),
    Column(key="count", title="rows", right=True),
    Column(key="file", title="file", keep="program"),
    Column(key="row", title="first row", keep="program"),
    Column(key="where", title="first at", keep="person", wraps=True),
    Column(key="set_aside", title="set aside", shown=lambda aside: "yes" if aside else ""),
    Column(key="sentence", title="what it means", wraps=True),
)

SIGNALS = (
    Column(key="family", title="family"),
    Column(key="name", title="signal"),
    Column(key="windows", title="days", shown=lambda windows: _windows(windows)),
    Column(key="unit", title="unit"),
    Column(key="healthier", title="healthier"),
    Column(key="meaning", title="meaning", wraps=True),
    Column(key="columns", title="columns", keep="program"),
)

METRICS = (
    Column(key="lead_days", title="days", right=True),
    Column(key="snapshots", title="looks", right=True),
    Column(key="left", title="left", shown=percent, right=True),
    *(
        Column(
            key=key, title=title, shown=lambda value: "–" if value is None else f"{float(str(value)):.3f}", right=True
        )
        for key, title in (
            ("auc", "AUC"),
            ("average_precision", "AP"),
            ("brier", "Brier"),
            ("log_loss", "log loss"),
            ("ece", "ECE"),
            ("lift_at_10_percent", "lift"),
            ("recall_at_capacity", "recall"),
            ("arr_recall_at_capacity", "ARR rec."),
        )
    ),
)

LISTED_WINDOWS = 3
"""More windows than these are shown as from … to."""


def _windows(windows: object) -> str:
    assert isinstance(windows, tuple)
    return ", ".join(map(str, windows)) if len(windows) <= LISTED_WINDOWS else f"{windows[0]} to {windows[-1]}"


def check(
    form: Form = Format.table,
    outcome: Outcome = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """List every kind of fault in the data: table, count, first file and row. Fatal ones stop training (exit 1)."""
    from features import quality
    from serving.taking import facts_of

    chosen, progress = settings(config, data, home, outcome__mode=outcome), Progress()
    with facts_of(chosen, progress) as facts:
        findings = quality.report(facts, mode=chosen.outcome.mode)
    rows = []
    for finding in findings:
        place = finding.file and (finding.file if finding.row is None else f"{finding.file} row {finding.row}")
        rows.append({**vars(finding), "where": place})
    write(rows, FINDINGS, form)
    fatal = sum(finding.fatal for finding in findings)
    aside = f"; rows set aside are in {chosen.home / 'rejected'}" if any(f.set_aside for f in findings) else ""
    progress.say(f"{len(findings)} kinds of fault, {fatal} fatal{aside}")
    if fatal:
        raise typer.Exit(1)


def signals(
    form: Form = Format.table,
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """The catalogue: every signal, its windows, its unit and which way is healthier; and the data's own traits."""
    from features.signals import CATALOGUE, FAMILIES
    from serving.steps import own_signals

    if family is not None and family not in FAMILIES:
        raise typer.BadParameter(f"no family {family}; there are {', '.join(FAMILIES)}", param_hint="--family")
    rows = [
        {**vars(signal), "windows": signal.windows, "columns": [column.name for column in signal.columns]}
        for signal in (*CATALOGUE, *own_signals(settings(config, data, home), Progress()))
        if family in (None, signal.family)
    ]
    write(rows, SIGNALS, form)


def train(
    target: Goal = "churn",
    outcome: Outcome = None,
    active_days: ActiveDays = None,
    horizon_days: HorizonDays = None,
    lead_days: LeadDays = None,
    despite_leak: DespiteLeak = False,
    tune: Tune = None,
    tune_trials: TuneTrials = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Learn a model from the past and track it; it becomes the champion when it beats the one in place.

    With --tune or --tune-trials other values of the models are tried; Ctrl-C ends that and goes on with the best.
    """
    from serving import steps, taking
    from training.target import TARGETS

    progress = Progress()
    options = looks(outcome, active_days, horizon_days, lead_days)
    chosen = settings(config, data, home, train__tune_seconds=tune, train__tune_trials=tune_trials, **options)
    with taking.facts_of(chosen, progress) as facts:
        steps.train(facts, chosen, progress, despite_leak=despite_leak, target=TARGETS[target])


def backtest(
    split: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="Instead of rolling: learn once from before, test from."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Gets predictions.parquet, metrics.json, report.html. [default: home/backtests/NUMBER]",
        ),
    ] = None,
    quarters: Annotated[int, typer.Option(min=1, help="How many of the latest quarters to roll through.")] = 8,
    outcome: Outcome = None,
    active_days: ActiveDays = None,
    horizon_days: HorizonDays = None,
    lead_days: LeadDays = None,
    despite_leak: DespiteLeak = False,
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Say what would have been said: learn anew each quarter, score what followed, and report it, loss by loss.

    Each run is kept in the score store as it was said; no later run changes it.
    """
    from serving import backtesting, taking

    if split is not None and out is None:
        raise typer.BadParameter("--split needs a folder to write to", param_hint="--out")
    progress = Progress()
    chosen = settings(config, data, home, **looks(outcome, active_days, horizon_days, lead_days))
    with taking.facts_of(chosen, progress) as facts:
        if split is not None and out is not None:
            by_lead = backtesting.once(facts, chosen, split.date(), out, progress, despite_leak=despite_leak)
        else:
            by_lead = backtesting.rolled(facts, chosen, quarters, out, progress, despite_leak=despite_leak)
    write(by_lead, METRICS, form)

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from serving.config import Settings
from serving.config_file import load
from serving.output import Format

Config = Annotated[
    Path | None,
    typer.Option("--config", envvar="EBB_CONFIG", metavar="FILE", help="Settings. [default: ebb.toml here, if there]"),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="EBB_DATA", metavar="FOLDER", help="The tables. [default: data]"),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="EBB_HOME", metavar="FOLDER", help="All state: models, scores. [default: .ebb]"),
]
Form = Annotated[Format, typer.Option("--format", help="How results are written to stdout.")]
Outcome = Annotated[
    Literal["renewal", "inactivity"] | None,
    typer.Option("--outcome", help="What counts as leaving: not renewing, or falling silent. [default: renewal]"),
]
ActiveDays = Annotated[
    int | None,
    typer.Option("--active-days", help="Inactivity: active with an event in so many days. [default: 90]"),
]
HorizonDays = Annotated[
    int | None,
    typer.Option("--horizon-days", help="Inactivity: left after so many days without an event. [default: 90]"),
]
LeadDays = Annotated[
    list[str] | None,
    typer.Option(
        "--lead-days",
        metavar="DAYS",
        help="Days before the renewal to look from: 30,60,90 or repeated. [default: fitting the term]",
    ),
]
DespiteLeak = Annotated[
    bool, typer.Option("--despite-leak", help="Go on although a signal seems to know the outcome; it stays on record.")
]

Goal = Annotated[
    Literal["churn", "expansion"],
    typer.Option("--target", help="The model of leaving, or of buying more, which gives the temperature."),
]
Tune = Annotated[
    int | None,
    typer.Option(
        "--tune", metavar="SECONDS", min=0, help="Seconds in which other values of the models are tried. [default: 0]"
    ),
]
TuneTrials = Annotated[
    int | None,
    typer.Option("--tune-trials", metavar="N", min=0, help="How many are tried, at most. [default: 0, no bound]"),
]


def settings(config: Path | None, data: Path | None, home: Path | None, **options: Any) -> Settings:
    """Settings with the options that were given."""
    return load(config, data=data, home=home, **options)


def looks(
    outcome: str | None, active_days: int | None, horizon_days: int | None, lead_days: list[str] | None
) -> dict[str, Any]:
    """The options of what counts as leaving and from when it is looked at, by the settings they stand for."""
    return {
        "outcome__mode": outcome,
        "outcome__active_days": active_days,
        "outcome__horizon_days": horizon_days,
        "outcome__lead_days": days(lead_days),
    }


def days(given: list[str] | None) -> tuple[int, ...] | None:
    """``["30,60", "90"]`` -> (30, 60, 90); wrong usage when it is anything else."""
    if not given:
        return None
    parts = [part.strip() for text in given for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"{','.join(given)} is no list of days", param_hint="--lead-days")
    return tuple(sorted({int(part) for part in parts}))

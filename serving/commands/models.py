"""Models: which there are, and who is champion."""

from typing import Annotated

import typer

from serving.options import Config, Form, Goal, Home, settings
from serving.output import Column, Format, write
from serving.progress import Progress

Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever asks later; kept in the registry.")]

LISTED = (
    Column(key="version", title="version", right=True),
    Column(key="place", title="place"),
    Column(key="made_at", title="made (UTC)", shown=lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
    *(
        Column(
            key=key, title=title, shown=lambda value: "–" if value is None else f"{float(str(value)):.3f}", right=True
        )
        for key, title in (("auc", "AUC"), ("ece", "ECE"))
    ),
    Column(key="verdict", title="verdict", wraps=True),
    Column(key="why", title="why it stands there", wraps=True),
)


def models(target: Goal = "churn", form: Form = Format.table, config: Config = None, home: Home = None) -> None:
    """Every trained model, the latest first: who is champion and challenger, how good each is, and why."""
    from training import tracking
    from training.target import TARGETS

    found = tracking.versions(settings(config, None, home).tracking_uri, TARGETS[target])
    write(found, LISTED, form)
    if not found:
        Progress().say(f"no model yet; `{TARGETS[target].command}` makes one")


def promote(
    reason: Reason,
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="[default: the challenger]")] = None,
    target: Goal = "churn",
    config: Config = None,
    home: Home = None,
) -> None:
    """Make a version the champion by your word; who, when and why are kept in the registry."""
    from training import tracking
    from training.target import TARGETS

    change = tracking.promote(
        settings(config, None, home).tracking_uri, version, reason=_said(reason), target=TARGETS[target]
    )
    _tell(change.version, change.before)


def rollback(reason: Reason, target: Goal = "churn", config: Config = None, home: Home = None) -> None:
    """Make the champion before the present one the champion again; who, when and why are kept in the registry."""
    from training import tracking
    from training.target import TARGETS

    change = tracking.rollback(settings(config, None, home).tracking_uri, reason=_said(reason), target=TARGETS[target])
    _tell(change.version, change.before)


def _said(reason: str) -> str:
    """A reason of at least one word; wrong usage else."""
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    return reason.strip()


def _tell(version: str, before: str | None) -> None:
    instead = "" if before is None else f" instead of version {before}"
    Progress().say(f"version {version} is the champion{instead}; `ebb score` scores the book with it")

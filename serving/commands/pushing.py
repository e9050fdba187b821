"""Pushing: scores to where people and other programs work."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from features.errors import PushError
from serving.config import Settings
from serving.options import Config, Form, Home, settings
from serving.output import Column, Format, write
from serving.progress import Progress

AGO: Final = "%Y-%m-%d %H:%M"

LISTED: Final = (
    Column(key="name", title="destination"),
    Column(key="kind", title="kind"),
    Column(key="place", title="where", wraps=True),
    Column(key="pushed_at", title="last pushed (UTC)"),
    Column(key="sent", title="sent", right=True),
    Column(key="aside", title="refused, aside", right=True),
    Column(key="fault", title="fault", wraps=True),
)

PLANNED: Final = (
    Column(key="key", title="about"),
    Column(key="why", title="why"),
    Column(key="says", title="what it would say", wraps=True, keep="person"),
    Column(key="content", title="content", keep="program"),
)

DONE: Final = (
    Column(key="name", title="destination"),
    *(Column(key=key, title=key, right=True) for key in ("sent", "unchanged", "refused", "failed")),
)


def push(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="[default: list the destinations]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Send all anew, also what has not changed.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Send again what was refused before.")] = False,
    form: Form = Format.table,
    config: Config = None,
    home: Home = None,
) -> None:
    """Send scores to a destination of ebb.toml: what changed since the last push; without a name, list them all."""
    chosen = settings(config, None, home)
    if name is None:
        if dry_run or everything or refused:
            raise typer.BadParameter("which destination?", param_hint="NAME")
        _list(chosen, form)
    elif dry_run:
        _plan(chosen, name, form, anew=everything, refused=refused)
    else:
        _push(chosen, name, form, anew=everything, refused=refused)


def _list(chosen: Settings, form: Format) -> None:
    from serving.push.pushes import Pushes
    from serving.push.settings import made

    with Pushes(chosen.store_url) as pushes:
        rows = [_listed(made(chosen.destinations, name), pushes) for name in chosen.destinations]
    write(rows, LISTED, form)
    if not rows:
        Progress().say("no destination yet; [destinations.NAME] in ebb.toml sets one up, see serving/destinations")


def _listed(destination: Any, pushes: Any) -> dict[str, object]:
    row = {"name": destination.name, "kind": destination.kind, "place": destination.place}
    last = pushes.last(destination.name)
    if last is None:
        return {**row, "pushed_at": None, "sent": None, "aside": 0, "fault": None}
    fault = last.fault or (None if last.finished_at else "did not come to its end")
    at = f"{last.finished_at or last.started_at:{AGO}}"
    return {**row, "pushed_at": at, "sent": last.sent, "aside": pushes.aside(destination.name), "fault": fault}


def _plan(chosen: Settings, name: str, form: Format, *, anew: bool, refused: bool) -> None:
    from serving.push.pushes import Pushes
    from serving.push.pushing import Wanted, due

    destination, _, book = _ready(chosen, name)
    with Pushes(chosen.store_url) as pushes:
        found, unchanged = due(destination, book, pushes, Wanted(anew=anew, refused=refused))
    rows = [
        {"key": one.parcel.key, "why": one.why, "says": _says(one.parcel.content), "content": dict(one.parcel.content)}
        for one in found
    ]
    write(rows, PLANNED, form)
    Progress().say(f"{name}: {len(found)} would be sent, {unchanged} unchanged; nothing was sent")


def _push(chosen: Settings, name: str, form: Format, *, anew: bool, refused: bool) -> None:
    from features.keeping.folder import locked
    from serving.push.pushes import Pushes
    from serving.push.pushing import Wanted, push

    destination, secrets, book = _ready(chosen, name)
    progress = Progress()
    with locked(chosen.home / "pushes" / name, progress.say), Pushes(chosen.store_url) as pushes:
        done = push(destination, book, pushes, secrets, wanted=Wanted(anew=anew, refused=refused))
    counts = {"sent": done.sent, "unchanged": done.unchanged, "refused": len(done.refused), "failed": len(done.failed)}
    write([{"name": name, **counts}], DONE, form)
    for one in (*done.refused, *done.failed):
        progress.say(f"  {one.key}: {one.reason}")
    if done.refused:
        raise PushError(
            f"{name}: {len(done.refused)} refused, kept aside; `ebb push {name} --refused` sends them again"
        )
    if done.failed:
        raise PushError(f"{name}: {len(done.failed)} failed for now; `ebb push {name}` sends them again")


def _ready(chosen: Settings, name: str) -> tuple[Any, Any, Any]:
    """The destination, its secrets and the book. Raises SettingsError and StoreError."""
    from serving.push.parcels import Book
    from serving.push.secret import secrets_of
    from serving.push.settings import made, variables
    from serving.store import Choice, ScoreStore
    from serving.worklist import worklist

    destination = made(chosen.destinations, name)
    secrets = secrets_of(f"destinations.{name}", variables(destination), os.environ)
    with ScoreStore(chosen.store_url) as store:
        found = worklist(store, Choice())
    return destination, secrets, Book(run=found.run, items=found.items, capacity=chosen.team.weekly_capacity)


def _says(content: Mapping[str, Any]) -> str:
    told = ((name, value) for name, value in content.items() if value not in (None, "", []))
    return ", ".join(f"{name} {_short(value)}" for name, value in told)


def _short(value: object) -> str:
    return f"({len(value)})" if isinstance(value, (list, dict)) else str(value)

"""Keys of the service, and the record of who asked what."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import SettingsError
from serving.access.keys import SCOPES, Key, made
from serving.options import Config, Form, Home, settings
from serving.output import Column, Format, write
from serving.progress import Progress

if TYPE_CHECKING:
    from serving.access.ring import KeyRing

app = typer.Typer(name="keys", help="Keys of the service: who may ask what, and how often.", no_args_is_help=True)


def _moment(value: object) -> str:
    return "–" if not isinstance(value, datetime) else f"{value:%Y-%m-%d %H:%M}"


LISTED = (
    Column(key="name", title="name"),
    Column(key="scopes", title="scopes"),
    Column(key="per_minute", title="a minute", right=True),
    Column(key="standing", title="standing"),
    Column(key="made_at", title="made (UTC)", shown=_moment),
    Column(key="expires_at", title="expires", shown=_moment),
    Column(key="used_at", title="last used", shown=_moment),
)
CALLED = (
    Column(key="at", title="at (UTC)", shown=lambda at: f"{at:%Y-%m-%d %H:%M:%S}"),
    Column(key="key", title="key", shown=lambda key: "–" if key is None else str(key)),
    Column(key="method", title="method"),
    Column(key="path", title="path", wraps=True),
    Column(key="status", title="status", right=True),
    Column(key="accounts", title="accounts", right=True),
    Column(key="account_ids", title="which", keep="program"),
    Column(key="model_version", title="model", shown=lambda version: "–" if version is None else str(version)),
    Column(key="cutoff", title="cutoff", shown=lambda day: "–" if day is None else str(day)),
    Column(key="milliseconds", title="ms", shown=lambda took: f"{float(str(took)):.1f}", right=True),
)


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="What it is for: crm, prometheus, anna.")],
    scope: Annotated[str, typer.Option("--scope", help=f"What it may do: {', '.join(SCOPES)}; several by commas.")],
    per_minute: Annotated[int, typer.Option(min=1, max=1_000_000, help="How often it may ask in a minute.")] = 600,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it expires. [default: never]")] = None,
    config: Config = None,
    home: Home = None,
) -> None:
    """Make a key and print it, this once; only a salted hash of it is kept."""
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    asked = [part.strip() for part in scope.split(",") if part.strip()]
    key, text = made(name, asked, per_minute=per_minute, expires_at=expires)
    with _ring(config, home) as ring:
        ring.add(key)
    Progress().say(f"the key {name} ({', '.join(sorted(key.scopes))}); it is shown this once, keep it in a safe place:")
    typer.echo(text)


@app.command(name="list")
def listed(form: Form = Format.table, config: Config = None, home: Home = None) -> None:
    """Every key ever made: its scopes, and when it was last used."""
    with _ring(config, home) as ring:
        found = ring.all()
    write([_row(key) for key in found], LISTED, form)
    if not found:
        Progress().say("no key yet; `ebb keys create --name crm --scope score,read` makes one")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")], config: Config = None, home: Home = None
) -> None:
    """Refuse a key from now on, for good; a running service knows within seconds."""
    with _ring(config, home) as ring:
        first = ring.revoke(name)
    Progress().say(f"the key {name} {'is revoked' if first else 'was revoked before'}")


@app.command()
def calls(
    key: Annotated[str | None, typer.Option("--key", help="Of this key only.")] = None,
    top: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 20,
    form: Form = Format.table,
    config: Config = None,
    home: Home = None,
) -> None:
    """Who asked the service what: time, key, path, accounts, model, cutoff and how long it took."""
    with _ring(config, home) as ring:
        if key is not None and key not in {known.name for known in ring.all()}:
            raise SettingsError(f"no key {key}; `ebb keys list` shows which there are")
        found = ring.calls(key=key, limit=top)
    write([vars(call) for call in found], CALLED, form)


@contextmanager
def _ring(config: Path | None, home: Path | None) -> "Iterator[KeyRing]":
    from serving.access.ring import KeyRing
    from serving.database import Database

    with Database(settings(config, None, home).store_url) as database:
        yield KeyRing(database)


def _row(key: Key) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": ", ".join(sorted(key.scopes)),
        "per_minute": key.per_minute,
        "standing": key.standing(datetime.now(UTC)),
        "made_at": key.made_at,
        "expires_at": key.expires_at,
        "used_at": key.used_at,
    }

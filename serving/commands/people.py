"""The people who sign in to the pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serving.options import Config, Form, Home, settings
from serving.output import Column, Format, write
from serving.progress import Progress

if TYPE_CHECKING:
    from serving.access.people import People

PASSWORD: Final = "EBB_PASSWORD"  # noqa: S105 -- the name of the variable
"""The environment variable of a password, for scripts; people are asked for it."""

app = typer.Typer(name="people", help="People who sign in to the pages under /app.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The person's name.")]


def _day(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else "–"


LISTED = (
    Column(key="name", title="name"),
    Column(key="role", title="role"),
    Column(key="owner", title="book of"),
    Column(key="made_at", title="since", shown=_day),
    Column(key="removed_at", title="removed", shown=_day),
)


@app.command()
def add(
    name: Annotated[str, typer.Option("--name", help="What they sign in as.")],
    role: Annotated[
        str, typer.Option("--role", help="csm: works on a book; lead: on all; analyst: reads; admin.")
    ] = "csm",
    owner: Annotated[
        str | None, typer.Option("--owner", help="Whose accounts are theirs: an owner of the facts.")
    ] = None,
    config: Config = None,
    home: Home = None,
) -> None:
    """Let somebody sign in; the password is asked for, or taken from EBB_PASSWORD."""
    with _people(config, home) as people:
        person = people.add(name, role, owner, _password())
    book = f" with the book of {person.owner}" if person.owner else ""
    Progress().say(f"{person.name} may sign in under /app as {person.role}{book}")


@app.command(name="list")
def listed(form: Form = Format.table, config: Config = None, home: Home = None) -> None:
    """Everybody who may sign in, or once might."""
    with _people(config, home) as people:
        found = people.all()
    write([vars(person) for person in found], LISTED, form)
    if not found:
        Progress().say("nobody yet; `ebb people add --name kim --role csm --owner OWNER` lets somebody in")


@app.command()
def password(name: Name, config: Config = None, home: Home = None) -> None:
    """Give somebody another password; their sessions end."""
    with _people(config, home) as people:
        people.password(name, _password())
    Progress().say(f"{name} signs in with the new password from now on")


@app.command()
def remove(name: Name, config: Config = None, home: Home = None) -> None:
    """Let somebody in no more; what they did stays on record."""
    with _people(config, home) as people:
        people.remove(name)
    Progress().say(f"{name} may sign in no more")


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True))


@contextmanager
def _people(config: Path | None, home: Path | None) -> "Iterator[People]":
    from serving.access.people import People
    from serving.database import Database

    with Database(settings(config, None, home).store_url) as database:
        yield People(database)

"""What a CRM is told: fields of an account, and a task where a person should do something."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from features.errors import SettingsError
from serving.push.parcels import Book, Parcel
from serving.push.record import COLUMNS, beside, record, task, tasks

if TYPE_CHECKING:
    from serving.worklist import Item

ACCOUNT: Final = "account/"
TASK: Final = "task/"
"""How the keys of the two begin."""

CUTOFF: Final = "cutoff"
FIELDS: Final = ("risk", "band", "arr_at_risk", "reasons", "play", "todo", CUTOFF)
"""What a CRM has a field for unless settings say otherwise."""

DUE_DAYS: Final = 7
"""A task is due a week after the cutoff: the worklist is cut to what the team can do in a week."""

TEXT: Final = 255
"""Characters of a text: what a plain text field of a CRM holds."""


def parcels(book: Book, fields: Mapping[str, str], *, with_tasks: bool) -> list[Parcel]:
    """The accounts, the first of the worklist first, then their tasks."""
    found = [_account(book, item, fields) for item in book.items]
    return [*found, *(_task(book, item) for item in tasks(book))] if with_tasks else found


def checked_fields(name: str, fields: Mapping[str, str]) -> None:
    """Whether every field is one of ours; SettingsError saying which there are."""
    known = (*COLUMNS, CUTOFF)
    for ours in fields:
        if ours not in known or ours == "account_id":
            there = ", ".join(one for one in known if one != "account_id")
            raise SettingsError(f"[destinations.{name}.fields] has {ours}, which is not told; there are {there}")


def _account(book: Book, item: "Item", fields: Mapping[str, str]) -> Parcel:
    told = {name: _text(value) for name, value in {**record(item), **beside(book.run)}.items()}
    content = {theirs: told[ours] for ours, theirs in fields.items() if ours != CUTOFF}
    about = {theirs: told[ours] for ours, theirs in fields.items() if ours == CUTOFF}
    account_id = item.score.account_id
    return Parcel(key=f"{ACCOUNT}{account_id}", content={"account_id": account_id, "fields": content}, beside=about)


def _task(book: Book, item: "Item") -> Parcel:
    about = {
        "subject": _subject(item),
        "body": "\n".join([item.todo, "", *(f"• {reason}" for reason in item.reasons)]),
        "owner": item.score.owner,
        "due": (book.run.cutoff + timedelta(days=DUE_DAYS)).isoformat(),
        "high": item.score.band == "high",
    }
    return Parcel(key=f"{TASK}{item.score.account_id}", content=task(item), beside=about)


def _subject(item: "Item") -> str:
    play, name = item.play.name, item.score.name or item.score.account_id
    return " ".join(f"{play[:1].upper()}{play[1:]}: {name}".split())[:TEXT]


def task_key(parcel: Parcel) -> str:
    """What tells a task from others for good: its account, play and term. Sent anew it is still the same task."""
    told = (str(parcel.content[name]) for name in ("account_id", "play", "term"))
    return f"ebb-{sha256(chr(0).join(told).encode()).hexdigest()[:32]}"


def parted(parcels: Sequence[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
    """The accounts and the tasks among parcels."""
    accounts = [one for one in parcels if one.key.startswith(ACCOUNT)]
    return accounts, [one for one in parcels if not one.key.startswith(ACCOUNT)]


def values(parcel: Parcel) -> dict[str, Any]:
    """The fields of an account by the CRM's names; None where a value is not known."""
    return {**parcel.content["fields"], **parcel.beside}


def _text(value: object) -> object:
    """A value as a field holds it: reasons as lines."""
    return "\n".join(str(one) for one in value) if isinstance(value, list) else value

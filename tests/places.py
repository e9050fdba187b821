"""Every kind of destination, with a real small place of that kind to send to, for the tests that all must pass."""

import base64
import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from icalendar import Calendar

from serving.book import Score
from serving.destinations import Place
from serving.push.parcels import Book
from serving.push.pushes import Pushes
from serving.push.pushing import Patience, Pushed, Wanted, push
from serving.push.secret import Secrets, secrets_of
from serving.push.settings import made, variables
from serving.worklist import item
from tests.books import CUTOFF, a_run, a_score
from tests.crm_receivers import HUBSPOT_TOKEN, SALESFORCE_SECRET, HubSpotReceiver, SalesforceReceiver
from tests.receivers import (
    MAIL_PASSWORD,
    SLACK_TOKEN,
    MailReceiver,
    Receiver,
    SlackReceiver,
    WebhookReceiver,
)

SECRET = "whsec_" + base64.b64encode(b"nobody may ever read this").decode()
"""What every secret of a test begins with is looked for in logs, messages and the store."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How one kind is tested.

    ``first`` is what readers find after a first push, ``later`` the keys that are sent a week later, when a's risk has
    risen. ``one`` is an account or person whose parcel the place can refuse; None where it takes all or nothing.
    """

    receiver: type[Receiver] | None
    section: Mapping[str, Any]
    environment: Mapping[str, str]
    first: tuple[str, ...]
    later: tuple[str, ...]
    one: str | None = None
    throttled: int = 429

    @property
    def secrets(self) -> list[str]:
        """The settings that name a secret's variable."""
        return [key for key in self.section if key.endswith("_env")]


KINDS: Mapping[str, Kind] = {
    "file": Kind(
        receiver=None,
        section={"path": "{folder}/book.csv"},
        environment={},
        first=("a", "b", "c"),
        later=("book",),
    ),
    "calendar": Kind(
        receiver=None,
        section={"path": "{folder}/renewals.ics"},
        environment={},
        first=("Renewal: A", "Renewal: B", "Renewal: C"),
        later=(),
    ),
    "webhook": Kind(
        receiver=WebhookReceiver,
        section={"url_env": "HOOK_URL", "secret_env": "HOOK_SECRET", "allow_private": True},
        environment={"HOOK_URL": "{url}/hooks/nobody-may-see-this-path", "HOOK_SECRET": SECRET},
        first=("a", "b", "c"),
        later=("a",),
        one="b",
    ),
    "salesforce": Kind(
        receiver=SalesforceReceiver,
        section={
            "instance_url": "{url}", "client_id": "ebb", "client_secret_env": "SALESFORCE_SECRET",
        },
        environment={"SALESFORCE_SECRET": SALESFORCE_SECRET},
        first=("a", "b", "c", "task a", "task b"),
        later=("account/a",),
        one="b",
    ),
    "hubspot": Kind(
        receiver=HubSpotReceiver,
        section={"token_env": "HUBSPOT_TOKEN", "api_url": "{url}", "match": "account"},
        environment={"HUBSPOT_TOKEN": HUBSPOT_TOKEN},
        first=("a", "b", "c", "task a", "task b"),
        later=("account/a",),
        one="b",
    ),
    "slack": Kind(
        receiver=SlackReceiver,
        section={"token_env": "SLACK_TOKEN", "api_url": "{url}/api/", "owners": {"Kim": "UKim", "Lee": "Lee"}},
        environment={"SLACK_TOKEN": SLACK_TOKEN},
        first=("Kim", "Lee"),
        later=("Kim", "Lee"),
        one="Lee",
    ),
    "email": Kind(
        receiver=MailReceiver,
        section={
            "host": "127.0.0.1", "port": "{port}", "security": "none", "user": "ebb", "password_env": "MAIL_PASSWORD",
            "sender": "Ebb <ebb@example.com>", "owners": {"Kim": "kim@example.com", "Lee": "lee@example.com"},
        },
        environment={"MAIL_PASSWORD": MAIL_PASSWORD},
        first=("Kim", "Lee"),
        later=("Kim", "Lee"),
        one="Lee",
        throttled=503,
    ),
}  # fmt: skip
"""Every kind, by name; the conformance tests check that none is left out."""

REMOTE = [name for name, kind in KINDS.items() if kind.receiver is not None]


@dataclass(kw_only=True)
class Setup:
    """A destination, its place, and a ledger. ``slept`` are the seconds that were waited for it."""

    kind: Kind
    destination: Place
    receiver: Receiver | None
    secrets: Secrets
    folder: Path
    slept: list[float]
    pushes: Pushes

    def push(self, book: Book, **wanted: bool) -> Pushed:
        """Push, without really waiting."""
        patience = Patience(sleep=self.slept.append)
        return push(self.destination, book, self.pushes, self.secrets, wanted=Wanted(**wanted), patience=patience)

    def effects(self) -> list[str]:
        """What whoever reads it there finds."""
        if self.receiver is not None:
            return sorted(self.receiver.effects())
        found: list[str] = FILES[self.destination.kind](self.folder)
        return found


@contextmanager
def set_up(name: str, folder: Path, **section: object) -> Iterator[Setup]:
    """One kind with its place."""
    kind = KINDS[name]
    receiver = None if kind.receiver is None else kind.receiver()
    with receiver.running() if receiver else nullcontext(), Pushes(f"sqlite:///{folder / 'ebb.db'}") as pushes:
        yield _setup(name, folder, receiver, pushes, section)


def _setup(name: str, folder: Path, receiver: Receiver | None, pushes: Pushes, section: Mapping[str, object]) -> Setup:
    kind, url = KINDS[name], "" if receiver is None else receiver.url

    def filled(value: object) -> object:
        if value == "{port}":
            return int(url.rpartition(":")[2])
        return value.format(folder=folder, url=url) if isinstance(value, str) else value

    given = {key: filled(value) for key, value in {**kind.section, **section}.items()}
    destination = made({"there": {"kind": name, **given}}, "there")
    environment = {key: str(filled(value)) for key, value in kind.environment.items()}
    secrets = secrets_of("destinations.there", variables(destination), environment)
    return Setup(
        kind=kind,
        destination=destination,
        receiver=receiver,
        secrets=secrets,
        folder=folder,
        slept=[],
        pushes=pushes,
    )


def a_book(*scores: Score, weeks: int = 0) -> Book:
    """A book of three accounts of two people, looked at so many weeks later."""
    given = scores or (a_score("a"), a_score("b", owner="Lee"), a_score("c", risk=0.02, band="low"))
    run = a_run(cutoff=CUTOFF + timedelta(weeks=weeks), number=weeks + 1)
    return Book(run=run, items=tuple(item(score) for score in given), capacity=20)


def a_week_later() -> Book:
    """The same accounts, of which a's risk has risen."""
    scores = (a_score("a", risk=0.7), a_score("b", owner="Lee"), a_score("c", risk=0.02, band="low"))
    return a_book(*scores, weeks=1)


def _rows(folder: Path) -> list[str]:
    path = folder / "book.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row["account_id"] for row in csv.DictReader(file)]


def _renewals(folder: Path) -> list[str]:
    path = folder / "renewals.ics"
    if not path.exists():
        return []
    events = Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    return sorted(str(event["summary"]) for event in events if str(event["summary"]).startswith("Renewal"))


FILES: Mapping[str, Any] = {"file": _rows, "calendar": _renewals}
"""What a reader finds in the places that are files."""

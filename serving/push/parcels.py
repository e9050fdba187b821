"""What is brought to a destination: parcels, each with a key that stays and a digest of what it says."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from serving.book import Run
from serving.push.secret import Secrets

if TYPE_CHECKING:  # the store behind it takes its time, and settings are read by every command
    from serving.worklist import Item


@dataclass(frozen=True, kw_only=True)
class Book:
    """The latest run, its accounts in the order of the worklist, and how many the team takes on in a week."""

    run: Run
    items: "tuple[Item, ...]"
    capacity: int


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What one destination is told under one key: an account, a task, a person's week, or a whole file.

    Equal ``content`` (plain values, as JSON has them) is nothing new; what stands ``beside`` it is sent too but is no
    reason to send. ``id`` names this one delivery and stays when it is tried again; the ledger gives it.
    """

    key: str
    content: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def told(self) -> dict[str, Any]:
        """All that is sent."""
        return {**self.content, **self.beside}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A parcel that was not taken, and why; ``again`` says that trying again may help."""

    key: str
    reason: str
    again: bool = False


class Line(Protocol):
    """An open connection to a destination."""

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Bring the parcels; those not taken come back. Raises TransientError or TerminalError for all of them."""

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Keys of those that are there already, of parcels whose delivery was begun and never answered."""


class Destination(Protocol):
    """One kind of place scores go; an instance holds the settings of one section ``[destinations.NAME]``."""

    kind: ClassVar[str]
    writes: ClassVar[str]
    limits: ClassVar[str]
    idempotent: ClassVar[str]
    at_once: ClassVar[int]

    @property
    @abstractmethod
    def name(self) -> str:
        """The section's name."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, for people; never a secret."""

    @property
    @abstractmethod
    def is_lost(self) -> bool:
        """Whether what was delivered is known to be gone, so that all is sent anew."""

    def parcels(self, book: Book) -> Sequence[Parcel]:
        """All that it should know of a book, in the order it is sent."""

    def opened(self, secrets: Secrets) -> AbstractContextManager[Line]:
        """A connection. Raises TransientError or TerminalError."""

"""Who is champion, since when, by whom and why: aliases and tags of the model registry.

The registry's client comes from `training.tracking`, which owns the library.
"""

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from features.errors import ModelError

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
CHANGE: Final = "change."
"""Registry tags that begin so hold one change of champion each; none is ever written over."""

How = Literal["train", "promote", "rollback"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of champion. ``by`` is the person's name on the machine, ``before`` the version that gave way."""

    version: str
    before: str | None
    how: How
    reason: str
    by: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One registered model, by its name, and the registry's client."""

    client: Any
    name: str

    def crown(self, version: str, *, before: str | None, how: How, reason: str) -> Change:
        """Make a version the champion and keep the change on record."""
        client, name = self.client, self.name
        change = Change(version=version, before=before, how=how, reason=reason, by=_person(), at=_now())
        number = len(self.changes()) + 1
        client.set_registered_model_tag(name, f"{CHANGE}{number:04d}", json.dumps(asdict(change), ensure_ascii=False))
        client.set_registered_model_alias(name, CHAMPION, version)
        client.set_model_version_tag(name, version, "place", f"champion since {change.at}, by {change.by}: {reason}")
        if before is not None and before != version:
            gave_way = f"gave way to version {version} on {change.at}: {reason}"
            client.set_model_version_tag(name, before, "place", gave_way)
        if self.aliased(CHALLENGER) == version:
            client.delete_registered_model_alias(name, CHALLENGER)
        return change

    def challenge(self, version: str, reason: str) -> None:
        """Make a version the challenger, with the reason why it is not more."""
        self.client.set_registered_model_alias(self.name, CHALLENGER, version)
        self.client.set_model_version_tag(self.name, version, "place", f"challenger since {_now()}: {reason}")

    def aliased(self, alias: str) -> str | None:
        """The version that holds an alias; None where nobody does."""
        found = self.client.search_registered_models(filter_string=f"name = '{self.name}'")
        version = found[0].aliases.get(alias) if found else None
        return None if version is None else str(version)

    def changes(self) -> tuple[Change, ...]:
        """Every change of champion, the first first."""
        tags = self.client.get_registered_model(self.name).tags
        return tuple(Change(**json.loads(tags[tag])) for tag in sorted(tags) if tag.startswith(CHANGE))

    def versions(self) -> list[str]:
        """Every version there is."""
        return [str(found.version) for found in self.client.search_model_versions(f"name = '{self.name}'")]


def former(history: Sequence[Change], champion: str) -> str:
    """The version to go back to: the champion before the present one took its place. Raises ModelError at the first."""
    stack: list[str] = []
    for change in history:
        if change.how == "rollback" and stack:
            stack.pop()
        else:
            stack += [name for name in (change.before, change.version) if name is not None and name not in stack[-1:]]
    if len(stack) < 2:
        raise ModelError(f"version {champion} is the first champion: there is none before it to go back to")
    return stack[-2]


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"

"""Segment and RudderStack: calls as JSON Lines, or the tables of their warehouse schema as CSV or Parquet files.

The formats are those of "Spec: Common Fields", "Spec: Group" and "Warehouse Schemas" (Twilio Segment), and of
"Warehouse Schema" (RudderStack). Bring the folder of an S3 export (one call per line, gzipped or not), or files named
`tracks`, `identifies`, `groups` (or `_groups`), `pages`, `screens`, `users`, `accounts`; tables of single events
repeat `tracks` and are not read.

An account is a group: `context.groupId` of the call, else the group its user was in at the time (`group` calls), else
by e-mail domain; see `features.reading.behaviour`. `alias` and other calls are set aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine
from features.raw import Raw
from features.reading.behaviour import Behaviour, account_of, page, raws, use_of
from features.reading.records import Export, at, first, json_at

PARTS: Final = {
    "tracks": "track",
    "identifies": "identify",
    "users": "identify",
    "groups": "group",
    "_groups": "group",
    "accounts": "group",
    "pages": "page",
    "screens": "screen",
}
"""Tables of the warehouse schema, and the call whose rows they hold."""

CALL: Final = first(
    at("type"), "CASE lower(part) " + " ".join(f"WHEN '{part}' THEN '{call}'" for part, call in PARTS.items()) + " END"
)
PROPERTIES: Final = f"coalesce({json_at('properties')}, line::JSON)"
TRAITS: Final = f"coalesce({json_at('traits')}, line::JSON)"

PATH: Final = first(at("properties", "path"), at("path"), at("properties", "url"), at("url"), at("name"))

BEHAVIOUR: Final = Behaviour(
    kind=f"CASE {CALL} WHEN 'track' THEN 'event' WHEN 'page' THEN 'event' WHEN 'screen' THEN 'event' "
    "WHEN 'identify' THEN 'user' WHEN 'group' THEN 'account' END",
    at=first(at("timestamp"), at("originalTimestamp"), at("original_timestamp"), at("receivedAt"), at("received_at")),
    known_at=first(at("receivedAt"), at("received_at")),
    user_id=first(at("userId"), at("user_id"), f"CASE part WHEN 'users' THEN {at('id')} END"),
    device_id=first(at("anonymousId"), at("anonymous_id")),
    event=f"CASE {CALL} WHEN 'track' THEN {first(at('event_text'), at('event'))} "
    f"WHEN 'page' THEN {page(PATH)} "
    f"WHEN 'screen' THEN 'screen ' || {first(at('name'), at('properties', 'name'))} ELSE {CALL} END",
    account_id=first(
        at("groupId"),
        at("group_id"),
        f"CASE part WHEN 'accounts' THEN {at('id')} END",
        at("context", "groupId"),
        at("context_group_id"),
        at("traits", "company", "id"),
        account_of(PROPERTIES, TRAITS),
    ),
    email=first(at("traits", "email"), at("context", "traits", "email"), at("email"), at("context_traits_email")),
    traits=TRAITS,
    **use_of(PROPERTIES),
)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A folder of a Segment or RudderStack export."""

    folder: Path
    name: str = "segment"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Events, accounts and users. Raises SourceError when there is no export or it is empty."""
        records = Export(tool=self.name, folder=self.folder, parts=tuple(PARTS)).read(engine)
        return raws(records, BEHAVIOUR, engine)

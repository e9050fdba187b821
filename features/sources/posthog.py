"""PostHog: events, persons and groups as its batch exports and file downloads write them (JSON Lines or Parquet).

The format is that of "S3 destination for batch exports" and "Autocapture" (PostHog docs). Bring the folder: every file
is read, and an event is told from a person by its fields.

An account is a group: `$groups` of the event (type company, organization, account, …; see GROUPS in
`features.reading.behaviour`), else the group its person was in at the time, else by e-mail domain. `$groupidentify`
tells what an account is called. What PostHog captures by itself is named by what was used: `click button "Save"`,
`page /reports/:id`. What the tool tells of itself (feature flags, web vitals, leaving a page) is nobody's deed and set
aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted
from features.raw import Raw
from features.reading.behaviour import GROUPS, Behaviour, account_of, group_of, page, raws, use_of
from features.reading.records import Export, at, first, json_at

NO_DEEDS: Final = (
    *("$pageleave", "$feature_flag_called", "$web_vitals", "$$heatmap", "$performance_event", "$snapshot"),
    *("$create_alias", "$merge_dangerously", "$opt_in", "$exception", "$dead_click", "survey shown"),
)
"""Events the tool tells by itself."""

NAME: Final = at("event")


def _unpacked(key: str) -> str:
    """A JSON object; in Parquet files it is a text."""
    value = json_at(key)
    return f"CASE json_type({value}) WHEN 'VARCHAR' THEN TRY_CAST({at(key)} AS JSON) ELSE {value} END"


PROPERTIES: Final = _unpacked("properties")
PERSON: Final = _unpacked("person_properties")


def _property(*keys: str) -> str:
    return at(*keys, of=PROPERTIES)


CHAIN: Final = first(at("elements_chain"), _property("$elements_chain"), "''")


def _element(attribute: str) -> str:
    """An attribute of the element itself, which is the first of the chain."""
    found = f"""regexp_extract({CHAIN}, '^[^;]*?[":]{attribute}="((?:[^"\\\\]|\\\\.)*)"', 1)"""
    return f"nullif(replace({found}, '\\\"', '\"'), '')"


TAG: Final = first(
    _property("$elements", "0", "tag_name"), f"nullif(regexp_extract({CHAIN}, '^([a-zA-Z0-9-]+)', 1), '')"
)
LABEL: Final = first(
    _property("$el_text"),
    _property("$elements", "0", "$el_text"),
    _element("text"),
    _element("attr__data-attr"),
    _element("attr__aria-label"),
    _property("$elements", "0", "attr__id"),
    _element("attr_id"),
    _element("href"),
)
CLICKED: Final = f"coalesce({TAG}, 'element') || coalesce(' \"' || left({LABEL}, 60) || '\"', '')"
WHERE: Final = first(_property("$pathname"), _property("$current_url"))
DEVICE: Final = _property("$device_id")

BEHAVIOUR: Final = Behaviour(
    kind=f"CASE WHEN {NAME} IS NULL AND {at('group_key')} IS NOT NULL THEN 'account' "
    f"WHEN {NAME} IS NULL AND {at('distinct_id')} IS NOT NULL THEN 'user' "
    f"WHEN {NAME} IN ('$identify', '$set') THEN 'user' "
    f"WHEN {NAME} = '$groupidentify' AND {_property('$group_type')} IN ({', '.join(map(quoted, GROUPS))}) "
    "THEN 'account' "
    f"WHEN {NAME} IN ('$groupidentify', {', '.join(map(quoted, NO_DEEDS))}) THEN NULL "
    f"WHEN {NAME} IS NOT NULL THEN 'event' END",
    at=f"CASE WHEN {NAME} IS NULL THEN NULL ELSE {at('timestamp')} END",
    known_at=f"CASE WHEN {NAME} IS NULL THEN NULL ELSE {at('created_at')} END",
    user_id=f"nullif({at('distinct_id')}, {DEVICE})",
    device_id=first(_property("$anon_distinct_id"), DEVICE),
    event=f"CASE {NAME} WHEN '$autocapture' THEN coalesce({_property('$event_type')}, 'click') || ' ' || {CLICKED} "
    f"WHEN '$rageclick' THEN 'rageclick ' || {CLICKED} WHEN '$pageview' THEN {page(WHERE)} "
    f"WHEN '$screen' THEN 'screen ' || {_property('$screen_name')} ELSE {NAME} END",
    account_id=first(
        at("group_key"),
        f"CASE WHEN {NAME} = '$groupidentify' THEN {_property('$group_key')} END",
        group_of(json_at("$groups", of=PROPERTIES)),
        account_of(PROPERTIES),
    ),
    email=first(_property("$set", "email"), at("email", of=PERSON), _property("email")),
    traits=f"coalesce({json_at('group_properties')}, {json_at('$group_set', of=PROPERTIES)}, "
    f"{json_at('$set', of=PROPERTIES)}, {PROPERTIES})",
    **use_of(PROPERTIES),
)


@dataclass(frozen=True, kw_only=True)
class PostHog:
    """A folder of PostHog exports."""

    folder: Path
    name: str = "posthog"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Events, accounts and users. Raises SourceError when there is no export or it is empty."""
        endings = (".jsonl", ".ndjson", ".json", ".parquet")
        return raws(Export(tool=self.name, folder=self.folder, endings=endings).read(engine), BEHAVIOUR, engine)

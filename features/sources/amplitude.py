"""Amplitude: the answer of its Export API, unpacked: gzipped files of one event per line.

The format is that of "Export API" and "Autocapture" (Amplitude docs); its times are UTC. Bring the folder of
`.json.gz` files as they come out of the archive.

An account is a group: `groups` of the event (type company, organization, account, …; see GROUPS in
`features.reading.behaviour`), else the group its user was in at the time, else by the domain of
`user_properties.email`. Autocaptured events are named by what was used: `page /reports`, `click button "Save"`.
Session marks are set aside.
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
    *("session_start", "session_end", "[Amplitude] Start Session", "[Amplitude] End Session", "[Experiment] Exposure"),
    *("[Amplitude] Web Vitals", "[Amplitude] Application Updated", "[Amplitude] Application Backgrounded"),
)
"""Events the tool tells by itself."""

NAME: Final = at("event_type")
PROPERTIES: Final = json_at("event_properties")
ELEMENT: Final = (
    f"coalesce({at('event_properties', '[Amplitude] Element Tag')}, 'element') || coalesce(' \"' || left("
    f"{first(at('event_properties', '[Amplitude] Element Text'), at('event_properties', '[Amplitude] Element ID'))}"
    ", 60) || '\"', '')"
)
PATH: Final = first(
    at("event_properties", "[Amplitude] Page Path"), at("event_properties", "[Amplitude] Page URL"), "''"
)
TOLD: Final = first(
    *(f"json_extract(json_extract(line, '/group_properties/{name}'), '$.*')[1]" for name in GROUPS),
    f"nullif({json_at('group_properties')}, '{{}}')",
)
"""What a group identify tells: ``{"company": {"acme": {"plan": "team"}}}``."""

BEHAVIOUR: Final = Behaviour(
    kind=f"CASE WHEN {NAME} = '$identify' THEN 'user' WHEN {NAME} = '$groupidentify' THEN 'account' "
    f"WHEN {NAME} IN ({', '.join(map(quoted, NO_DEEDS))}) THEN NULL WHEN {NAME} IS NOT NULL THEN 'event' END",
    at=first(at("event_time"), at("client_event_time"), at("server_received_time")),
    known_at=first(at("server_upload_time"), at("server_received_time")),
    user_id=at("user_id"),
    device_id=first(at("device_id"), at("amplitude_id")),
    event=f"CASE WHEN {NAME} = '[Amplitude] Page Viewed' THEN {page(PATH)} "
    f"WHEN {NAME} = '[Amplitude] Element Clicked' THEN 'click ' || {ELEMENT} "
    f"WHEN {NAME} = '[Amplitude] Element Changed' THEN 'change ' || {ELEMENT} ELSE {NAME} END",
    account_id=first(group_of(json_at("groups")), account_of(PROPERTIES, json_at("user_properties"))),
    email=first(at("user_properties", "email"), at("user_properties", "Email")),
    traits=f"CASE WHEN {NAME} = '$groupidentify' THEN {TOLD} ELSE {json_at('user_properties')} END",
    **use_of(PROPERTIES),
)


@dataclass(frozen=True, kw_only=True)
class Amplitude:
    """A folder of an Amplitude export."""

    folder: Path
    name: str = "amplitude"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Events, accounts and users. Raises SourceError when there is no export or it is empty."""
        endings = (".json", ".jsonl", ".ndjson")
        return raws(Export(tool=self.name, folder=self.folder, endings=endings).read(engine), BEHAVIOUR, engine)

"""Snowplow: enriched events (the rows of `atomic.events`) as tab-separated files without a header.

The format is that of "Enriched stream TSV file format" and "Snowplow atomic event properties" (Snowplow docs): 131
fields. Bring the folder of `.tsv` files (also gzipped, or the `part-…` files of a loader's archive).

An account is told by an entity attached to the event: one called account, company, organization, … (by its `id` or a
property such as `account_id`), or any entity or self-describing event that has such a property; else the account its
user was in at the time, else by the domain of an `email` in an entity. Structured events are named `category action`,
self-describing ones by their name, pages and clicks by what was used. Page pings are a heartbeat, and set aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted
from features.raw import Raw
from features.reading import jsonl
from features.reading.behaviour import ACCOUNT_KEYS, Behaviour, page, raws
from features.reading.records import Export, Records, at, first, json_at, keep

FIELDS: Final = 131

PLACES: Final = {
    "collector_tstamp": 4,
    "dvce_created_tstamp": 5,
    "event": 6,
    "user_id": 13,
    "domain_userid": 16,
    "page_url": 30,
    "page_urlpath": 36,
    "contexts": 53,
    "se_category": 54,
    "se_action": 55,
    "unstruct_event": 59,
    "derived_tstamp": 126,
    "event_name": 128,
    "true_tstamp": 131,
}
"""The fields that are read and where each stands, counted from 1."""

ENTITY: Final = "/(account|company|organi[sz]ation|workspace|tenant|customer|team)(_[a-z]+)?/jsonschema/"
"""Entities that are an account, by the name in their schema."""

OWN: Final = f"json_extract({json_at('unstruct_event')}, '/data')"
DATA: Final = f"list_append(json_extract({json_at('contexts')}, '$.data[*]'), {OWN})"


def _within(key: str, where: str = "true") -> str:
    """A property of the first entity (or the self-describing event) that has it."""
    value = f"json_extract_string(x, '/data/{key}')"
    return (
        f"list_filter(list_transform(list_filter({DATA}, lambda x: {where}), lambda x: {value}), lambda x: x <> '')[1]"
    )


KEYS: Final = ", ".join(quoted(f"/data/{key}") for key in ACCOUNT_KEYS)
VALUES: Final = f"json_extract_string(x, [{KEYS}])"
NAME: Final = first(at("event_name"), at("event"))
LABEL: Final = first(
    *(
        f"json_extract_string({OWN}, '/data/{key}')"
        for key in ("label", "elementContent", "elementId", "id", "targetUrl")
    )
)

BEHAVIOUR: Final = Behaviour(
    kind=f"CASE WHEN {at('event')} = 'page_ping' THEN NULL WHEN {NAME} IS NOT NULL THEN 'event' END",
    at=first(at("true_tstamp"), at("derived_tstamp"), at("dvce_created_tstamp"), at("collector_tstamp")),
    known_at=at("collector_tstamp"),
    user_id=at("user_id"),
    device_id=at("domain_userid"),
    event=f"CASE WHEN {at('event')} = 'page_view' THEN {page(first(at('page_urlpath'), at('page_url')))} "
    f"WHEN {at('event')} = 'struct' THEN coalesce({at('se_category')} || ' ', '') || {at('se_action')} "
    f"WHEN {NAME} IN ('link_click', 'button_click') THEN 'click ' || coalesce(left({LABEL}, 60), 'element') "
    f"ELSE {NAME} END",
    account_id=first(
        _within("id", f"regexp_matches(json_extract_string(x, '/schema'), {quoted(ENTITY)})"),
        f"list_filter(flatten(list_transform({DATA}, lambda x: {VALUES})), lambda x: x <> '')[1]",
    ),
    email=_within("email"),
    quantity=f"TRY_CAST({_within('quantity')} AS DOUBLE)",
    duration_s=f"TRY_CAST({_within('duration_s')} AS DOUBLE)",
    actor=f"CASE WHEN {_within('actor')} IN ('human', 'api') THEN {_within('actor')} END",
)


@dataclass(frozen=True, kw_only=True)
class Atomic(Export):
    """A folder of enriched events."""

    def _ending(self, path: Path) -> str:
        return super()._ending(path) or (".tsv" if path.name.startswith("part-") else "")

    def _load(self, path: Path, label: str, _: str, records: Records) -> None:
        """Each line as a JSON object of the fields that are read."""
        lines = f"{records.table}_lines"
        jsonl.create(lines, records.engine)
        parts = "string_split(line, chr(9))"
        jsonl.load(path, label, lines, records.engine, good=f"len({parts}) = {FIELDS}")
        cells = ", ".join(f"'{name}', nullif(parts[{place}], '')" for name, place in PLACES.items())
        nested = ", ".join(
            f"'{name}', TRY_CAST(parts[{PLACES[name]}] AS JSON)" for name in ("contexts", "unstruct_event")
        )
        packed = f"json_merge_patch(json_object({cells}), json_object({nested}))::VARCHAR"
        records.engine.execute(f"UPDATE {lines} SET line = (SELECT {packed} FROM (SELECT {parts} AS parts)) WHERE good")
        keep(lines, records, f"it has not the {FIELDS} tab-separated fields of an enriched event")


@dataclass(frozen=True, kw_only=True)
class Snowplow:
    """A folder of Snowplow's enriched events."""

    folder: Path
    name: str = "snowplow"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Events and accounts. Raises SourceError when there is no export or it is empty."""
        return raws(Atomic(tool=self.name, folder=self.folder, endings=(".tsv",)).read(engine), BEHAVIOUR, engine)

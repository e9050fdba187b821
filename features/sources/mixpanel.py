"""Mixpanel: the raw event export, one event per line; user and group profiles as their export writes them.

The format is that of "Download Data" (raw event export), "Query Profiles" and "Group Analytics" (Mixpanel docs). Bring
the folder: every file is read. `time` is in seconds (or milliseconds) since 1970 in UTC; a project made before 2023
exports it in its own time zone, unless that is set to UTC.

An account is a group: Mixpanel keeps it as a property of the event, whichever of `company_id`, `account_id`, …
(ACCOUNT_KEYS and GROUPS in `features.reading.behaviour`) it has; else the account its user was in at the time, else by
the domain of `$email`. A group profile (`$group_id`) tells what an account is called. Autocaptured events are named by
what was used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted
from features.raw import Raw
from features.reading.behaviour import Behaviour, account_of, group_of, page, raws, use_of
from features.reading.records import Export, at, first, json_at

NO_DEEDS: Final = (
    *("$create_alias", "$merge", "$mp_session_record", "$mp_scroll", "$mp_page_leave", "$experiment_started"),
    *("$session_start", "$session_end", "$ae_session"),
)
"""Events the tool tells by itself."""

MILLISECONDS: Final = 100_000_000_000
"""A time beyond it is in milliseconds: as seconds it would lie after the year 5000."""

NAME: Final = at("event")
PROPERTIES: Final = first(json_at("properties"), json_at("$properties"))


def _property(*keys: str) -> str:
    return at(*keys, of=PROPERTIES)


def _time(text: str) -> str:
    """Seconds or milliseconds as text of a UTC time; what is no number stays as it is."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    micros = f"({number} * CASE WHEN abs({number}) > {MILLISECONDS} THEN 1e3 ELSE 1e6 END)"
    fits = f"abs({number}) < 1e15"
    return f"CASE WHEN {fits} THEN make_timestamp({micros}::BIGINT)::VARCHAR ELSE {text} END"


PATH: Final = first(_property("current_url_path"), _property("$current_url"), _property("$pathname"), "''")
LABEL: Final = f"left({_property('$el_text')}, 60)"
ELEMENT: Final = f"coalesce({_property('$el_tag_name')}, 'element') || coalesce(' \"' || {LABEL} || '\"', '')"

BEHAVIOUR: Final = Behaviour(
    kind=f"CASE WHEN {NAME} IS NULL AND {at('$group_id')} IS NOT NULL THEN 'account' "
    f"WHEN {NAME} IS NULL AND {at('$distinct_id')} IS NOT NULL THEN 'user' WHEN {NAME} = '$identify' THEN 'user' "
    f"WHEN {NAME} IN ({', '.join(map(quoted, NO_DEEDS))}) THEN NULL WHEN {NAME} IS NOT NULL THEN 'event' END",
    at=_time(_property("time")),
    known_at=_time(_property("mp_processing_time_ms")),
    user_id=f"""CASE WHEN {_property("distinct_id")} LIKE '$device:%' THEN {_property("$user_id")}
      ELSE {first(_property("$user_id"), _property("distinct_id"), at("$distinct_id"))} END""",
    device_id=first(
        _property("$device_id"),
        f"nullif(replace({_property('distinct_id')}, '$device:', ''), {_property('distinct_id')})",
    ),
    event=f"CASE {NAME} WHEN '$mp_web_page_view' THEN {page(PATH)} WHEN '$mp_click' THEN 'click ' || {ELEMENT} "
    f"WHEN '$mp_rage_click' THEN 'rageclick ' || {ELEMENT} WHEN '$mp_submit' THEN 'submit ' || {ELEMENT} "
    f"ELSE {NAME} END",
    account_id=first(at("$group_id"), account_of(PROPERTIES), group_of(PROPERTIES)),
    email=first(_property("$email"), _property("email")),
    traits=PROPERTIES,
    **use_of(PROPERTIES),
)


@dataclass(frozen=True, kw_only=True)
class Mixpanel:
    """A folder of Mixpanel exports."""

    folder: Path
    name: str = "mixpanel"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Events, accounts and users. Raises SourceError when there is no export or it is empty."""
        endings = (".jsonl", ".ndjson", ".json", ".txt")
        return raws(Export(tool=self.name, folder=self.folder, endings=endings).read(engine), BEHAVIOUR, engine)

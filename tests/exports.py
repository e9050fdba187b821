"""Facts written as tools export them: one small market in the documented format of each, for the tests of sources."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

Tables = Mapping[str, pd.DataFrame]
Writer = Callable[[Tables, Path], None]


def iso(at: Any) -> str:
    """A time as tools write it."""
    return pd.Timestamp(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named values of a row that are known, as JSON can hold them."""
    found = {}
    for name in names:
        value = row[name]
        if not pd.isna(value):
            found[name] = iso(value) if isinstance(value, pd.Timestamp) else value.item() if hasattr(value, "item") else value
    return found


def lines(path: Path, records: Iterator[dict[str, Any]]) -> None:
    """JSON Lines, gzipped when the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame."""
    return frame.to_dict("records")


TRAITS = ("name", "segment", "owner", "created_at", "industry", "region", "acquisition_cost", "employees")
USE = ("quantity", "duration_s", "actor")


def segment(tables: Tables, folder: Path) -> None:
    """Calls of an S3 export: identify and group for every user, then tracks."""

    def calls() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            at = iso(account["created_at"])
            traits = plain(account, *TRAITS)
            yield {"type": "group", "groupId": account["account_id"], "anonymousId": "server", "traits": traits} | times(at)
        for user in rows(tables["users"]):
            who = {"userId": user["user_id"], "messageId": f"m-{user['user_id']}"} | times(iso(user["created_at"]))
            traits = plain(user, "role", "title", "created_at")
            context = {"groupId": user["account_id"]}
            yield {"type": "identify", "traits": traits | {"email": "x@gmail.com"}, "context": context} | who
        for number, event in enumerate(rows(tables["events"])):
            call = {"type": "track", "userId": event["user_id"], "event": event["event"], "properties": plain(event, *USE)}
            # Every third call names its group itself, the others leave it to the user's.
            context = {"library": {"name": "analytics.js"}} | ({"groupId": event["account_id"]} if number % 3 == 0 else {})
            yield call | {"context": context, "channel": "client"} | times(iso(event["occurred_at"]))

    def times(at: str) -> dict[str, Any]:
        return {"timestamp": at, "originalTimestamp": at, "sentAt": at, "receivedAt": at, "version": 2}

    lines(folder / "segment-logs" / "1.gz.jsonl.gz", calls())


def segment_warehouse(tables: Tables, folder: Path) -> None:
    """The tables of the warehouse schema: CSV and Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = tables["accounts"].rename(columns={"account_id": "group_id"}).assign(context_library_name="x")
    groups["timestamp"] = groups["received_at"] = groups["created_at"]
    groups.to_csv(folder / "groups.csv", index=False)
    users = tables["users"].rename(columns={"account_id": "context_group_id"}).assign(anonymous_id="", uuid_ts="x")
    users["timestamp"] = users["received_at"] = users["created_at"]
    users.to_csv(folder / "identifies.csv", index=False)
    tracks = tables["events"].rename(columns={"occurred_at": "timestamp", "account_id": "context_group_id"})
    tracks = tracks.drop(columns="known_at").assign(event_text=tracks["event"], received_at=tracks["timestamp"])
    tracks["event"] = tracks["event"].str.lower()
    tracks.to_parquet(folder / "tracks.parquet")
    tracks.head(9).to_csv(folder / "order_completed.csv", index=False)


def posthog(tables: Tables, folder: Path) -> None:
    """Events and persons of a batch export."""

    def events() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            told = {"$group_type": "company", "$group_key": account["account_id"], "$group_set": plain(account, *TRAITS)}
            yield {"event": "$groupidentify", "distinct_id": account["account_id"], "properties": told} | times(
                account["created_at"]
            )
        for event in rows(tables["events"]):
            properties = plain(event, *USE) | {"$groups": {"company": event["account_id"]}, "$lib": "web"}
            yield {"event": event["event"], "distinct_id": event["user_id"], "properties": properties} | times(
                event["occurred_at"]
            )

    def times(at: Any) -> dict[str, Any]:
        return {"uuid": "0190", "person_id": "p", "timestamp": iso(at), "created_at": iso(at), "elements_chain": ""}

    def persons() -> Iterator[dict[str, Any]]:
        for user in rows(tables["users"]):
            properties = plain(user, "role", "title", "created_at") | {"company_id": user["account_id"]}
            yield {"team_id": 1, "distinct_id": user["user_id"], "person_id": "p", "properties": properties}

    lines(folder / "events" / "2026-01-01.jsonl.gz", events())
    lines(folder / "persons" / "2026-01-01.jsonl", persons())


def amplitude(tables: Tables, folder: Path) -> None:
    """Hourly files of the export archive."""

    def events() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            group = {"company": {account["account_id"]: plain(account, *TRAITS)}}
            told = {"groups": {"company": [account["account_id"]]}, "group_properties": group}
            yield {"event_type": "$groupidentify", "user_id": None, "event_properties": {}} | told | times(
                account["created_at"]
            )
        for user in rows(tables["users"]):
            told = {"groups": {"company": [user["account_id"]]}, "user_properties": plain(user, "role", "title", "created_at")}
            yield {"event_type": "$identify", "user_id": user["user_id"]} | told | times(user["created_at"])
        for event in rows(tables["events"]):
            told = {"groups": {"company": [event["account_id"]]}, "event_properties": plain(event, *USE)}
            yield {"event_type": event["event"], "user_id": event["user_id"], "user_properties": {}} | told | times(
                event["occurred_at"]
            )

    def times(at: Any) -> dict[str, Any]:
        text = pd.Timestamp(at).strftime("%Y-%m-%d %H:%M:%S.%f")
        return {"event_time": text, "client_event_time": text, "server_upload_time": text, "amplitude_id": 17}

    lines(folder / "100000" / "100000_2026-01-01_0#0.json.gz", events())


def mixpanel(tables: Tables, folder: Path) -> None:
    """Raw events, people and group profiles."""

    def events() -> Iterator[dict[str, Any]]:
        for event in rows(tables["events"]):
            seconds = int(event["occurred_at"].timestamp())
            ids = {"distinct_id": event["user_id"], "company_id": event["account_id"], "$insert_id": "i"}
            properties = plain(event, *USE) | ids | {"time": seconds, "mp_processing_time_ms": seconds * 1000}
            yield {"event": event["event"], "properties": properties}

    def people() -> Iterator[dict[str, Any]]:
        for user in rows(tables["users"]):
            properties = plain(user, "role", "title") | {"$created": iso(user["created_at"]), "company_id": user["account_id"]}
            yield {"$distinct_id": user["user_id"], "$properties": properties}

    def groups() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            told = {"$name": account["name"]} | plain(account, *(trait for trait in TRAITS if trait != "name"))
            yield {"$group_key": "company_id", "$group_id": account["account_id"], "$properties": told}

    lines(folder / "events.jsonl", events())
    lines(folder / "people.jsonl", people())
    lines(folder / "groups.jsonl", groups())


SNOWPLOW = {"platform": 2, "collector_tstamp": 4, "event": 6, "event_id": 7, "user_id": 13, "contexts": 53, "unstruct": 59}


def snowplow_line(**values: str) -> str:
    """One enriched event: 131 fields, most of them empty."""
    fields = [""] * 131
    for name, value in values.items():
        fields[(SNOWPLOW | {"derived_tstamp": 126, "event_name": 128, "se_category": 54, "se_action": 55})[name] - 1] = value
    return "\t".join(fields)


def snowplow(tables: Tables, folder: Path) -> None:
    """Self-describing events with an account entity."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "part-00000.tsv.gz", "wt", encoding="utf-8") as file:
        for event in rows(tables["events"]):
            at = event["occurred_at"].strftime("%Y-%m-%d %H:%M:%S.%f")
            entity = {"schema": "iglu:com.acme/account/jsonschema/1-0-0", "data": {"id": event["account_id"]}}
            contexts = json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": [entity]})
            own = {"schema": f"iglu:com.acme/{event['event']}/jsonschema/1-0-0", "data": plain(event, *USE)}
            told = json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": own})
            line = snowplow_line(
                platform="web", collector_tstamp=at, derived_tstamp=at, event="unstruct", event_name=event["event"],
                user_id=event["user_id"] if isinstance(event["user_id"], str) else "", contexts=contexts, unstruct=told,
            )  # fmt: skip
            file.write(line + "\n")


def tables_csv(folder: Path, name: str, header: list[str], body: list[list[Any]]) -> None:
    """One CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *body])

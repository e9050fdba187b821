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
            found[name] = (
                iso(value) if isinstance(value, pd.Timestamp) else value.item() if hasattr(value, "item") else value
            )
    return found


def lines(path: Path, records: Iterator[dict[str, Any]]) -> None:
    """JSON Lines, gzipped when the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def received(event: Mapping[str, Any]) -> Any:
    """When the tool got an event: at once, unless the market says that it was late."""
    return event["occurred_at"] if pd.isna(event["known_at"]) else event["known_at"]


TRAITS = ("name", "segment", "owner", "created_at", "industry", "region", "acquisition_cost", "employees")
USE = ("quantity", "duration_s", "actor")


def segment(tables: Tables, folder: Path) -> None:
    """Calls of an S3 export: identify and group for every user, then tracks."""

    def calls() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            at = iso(account["created_at"])
            traits = plain(account, *TRAITS)
            yield {
                "type": "group",
                "groupId": account["account_id"],
                "anonymousId": "server",
                "traits": traits,
            } | times(at)
        for user in rows(tables["users"]):
            who = {"userId": user["user_id"], "messageId": f"m-{user['user_id']}"} | times(iso(user["created_at"]))
            traits = plain(user, "role", "title", "created_at")
            context = {"groupId": user["account_id"]}
            yield {"type": "identify", "traits": traits | {"email": "x@gmail.com"}, "context": context} | who
        for number, event in enumerate(rows(tables["events"])):
            call = {
                "type": "track",
                "userId": event["user_id"],
                "event": event["event"],
                "properties": plain(event, *USE),
            }
            # Every third call names its group itself, the others leave it to the user's.
            context = {"library": {"name": "analytics.js"}} | (
                {"groupId": event["account_id"]} if number % 3 == 0 else {}
            )
            yield (
                call
                | {"context": context, "channel": "client"}
                | times(iso(event["occurred_at"]), iso(received(event)))
            )

    def times(at: str, received_at: str | None = None) -> dict[str, Any]:
        return {"timestamp": at, "originalTimestamp": at, "sentAt": at, "receivedAt": received_at or at, "version": 2}

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
    tracks["received_at"] = tracks["known_at"].fillna(tracks["timestamp"])
    tracks = tracks.drop(columns="known_at").assign(event_text=tracks["event"])
    tracks["event"] = tracks["event"].str.lower()
    tracks.to_parquet(folder / "tracks.parquet")
    tracks.head(9).to_csv(folder / "order_completed.csv", index=False)


def posthog(tables: Tables, folder: Path) -> None:
    """Events and persons of a batch export."""

    def events() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            told = {
                "$group_type": "company",
                "$group_key": account["account_id"],
                "$group_set": plain(account, *TRAITS),
            }
            yield {"event": "$groupidentify", "distinct_id": account["account_id"], "properties": told} | times(
                account["created_at"]
            )
        for event in rows(tables["events"]):
            properties = plain(event, *USE) | {"$groups": {"company": event["account_id"]}, "$lib": "web"}
            yield {"event": event["event"], "distinct_id": event["user_id"], "properties": properties} | times(
                event["occurred_at"], received(event)
            )

    def times(at: Any, received_at: Any = None) -> dict[str, Any]:
        known = iso(received_at or at)
        return {"uuid": "0190", "person_id": "p", "timestamp": iso(at), "created_at": known, "elements_chain": ""}

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
            yield (
                {"event_type": "$groupidentify", "user_id": None, "event_properties": {}}
                | told
                | times(account["created_at"])
            )
        for user in rows(tables["users"]):
            told = {
                "groups": {"company": [user["account_id"]]},
                "user_properties": plain(user, "role", "title", "created_at"),
            }
            yield {"event_type": "$identify", "user_id": user["user_id"]} | told | times(user["created_at"])
        for event in rows(tables["events"]):
            told = {"groups": {"company": [event["account_id"]]}, "event_properties": plain(event, *USE)}
            yield (
                {"event_type": event["event"], "user_id": event["user_id"], "user_properties": {}}
                | told
                | times(event["occurred_at"], received(event))
            )

    def times(at: Any, received_at: Any = None) -> dict[str, Any]:
        text, known = (pd.Timestamp(time).strftime("%Y-%m-%d %H:%M:%S.%f") for time in (at, received_at or at))
        return {"event_time": text, "client_event_time": text, "server_upload_time": known, "amplitude_id": 17}

    lines(folder / "100000" / "100000_2026-01-01_0#0.json.gz", events())


def mixpanel(tables: Tables, folder: Path) -> None:
    """Raw events, people and group profiles."""

    def events() -> Iterator[dict[str, Any]]:
        for event in rows(tables["events"]):
            seconds = int(event["occurred_at"].timestamp())
            ids = {"distinct_id": event["user_id"], "company_id": event["account_id"], "$insert_id": "i"}
            properties = (
                plain(event, *USE)
                | ids
                | {"time": seconds, "mp_processing_time_ms": int(received(event).timestamp() * 1000)}
            )
            yield {"event": event["event"], "properties": properties}

    def people() -> Iterator[dict[str, Any]]:
        for user in rows(tables["users"]):
            properties = plain(user, "role", "title") | {
                "$created": iso(user["created_at"]),
                "company_id": user["account_id"],
            }
            yield {"$distinct_id": user["user_id"], "$properties": properties}

    def groups() -> Iterator[dict[str, Any]]:
        for account in rows(tables["accounts"]):
            told = {"$name": account["name"]} | plain(account, *(trait for trait in TRAITS if trait != "name"))
            yield {"$group_key": "company_id", "$group_id": account["account_id"], "$properties": told}

    lines(folder / "events.jsonl", events())
    lines(folder / "people.jsonl", people())
    lines(folder / "groups.jsonl", groups())


SNOWPLOW = {
    "platform": 2,
    "collector_tstamp": 4,
    "event": 6,
    "event_id": 7,
    "user_id": 13,
    "page_urlpath": 36,
    "contexts": 53,
    "se_category": 54,
    "se_action": 55,
    "unstruct": 59,
    "derived_tstamp": 126,
    "event_name": 128,
}
"""Where a field stands among the 131 of an enriched event, counted from 1."""


def snowplow_line(**values: str) -> str:
    """One enriched event: 131 fields, most of them empty."""
    fields = [""] * 131
    for name, value in values.items():
        fields[SNOWPLOW[name] - 1] = value
    return "\t".join(fields)


def snowplow(tables: Tables, folder: Path) -> None:
    """Self-describing events with an account entity."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "part-00000.tsv.gz", "wt", encoding="utf-8") as file:
        for event in rows(tables["events"]):
            at = event["occurred_at"].strftime("%Y-%m-%d %H:%M:%S.%f")
            known = received(event).strftime("%Y-%m-%d %H:%M:%S.%f")
            entity = {"schema": "iglu:com.acme/account/jsonschema/1-0-0", "data": {"id": event["account_id"]}}
            contexts = json.dumps(
                {"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": [entity]}
            )
            own = {"schema": f"iglu:com.acme/{event['event']}/jsonschema/1-0-0", "data": plain(event, *USE)}
            told = json.dumps(
                {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": own}
            )
            line = snowplow_line(
                platform="web", collector_tstamp=known, derived_tstamp=at, event="unstruct", event_name=event["event"],
                user_id=event["user_id"] if isinstance(event["user_id"], str) else "", contexts=contexts, unstruct=told,
            )  # fmt: skip
            file.write(line + "\n")


def tables_csv(folder: Path, name: str, header: list[str], body: list[list[Any]]) -> None:
    """One CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *body])


def deals(tables: Tables) -> Iterator[dict[str, Any]]:
    """Won deals, and the lost renewals of contracts that were not renewed."""
    seen: set[str] = set()
    for contract in rows(tables["contracts"].sort_values("starts_on")):
        signed = contract["known_at"] if not pd.isna(contract["known_at"]) else contract["starts_on"]
        months = round((contract["ends_on"] - contract["starts_on"]).days / 30.44)
        deal = {"account": contract["account_id"], "start": f"{contract['starts_on']:%Y-%m-%d}", "months": months}
        deal |= {"end": f"{contract['ends_on']:%Y-%m-%d}", "seats": int(contract["seats"]), "plan": contract["plan"]}
        deal |= {"amount": round(contract["arr"] * months / 12, 6), "arr": contract["arr"]}
        kind = "Renewal" if contract["account_id"] in seen else "New Business"
        seen.add(contract["account_id"])
        yield deal | {"id": contract["contract_id"], "kind": kind, "won": True, "day": f"{signed:%Y-%m-%d}"}
        if contract["outcome"] == "churned":
            lost = {
                "id": f"{contract['contract_id']}-lost",
                "kind": "Renewal",
                "won": False,
                "start": deal["end"],
                "end": "",
            }
            yield deal | lost | {"day": f"{contract['decided_on']:%Y-%m-%d}"}


def salesforce(tables: Tables, folder: Path) -> None:
    """Opportunity.csv and Account.csv as Data Export writes them."""
    header = ["Id", "IsDeleted", "AccountId", "Name", "StageName", "Amount", "CloseDate", "Type", "IsClosed", "IsWon"]
    header += ["CreatedDate", "Contract_Start_Date__c", "Contract_End_Date__c", "ARR__c", "Seats__c", "Plan__c"]
    body = []
    for deal in deals(tables):
        told = [deal["id"], 0, deal["account"], f"Deal {deal['id']}", "Closed Won" if deal["won"] else "Closed Lost"]
        told += [deal["amount"], deal["day"], deal["kind"], 1, int(deal["won"]), f"{deal['day']}T10:00:00.000+0000"]
        body.append([*told, deal["start"], deal["end"], deal["arr"], deal["seats"], deal["plan"]])
    tables_csv(folder, "Opportunity.csv", header, body)
    accounts = [
        [
            account["account_id"],
            account["name"],
            account["industry"],
            account["region"],
            account["segment"],
            account["owner"],
        ]
        for account in rows(tables["accounts"])
    ]
    tables_csv(folder, "Account.csv", ["Id", "Name", "Industry", "Region__c", "Segment__c", "CSM__c"], accounts)


def hubspot(tables: Tables, folder: Path) -> None:
    """An export of deals with labels, amounts over the whole term and the term in months."""
    header = ["Record ID", "Deal Name", "Deal Stage", "Close Date", "Create Date", "Amount", "Deal Type", "Deal owner"]
    header += [
        "Associated Company IDs",
        "Associated Company",
        "Contract Start Date",
        "Contract Term (Months)",
        "Seats",
        "Plan",
    ]
    body = []
    for deal in deals(tables):
        told = [
            deal["id"],
            f"Deal {deal['id']}",
            "Closed Won" if deal["won"] else "Closed Lost",
            f"{deal['day']} 09:30",
        ]
        told += [f"{deal['day']} 09:00", deal["amount"], deal["kind"], "Kim", deal["account"]]
        body.append([*told, f"Company {deal['account']}", *(deal[key] for key in ("start", "months", "seats", "plan"))])
    tables_csv(folder, "hubspot-crm-exports-all-deals-2026-01-01.csv", header, body)


def epoch(at: Any) -> int | None:
    """Seconds since 1970."""
    return None if pd.isna(at) else int(pd.Timestamp(at).timestamp())


def page_of(folder: Path, name: str, url: str, data: list[dict[str, Any]]) -> None:
    """One page of a list object, as the API answers it."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {"object": "list", "data": data, "has_more": False, "url": url}
    (folder / name).write_text(json.dumps(listed, indent=2), encoding="utf-8")


def stripe(tables: Tables, folder: Path) -> None:
    """Pages of customers, subscriptions (one for each run of contracts) and the invoices of every period."""
    customers = [
        {"id": f"cus_{account['account_id']}", "object": "customer", "name": account["name"], "email": None}
        | {"created": epoch(account["created_at"]), "metadata": {"account_id": account["account_id"]}}
        for account in rows(tables["accounts"])
    ]
    subscriptions: list[dict[str, Any]] = []
    invoices: list[dict[str, Any]] = []
    for account_id, group in tables["contracts"].sort_values("starts_on").groupby("account_id"):
        runs: list[list[dict[str, Any]]] = []
        for contract in rows(group):
            if not runs or runs[-1][-1]["ends_on"] != contract["starts_on"]:
                runs.append([])
            runs[-1].append(contract)
        for number, run in enumerate(runs):
            subscription = stripe_subscription(f"sub_{account_id}_{number}", str(account_id), run)
            subscriptions.append(subscription)
            invoices += [stripe_invoice(subscription, contract) for contract in run]
    page_of(folder, "customers.json", "/v1/customers", customers)
    page_of(folder, "subscriptions.json", "/v1/subscriptions", subscriptions)
    page_of(folder, "invoices.json", "/v1/invoices", invoices)


def stripe_subscription(name: str, account_id: str, run: list[dict[str, Any]]) -> dict[str, Any]:
    """One subscription whose periods are the contracts of a run."""
    last = run[-1]
    months = round((last["ends_on"] - last["starts_on"]).days / 30.44)
    churned = last["outcome"] == "churned"
    recurring = {"interval": "year" if months == 12 else "month", "interval_count": 1 if months == 12 else months}
    cents = round(last["arr"] * 100 * months / 12 / last["seats"])
    price = {"id": "price_1", "object": "price", "nickname": last["plan"], "unit_amount": cents, "recurring": recurring}
    period = {"current_period_start": epoch(last["starts_on"]), "current_period_end": epoch(last["ends_on"])}
    item = {"object": "subscription_item", "price": price, "quantity": int(last["seats"])} | period
    told: dict[str, Any] = {
        "id": name,
        "object": "subscription",
        "customer": f"cus_{account_id}",
        "currency": "usd",
        "metadata": {},
    }
    told |= {"status": "canceled" if churned else "active", "start_date": epoch(run[0]["starts_on"])}
    told |= {"created": epoch(run[0]["starts_on"]), "collection_method": "charge_automatically", "trial_end": None}
    told |= {"canceled_at": epoch(last["decided_on"]) if churned else None, "cancel_at_period_end": False}
    told |= {"ended_at": epoch(last["ends_on"]) if churned else None}
    return told | {"items": {"object": "list", "data": [item], "has_more": False}}


def stripe_invoice(subscription: dict[str, Any], contract: dict[str, Any]) -> dict[str, Any]:
    """The invoice of one period, paid a week later."""
    since, until = epoch(contract["starts_on"]), epoch(contract["ends_on"])
    cents = round(contract["arr"] * 100 * round((contract["ends_on"] - contract["starts_on"]).days / 30.44) / 12)
    line = {
        "object": "line_item",
        "amount": cents,
        "quantity": int(contract["seats"]),
        "period": {"start": since, "end": until},
    }
    told: dict[str, Any] = {
        "id": f"in_{contract['contract_id']}",
        "object": "invoice",
        "customer": subscription["customer"],
    }
    told |= {
        "currency": "usd",
        "total": cents,
        "status": "paid",
        "created": since,
        "due_date": (since or 0) + 30 * 86400,
    }
    told |= {"parent": {"subscription_details": {"subscription": subscription["id"], "metadata": {}}}}
    told |= {"status_transitions": {"finalized_at": since, "paid_at": (since or 0) + 7 * 86400}}
    return told | {"lines": {"object": "list", "data": [line], "has_more": False}}

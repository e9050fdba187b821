"""Small real servers that behave as those of CRMs: batches, partial failures, jobs, limits."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from tests.receivers import Answer, Asked, Receiver, said

SALESFORCE_SECRET = "nobody-may-ever-read-this-secret"
SALESFORCE_TOKEN = "00D-nobody-may-ever-read-this-token"
HUBSPOT_TOKEN = "pat-na1-nobody-may-ever-read-this"


class HubSpotReceiver(Receiver):
    """HubSpot's CRM API: batches of at most 100, 207 for some, 400 for all because of one, tasks and their links."""

    def __init__(self) -> None:
        super().__init__()
        self.companies = {f"10{letter}": {"account": letter} for letter in "abc"}
        self.tasks: dict[str, dict[str, str]] = {}
        self.links: set[tuple[str, str]] = set()
        self.invalid: set[str] = set()

    def answer(self, asked: Asked) -> Answer:
        """The batch endpoints that Ebb uses."""
        if asked.headers["authorization"] != f"Bearer {HUBSPOT_TOKEN}":
            return said({"status": "error", "category": "INVALID_AUTHENTICATION"}, 401)
        inputs = asked.json["inputs"]
        if len(inputs) > 100:
            return said({"status": "error", "category": "VALIDATION_ERROR", "message": "at most 100"}, 400)
        if asked.path.endswith("/associate/default"):
            self.links |= {(one["from"]["id"], one["to"]["id"]) for one in inputs}
            return said({"status": "COMPLETE", "results": []})
        if asked.path.endswith("/companies/batch/update"):
            return self.update(inputs)
        if asked.path.endswith("/tasks/batch/upsert"):
            for one in inputs:
                held = (key for key, task in self.tasks.items() if task["ebb_key"] == one["id"])
                number = next(held, str(len(self.tasks)))
                self.tasks.setdefault(number, {}).update(one["properties"])
            wanted = {one["id"] for one in inputs}
            return said({"status": "COMPLETE", "results": self.found(self.tasks, "ebb_key", wanted)})
        wanted, by = {one["id"] for one in inputs}, asked.json["idProperty"]
        objects = self.companies if "/companies/" in asked.path else self.tasks
        found = self.found(objects, by, wanted - self.refused)
        if len(found) == len(wanted):
            return said({"results": found})
        missing = {"category": "OBJECT_NOT_FOUND", "message": "not there", "context": {"ids": sorted(wanted)}}
        return said({"results": found, "errors": [missing], "numErrors": 1}, 207)

    @staticmethod
    def found(objects: Mapping[str, dict[str, str]], by: str, wanted: set[str]) -> list[dict[str, Any]]:
        """Objects whose property is one of those wanted."""
        return [{"id": number, "properties": one} for number, one in objects.items() if one[by] in wanted]

    def update(self, inputs: list[dict[str, Any]]) -> Answer:
        """Set properties; one that is invalid spoils the batch, one that is not there only itself."""
        if any(one["id"] in self.invalid for one in inputs):
            return said(
                {"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid"}, 400
            )
        errors = []
        for one in inputs:
            assert one["idProperty"] == "account"
            company = next((c for c in self.companies.values() if c["account"] == one["id"]), None)
            if company is None or one["id"] in self.refused:
                context = {"ids": [one["id"]]}
                errors.append({"category": "OBJECT_NOT_FOUND", "message": "no such company", "context": context})
            else:
                company.update(one["properties"])
        if errors:
            return said({"results": [], "errors": errors, "numErrors": len(errors)}, 207)
        return said({"results": []})

    def effects(self) -> list[str]:
        """Companies that have a risk, and the companies of tasks."""
        told = [company["account"] for company in self.companies.values() if "ebb_risk" in company]
        return [*told, *(f"task {self.companies[company]['account']}" for _, company in self.links)]


class SalesforceReceiver(Receiver):
    """Salesforce's Bulk API 2.0: a token, jobs that take their time, rows that fail alone, results in pages of one."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = {letter: {"Id": letter} for letter in "abc"}
        self.tasks: list[dict[str, str]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.locked: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        """The resources that Ebb uses."""
        if asked.path == "/services/oauth2/token":
            given = dict(parse_qsl(asked.body.decode()))
            good = (given["grant_type"], given["client_secret"]) == ("client_credentials", SALESFORCE_SECRET)
            return said({"access_token": SALESFORCE_TOKEN}) if good else said({"error": "invalid_client"}, 400)
        if asked.headers["authorization"] != f"Bearer {SALESFORCE_TOKEN}":
            return said([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        kind, _, rest = asked.path.partition("?")[0].removeprefix("/services/data/v64.0/jobs/").partition("/")
        number, _, what = rest.strip("/").partition("/")
        if not number:
            return self.listed(asked) if asked.method == "GET" else self.opened(asked.json, kind)
        job = self.jobs[number]
        if asked.method == "PUT":
            job["rows"] = list(csv.DictReader(io.StringIO(asked.body.decode())))
            return Answer(status=201)
        if asked.method == "PATCH":
            job["state"] = asked.json["state"]
            return said(self.shown(job))
        if what == "results":
            return self.page(job, int(dict(parse_qsl(asked.path.partition("?")[2])).get("locator", 0)))
        if what:
            failed = what == "failedResults" and [{"sf__Id": "", "sf__Error": why, **row} for row, why in job["failed"]]
            return Answer(body=written(failed or []).encode(), headers={"content-type": "text/csv"})
        return said(self.ran(job))

    def opened(self, given: Mapping[str, str], kind: str) -> Answer:
        """A new job."""
        number = f"750{len(self.jobs)}"
        state = "Open" if kind == "ingest" else "UploadComplete"
        self.jobs[number] = {
            "id": number,
            "operation": "",
            "object": "",
            **given,
            "state": state,
            "rows": [],
            "failed": [],
        }
        return said(self.shown(self.jobs[number]))

    def listed(self, asked: Asked) -> Answer:
        """Jobs that take rows, one a page."""
        found = [self.shown(job) for job in self.jobs.values() if "query" not in job]
        place = int(dict(parse_qsl(asked.path.partition("?")[2])).get("from", 0))
        done = place + 1 >= len(found)
        more = {} if done else {"nextRecordsUrl": f"/services/data/v64.0/jobs/ingest?from={place + 1}"}
        return said({"done": done, "records": found[place : place + 1], **more})

    def shown(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What is told of a job."""
        counts = {"numberRecordsFailed": len(job["failed"]), "numberRecordsProcessed": len(job["rows"])}
        return {name: job[name] for name in ("id", "state", "object", "operation")} | counts

    def ran(self, job: dict[str, Any]) -> dict[str, Any]:
        """A job is under way when it is first asked about, and done after that."""
        if job["state"] == "UploadComplete":
            job["state"] = "InProgress"
            if "query" not in job:
                self.carry_out(job)
        elif job["state"] == "InProgress":
            job["state"] = "JobComplete"
        return self.shown(job)

    def carry_out(self, job: dict[str, Any]) -> None:
        """Row by row."""
        for row in job["rows"]:
            wanted = row.get("WhatId") or row.get("Id") or row.get("Account__c")
            held = (one for one in self.accounts.values() if wanted in (one["Id"], one.get("Account__c")))
            account = next(held, None)
            if account is None or account["Id"] in self.refused:
                job["failed"].append((row, "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"))
            elif account["Id"] in self.locked:
                self.locked.remove(account["Id"])
                job["failed"].append((row, "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"))
            elif job["object"] == "Task":
                self.tasks.append(row)
            else:
                set_now = {name: value for name, value in row.items() if value}
                account.update({name: "" if value == "#N/A" else value for name, value in set_now.items()})

    def page(self, job: Mapping[str, Any], place: int) -> Answer:
        """The rows a query finds, one a page."""
        wanted = {re.sub(r"\\(.)", r"\1", one) for one in re.findall(r"'((?:[^'\\]|\\.)*)'", job["query"])}
        columns, what, by = re.findall(r"SELECT (.+) FROM (\w+) WHERE (\w+) IN", job["query"])[0]
        source = self.tasks if what == "Task" else list(self.accounts.values())
        found = [{name: row[name] for name in columns.split(", ")} for row in source if row.get(by) in wanted]
        more = str(place + 1) if place + 1 < len(found) else "null"
        body = written(found[place : place + 1]) or f"{columns}\n"
        return Answer(body=body.encode(), headers={"Sforce-Locator": more, "Sforce-NumberOfRecords": str(len(found))})

    def effects(self) -> list[str]:
        """Accounts that have a risk, and the accounts of tasks."""
        told = [name for name, account in self.accounts.items() if "Ebb_Risk__c" in account]
        return [*told, *(f"task {task['WhatId']}" for task in self.tasks)]


def written(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as CSV; nothing where there are none."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()

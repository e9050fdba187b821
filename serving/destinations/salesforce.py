"""Salesforce: fields of accounts, and tasks, by Bulk API 2.0 ("Bulk API 2.0 and Bulk API Developer Guide", "Limits and
Allocations", developer.salesforce.com), with simple-salesforce.

A job takes a CSV of up to 100 MB; its rows are carried out one by one, and those that fail are listed with a reason.
An empty cell changes nothing, #N/A clears a field. Accounts are updated by their id, or upserted by an external id.
Nothing makes an insert by Bulk safe to repeat: jobs that still run are waited for, and tasks are looked for by key
before any is made, so that a killed push makes none twice.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from features.errors import PushError, SettingsError, TerminalError, TransientError
from serving.config import setting
from serving.push import crm
from serving.push.addresses import is_safe
from serving.push.answers import SAID, fault_of
from serving.push.parcels import Book, Parcel, Refusal
from serving.push.secret import Secrets

AT_ONCE: Final = 5_000
"""Rows in one job: far below 100 MB, and few enough that a broken push repeats little."""

ASKED_AT_ONCE: Final = 200
"""Keys in one query: SOQL holds 100,000 characters."""

SECONDS: Final = 120
POLL_SECONDS: Final = 0.1
"""Before a job is first asked about; simple-salesforce then asks ever more seldom, up to every two seconds."""

CLEARED: Final = "#N/A"
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NOT_REACHED: Final = "not reached before the job ended"
PASSING: Final = (NOT_REACHED, "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "QUERY_TIMEOUT")
"""Error codes that pass by themselves: a row somebody else is writing, a limit of the day."""

UNDER_WAY: Final = ("UploadComplete", "InProgress")


@dataclass(frozen=True, kw_only=True)
class Salesforce:
    """Account fields and tasks in Salesforce."""

    kind: ClassVar[str] = "salesforce"
    writes: ClassVar[str] = "fields of accounts, and a task for each account of the week's worklist (Bulk API 2.0)"
    limits: ClassVar[str] = f"{AT_ONCE:,} rows a job; 429, REQUEST_LIMIT_EXCEEDED and locked rows are waited for"
    idempotent: ClassVar[str] = "fields are set again; running jobs are waited for and tasks looked for by their key"
    at_once: ClassVar[int] = AT_ONCE

    name: str
    instance_url: str = setting("", "the address of the org, https://….my.salesforce.com")
    client_id: str = setting("", "the consumer key of a connected app with the client-credentials flow")
    client_secret_env: str = setting("", "the variable of its consumer secret")
    token_env: str = setting("", "instead of both: the variable of an access token")
    version: str = setting("64.0", "the version of the API")
    match: str = setting("Id", "the account field that holds Ebb's account_id: Id, or an external id")
    fields: Mapping[str, str] = setting(
        {}, 'fields instead of Ebb_Risk__c, Ebb_Band__c…: [destinations.NAME.fields] then risk = "Churn_Risk__c"'
    )
    task_key: str = setting("Ebb_Key__c", "the field of activities that tells tasks apart")
    tasks: bool = setting(True, "whether tasks are made")
    owners: Mapping[str, str] = setting({}, "whose task it is: Ebb's owner to a Salesforce user id")

    def __post_init__(self) -> None:
        said = f"[destinations.{self.name}]"
        if not is_safe(self.instance_url):
            raise SettingsError(f"{said} instance_url should be the org's address, https://….my.salesforce.com")
        if bool(self.token_env) == bool(self.client_secret_env) or bool(self.client_secret_env) != bool(self.client_id):
            raise SettingsError(f"{said} needs either client_id and client_secret_env, or token_env")
        for name in (self.match, self.task_key, *self.fields.values()):
            if not NAME.fullmatch(name):
                raise SettingsError(f"{said}: {name!r} is no name of a field")
        crm.checked_fields(self.name, self.fields)

    @property
    def place(self) -> str:
        """The org."""
        return self.instance_url

    @property
    def is_lost(self) -> bool:
        """Never: what was sent is sent."""
        return False

    def parcels(self, book: Book) -> list[Parcel]:
        """The accounts, then the tasks."""
        names = {name: "scored_on" if name == crm.CUTOFF else name for name in crm.FIELDS}
        own = {ours: f"Ebb_{theirs.title()}__c" for ours, theirs in names.items()}
        return crm.parcels(book, self.fields or own, with_tasks=self.tasks)

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """A line that logs in with its first job; TerminalError where simple-salesforce is not installed."""
        try:
            import requests
            import simple_salesforce  # noqa: F401 -- only whether it is there
        except ImportError:
            raise TerminalError("simple-salesforce is not installed: pip install 'ebb[salesforce]'") from None
        with requests.Session() as session:
            yield _Line(session, self, secrets)


class _Line:
    def __init__(self, session: Any, settings: Salesforce, secrets: Secrets):
        self._session, self._settings, self._secrets = session, settings, secrets
        session.hooks["response"].append(_checked)
        # simple-salesforce names no time-out, and would wait for ever.
        session.request = partial(session.request, timeout=SECONDS)
        self._bulk: Any = None

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Update the accounts, then make the tasks that are not there."""
        accounts, tasks = crm.parted(parcels)
        with _named():
            return [*self._updated(accounts), *self._made(tasks)]

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Nothing: setting fields again is the same, and tasks are looked for before they are made."""
        return ()

    def _updated(self, accounts: Sequence[Parcel]) -> list[Refusal]:
        match = self._settings.match
        rows = {
            str(one.content["account_id"]): {
                match: str(one.content["account_id"]),
                **{name: CLEARED if value is None else str(value) for name, value in crm.values(one).items()},
            }
            for one in accounts
        }
        keys = {str(one.content["account_id"]): one.key for one in accounts}
        how = {"external_id_field": match} if match != "Id" else {}
        return self._job("Account", "upsert" if how else "update", rows, match, keys, **how)

    def _made(self, tasks: Sequence[Parcel]) -> list[Refusal]:
        if not tasks:
            return []
        self._wait_for_jobs()
        there = self._there([crm.task_key(one) for one in tasks])
        missing = [one for one in tasks if crm.task_key(one) not in there]
        companies = self._companies(missing)
        orphans = [one for one in missing if one.content["account_id"] not in companies]
        rows = {crm.task_key(one): self._task(one, companies) for one in missing if one not in orphans}
        keys = {crm.task_key(one): one.key for one in missing}
        refused = [Refusal(key=one.key, reason=f"no account {one.content['account_id']}") for one in orphans]
        return [*refused, *self._job("Task", "insert", rows, self._settings.task_key, keys)]

    def _task(self, parcel: Parcel, companies: Mapping[str, str]) -> dict[str, str]:
        told = parcel.told
        owner = self._settings.owners.get(told["owner"] or "")
        return {
            self._settings.task_key: crm.task_key(parcel),
            "WhatId": companies[parcel.content["account_id"]],
            "Subject": told["subject"],
            "Description": told["body"],
            "ActivityDate": told["due"],
            "Status": "Not Started",
            "Priority": "High" if told["high"] else "Normal",
            **({"OwnerId": owner} if owner else {}),
        }

    def _job(
        self, what: str, how: str, rows: Mapping[str, dict[str, str]], by: str, keys: Mapping[str, str], **more: str
    ) -> list[Refusal]:
        """Carry out one job; the rows that failed, with the reason of each, and those that were not reached."""
        if not rows:
            return []
        columns = {name: "" for row in rows.values() for name in row}
        records = [{**columns, **row} for row in rows.values()]
        one = getattr(self._opened(), what)
        found = []
        for done in getattr(one, how)(records=records, wait=POLL_SECONDS, **more):
            if done["numberRecordsFailed"] or done["numberRecordsProcessed"] < done["numberRecordsTotal"]:
                found += [(row[by], row["sf__Error"]) for row in _rows(one.get_failed_records(done["job_id"]))]
                found += [(row[by], NOT_REACHED) for row in _rows(one.get_unprocessed_records(done["job_id"]))]
        return [Refusal(key=keys[value], reason=why, again=why.startswith(PASSING)) for value, why in found]

    def _wait_for_jobs(self) -> None:
        """Jobs of an earlier push that still insert tasks: what they make cannot be looked for yet."""
        url = f"{self._root}jobs/ingest?jobType=V2Ingest"
        while url:
            page = self._session.get(url, headers=self._opened().headers).json()
            for job in page["records"]:
                if (job["object"], job["operation"]) == ("Task", "insert") and job["state"] in UNDER_WAY:
                    raise TransientError(f"job {job['id']} still makes tasks")
            url = "" if page["done"] else f"{self._settings.instance_url.rstrip('/')}{page['nextRecordsUrl']}"

    def _there(self, keys: Sequence[str]) -> set[str]:
        by = self._settings.task_key
        return {row[by] for row in self._found("Task", by, keys, by)}

    def _companies(self, tasks: Sequence[Parcel]) -> dict[str, str]:
        """Ebb's account id -> Salesforce's; the same where Ebb's is Salesforce's."""
        ids, match = [str(one.content["account_id"]) for one in tasks], self._settings.match
        if match == "Id":
            return dict(zip(ids, ids, strict=True))
        return {row[match]: row["Id"] for row in self._found("Account", f"Id, {match}", ids, match)}

    def _found(self, what: str, columns: str, values: Sequence[str], by: str) -> Iterator[dict[str, str]]:
        """The rows of some values, page by page (Bulk API 2.0 query)."""
        for start in range(0, len(values), ASKED_AT_ONCE):
            listed = ", ".join(_quoted(value) for value in values[start : start + ASKED_AT_ONCE])
            asked = f"SELECT {columns} FROM {what} WHERE {by} IN ({listed})"
            for page in getattr(self._opened(), what).query(asked, wait=POLL_SECONDS):
                yield from _rows(page)

    @property
    def _root(self) -> str:
        return f"{self._settings.instance_url.rstrip('/')}/services/data/v{self._settings.version}/"

    def _opened(self) -> Any:
        """The Bulk API, logged in."""
        if self._bulk is None:
            from simple_salesforce.bulk2 import SFBulk2Handler

            self._bulk = SFBulk2Handler(self._token(), f"{self._root}jobs/", session=self._session)
        return self._bulk

    def _token(self) -> str:
        """An access token: the one given, or that of the client-credentials flow (RFC 6749, 4.4)."""
        if self._settings.token_env:
            return self._secrets["token_env"]
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._secrets["client_secret_env"],
        }
        url = f"{self._settings.instance_url.rstrip('/')}/services/oauth2/token"
        answer = self._session.post(url, data=asked)
        if answer.status_code != 200:
            raise TerminalError(f"the login is refused: {answer.status_code} {answer.text[:SAID]}")
        return str(answer.json()["access_token"])


@contextmanager
def _named() -> Iterator[None]:
    """What the libraries raise, as Ebb's faults: a job that is refused whole is for a person to mend."""
    from requests import RequestException
    from simple_salesforce.exceptions import SalesforceError, SalesforceOperationError

    try:
        yield
    except (SalesforceError, SalesforceOperationError) as error:
        raise TerminalError(f"{getattr(error, 'content', '') or error}"[:SAID]) from None
    except RequestException as error:
        raise TransientError(f"no answer: {type(error).__name__}") from None


def _checked(answer: Any, *_: object, **__: object) -> None:
    """The fault of an answer, before the library forgets Retry-After. The limit of the day comes as 403."""
    said = "" if answer.ok else str(answer.text)
    status = 429 if answer.status_code == 403 and "REQUEST_LIMIT_EXCEEDED" in said else answer.status_code
    fault: PushError | None = fault_of(status, answer.headers.get("retry-after"), said)
    if fault is not None:
        raise fault


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _quoted(value: str) -> str:
    """A text in SOQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

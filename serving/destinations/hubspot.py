"""HubSpot: properties of companies, and tasks, by the batch endpoints of the CRM API ("Companies", "Tasks",
"Associations v4", "Error handling", "API usage guidelines", developers.hubspot.com).

A batch holds 100 records. Companies are updated and never created; a task is looked for by its key before it is made,
and one that is there stays as people changed it. 429 tells of the limits by ten seconds and by day. A bad record makes
HubSpot refuse its whole batch (400): the batch is halved until the bad one stands alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from features.errors import PushError, SettingsError, TransientError
from serving.config import setting
from serving.push import crm
from serving.push.addresses import is_safe
from serving.push.answers import SAID, fault_of
from serving.push.parcels import Book, Parcel, Refusal
from serving.push.secret import Secrets

if TYPE_CHECKING:
    import httpx

AT_ONCE: Final = 100
SECONDS: Final = 30
OWN_ID: Final = "hs_object_id"
OBJECTS: Final = "/crm/v3/objects"
LINKS: Final = "/crm/v4/associations/tasks/companies/batch/associate/default"


@dataclass(frozen=True, kw_only=True)
class HubSpot:
    """Company properties and tasks in HubSpot."""

    kind: ClassVar[str] = "hubspot"
    writes: ClassVar[str] = "properties of companies, and a task for each account of the week's worklist"
    limits: ClassVar[str] = "100 records a request; 429 (by ten seconds, by day) and Retry-After are honoured"
    idempotent: ClassVar[str] = "properties are set again; a task is looked for by its unique key before it is made"
    at_once: ClassVar[int] = AT_ONCE

    name: str
    token_env: str = setting("", "the variable of a private app's access token")
    match: str = setting(OWN_ID, "the company property that holds Ebb's account_id: HubSpot's own id, or a unique one")
    fields: Mapping[str, str] = setting(
        {}, 'properties instead of ebb_risk, ebb_band…: [destinations.NAME.fields] then risk = "churn_risk"'
    )
    task_key: str = setting("ebb_key", "the unique-value property of tasks that tells them apart")
    tasks: bool = setting(True, "whether tasks are made")
    owners: Mapping[str, str] = setting({}, "whose task it is: Ebb's owner to HubSpot's owner id")
    api_url: str = setting("https://api.hubapi.com", "the address of the API")

    def __post_init__(self) -> None:
        if not self.token_env:
            raise SettingsError(f"[destinations.{self.name}] has no token_env, the variable of the access token")
        if not is_safe(self.api_url):
            raise SettingsError(f"[destinations.{self.name}] api_url should begin with https://")
        crm.checked_fields(self.name, self.fields)

    @property
    def place(self) -> str:
        """The API."""
        return self.api_url

    @property
    def is_lost(self) -> bool:
        """Never: what was sent is sent."""
        return False

    def parcels(self, book: Book) -> list[Parcel]:
        """The accounts, then the tasks."""
        own = {name: f"ebb_{'scored_on' if name == crm.CUTOFF else name}" for name in crm.FIELDS}
        return crm.parcels(book, self.fields or own, with_tasks=self.tasks)

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """A connection that is kept for the next batch."""
        import httpx

        headers = {"authorization": f"Bearer {secrets['token_env']}", "user-agent": "ebb"}
        with httpx.Client(base_url=self.api_url, headers=headers, timeout=SECONDS, follow_redirects=False) as client:
            yield _Line(client, self)


class _Line:
    def __init__(self, client: "httpx.Client", settings: HubSpot):
        self._client, self._settings = client, settings

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Update the companies, then make the tasks that are not there."""
        accounts, tasks = crm.parted(parcels)
        return [*self._updated(accounts), *self._made(tasks)]

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Nothing: setting properties again is the same, and tasks are looked for before they are made."""
        return ()

    def _updated(self, accounts: Sequence[Parcel]) -> list[Refusal]:
        inputs = {
            one.key: self._named(one, {"properties": {name: _value(value) for name, value in crm.values(one).items()}})
            for one in accounts
        }
        return self._halved(f"{OBJECTS}/companies/batch/update", inputs)[1]

    def _made(self, tasks: Sequence[Parcel]) -> list[Refusal]:
        """Make the tasks that are not there, and link every one to its company."""
        if not tasks:
            return []
        companies = self._companies([str(one.content["account_id"]) for one in tasks])
        orphans = [one for one in tasks if one.content["account_id"] not in companies]
        refused = [Refusal(key=one.key, reason=f"no company {one.content['account_id']}") for one in orphans]
        known = [one for one in tasks if one not in orphans]
        there = self._there([crm.task_key(one) for one in known])
        missing = {one.key: self._task(one) for one in known if crm.task_key(one) not in there}
        made, more = self._halved(f"{OBJECTS}/tasks/batch/upsert", missing)
        there |= {result["properties"][self._settings.task_key]: result["id"] for result in made}
        links = [
            {"from": {"id": there[crm.task_key(one)]}, "to": {"id": companies[one.content["account_id"]]}}
            for one in known
            if crm.task_key(one) in there
        ]
        if links:
            self._asked(LINKS, {"inputs": links})
        return [*refused, *more]

    def _named(self, parcel: Parcel, rest: Mapping[str, Any]) -> dict[str, Any]:
        by = {} if self._settings.match == OWN_ID else {"idProperty": self._settings.match}
        return {"id": str(parcel.content["account_id"]), "objectWriteTraceId": parcel.key, **by, **rest}

    def _task(self, parcel: Parcel) -> dict[str, Any]:
        told, key = parcel.told, crm.task_key(parcel)
        owner = self._settings.owners.get(told["owner"] or "")
        properties = {
            self._settings.task_key: key,
            "hs_task_subject": told["subject"],
            "hs_task_body": told["body"],
            "hs_timestamp": f"{told['due']}T09:00:00Z",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "TODO",
            "hs_task_priority": "HIGH" if told["high"] else "MEDIUM",
            **({"hubspot_owner_id": owner} if owner else {}),
        }
        by = self._settings.task_key
        return {"id": key, "idProperty": by, "objectWriteTraceId": parcel.key, "properties": properties}

    def _companies(self, ids: Sequence[str]) -> dict[str, str]:
        """Ebb's account id -> HubSpot's id, of those that are there."""
        match = self._settings.match
        by = {} if match == OWN_ID else {"idProperty": match}
        asked = {"inputs": [{"id": one} for one in dict.fromkeys(ids)], "properties": [match], **by}
        found = self._read("companies", asked)
        return {one["id"] if match == OWN_ID else one["properties"][match]: one["id"] for one in found}

    def _there(self, keys: Sequence[str]) -> dict[str, str]:
        """Task key -> HubSpot's id, of those that are there."""
        by = self._settings.task_key
        asked = {"inputs": [{"id": key} for key in keys], "properties": [by], "idProperty": by}
        return {one["properties"][by]: one["id"] for one in (self._read("tasks", asked) if keys else [])}

    def _read(self, objects: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._asked(f"{OBJECTS}/{objects}/batch/read", {**asked, "propertiesWithHistory": []})
        results: list[dict[str, Any]] = answer.get("results", [])
        return results

    def _halved(self, path: str, inputs: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Refusal]]:
        """The results of a batch, and what was refused of it: named one by one (207), or found by halving (400)."""
        if not inputs:
            return [], []
        try:
            answer = self._asked(path, {"inputs": list(inputs.values())})
        except _RefusedError as error:
            if len(inputs) == 1:
                return [], [Refusal(key=next(iter(inputs)), reason=str(error))]
            half, keys = len(inputs) // 2, list(inputs)
            first = self._halved(path, {key: inputs[key] for key in keys[:half]})
            second = self._halved(path, {key: inputs[key] for key in keys[half:]})
            return [*first[0], *second[0]], [*first[1], *second[1]]
        by_id = {one["id"]: key for key, one in inputs.items()}
        refused: dict[str, str] = {}
        for fault in answer.get("errors", []):
            context = fault.get("context", {})
            named = [*context.get("objectWriteTraceId", []), *(by_id.get(one, "") for one in context.get("ids", []))]
            refused.update({key: str(fault.get("message", "refused")) for key in named if key in inputs})
        return answer.get("results", []), [Refusal(key=key, reason=reason) for key, reason in refused.items()]

    def _asked(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import httpx

        try:
            answer = self._client.post(path, json=body)
        except httpx.TransportError as error:
            raise TransientError(f"no answer: {type(error).__name__} {error}") from None
        fault = fault_of(answer.status_code, answer.headers.get("retry-after"), answer.text)
        if fault is not None:
            raise fault
        if answer.status_code >= 400:
            raise _RefusedError(f"it answers {answer.status_code}, {answer.text[:SAID]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


class _RefusedError(PushError):
    """A batch that is not taken because of something in it."""


def _value(value: object) -> str:
    """A property as HubSpot takes it: text; an empty one clears it."""
    return "" if value is None else str(value)

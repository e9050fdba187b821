"""Small real servers that behave as those of CRMs: batches, partial failures, jobs, limits."""

from collections.abc import Mapping
from typing import Any

from tests.receivers import Answer, Asked, Receiver, said

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

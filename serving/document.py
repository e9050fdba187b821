"""The OpenAPI 3.1 document of the service: every path, every status it answers with, and what opens it.

What the app declares of its answers is completed here: refusals are problem documents (RFC 9457) and stand beside every
path that a key opens, and the scoring endpoint, which the framework answers itself, is added.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serving import wire
from serving.access.guard import ALWAYS_OPEN
from serving.problems import MEDIA_TYPE

KEYED: Final = (400, 401, 403, 429, 503)
"""What whoever needs a key may be told instead of an answer."""

POSTED: Final = (413, 415, 422)
"""And of a body."""

PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "a key of `ebb keys create`"},
    "browser": {"type": "http", "scheme": "basic", "description": "any name, the key as the password"},
}

RETRY: Final = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}}


EXAMPLES: Final[Mapping[str, Any]] = {
    "/v1/score": {"account_ids": ["acc-00229", "acc-00007"]},
    "/v1/score/signals": {
        "accounts": [{"account_id": "a prospect", "segment": "enterprise", "signals": {"active_users_28d": 12}}]
    },
    "/v1/outcomes": {
        "outcomes": [{"account_id": "acc-00229", "outcome": "churned", "decided_on": "2026-07-02"}],
    },
    "/v1/feedback": {
        "feedback": [{"account_id": "acc-00229", "reason": "champion_left", "note": "to a rival", "by": "anna"}],
    },
}
"""A body of each path that takes one."""


def openapi(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of the app's routes and of `POST /v1/score`."""
    document = get_openapi(
        title="Ebb",
        version="1",
        summary="How likely each account is to leave, why, and what to do first",
        routes=[_scoring(), *routes],
    )
    names = {route.path_format: route.name for route in (_scoring(), *routes) if isinstance(route, APIRoute)}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # What a generator of clients calls its methods.
            operation["operationId"] = names[path]
            _complete(operation, keyed=path not in ALWAYS_OPEN)
            if "requestBody" in operation:
                operation["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[path]
    document["components"]["securitySchemes"] = SCHEMES
    for unused in ("HTTPValidationError", "ValidationError"):  # the framework's own, in place of which problems stand
        document["components"]["schemas"].pop(unused, None)
    return document


def _scoring() -> APIRoute:
    def score(request: wire.ScoreRequest) -> wire.ScoreResponse:  # noqa: ARG001 -- only its type is read
        """Risk, band, drivers and renewal of each account; ids that are not in the book come back under errors."""
        raise AssertionError("a document asks nothing")

    refused: dict[int | str, dict[str, Any]] = {503: {"model": wire.Problem}}
    return APIRoute(
        "/v1/score",
        score,
        methods=["POST"],
        summary="Risk of accounts of the book",
        response_model=wire.ScoreResponse,
        responses=refused,
    )


def _complete(operation: dict[str, Any], *, keyed: bool) -> None:
    """Refusals as they are, and what opens the path."""
    answers = operation["responses"]
    refusals = [int(code) for code in answers if int(code) >= 400]
    if not operation.get("parameters") and "requestBody" not in operation and 422 in refusals:
        refusals.remove(422)
        del answers["422"]
    if keyed:
        operation["security"] = [{name: []} for name in SCHEMES]
        refusals += [*KEYED, *(POSTED if "requestBody" in operation else ())]
    for code in sorted(set(refusals)):
        answers[str(code)] = {"description": HTTPStatus(code).phrase, "content": PROBLEM}
        if code == 429:
            answers[str(code)]["headers"] = RETRY
    operation["responses"] = dict(sorted(answers.items()))

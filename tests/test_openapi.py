"""The OpenAPI document: valid, whole, served as it is committed, and true in its examples."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import BaseRoute

from serving.access.guard import ALWAYS_OPEN, needed_scope
from serving.api import make_app
from serving.document import EXAMPLES, SCHEMES
from serving.door import BODIES
from serving.problems import MEDIA_TYPE
from tests import docs
from tests.market_home import MarketHome

COMMITTED = json.loads((docs.ROOT / "tests" / "golden" / "openapi.json").read_text(encoding="utf-8"))
UNDOCUMENTED = frozenset({"/", "/docs", "/docs.json", "/openapi.json"})
"""Pages for a browser, and the document itself."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in COMMITTED["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def paths(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """The paths of an app, those of routers within it included."""
    for route in routes:
        inside = getattr(getattr(route, "original_router", None), "routes", None)
        if inside:
            yield from paths(inside)
        elif path := getattr(route, "path", ""):
            yield path


OPERATIONS = [pytest.param(*one, id=f"{one[1]} {one[0]}") for one in operations()]


def test_is_openapi_3_1() -> None:
    """A validator of OpenAPI 3.1 finds no fault, and does find one that is put in."""
    assert COMMITTED["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(COMMITTED).iter_errors()) == []
    assert list(OpenAPIV31SpecValidator({**COMMITTED, "info": {}}).iter_errors())


def test_is_current() -> None:
    """The committed document is the one that is generated; a change of the API shows in it."""
    assert json.loads(docs.openapi()) == COMMITTED, "run make docs"


def test_is_served(market_home: MarketHome) -> None:
    """The service answers the committed document at both of its paths."""
    with market_home.client() as client:
        assert client.get("/openapi.json").json() == COMMITTED
        assert client.get("/docs.json").json() == COMMITTED


def test_is_whole() -> None:
    """Every route of the app is in it, and every path that takes a body."""
    there = {re.sub(r":\w+", "", path) for path in paths(make_app().routes)}
    assert "/v1/worklist" in there
    assert there - UNDOCUMENTED <= set(COMMITTED["paths"])
    assert set(BODIES) <= set(COMMITTED["paths"])
    assert set(EXAMPLES) == set(BODIES)


def test_operations_have_names_of_their_own() -> None:
    """A generator of clients gets a short name for each operation, and no two are the same."""
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-z_]*", name) for name in names), names


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_operation_says_everything(path: str, method: str, operation: dict[str, Any]) -> None:
    """What it does, what opens it, what it answers, and every refusal as a problem document."""
    assert operation["summary"]
    assert operation["description"]
    answers = operation["responses"]
    assert [code for code in answers if code.startswith("2")]
    if path in ALWAYS_OPEN:
        assert "security" not in operation
    else:
        assert operation["security"] == [{name: []} for name in SCHEMES]
        assert {"401", "403", "429", "503"} <= set(answers)
        assert "Retry-After" in answers["429"]["headers"]
        assert needed_scope(method.upper(), path.replace("{", "").replace("}", "")) is not None
    if "requestBody" in operation:
        assert {"400", "413", "415", "422"} <= set(answers)
    for code, answer in answers.items():
        if code >= "400":
            assert answer["content"][MEDIA_TYPE]["schema"]["$ref"].endswith("/Problem"), code
        elif code != "304":
            assert answer["content"]["application/json"]["schema"], code


def test_examples_are_valid() -> None:
    """Every example fits the schema beside it, as JSON Schema and as the service reads it; a wrong one does not."""
    shown = 0
    for path, _, operation in operations():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            schema = {**media["schema"], "components": COMMITTED["components"]}
            validator = jsonschema.Draft202012Validator(schema)
            validator.validate(media["example"])
            BODIES[path].model_validate_json(json.dumps(media["example"]))
            assert not validator.is_valid({})
            shown += 1
    assert shown == len(BODIES)


def test_every_component_is_used() -> None:
    """No schema stands there that nothing refers to."""
    text = json.dumps(COMMITTED)
    assert [name for name in COMMITTED["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text] == []

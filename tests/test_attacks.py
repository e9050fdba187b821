"""Attacks on a service that runs: whatever is sent, no 5xx, no answer that the OpenAPI document does not declare."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import positive_data_acceptance
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from serving.access.guard import ALWAYS_OPEN
from serving.api import routes
from serving.document import openapi
from tests.market_home import MarketHome
from tests.test_service import assert_problem

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
"""The same attacks in every run; more of them with other seeds find nothing that stays."""

FILLED_IN = ("/v1/worklist", "/v1/outcomes", "/v1/feedback")
"""Where more than a shape counts: a cursor that a page gave, an idempotency key that is new."""


@pytest.fixture(scope="module")
def client(market_home: MarketHome) -> Iterator[httpx.Client]:
    with market_home.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def document(market_home: MarketHome) -> BaseSchema:
    keyed = {"Authorization": f"Bearer {market_home.key}"}
    return schemathesis.openapi.from_url(f"{market_home.url}/openapi.json", headers=keyed)


OPERATIONS = [
    (method, path, mode)
    for path, operations in openapi(routes())["paths"].items()
    for method in operations
    for mode in GenerationMode
    # A refresh takes no body and runs the command. Probes take nothing that could be wrong.
    if path != "/v1/refresh" and not (path in ALWAYS_OPEN and mode is GenerationMode.NEGATIVE)
]


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
@LAW
@given(data=st.data())
def test_every_answer_is_declared(
    document: BaseSchema, market_home: MarketHome, method: str, path: str, mode: GenerationMode, data: st.DataObject
) -> None:
    """Whether a request fits the OpenAPI document or does not: status, type, headers and body are as it says."""
    operation = document[path][method]
    case = data.draw(operation.as_strategy(generation_mode=mode))
    without = [positive_data_acceptance] if path in FILLED_IN else []
    case.call_and_validate(headers={"Authorization": f"Bearer {market_home.key}"}, excluded_checks=without)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
TEXT = st.text(max_size=30) | st.sampled_from(["\x00", "\ud800", "💥" * 50, "x" * 5_000, "=1+1", "' OR 1=1 --", "<b>"])
NUMBER = st.floats() | st.integers() | st.just(10**400) | st.none() | TEXT


def listed(name: str, **inside: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """A body nearly of the declared shape: a list of records whose values are anything."""
    return st.fixed_dictionaries({name: st.lists(st.fixed_dictionaries({}, optional=inside) | JSON, max_size=3)}) | JSON


BODIES: dict[str, st.SearchStrategy[object]] = {
    "/v1/score": st.fixed_dictionaries({"account_ids": st.lists(TEXT | JSON, max_size=5)}) | JSON,
    "/v1/score/signals": listed(
        "accounts", account_id=TEXT, segment=TEXT, signals=st.dictionaries(TEXT, NUMBER, max_size=4) | JSON
    ),
    "/v1/outcomes": listed(
        "outcomes",
        account_id=TEXT,
        contract_id=TEXT | st.none(),
        outcome=st.sampled_from(["churned", "renewed", "lost"]) | JSON,
        decided_on=st.dates().map(str) | st.sampled_from(["0000-00-00", "99999-01-01", "2026-02-30"]) | JSON,
    ),
    "/v1/feedback": listed(
        "feedback", account_id=TEXT, reason=st.sampled_from(["other", "bad"]) | JSON, note=TEXT, by=TEXT
    ),
}


@pytest.mark.parametrize("path", BODIES)
@LAW
@given(data=st.data())
def test_no_body_breaks_it(client: httpx.Client, path: str, data: st.DataObject) -> None:
    """Bodies nearly of the right shape are answered, or refused in one sentence."""
    body = json.dumps(data.draw(BODIES[path])).encode()
    headers = {"content-type": "application/json", "Idempotency-Key": str(abs(hash(body)))}
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code, "")


@LAW
@given(
    query=st.dictionaries(
        st.sampled_from(["top", "bottom", "owner", "segment", "plan", "band", "within_days", "cursor", "x"]),
        TEXT.filter(lambda text: "\ud800" not in text) | st.integers().map(str),
        max_size=4,
    )
)
def test_no_query_breaks_it(client: httpx.Client, query: dict[str, str]) -> None:
    """The same of the worklist's parameters, and of account ids in a path."""
    answers = [client.get("/v1/worklist", params=query)]
    answers += [client.get(httpx.URL("/v1/accounts/").join(f"/v1/accounts/{quoted(text)}")) for text in query.values()]
    for answer in answers:
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert_problem(answer, answer.status_code, "")


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode()) or "%00"


@pytest.mark.parametrize("cursor", ["W1tb" * 4_000, "WzEsMSx0cnVlXQ", "W251bGwsMSx0cnVlXQ", "WzEuNSwxLHRydWVd", "%00"])
def test_a_cursor_of_somebodys_own_is_refused(client: httpx.Client, cursor: str) -> None:
    """Nested a thousand deep, of runs or places that are no numbers or were never given: a sentence, or a page."""
    answer = client.get(f"/v1/worklist?cursor={cursor}")
    assert answer.status_code in (200, 422), answer.text


def raw(market_home: MarketHome, request: bytes, *, seconds: float = 5) -> tuple[bytes, float]:
    """What comes back first for bytes on the wire, and after how many seconds."""
    host, _, port = market_home.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as wire:
        began = time.monotonic()
        wire.sendall(request)
        return wire.recv(65_536), time.monotonic() - began


@pytest.mark.parametrize("path", ["/v1/score", "/v1/outcomes", "/v1/refresh", "/metrics", "/nowhere"])
def test_a_hundred_megabytes_are_refused_before_they_come(market_home: MarketHome, path: str) -> None:
    """Whoever announces such a body is refused at once, on any path, and none of it is waited for."""
    head = f"POST {path} HTTP/1.1\r\nHost: ebb\r\nAuthorization: Bearer {market_home.key}\r\n"
    told, took = raw(market_home, f"{head}Content-Length: 100000000\r\n\r\n".encode())
    assert told.startswith(b"HTTP/1.1 413 ")
    assert took < 2


@pytest.mark.parametrize("path", ["/v1/score", "/v1/feedback"])
def test_an_endless_stream_is_refused_at_the_limit(market_home: MarketHome, path: str) -> None:
    """Without a length the answer comes when the limit is passed, long before a hundred megabytes were sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: ebb\r\nAuthorization: Bearer {market_home.key}\r\nIdempotency-Key: a\r\n"
    nine = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    told, _ = raw(market_home, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + nine * 9, seconds=20)
    assert told.startswith(b"HTTP/1.1 413 ")


def test_without_a_key_no_body_is_read(market_home: MarketHome) -> None:
    """A stranger's body is not waited for either."""
    told, took = raw(market_home, b"POST /v1/score HTTP/1.1\r\nHost: ebb\r\nContent-Length: 7000000\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 401 ")
    assert took < 2

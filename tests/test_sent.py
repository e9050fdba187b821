"""Outcomes and feedback that are sent in: kept once, checked, and believed by the next training."""

import sqlite3
from contextlib import closing
from datetime import date

import httpx
import pytest

from serving.sent import Inbox
from serving.store import ScoreStore
from tests.market_home import MarketHome, ebb
from tests.test_service import assert_problem

GONE = {"account_id": "a", "outcome": "churned", "decided_on": "2026-01-01"}


def sent(client: httpx.Client, path: str, body: object, key: str | None = "k1") -> httpx.Response:
    return client.post(path, json=body, headers={} if key is None else {"Idempotency-Key": key})


def an_account(client: httpx.Client) -> str:
    account: str = client.get("/v1/worklist?top=1").json()["items"][0]["account_id"]
    return account


def test_an_outcome_is_kept_once(market_home: MarketHome) -> None:
    """201, then 200 with the same answer; the contract is that of the last score; strangers come back as errors."""
    with market_home.client() as client:
        account = an_account(client)
        told = [
            {"account_id": account, "outcome": "churned", "decided_on": "2030-01-01"},
            {"account_id": "nobody", "outcome": "renewed", "decided_on": "2030-01-01"},
            {"account_id": account, "contract_id": "no", "outcome": "renewed", "decided_on": "2030-01-01"},
        ]
        first, again = (sent(client, "/v1/outcomes", {"outcomes": told}, "once") for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.json()["kept"] == 1
        assert [error["account_id"] for error in first.json()["errors"]] == ["nobody", account]
        other = sent(client, "/v1/outcomes", {"outcomes": told[:1]}, "once")
        assert_problem(other, 422, "used for something else")
    with ScoreStore(market_home.store_url) as store:
        inbox = Inbox(store)
        assert len([one for one in inbox.told() if one.decided_on == date(2030, 1, 1)]) == 1
        assert inbox.all("outcomes")[0].key == "tests"


@pytest.mark.parametrize(
    ("path", "body", "key", "said"),
    [
        ("/v1/outcomes", {"outcomes": []}, "k", "at least 1"),
        ("/v1/outcomes", {"outcomes": [GONE | {"outcome": "gone"}]}, "k", "'renewed'"),
        ("/v1/outcomes", {"outcomes": [GONE | {"decided_on": "soon"}]}, "k", "decided_on"),
        ("/v1/outcomes", {"outcomes": [{"account_id": "a", "outcome": "churned"}]}, "k", "decided_on is missing"),
        ("/v1/outcomes", {"outcomes": [GONE]}, None, "Idempotency-Key is missing"),
        ("/v1/feedback", {"feedback": [{"account_id": "a", "reason": "bad"}]}, "k", "data_wrong"),
        ("/v1/feedback", {"feedback": [{"account_id": "a", "reason": "other", "note": "x" * 2001}]}, "k", "2000"),
        ("/v1/feedback", {"feedback": [{"account_id": "a", "reason": "other"}]}, "k" * 256, "255"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    market_home: MarketHome, path: str, body: object, key: str | None, said: str
) -> None:
    """Nothing is kept of it."""
    with market_home.client() as client:
        answer = sent(client, path, body, key)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_feedback_is_listed(market_home: MarketHome) -> None:
    """Whatever was written, formulas and markup too, comes out as text."""
    note = '=HYPERLINK("http://x") <script>alert(1)</script> "; DROP TABLE sent; --'
    with market_home.client() as client:
        account = an_account(client)
        said = {"account_id": account, "reason": "champion_left", "note": note, "by": "Kim"}
        assert sent(client, "/v1/feedback", {"feedback": [said]}, "f1").json() == {"kept": 1, "errors": []}
    shown = ebb("sent", "--kind", "feedback", "--format", "csv", "--home", market_home.folder)
    assert shown.returncode == 0
    assert "'=HYPERLINK" in shown.stdout
    assert "champion_left" in shown.stdout
    with (
        closing(sqlite3.connect(market_home.folder / "ebb.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("UPDATE sent SET kind = 'x'")

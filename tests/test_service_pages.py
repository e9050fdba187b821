"""Pages, tags, brought signals and the model over real HTTP; and a service that goes on while all around it changes."""

import base64
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from serving.signal_book import BOOK, SignalBook
from serving.store import Choice, ScoreStore
from tests.market_home import MarketHome
from tests.test_service import assert_problem


@pytest.fixture(scope="module")
def client(market_home: MarketHome) -> Iterator[httpx.Client]:
    with market_home.client() as opened:
        yield opened


@pytest.mark.parametrize("end", ["top", "bottom"])
def test_page_by_page_gives_the_whole_book(client: httpx.Client, market_home: MarketHome, end: str) -> None:
    """Every account once, in the order of the list, whichever end it is read from."""
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
        whole = [score.account_id for score in store.scores(run, Choice(bottom=end == "bottom"))]
    paged: list[str] = []
    cursor: str | None = None
    while True:
        asked = {end: "17"} | ({} if cursor is None else {"cursor": cursor})
        page = client.get("/v1/worklist", params=asked).json()
        paged += [item["account_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole


def test_an_account_of_a_plan_or_band_is_found_by_it(client: httpx.Client) -> None:
    """Plan and band narrow; a band that does not exist is refused."""
    first = client.get("/v1/worklist", params={"top": 1}).json()["items"][0]
    found = client.get(
        "/v1/worklist", params={"band": first["band"], "plan": first["plan"] or "", "top": 10_000}
    ).json()
    assert first in found["items"]
    assert {item["band"] for item in found["items"]} == {first["band"]}
    assert_problem(client.get("/v1/worklist?band=purple"), 422, "band")


def test_what_was_seen_is_not_sent_again(client: httpx.Client) -> None:
    """The tag of a page answers 304 as long as the book is the same, and belongs to its query only."""
    seen = client.get("/v1/worklist", params={"top": 3})
    again = client.get("/v1/worklist", params={"top": 3}, headers={"If-None-Match": seen.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/v1/worklist", params={"top": 4}, headers={"If-None-Match": seen.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["x", "", "💥", base64.urlsafe_b64encode(b"[1, 2]").decode(), base64.urlsafe_b64encode(b'["1", 2, true]').decode()],
)
def test_a_cursor_that_no_page_gave_is_refused(client: httpx.Client, cursor: str) -> None:
    """One sentence, no 5xx."""
    assert_problem(client.get("/v1/worklist", params={"cursor": cursor}), 422, "cursor")


def test_a_cursor_of_a_run_that_never_was_is_said(client: httpx.Client) -> None:
    """A store that was made anew knows no run of old pages."""
    cursor = base64.urlsafe_b64encode(json.dumps([2**30, 5, False]).encode()).decode()
    assert_problem(client.get("/v1/worklist", params={"cursor": cursor}), 422, "there is no run")


def test_brought_signals_give_the_risk_of_the_book(client: httpx.Client, market_home: MarketHome) -> None:
    """Signals of scored accounts, sent in by the caller, give their risks to 1e-9; what lacks or is unknown is said."""
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
    book = SignalBook.read(market_home.folder / BOOK, run.signals)
    model = client.get("/v1/model").json()
    sent = [
        {
            "account_id": str(book.keys["account_id"][place]),
            "segment": str(book.keys["segment"][place] or ""),
            "signals": {
                name: None if math.isnan(book.now[name][place]) else float(book.now[name][place])
                for name in model["signals"]
            },
        }
        for place in range(5)
    ]
    brought = client.post("/v1/score/signals", json={"accounts": sent}).json()
    served = client.post("/v1/score", json={"account_ids": [one["account_id"] for one in sent]}).json()
    for mine, theirs in zip(brought["scores"], served["scores"], strict=True):
        assert math.isclose(mine["risk"], theirs["risk"], abs_tol=1e-9)
        assert math.isclose(mine["base"], theirs["base"], abs_tol=1e-9)
        assert mine["unknown"] == []
    bare = client.post(
        "/v1/score/signals", json={"accounts": [{"account_id": "new", "signals": {"no_such_signal": 1.0}}]}
    ).json()["scores"][0]
    assert bare["missing"] == model["signals"]
    assert bare["unknown"] == ["no_such_signal"]
    assert 0 < bare["risk"] < 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"accounts": []}', "at least 1"),
        (b'{"accounts": [{"account_id": "a"}]}', "accounts[0].signals is missing"),
        (b'{"accounts": [{"account_id": "a", "signals": {"x": 1e999}}]}', "accounts[0]"),
        (b'{"accounts": [{"account_id": "a", "signals": {"x": "1"}}]}', "accounts[0]"),
        (b'{"accounts": [{"account_id": "a", "signals": {}, "risk": 1}]}', "risk is not known"),
    ],
)
def test_brought_signals_that_do_not_fit_are_a_sentence(client: httpx.Client, body: bytes, said: str) -> None:
    """Nothing is guessed."""
    answer = client.post("/v1/score/signals", content=body, headers={"content-type": "application/json"})
    assert_problem(answer, 422, said)


def test_the_model_says_what_it_is(client: httpx.Client) -> None:
    """Version, verdict and the signals it looks at."""
    told = client.get("/v1/model").json()
    assert told["version"] == client.get("/readyz").json()["model_version"]
    assert told["signals"]
    assert 0 < told["base_rate"] < 1


def test_scores_answer_while_models_are_away(market_home: MarketHome, client: httpx.Client) -> None:
    """MLflow's store goes: the last good model scores on, says that it may be old, and readiness says why."""
    account = client.get("/v1/worklist", params={"top": 1}).json()["items"][0]["account_id"]
    before = client.post("/v1/score", json={"account_ids": [account]}).json()
    assert before["stale"] is None
    rename = "ALTER TABLE {} RENAME TO {}"
    in_mlflow(market_home, rename.format("registered_model_aliases", "away"))
    try:
        told = until(lambda: client.post("/v1/score", json={"account_ids": [account]}).json(), "stale")
        assert told["scores"] == before["scores"]
        assert_problem(client.get("/readyz"), 503, "")
    finally:
        in_mlflow(market_home, rename.format("away", "registered_model_aliases"))
    back = until(lambda: {"ok": client.get("/readyz").status_code == 200}, "ok")
    assert back["ok"]


def in_mlflow(home: MarketHome, statement: str) -> None:
    with closing(sqlite3.connect(home.folder / "mlflow.db")) as connection:
        connection.execute(statement)


def until(ask: Callable[[], dict[str, object]], key: str) -> dict[str, object]:
    """Ask until the answer has something under a key; AssertionError after a minute."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        told = ask()
        if told[key]:
            return told
        time.sleep(0.5)
    raise AssertionError(f"no {key} in a minute")

"""The scoring service over real HTTP: answers, refusals, readiness, and one truth with batch and model."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest

from serving.signal_book import BOOK, SignalBook
from serving.store import Choice, ScoreStore
from tests.market_home import ASKED, MarketHome


@pytest.fixture(scope="module")
def client(market_home: MarketHome) -> Iterator[httpx.Client]:
    with market_home.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def accounts(market_home: MarketHome) -> list[str]:
    """Every account of the scored book."""
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
        return [score.account_id for score in store.scores(run)]


def post(client: httpx.Client, body: object) -> httpx.Response:
    return client.post("/v1/score", json=body)


def test_it_says_that_it_is_ready_and_with_what(client: httpx.Client, accounts: list[str]) -> None:
    """Health is a plain yes; readiness names the model, the cutoff and how many accounts it knows."""
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["accounts"] == len(accounts)


def test_service_equals_batch(client: httpx.Client, market_home: MarketHome, accounts: list[str]) -> None:
    """Every account's risk, base, band and drivers are those that `ebb score` kept, to 1e-9."""
    served = post(client, {"account_ids": accounts}).json()
    assert served["errors"] == []
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
        kept = {score.account_id: score for score in store.scores(run)}
    assert [one["account_id"] for one in served["scores"]] == accounts
    for one in served["scores"]:
        score = kept[one["account_id"]]
        assert math.isclose(one["risk"], score.risk, abs_tol=1e-9)
        assert one["band"] == score.band
        assert [driver["sentence"] for driver in one["drivers"]] == [reason.sentence for reason in score.reasons]
        assert [driver["typical"] for driver in one["drivers"]] == [reason.typical for reason in score.reasons]


def test_drivers_and_base_add_to_the_risk(client: httpx.Client, accounts: list[str]) -> None:
    """Contributions plus base is the log-odds of the risk, to 1e-6."""
    for one in post(client, {"account_ids": accounts[:20]}).json()["scores"]:
        log_odds = one["base"] + sum(driver["contribution"] for driver in one["drivers"])
        assert math.isclose(log_odds, math.log(one["risk"] / (1 - one["risk"])), abs_tol=1e-6)
        assert math.isclose(one["arr_at_risk"], one["risk"] * one["arr"], rel_tol=1e-12)


def test_unknown_accounts_come_back_as_errors(client: httpx.Client, accounts: list[str]) -> None:
    """Quotes, emoji, NUL and 10,000 characters are unknown accounts like any; the others are answered, each once."""
    strange = ["o\"brien, 'x'; --", "🦊", "a\u0000b", "x" * 10_000, "=1+1", "<b>"]
    answer = post(client, {"account_ids": [accounts[0], *strange, accounts[1], accounts[0]]})
    assert answer.status_code == 200
    assert [one["account_id"] for one in answer.json()["scores"]] == accounts[:2]
    assert [one["account_id"] for one in answer.json()["errors"]] == strange


def test_ten_thousand_ids_are_answered(client: httpx.Client, accounts: list[str]) -> None:
    """The largest request is answered whole."""
    wanted = [*accounts, *(f"nobody-{number}" for number in range(10_000 - len(accounts)))]
    answer = post(client, {"account_ids": wanted}).json()
    assert (len(answer["scores"]), len(answer["errors"])) == (len(accounts), 10_000 - len(accounts))


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "the body is missing"),
        (b"  ", 400, "the body is missing"),
        (b"{", 400, "not JSON"),
        (b'{"account_ids": ["a"]', 400, "not JSON"),
        (b"\xff\xfe\x00", 400, "not JSON"),
        (b"\x00" * 50, 400, "not JSON"),
        (b'{"account_ids": ["\\ud800"]}', 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"null", 422, "should be an object"),
        (b"[]", 422, "should be an object"),
        (b"{}", 422, "account_ids is missing"),
        (b'{"account_ids": []}', 422, "at least 1 item"),
        (b'{"account_ids": "a"}', 422, "account_ids"),
        (b'{"account_ids": [1, null, {}]}', 422, "account_ids[0]: input should be a valid string; and 2 more"),
        (b'{"account_ids": [""]}', 422, "account_ids[0]"),
        (b'{"account_ids": ["a"], "top": 1}', 422, "top is not known"),
        (json.dumps({"account_ids": ["a"] * 10_001}).encode(), 422, "at most 10000 items"),
        (json.dumps({"account_ids": ["x" * 9_000_000]}).encode(), 413, "the body may hold"),
    ],
)
def test_a_body_that_does_not_fit_is_a_sentence(client: httpx.Client, body: bytes, status: int, said: str) -> None:
    """Whatever is posted, the answer is a problem document with one sentence, never a 5xx or a trace."""
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert_problem(answer, status, said)


def test_a_large_body_without_a_length_is_refused_too(client: httpx.Client) -> None:
    """A stream that does not say how long it is is stopped at the limit."""
    answer = client.post("/v1/score", content=(b"x" * 1_000_000 for _ in range(20)))
    assert_problem(answer, 413, "the body may hold")


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v1/score", 405, "does not take this method"),
        ("DELETE", "/v1/worklist", 405, "does not take this method"),
        ("POST", "/readyz", 405, "does not take this method"),
        ("GET", "/nowhere", 404, "nothing at this path"),
        ("GET", "/../etc/passwd", 404, "nothing at this path"),
        ("GET", "/v1/accounts/nobody", 404, 'no account "nobody" in the book'),
        ("GET", "/v1/accounts/%00%F0%9F%A6%8A%22/x", 404, "no account"),
        ("GET", "/v1/worklist?top=0", 422, "top: "),
        ("GET", "/v1/worklist?top=many", 422, "top: "),
        ("GET", "/v1/worklist?top=99999999999999999999", 422, "top: "),
        ("GET", "/v1/worklist?top=1&bottom=1", 422, "exclude each other"),
        ("GET", "/v1/worklist?tpo=1", 422, "tpo is not known"),
        ("GET", "/v1/worklist?plan=a&top=1&plan=b", 422, '"plan" stands in the query more than once'),
        ("GET", "/v1/worklist?within_days=-1", 422, "within_days: "),
    ],
)
def test_a_wrong_path_or_method_is_a_sentence(
    client: httpx.Client, method: str, path: str, status: int, said: str
) -> None:
    """Paths, methods and parameters that do not exist are said in the same form."""
    assert_problem(client.request(method, path), status, said)


def test_a_body_of_another_kind_is_refused(client: httpx.Client, accounts: list[str]) -> None:
    """Pickles, forms and texts never reach the service."""
    body = json.dumps({"account_ids": accounts[:1]})
    for kind in ("application/vnd.bentoml+pickle", "multipart/form-data; boundary=x", "text/plain"):
        assert_problem(client.post("/v1/score", content=body, headers={"content-type": kind}), 415, "application/json")


def assert_problem(answer: httpx.Response, status: int, said: str) -> None:
    """One sentence, in a problem document, without a trace."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert said in problem["detail"]
    assert "\n" not in problem["detail"]
    assert "Traceback" not in answer.text
    assert len(answer.content) < 1_500


def test_the_worklist_is_that_of_the_command(client: httpx.Client, market_home: MarketHome) -> None:
    """The same accounts in the same order, with reasons and a play, cut by the same choices."""
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
        ranked = store.scores(run, Choice(limit=7))
        owner = ranked[0].owner or ""
        owned = store.scores(run, Choice(owner=owner))
    page = client.get("/v1/worklist", params={"top": 7}).json()
    assert page["next"]
    assert [item["account_id"] for item in page["items"]] == [score.account_id for score in ranked]
    assert all(item["play"] and item["todo"] for item in page["items"])
    assert len(client.get("/v1/worklist").json()["items"]) == 20
    narrowed = client.get("/v1/worklist", params={"owner": owner, "top": 1000}).json()
    assert {item["account_id"] for item in narrowed["items"]} == {score.account_id for score in owned}


def test_an_account_is_told_with_its_past(client: httpx.Client, accounts: list[str]) -> None:
    """One account: the score, its history and what to do."""
    told = client.get(f"/v1/accounts/{accounts[0]}").json()
    assert told["score"]["account_id"] == accounts[0]
    assert told["history"][0]["risk"] == told["score"]["risk"]
    assert told["play"]


def test_the_documentation_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    """Every script and style of /docs comes from the service itself, and the document covers every path."""
    page = client.get("/docs").text
    assert "//" not in page.replace("<!DOCTYPE", "")
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-initializer.js"):
        assert f"static_content/{part}" in page
        assert client.get(f"/static_content/{part}").status_code == 200
    document = client.get("/docs.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/score", "/v1/worklist", "/v1/analyses/{name}", "/v1/refresh", "/healthz"} <= set(document["paths"])
    assert not [path for path in document["paths"] if path.startswith(("/docs", "/static_content"))]
    assert "googletagmanager" not in client.get("/docs").text
    assert client.get("/").headers["location"] == "/app"


def test_metrics_count_requests(client: httpx.Client) -> None:
    """Prometheus finds the requests of each route."""
    client.get("/healthz")
    assert 'route="/healthz"' in client.get("/metrics").text


def test_before_the_first_model_it_says_so(market_home: MarketHome) -> None:
    """An empty home: every answer names the command that helps; the first model and book are found by themselves."""
    said = ("ebb train", "ebb train", "ebb score", "ebb score")
    for answer, command, (_, path, _) in zip(market_home.unready, said, ASKED, strict=True):
        assert_problem(answer, 503, command)
        assert str(answer.url).endswith(path)


def test_pyfunc_equals_service(
    client: httpx.Client, market_home: MarketHome, accounts: list[str], tmp_path: Path
) -> None:
    """The registered model, loaded by plain MLflow, gives the risks that the service gives, to 1e-9."""
    with ScoreStore(market_home.store_url) as store:
        run = store.latest()
        assert run is not None
    book = SignalBook.read(market_home.folder / BOOK, run.signals)
    book.now.assign(segment=book.keys["segment"].fillna("")).to_parquet(tmp_path / "signals.parquet")
    program = (
        "import mlflow, pandas as pd\n"
        f"mlflow.set_tracking_uri('sqlite:///{market_home.folder / 'mlflow.db'}')\n"
        f"model = mlflow.pyfunc.load_model('models:/{run.model_name}/{run.model_version}')\n"
        "model.predict(pd.read_parquet('signals.parquet')).to_parquet('told.parquet')\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    told = pd.read_parquet(tmp_path / "told.parquet")
    served = {one["account_id"]: one["risk"] for one in post(client, {"account_ids": accounts}).json()["scores"]}
    for account, risk in zip(book.keys["account_id"], told["risk"], strict=True):
        assert math.isclose(served[account], risk, abs_tol=1e-9)

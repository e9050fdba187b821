"""Keys, scopes, rates and the record of calls, on a service that runs: nothing comes in that should not."""

import base64
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from features.errors import SettingsError, StoreError
from serving.access.guard import needed_scope
from serving.access.keys import hashed, made, parted
from serving.access.ring import Call, KeyRing
from serving.access.watch import LOOK_SECONDS, STRANGE_SECONDS, Watch
from serving.store import ScoreStore
from tests.market_home import MarketHome, a_client, a_key, ebb
from tests.test_service import assert_problem

SCORED = {"account_ids": ["nobody"]}


def the_rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "ebb.db")) as connection:
        return connection.execute(sql).fetchall()


def asked(url: str, authorization: str | None, method: str = "GET", path: str = "/v1/worklist") -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.request(method, url + path, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "needs a key"),
        ("", "not known"),
        ("Bearer", "not known"),
        ("Bearer ebb_000000000000_" + "A" * 43, "not known"),
        ("Bearer " + "x" * 20_000, "not known"),
        ("Bearer ebb_' OR 1=1 --_x", "not known"),
        ("Basic !!!", "not known"),
        ("Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), "not known"),
        ("Digest username=x", "not known"),
    ],
)
def test_nobody_comes_in_without_a_key(market_home: MarketHome, authorization: str | None, said: str) -> None:
    """A missing, mangled or invented key is refused in one sentence, and the answer says how to ask."""
    answer = asked(market_home.url, authorization)
    assert_problem(answer, 401, said)
    assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/score"),
        ("GET", "/v1/worklist"),
        ("GET", "/v1/accounts/a"),
        ("GET", "/v1/forecast"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/docs.json"),
        ("GET", "/openapi.json"),
        ("GET", "/static_content/swagger-ui.css"),
        ("GET", "/static_content/../v1/worklist"),
        ("GET", "//v1/worklist"),
        ("GET", "/v1/%2e%2e/metrics"),
        ("GET", "/schema.json"),
        ("POST", "/score"),
        ("OPTIONS", "/v1/score"),
        ("HEAD", "/v1/worklist"),
        ("GET", "/nowhere"),
    ],
)
def test_every_path_needs_a_key(market_home: MarketHome, method: str, path: str) -> None:
    """Also the framework's own paths, metrics, documentation, and whatever is not there at all."""
    assert asked(market_home.url, None, method, path).status_code == 401


def test_a_new_key_opens_at_once(market_home: MarketHome) -> None:
    """Whoever made it need not wait, also right after somebody else was looked for."""
    key = a_key(market_home.folder, "fresh", "read")
    with market_home.client() as other, a_client(market_home.url, key) as client:
        assert other.get("/v1/worklist").status_code == 200
        time.sleep(STRANGE_SECONDS)
        assert client.get("/v1/worklist").status_code == 200


def test_probes_need_none(market_home: MarketHome) -> None:
    """Whoever runs the process may ask whether it lives and can score."""
    assert asked(market_home.url, None, path="/healthz").status_code == 200
    assert asked(market_home.url, None, path="/readyz").status_code == 200


def test_a_browser_may_give_the_key_as_a_password(market_home: MarketHome) -> None:
    """The browser's own prompt knows Basic only."""
    answer = httpx.get(market_home.url + "/docs", auth=("anyone", market_home.key), timeout=60)
    assert answer.status_code == 200


def test_a_key_does_what_its_scopes_say(market_home: MarketHome) -> None:
    """A key for scores reads nothing, one for reading scores nothing; the sentence names the scope."""
    scores, reads = (a_client(market_home.url, a_key(market_home.folder, f"only-{s}", s)) for s in ("score", "read"))
    with scores, reads:
        assert scores.post("/v1/score", json=SCORED).status_code == 200
        assert_problem(scores.get("/v1/worklist"), 403, "needs the scope read; the key only-score has score")
        assert reads.get("/v1/worklist").status_code == 200
        assert_problem(reads.post("/v1/score", json=SCORED), 403, "needs the scope score")
        assert scores.get("/metrics").status_code == 200
    assert needed_scope("POST", "/v1/refresh") == "admin"


def test_a_revoked_key_is_refused_within_seconds(market_home: MarketHome) -> None:
    """By the running service, without a restart; the name is never given again."""
    key = a_key(market_home.folder, "short", "read")
    with a_client(market_home.url, key) as client:
        assert client.get("/v1/worklist").status_code == 200
        assert ebb("keys", "revoke", "short", "--home", market_home.folder).returncode == 0
        time.sleep(LOOK_SECONDS + 0.5)
        assert_problem(client.get("/v1/worklist"), 401, "this key is revoked")
    again = ebb("keys", "create", "--name", "short", "--scope", "read", "--home", market_home.folder)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "names are not used again" in again.stderr


def test_an_expired_key_is_refused(market_home: MarketHome) -> None:
    """A key has an end, where it was given one."""
    key, text = made("old", ["read"], per_minute=10, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with ScoreStore(market_home.store_url) as store:
        KeyRing(store.database).add(key)
    time.sleep(STRANGE_SECONDS)
    assert_problem(asked(market_home.url, f"Bearer {text}"), 401, "this key is expired")


def test_who_asks_too_often_waits(market_home: MarketHome) -> None:
    """Beyond its rate a key gets 429 and is told when to come again; other keys do not notice."""
    key = a_key(market_home.folder, "eager", "read", per_minute=5)
    with a_client(market_home.url, key) as client, market_home.client() as other:
        answers = [client.get("/v1/worklist") for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        assert_problem(answers[-1], 429, "the key eager may ask 5 times a minute")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert other.get("/v1/worklist").status_code == 200


def test_every_call_is_on_record_and_no_key_is(market_home: MarketHome) -> None:
    """Time, key, path, accounts, model, cutoff and duration; refused calls too; neither key nor secret anywhere."""
    with market_home.client() as client:
        client.post("/v1/score", json={"account_ids": [f"n{number}" for number in range(150)]})
        client.post("/v1/score", json={"account_ids": ["x" * 1_000_000]})
    asked(market_home.url, "Bearer ebb_000000000000_" + "B" * 43, path="/v1/worklist?recorded")
    time.sleep(1.5)
    with ScoreStore(market_home.store_url) as store:
        calls = KeyRing(store.database).calls(limit=50)
        run = store.latest()
    assert run is not None
    scored = next(call for call in calls if call.path == "/v1/score" and call.accounts == 150)
    assert (scored.key, scored.status, scored.cutoff) == ("tests", 200, run.cutoff)
    assert list(scored.account_ids) == [f"n{number}" for number in range(100)]
    assert ["x" * 300] in [list(call.account_ids) for call in calls]
    assert scored.model_version
    assert scored.milliseconds > 0
    assert any(call.status == 401 and call.key is None for call in calls)
    told = (market_home.folder / "ebb.db").read_bytes() + (market_home.folder / "serve.log").read_bytes()
    told += b"".join(path.read_bytes() for path in market_home.folder.glob("ebb.db-*"))
    assert market_home.key.encode() not in told
    assert market_home.key.split("_", 2)[2].encode() not in told
    assert b"BBBBBBBB" not in told
    shown = ebb("keys", "calls", "--top", "3", "--home", market_home.folder, "--format", "csv").stdout
    assert len(shown.splitlines()) == 4


def test_the_record_only_grows(market_home: MarketHome) -> None:
    """The database itself refuses to change or forget a call."""
    for statement in ("UPDATE calls SET key = 'x'", "DELETE FROM calls"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            the_rows(market_home.folder, statement)


def test_a_key_is_kept_as_a_salted_hash() -> None:
    """Two keys of one secret would look different; only the secret itself opens one."""
    key, text = made("crm", ["read"], per_minute=1)
    parts = parted(text)
    assert parts is not None
    assert key.opens(parts[1])
    assert not key.opens(parts[1][:-1] + ("A" if parts[1][-1] != "A" else "B"))
    assert hashed("s", "a") != hashed("s", "b")
    assert parts[1] not in repr(key)


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [("a b", ["read"], "letters"), ("", ["read"], "letters"), ("a", [], "no scope given"), ("a", ["root"], "no scope")],
)
def test_a_key_that_makes_no_sense_is_one_line(name: str, scopes: list[str], said: str) -> None:
    """The name and the scopes are checked."""
    with pytest.raises(SettingsError, match=said):
        made(name, scopes, per_minute=1)


def test_only_this_machine_is_served_without_keys(market_home: MarketHome) -> None:
    """`--open all` is for a demonstration; where others could come in it is refused."""
    ran = ebb("serve", "--open", "all", "--host", "0.0.0.0", "--port", "0", "--home", market_home.folder)
    assert ran.returncode != 0
    ran = ebb("serve", "--open", "all", "--host", "0.0.0.0", "--port", "39871", "--home", market_home.folder)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "serves this machine only" in ran.stderr


def test_calls_wait_for_a_store_that_is_away(tmp_path: Path) -> None:
    """While the store cannot be written keys hold as last known; every call is recorded once it is back, once."""
    url = f"sqlite:///{tmp_path / 'ebb.db'}"
    key, _ = made("crm", ["read"], per_minute=1)
    with ScoreStore(url) as store:
        KeyRing(store.database).add(key)
    watch = Watch(url, open=frozenset())
    assert watch.key(key.id) == key
    with closing(sqlite3.connect(tmp_path / "ebb.db")) as connection:
        connection.execute("ALTER TABLE calls RENAME TO away")
    for number in range(700):
        watch.record(a_call(f"/{number}"))
    time.sleep(1.2)
    with closing(sqlite3.connect(tmp_path / "ebb.db")) as connection:
        connection.execute("ALTER TABLE away RENAME TO calls")
    watch.close()
    assert the_rows(tmp_path, "SELECT count(*), count(DISTINCT path) FROM calls") == [(700, 700)]
    assert the_rows(tmp_path, "SELECT used_at IS NOT NULL FROM api_keys") == [(1,)]


def test_without_a_store_nobody_comes_in(tmp_path: Path) -> None:
    """Keys that were never read are not guessed."""
    (tmp_path / "ebb.db").write_bytes(b"this is no database" * 100)
    watch = Watch(f"sqlite:///{tmp_path / 'ebb.db'}", open=frozenset())
    with pytest.raises(StoreError):
        watch.key("000000000000")


def a_call(path: str) -> Call:
    return Call(
        at=datetime.now(UTC),
        key="crm",
        method="GET",
        path=path,
        status=200,
        accounts=0,
        account_ids=[],
        model_version=None,
        cutoff=None,
        milliseconds=1.0,
    )

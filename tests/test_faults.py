"""Faults all around: a disk that is full, a kill in the middle of writing, a clock set back, a store that stops."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from features.errors import StoreError
from serving.access.keys import made
from serving.access.ring import KeyRing
from serving.access.watch import Watch
from serving.sent import Inbox
from serving.store import Choice, ScoreStore
from tests import postgres, stores
from tests.books import a_run, a_score
from tests.market_home import MarketHome, Server, a_client
from tests.test_access import a_call
from tests.test_service import assert_problem

SAID = {"account_id": "a", "reason": "other", "note": "x" * 500, "by": ""}


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: what a full disk does to a store, without filling one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_a_run_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """One line says what failed; what was there stays, and once there is room the run is kept, once."""
    with ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}") as store:
        store.append(a_run(), [a_score("a")])
        many = [a_score(f"n{number}") for number in range(2_000)]
        with (
            full_disk((tmp_path / "ebb.db").stat().st_size),
            pytest.raises(StoreError, match="cannot be written") as no,
        ):
            store.append(a_run(signals="full"), many)
        assert "\n" not in str(no.value)
        latest = store.latest()
        assert latest is not None
        assert (latest.signals, store.count(latest.number or 0)) == ("2026-06-01", 1)
        number = store.append(a_run(signals="room"), many)
        assert store.count(number) == 2_000


def test_on_a_full_disk_what_was_sent_is_refused_and_sent_again(tmp_path: Path) -> None:
    """What was answered as kept is kept; what was not is kept when it comes again, each once; calls wait."""
    url = f"sqlite:///{tmp_path / 'ebb.db'}"
    key, _ = made("crm", ["write"], per_minute=1)
    with ScoreStore(url) as store:
        store.append(a_run(), [a_score("a")])
        KeyRing(store.database).add(key)
        inbox, refused, said = Inbox(store), [], ""
        watch = Watch(url, open=frozenset())
        with full_disk((tmp_path / "ebb.db").stat().st_size):
            for number in range(400):
                watch.record(a_call(f"/{number}"))
                try:
                    inbox.take("feedback", [SAID] * 10, idempotency_key=f"k{number}", key="crm")
                except StoreError as error:
                    refused.append(number)
                    said = str(error)
            time.sleep(0.5)
        assert refused
        assert "cannot be written" in said
        assert "\n" not in said
        for number in range(400):
            sending = inbox.take("feedback", [SAID] * 10, idempotency_key=f"k{number}", key="crm")
            assert sending.again is (number not in refused)
        watch.close()
        assert len(inbox.all("feedback")) == 400
    with closing(sqlite3.connect(tmp_path / "ebb.db")) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT path) FROM calls").fetchone() == (400, 400)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


WRITER = """
import sys
from serving.sent import Inbox
from serving.access.ring import KeyRing
from serving.store import ScoreStore
from tests.books import a_run, a_score
from tests.test_access import a_call
with ScoreStore(sys.argv[1]) as store:
    inbox, ring = Inbox(store), KeyRing(store.database)
    for number in range(100_000):
        row = {"account_id": "a", "reason": "other", "note": "x" * 500, "by": ""}
        inbox.take("feedback", [row] * 3, idempotency_key=f"k{number}", key="crm")
        told = {"account_id": "a", "contract_id": None, "outcome": "churned", "decided_on": "2030-01-01"}
        inbox.take("outcomes", [told], idempotency_key=f"k{number}", key="crm")
        store.append(a_run(signals=f"r{number}"), [a_score(f"n{n}") for n in range(50)])
        ring.record([a_call(f"/{number}")], {})
        print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged(url: str) -> None:
    """Killed while it writes feedback, outcomes, runs and calls: all that was said to be kept is there, once, whole."""
    with ScoreStore(url) as store:
        store.append(a_run(signals="before"), [a_score("a")])
    acknowledged = -1
    for _ in range(2):
        acknowledged = max(acknowledged, written_until_killed(url))
    assert acknowledged > 0
    with ScoreStore(url) as store:
        for kind in ("feedback", "outcomes"):
            kept = [one for one in Inbox(store).all() if one.kind == kind]
            # The one that was on its way may be there too, unsaid: that is what its key is for.
            assert acknowledged + 1 <= len(kept) <= acknowledged + 2
            assert {len(one.kept) for one in kept} == {3 if kind == "feedback" else 1}
    runs = stores.run(
        url,
        "SELECT r.signals, count(s.run) FROM score_runs r LEFT JOIN scores s ON s.run = r.number "
        "GROUP BY r.number, r.signals",
    )
    assert {count for signals, count in runs if signals != "before"} == {50}
    assert {f"r{number}" for number in range(acknowledged + 1)} <= {signals for signals, _ in runs}
    paths = [path for (path,) in stores.run(url, "SELECT path FROM calls")]
    assert {f"/{number}" for number in range(acknowledged + 1)} <= set(paths)


def written_until_killed(url: str) -> int:
    """The last number that a writer said was kept before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        for _ in range(15):
            said = process.stdout.readline()
        time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
    return int(rest[-1] if rest else said)


def test_a_clock_set_back_changes_no_order(tmp_path: Path) -> None:
    """The latest run, word and call are those that came last, whatever the clock said; pages and history agree."""
    url = f"sqlite:///{tmp_path / 'ebb.db'}"
    now = datetime.now(UTC)
    with ScoreStore(url) as store:
        store.append(a_run(made_at=now, signals="first"), [a_score("a", risk=0.2)])
        store.append(a_run(made_at=now - timedelta(days=2), signals="second"), [a_score("a", risk=0.7)])
        latest = store.latest()
        assert latest is not None
        assert latest.signals == "second"
        assert [risk for _, risk in store.history("a", limit=9)] == [0.7, 0.2]
        ring = KeyRing(store.database)
        ring.record([a_call("/late"), a_call("/early")], {})
        assert [call.path for call in ring.calls()] == ["/early", "/late"]


def a_store(home: MarketHome, url: str) -> None:
    """The latest run of a market's store in another one, with the key that its tests use."""
    with ScoreStore(home.store_url) as ours, ScoreStore(url) as theirs:
        run = ours.latest()
        assert run is not None
        theirs.append(run, ours.scores(run))
        for key in KeyRing(ours.database).all():
            if key.name == "tests":
                KeyRing(theirs.database).add(key)


def until(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """Ask until it is answered so; AssertionError after half a minute."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        answer = ask()
        if answer.status_code == status:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"no {status} in half a minute: {answer.status_code} {answer.text}")


def test_while_postgresql_is_stopped_the_last_good_scores_answer(market_home: MarketHome) -> None:
    """Scores, worklist and accounts are answered and marked stale; what is sent in is refused; no call is lost."""
    pytest.importorskip("psycopg", reason=f"needs the driver of PostgreSQL: {postgres.HOW}")
    asked = 0
    with postgres.stoppable() as server:
        url = server.url.replace("postgresql:", "postgresql+psycopg:")
        a_store(market_home, url)
        told = {"EBB_STORE_URL": url}
        with Server(market_home.folder, environment=told) as service, a_client(service.url, market_home.key) as client:

            def ask(method: str, path: str, **more: object) -> httpx.Response:
                nonlocal asked
                asked += path.startswith("/v1/")
                return client.request(method, path, **more)  # type: ignore[arg-type]

            until(lambda: ask("GET", "/readyz"), 200)
            good = ask("GET", "/v1/worklist?top=7").json()
            names = [item["account_id"] for item in good["items"]]
            body = {"feedback": [{"account_id": names[0], "reason": "other"}]}
            whole = {path: ask("GET", path).json() for path in (f"/v1/accounts/{names[0]}", "/v1/forecast")}
            scored = ask("POST", "/v1/score", json={"account_ids": names}).json()
            paged = ask("GET", f"/v1/worklist?top=7&cursor={good['next']}").json()
            server.stop()
            try:
                stale = ask("GET", "/v1/worklist?top=7")
                assert stale.status_code == 200
                assert "etag" not in stale.headers
                assert [item["account_id"] for item in stale.json()["items"]] == names
                assert "score store" in stale.json()["stale"]
                assert [i["risk"] for i in stale.json()["items"]] == pytest.approx([i["risk"] for i in good["items"]])
                page = ask("GET", f"/v1/worklist?top=7&cursor={good['next']}").json()
                assert [i["account_id"] for i in page["items"]] == [i["account_id"] for i in paged["items"]]
                account = ask("GET", f"/v1/accounts/{names[0]}").json()
                before = whole[f"/v1/accounts/{names[0]}"]
                assert account["score"]["risk"] == pytest.approx(before["score"]["risk"])
                assert account["levers"] == before["levers"]
                assert account["stale"]
                assert account["no_temperature"] == "the score store is away"
                assert ask("GET", "/v1/forecast").json()["months"] == whole["/v1/forecast"]["months"]
                again = ask("POST", "/v1/score", json={"account_ids": names}).json()
                assert again["scores"] == scored["scores"]
                assert again["stale"]
                assert_problem(until(lambda: ask("GET", "/readyz"), 503), 503, "the score store")
                kept = ask("POST", "/v1/feedback", json=body, headers={"Idempotency-Key": "away"})
                assert_problem(kept, 503, "the score store")
                assert "ebb_stale 1.0" in client.get("/metrics").text
            finally:
                server.start()
            first = until(lambda: ask("POST", "/v1/feedback", json=body, headers={"Idempotency-Key": "away"}), 201)
            assert first.json()["kept"] == 1
            until(lambda: ask("GET", "/readyz"), 200)
            back = ask("GET", "/v1/worklist?top=7").json()
            assert (back["stale"], back["items"]) == (None, good["items"])
            service.stop()
        recorded = stores.run(url, "SELECT count(*), count(*) FILTER (WHERE path LIKE '/v1/%') FROM calls")
        assert recorded[0][1] == asked
        assert stores.run(url, "SELECT count(*) FROM sent") == [(1,)]
        assert "Traceback" not in service.log.read_text()


def test_the_last_good_book_is_cut_as_the_store_cuts_it(market_home: MarketHome) -> None:
    """Every choice, from both ends and page by page: the same accounts in the same order as from the store."""
    from serving.config_file import load
    from serving.desk import Desk

    desk = Desk(load(home=market_home.folder, data=market_home.data))
    run = desk.ready()
    assert run.accounts
    laid = desk._laid
    assert laid is not None
    with ScoreStore(market_home.store_url) as store:
        latest = store.latest()
        assert latest is not None
        first = store.scores(latest)[0]
        for choice in (
            Choice(),
            Choice(bottom=True),
            Choice(limit=7),
            Choice(limit=9, after=(11, False)),
            Choice(bottom=True, limit=9, after=(50, False)),
            Choice(owner=first.owner),
            Choice(segment=first.segment, band=first.band, plan=first.plan),
            Choice(within_days=60),
        ):
            theirs = [score.account_id for score in store.scores(latest, choice)]
            ours = laid.last.worklist(choice, latest.number)
            assert [item.score.account_id for item in ours.items] == theirs
    desk.close()

"""A long run of the service while all around it changes: no wrong answer, no 5xx, no growing memory.

`soak.py [--minutes 10]` asks at 80 % of what the service was measured to answer, while the model alias is moved
every 30 s, the store is restarted and the worker killed; writes soak.json beside itself. `--short` asks for twenty
seconds at a low rate and judges no memory. Needs PostgreSQL to restart a store; with SQLite nothing is restarted.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from load import Answered, Request, as_many_as_possible, client_of, percentiles, read, steady

from serving.access.ring import KeyRing
from serving.config import BandSettings
from serving.rating import bare, peers
from serving.sent import Inbox
from serving.signal_book import BOOK, SignalBook
from serving.store import ScoreStore, placed
from tests import postgres
from training import tracking

HERE = Path(__file__).parent
EBB = Path(sys.executable).with_name("ebb")
START_SECONDS = 240
NAME = "ebb-risk"
SHIFT = 0.4
"""By so many log-odds the second model says another risk than the first: answers cannot be mistaken."""


@dataclass(kw_only=True)
class World:
    """A home, its store, and what a right answer is: risk by version and account, and orders of the worklist."""

    home: Path
    url: str
    key: str
    run: int = 0
    risks: dict[str, dict[str, float]] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    @property
    def names(self) -> list[str]:
        """Every account."""
        return self.stored


def ebb(*arguments: object) -> str:
    """What the command prints."""
    ran = subprocess.run([EBB, *map(str, arguments)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def copied(market: Path, home: Path) -> None:
    """The state of a home whose service may be running, in a home of our own."""
    home.mkdir(parents=True)
    for name in ("ebb.db", "mlflow.db"):
        with closing(sqlite3.connect(market / name)) as ours, closing(sqlite3.connect(home / name)) as theirs:
            ours.backup(theirs)
    shutil.copytree(market / BOOK, home / BOOK)


def second_model(home: Path) -> None:
    """Version 2: the first model with another intercept, registered beside it."""
    with tracking.mlflow_at(uri(home)) as mlflow:
        client = mlflow.MlflowClient()
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{NAME}/1", dst_path=str(home / "second")))
        path = folder / "artifacts" / "scorer" / "model.json"
        written = json.loads(path.read_text())
        path.write_text(json.dumps({**written, "intercept": written["intercept"] + SHIFT}))
        client.create_model_version(NAME, source=str(folder))


def uri(home: Path) -> str:
    """Where the models are."""
    return f"sqlite:///{home / 'mlflow.db'}"


def champion(home: Path, version: str) -> None:
    """Move the alias."""
    with tracking.mlflow_at(uri(home)) as mlflow:
        mlflow.MlflowClient().set_registered_model_alias(NAME, "champion", version)


def expected(world: World, store: ScoreStore) -> None:
    """What each version says of each account, and how each ranks the book."""
    run = store.latest()
    assert run is not None
    book = SignalBook.read(world.home / BOOK, run.signals)
    world.run = run.number or 0
    world.stored = [score.account_id for score in store.scores(run)]
    for version in ("2", "1"):
        champion(world.home, version)
        scorer = tracking.champion(uri(world.home)).scorer
        scores = bare(scorer, book, peers(scorer, book), BandSettings())
        world.risks[version] = {score.account_id: score.risk for score in scores}
        places = placed(run, scores)
        world.orders[version] = sorted(places, key=lambda name: places[name])


def wrong_score(world: World, answer: httpx.Response) -> str | None:
    """The fault of an answer of /v1/score."""
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    told = read(answer)
    for one in told["scores"]:
        if abs(one["risk"] - world.risks[one["model_version"]][one["account_id"]]) > 1e-9:
            return f"{one['account_id']}: {one['risk']} is not what version {one['model_version']} says"
    return None if told["scores"] and not told["errors"] else "accounts are missing"


def wrong_list(world: World, answer: httpx.Response) -> str | None:
    """The fault of the first page of the worklist."""
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    told = read(answer)
    names = [item["account_id"] for item in told["items"]]
    right = [world.stored, *(world.orders.values() if told["stale"] else ())]
    return None if names in [order[: len(names)] for order in right] and len(names) == 20 else "another order"


def wrong_account(world: World, name: str, answer: httpx.Response) -> str | None:
    """The fault of one account."""
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    score = read(answer)["score"]
    right = world.risks[score["model_version"]][name]
    return None if score["account_id"] == name and abs(score["risk"] - right) < 1e-9 else f"{name}: another risk"


def wrong_taking(world: World, key: str, answer: httpx.Response) -> str | None:
    """The fault of feedback; what was acknowledged has to be there at the end."""
    if answer.status_code not in (200, 201) or read(answer)["kept"] != 1:
        return f"{answer.status_code} {answer.text[:200]}"
    world.acknowledged.add(key)
    return None


def scoring(world: World, kind: str, names: list[str]) -> Request:
    """A request for scores."""
    body = {"account_ids": names}
    return Request(
        kind=kind, method="POST", path="/v1/score", body=body, fault=lambda answer: wrong_score(world, answer)
    )


def requests(world: World, seed: int) -> Iterator[Request]:
    """What a CRM and a team ask, mixed: singles, hundreds, the list, accounts, feedback."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        name, draw = chance.choice(world.names), chance.random()
        if draw < 0.70:
            yield scoring(world, "score", [name])
        elif draw < 0.75:
            yield scoring(world, "score 100", chance.sample(world.names, min(100, len(world.names))))
        elif draw < 0.87:
            yield Request(kind="worklist", method="GET", path="/v1/worklist", fault=lambda a: wrong_list(world, a))
        elif draw < 0.97:
            path = f"/v1/accounts/{name}"
            yield Request(kind="account", method="GET", path=path, fault=lambda a, n=name: wrong_account(world, n, a))
        else:
            key = f"{seed}-{number}"
            body = {"feedback": [{"account_id": name, "reason": "other", "note": key}]}
            yield Request(
                kind="feedback", method="POST", path="/v1/feedback", body=body, headers={"Idempotency-Key": key},
                fault=lambda a, k=key: wrong_taking(world, k, a),
            )  # fmt: skip


@contextmanager
def served(world: World) -> Iterator[tuple[str, int]]:
    """The service, its address and the process that starts its worker."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [EBB, "serve", "--home", world.home, "--data", world.home / "data", "--port", str(port)]
    environment = {**os.environ, "EBB_STORE_URL": world.url}
    url = f"http://127.0.0.1:{port}"
    with (
        (world.home / "serve.log").open("w") as log,
        subprocess.Popen([*map(str, command)], stdout=log, stderr=log, env=environment) as process,
    ):
        try:
            until_ready(url)
            yield url, process.pid
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def until_ready(url: str) -> None:
    """Wait until it can score."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        try:
            if httpx.get(f"{url}/readyz", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not get ready")


def worker_of(pid: int) -> int:
    """The process that answers: the last one that was started by the service's."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max(map(int, children))


async def timeline(seconds: float, events: list[tuple[float, Callable[[], object]]]) -> None:
    """Do each thing at its second, in a thread of its own."""
    began = time.monotonic()

    async def one(at: float, do: Callable[[], object]) -> None:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        await asyncio.to_thread(do)

    await asyncio.gather(*(one(at, do) for at, do in events if at < seconds))


async def memory_of(url: str, key: str, seconds: float) -> list[tuple[float, int]]:
    """Every few seconds: how many bytes the worker holds."""
    began, seen = time.monotonic(), []
    async with client_of(url, key) as client:
        while (at := time.monotonic() - began) < seconds:
            try:
                text = (await client.get("/metrics")).text
            except httpx.TransportError:
                text = ""
            found = [line.split()[1] for line in text.splitlines() if line.startswith("process_resident_memory_bytes ")]
            seen += [(at, int(float(value))) for value in found]
            await asyncio.sleep(5)
    return seen


@dataclass(kw_only=True)
class Soaked:
    """What came out: every answer, the memory over time, and when the worker was killed and was back."""

    answers: list[Answered]
    memory: list[tuple[float, int]]
    rate: float
    killed: list[float]
    back: list[float]

    @property
    def wrong(self) -> list[Answered]:
        """Answers that were wrong, or missing without the kill of a worker to blame."""
        return [one for one in self.answers if one.fault and not self.is_the_killed_ones(one)]

    def is_the_killed_ones(self, one: Answered) -> bool:
        """A connection that broke because its worker was killed."""
        ends = one.due + one.seconds
        return one.status == 0 and any(one.due <= killed + 1 and ends >= killed - 1 for killed in self.killed)

    @property
    def growth(self) -> float:
        """The last quarter's memory by the second's, both after the kill."""
        end = self.memory[-1][0] if self.memory else 0.0
        early = [size for at, size in self.memory if 0.35 * end <= at < 0.6 * end]
        late = [size for at, size in self.memory if at >= 0.75 * end]
        return float(np.median(late) / np.median(early)) if early and late else float("nan")


@dataclass(frozen=True, kw_only=True)
class Course:
    """What happens when: the store's restart and the kill as parts of the whole; no ``rate`` is 80 % of capacity."""

    seconds: float
    swap: float = 30.0
    rate: float | None = None
    kill: float = 0.15
    restart: float = 0.65


SHORT = Course(seconds=20, swap=4, rate=20, kill=0.6, restart=0.2)


def soak(world: World, store: "postgres.Postgres | None", course: Course) -> Soaked:
    """Ask, and meanwhile move the alias, restart the store and kill the worker."""
    seconds, swap = course.seconds, course.swap
    with served(world) as (url, pid):
        rate = course.rate or 0.8 * asyncio.run(_capacity(url, world))
        killed, back = [], []

        def kill() -> None:
            killed.append(time.monotonic())
            os.kill(worker_of(pid), signal.SIGKILL)
            until_ready(url)
            back.append(time.monotonic())

        def restart() -> None:
            if store is not None:
                store.stop()
                store.start()

        swaps = [
            (at * swap, lambda version=str(1 + at % 2): champion(world.home, version))
            for at in range(1, int(seconds / swap) + 1)
        ]
        events = [*swaps, (course.kill * seconds, kill), (course.restart * seconds, restart)]

        async def run() -> tuple[list[Answered], list[tuple[float, int]]]:
            async with client_of(url, world.key) as client:
                answers, memory, _ = await asyncio.gather(
                    steady(client, requests(world, 1), rate=rate, seconds=seconds),
                    memory_of(url, world.key, seconds),
                    timeline(seconds, events),
                )
            return answers, memory

        answers, memory = asyncio.run(run())
    return Soaked(answers=answers, memory=memory, rate=rate, killed=killed, back=back)


async def _capacity(url: str, world: World) -> float:
    async with client_of(url, world.key) as client:
        await as_many_as_possible(client, requests(world, 2), seconds=3)
        return await as_many_as_possible(client, requests(world, 3), seconds=15)


def told(found: Soaked, world: World, kept: set[str]) -> dict[str, Any]:
    """What is written down."""
    kinds = sorted({one.kind for one in found.answers})
    right = {kind: [one for one in found.answers if one.kind == kind and not one.fault] for kind in kinds}
    return {
        "requests": len(found.answers),
        "a second": round(found.rate, 1),
        "wrong": len(found.wrong),
        "first wrong": [one.fault for one in found.wrong[:5]],
        "lost with the killed worker": sum(found.is_the_killed_ones(one) for one in found.answers if one.fault),
        "server errors": sum(one.status >= 500 for one in found.answers),
        "acknowledged and not kept": len(world.acknowledged - kept),
        "seconds until a killed worker was replaced": [
            round(b - k, 1) for k, b in zip(found.killed, found.back, strict=True)
        ],
        "memory, last quarter by second": round(found.growth, 3),
        "milliseconds": {kind: percentiles(answers) for kind, answers in right.items() if answers},
    }


def main() -> int:
    """Prepare, soak, say what was found; 1 where it is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--market", type=Path, help="a home that was scored; made anew without it")
    given = parser.parse_args()
    os.environ.update({"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true"})
    with tempfile.TemporaryDirectory(prefix="ebb-soak-") as folder, ExitStack() as stack:
        market, home = given.market or Path(folder) / "market", Path(folder) / "home"
        if given.market is None:
            ebb("demo", "--no-serve", "--home", market, "--accounts", "300", "--months", "30")
        copied(market, home)
        server = None
        url = f"sqlite:///{home / 'ebb.db'}"
        if postgres.programs() is not None:
            server = stack.enter_context(postgres.stoppable())
            ours, url = url, server.url.replace("postgresql:", "postgresql+psycopg:")
            moved(ours, url)
        second_model(home)
        world = World(home=home, url=url, key=a_key(url))
        with ScoreStore(url) as store:
            expected(world, store)
        found = soak(world, server, SHORT if given.short else Course(seconds=60 * given.minutes))
        with ScoreStore(url) as store:
            kept = [one.kept[0]["note"] for one in Inbox(store).all("feedback") if "-" in one.kept[0]["note"]]
        said = told(found, world, set(kept))
        said["kept twice"] = len(kept) - len(set(kept))
    print(json.dumps(said, indent=2))
    if not given.short:
        (HERE / "soak.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    bad = said["wrong"] or said["server errors"] or said["acknowledged and not kept"] or said["kept twice"]
    grown = not given.short and not found.growth <= 1.05
    return 1 if bad or grown else 0


def moved(ours: str, theirs: str) -> None:
    """The latest run in another store."""
    with ScoreStore(ours) as source, ScoreStore(theirs) as target:
        run = source.latest()
        assert run is not None
        target.append(run, source.scores(run))


def a_key(url: str) -> str:
    """A key that may ask as often as it likes."""
    from serving.access.keys import made

    key, text = made("soak", ["score", "read", "write"], per_minute=100_000_000)
    with ScoreStore(url) as store:
        KeyRing(store.database).add(key)
    return text


if __name__ == "__main__":
    sys.exit(main())

"""How fast the service answers, against a BentoML endpoint that does nothing and `mlflow models serve`, in one run.

`run.py [--accounts 10000] [--listed 100000] [--asked 500] [--steady 60]` prints what it finds and writes result.json
beside itself.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from load import steadily

from serving.config import BandSettings
from serving.rating import peers, rate
from serving.signal_book import BOOK, SignalBook
from serving.store import ScoreStore
from training.tracking import champion

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
START_SECONDS = 240


def made(home: Path) -> str:
    """A simulated market, learnt and scored, and a key for it."""
    ebb("demo", "--no-serve", "--home", home, "--accounts", "300", "--months", "30")
    return ebb("keys", "create", "--name", "bench", "--scope", "score,read", "--per-minute", "1000000", "--home", home)


def ebb(*arguments: object) -> str:
    """What the command prints."""
    ran = subprocess.run([PROGRAMS / "ebb", *map(str, arguments)], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def widened(home: Path, accounts: int) -> None:
    """The market's book again and again under new names, scored by its champion: a book as large as asked."""
    scorer = champion(f"sqlite:///{home / 'mlflow.db'}").scorer
    with ScoreStore(f"sqlite:///{home / 'ebb.db'}") as store:
        run = store.latest()
        assert run is not None
        book = SignalBook.read(home / BOOK, run.signals)
        places = np.arange(accounts) % len(book)
        wide = book.rows([int(place) for place in places])
        names = pd.Series([f"{name}-{n}" for n, name in enumerate(wide.keys["account_id"])])
        wide = replace(wide, keys=wide.keys.assign(account_id=names))
        run = replace(run, number=None, signals=f"{run.signals}_{accounts}")
        wide.write(home / BOOK, run.signals)
        store.append(run, rate(scorer, wide, peers(scorer, wide), BandSettings()))


@contextmanager
def served(command: list[str], path: str, port: int) -> Iterator[str]:
    """The address of a program that serves, up when the block begins and gone when it ends."""
    url = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=HERE, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and process.poll() is None:
            try:
                if httpx.get(url + path, timeout=5).status_code < 500:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        else:
            log.seek(0)
            raise SystemExit(f"{command[0]} did not start: {log.read().decode()[-2000:]}")
        try:
            yield url
        finally:
            os.killpg(process.pid, 15)


def free() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def timed(ask: Callable[[], httpx.Response]) -> float:
    """Milliseconds of one answer, which has to be a good one."""
    began = time.perf_counter()
    answer = ask()
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text[:300]
    return took


def turn_about(asks: dict[str, Callable[[], httpx.Response]], times: int) -> dict[str, dict[str, float]]:
    """Each asked in turn, so that what else the machine does meets all alike: p50 and p99 in milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(times + 20):
        for name, ask in asks.items():
            took = timed(ask)
            if number >= 20:
                found[name].append(took)
    return {
        name: {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99))}
        for name, took in found.items()
    }


def singles(ours: httpx.Client, empty: httpx.Client, names: list[str], times: int) -> dict[str, dict[str, float]]:
    """One account by id with its drivers, against an endpoint that does nothing."""
    turn = iter(range(10**9))
    return turn_about(
        {
            "score one": lambda: ours.post("/v1/score", json={"account_ids": [names[next(turn) % len(names)]]}),
            "empty": lambda: empty.post("/empty", json={"account_ids": ["a"]}),
        },
        times,
    )


def warmed(ours: httpx.Client, names: list[str]) -> None:
    """Wait until every score of the book is written, as it is a while after each new book."""
    for start in range(0, len(names), 1000):
        timed(lambda some=names[start : start + 1000]: ours.post("/v1/score", json={"account_ids": some}))


def against_mlflow(ours: httpx.Client, home: Path, names: list[str]) -> dict[str, float]:
    """Scores a second, a thousand accounts a request: ours with drivers, `mlflow models serve` without."""
    with ScoreStore(f"sqlite:///{home / 'ebb.db'}") as store:
        run = store.latest()
    assert run is not None
    book = SignalBook.read(home / BOOK, run.signals)
    rows = book.now.head(1000).assign(segment=book.keys["segment"].head(1000).fillna(""))
    body = json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split", double_precision=15))})
    port = free()
    uri = f"sqlite:///{home / 'mlflow.db'}"
    command = [str(PROGRAMS / "mlflow"), "models", "serve", "-m", "models:/ebb-risk@champion", "-p", str(port)]
    environment = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    os.environ.update(environment)
    headers = {"content-type": "application/json"}
    with (
        served([*command, "--env-manager", "local"], "/ping", port) as url,
        httpx.Client(base_url=url, timeout=120) as theirs,
    ):
        found = turn_about(
            {
                "ours": lambda: ours.post("/v1/score", json={"account_ids": names[:1000]}),
                "mlflow": lambda: theirs.post("/invocations", content=body, headers=headers),
            },
            20,
        )
    return {name: 1000 * 1000 / took["p50"] for name, took in found.items()}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--asked", type=int, default=500)
    parser.add_argument("--steady", type=float, default=60, help="seconds at a steady 50 requests a second")
    given = parser.parse_args()
    os.environ.update({"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true"})
    with tempfile.TemporaryDirectory(prefix="ebb-service-") as folder:
        home = Path(folder)
        key = made(home)
        widened(home, given.accounts)
        with ScoreStore(f"sqlite:///{home / 'ebb.db'}") as store:
            run = store.latest()
            assert run is not None
            names = [score.account_id for score in store.scores(run)]
        port, other = free(), free()
        mine = [str(PROGRAMS / "ebb"), "serve", "--home", str(home), "--port", str(port)]
        theirs = [str(PROGRAMS / "bentoml"), "serve", "empty:Empty", "--port", str(other)]
        headers = {"Authorization": f"Bearer {key}"}
        found: dict[str, object] = {"accounts": given.accounts, "listed": given.listed}
        with (
            served(mine, "/readyz", port) as url,
            served(theirs, "/livez", other) as empty_url,
            httpx.Client(base_url=url, timeout=120, headers=headers) as ours,
            httpx.Client(base_url=empty_url, timeout=120) as empty,
        ):
            warmed(ours, names)
            found["milliseconds"] = singles(ours, empty, names, given.asked)
            found["at 50 a second, milliseconds from when each was due"] = steadily(
                url, key, names, rate=50, seconds=given.steady
            )
            found["seconds of one request for all"] = (
                min(timed(lambda: ours.post("/v1/score", json={"account_ids": names[:10_000]})) for _ in range(3))
                / 1000
            )
            found["scores a second"] = against_mlflow(ours, home, names)
            widened(home, given.listed)
            found["worklist milliseconds"] = turn_about(
                {"first page": lambda: ours.get("/v1/worklist", params={"top": 20})}, given.asked
            )
    (HERE / "result.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""A real small market, learnt, scored and served: what the tests of the command and of the service work on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

EBB = Path(sys.executable).with_name("ebb")
ACCOUNTS, MONTHS, SEED = 150, 24, 1
ASKED = (
    ("GET", "/readyz", None),
    ("POST", "/v1/score", {"account_ids": ["a"]}),
    ("GET", "/v1/worklist", None),
    ("GET", "/v1/accounts/a", None),
)
START_SECONDS = 120
STOP_SECONDS = 30


def ebb(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, 120 columns wide."""
    return subprocess.run(
        [EBB, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=280,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


@dataclass(frozen=True, kw_only=True)
class MarketHome:
    """A home in which `ebb demo` ran, what that wrote to stdout and stderr, and the address of its service.

    The service was there before the first model; ``unready`` is what it answered then to each of `ASKED`.
    """

    folder: Path
    shown: str
    told: str
    url: str
    key: str
    unready: tuple[httpx.Response, ...]

    @property
    def data(self) -> Path:
        """The tables of the market."""
        return self.folder / "data"

    @property
    def store_url(self) -> str:
        """Its score store."""
        return f"sqlite:///{self.folder / 'ebb.db'}"

    def client(self) -> httpx.Client:
        """A client of its service that may do everything."""
        return a_client(self.url, self.key)


def a_client(url: str, key: str | None) -> httpx.Client:
    """A client of a service, with a key or without."""
    return httpx.Client(base_url=url, timeout=60, headers={} if key is None else {"Authorization": f"Bearer {key}"})


def a_key(home: Path, name: str, *scopes: str, per_minute: int = 1_000_000) -> str:
    """A new key of a home, made by the command."""
    asked = ("--name", name, "--scope", ",".join(scopes), "--per-minute", per_minute, "--home", home)
    ran = ebb("keys", "create", *asked)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@contextmanager
def made(folder: Path) -> Iterator[MarketHome]:
    """Serve an empty home, then simulate, learn, track and score a small market in it, by the command itself."""
    key = a_key(folder, "tests", "score", "read", "write", "admin")
    with Server(folder) as server, a_client(server.url, key) as client:
        unready = tuple(client.request(method, path, json=body) for method, path, body in ASKED)
        ran = ebb("demo", "--no-serve", "--home", folder, "--accounts", ACCOUNTS, "--months", MONTHS, "--seed", SEED)
        assert ran.returncode == 0, ran.stderr
        yield MarketHome(folder=folder, shown=ran.stdout, told=ran.stderr, url=server.url, key=key, unready=unready)
        assert server.stop() == 0, "Ctrl-C stops the service cleanly"


class Server:
    """`ebb serve` in a process of its own on a free port, up when the block begins and gone when it ends."""

    def __init__(self, home: Path, *options: object, environment: Mapping[str, str] | None = None):
        """``options`` of the command and an ``environment`` beside the test's; its log is then another one too."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = home
        self._options = tuple(map(str, options))
        self._environment = {**os.environ, **(environment or {})}
        self.log = home / (f"serve-{self.port}.log" if options or environment else "serve.log")

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True, exist_ok=True)
        self._log = self.log.open("w")
        command: list[str | Path] = [
            *(EBB, "serve", "--home", self._home, "--data", self._home / "data", "--port", str(self.port)),
            *self._options,
        ]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=self._environment)
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                httpx.get(f"{self.url}/healthz", timeout=5)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return self
        self.stop()
        raise AssertionError(f"the service did not start: {self.log.read_text()}")

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._log.close()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

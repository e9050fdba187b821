"""Servers of tests: a program in a process of its own, there while the block lasts."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 120
STOP_SECONDS = 30


def a_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def answering(
    command: Sequence[str], address: str, log: Path, *, whole: Mapping[str, str] | None = None, **more: str
) -> Iterator[None]:
    """Run a command until ``address`` answers, and end it after the block; ``whole`` replaces our environment."""
    with log.open("w") as said:
        environment = {**(os.environ if whole is None else whole), **more}
        process = subprocess.Popen(command, cwd=log.parent, env=environment, stdout=said, stderr=said)
        try:
            _wait(process, address, log)
            yield
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing answers at {address}: {log.read_text()[-2000:]}")

"""Two commands in one home at once: one waits and says so, and nothing is lost, even when one is killed."""

import fcntl
import os
import signal
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing

from tests.market_home import EBB, MarketHome


def begun(home: MarketHome, *arguments: str) -> subprocess.Popen[str]:
    """A command that has begun in the home."""
    command: Sequence[object] = [EBB, *arguments, "--data", home.data, "--home", home.folder]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def runs(home: MarketHome) -> list[tuple[int, int]]:
    """Every run of the store and how many scores it has."""
    with closing(sqlite3.connect(home.folder / "ebb.db")) as connection:
        return connection.execute("SELECT run, count(*) FROM scores GROUP BY run ORDER BY run").fetchall()


def test_one_waits_and_says_for_whom(market_home: MarketHome) -> None:
    """While somebody works in the home a command waits, says for which process, and then does its work."""
    before = runs(market_home)
    with (market_home.folder / "lock").open("a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        command = begun(market_home, "score")
        assert command.stderr is not None
        line = next(line for line in command.stderr if line.startswith("waiting"))
        assert line == f"waiting for process {os.getpid()}, which is working in {market_home.folder}\n"
        assert runs(market_home) == before
    _, told = command.communicate(timeout=240)
    assert command.returncode == 0, told
    assert len(runs(market_home)) == len(before) + 1


def test_three_at_once_and_one_is_killed(market_home: MarketHome) -> None:
    """Two books scored at once are both kept whole, with a check beside them, and after kill -9 of a fourth command."""
    before = runs(market_home)
    victim = begun(market_home, "score")
    assert victim.stderr is not None
    next(line for line in victim.stderr if line.startswith("read "))
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=240)
    commands = [begun(market_home, *line) for line in (("score",), ("score",), ("check",))]
    told = [command.communicate(timeout=240)[1] for command in commands]
    assert [command.returncode for command in commands] == [0, 0, 0], told
    after = runs(market_home)
    assert after[: len(before)] == before
    assert [count for _, count in after[len(before) :]] in ([before[0][1]] * 2, [before[0][1]] * 3)

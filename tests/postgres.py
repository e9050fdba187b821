"""A real PostgreSQL for tests: the system's own, started on a free port of this machine and gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOW = "install PostgreSQL (Debian: apt-get install postgresql) and pip install 'ebb[postgres]' to run it"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, the newest version first."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    found = shutil.which("initdb")
    candidates = [*debian, *([Path(found).resolve().parent] if found else [])]
    return next((path for path in candidates if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


def as_nobody(command: list[str]) -> list[str]:
    """The command as the user postgres where we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return command
    return ["runuser", "-u", "postgres", "--", *command]


@contextmanager
def running() -> Iterator[str]:
    """The address of a PostgreSQL whose data are gone afterwards; skips where there is none to start."""
    with stoppable() as server:
        yield server.url


@contextmanager
def stoppable() -> Iterator["Postgres"]:
    """The same as something that can be stopped; it has to be started again before the end."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip(f"needs PostgreSQL: {HOW}")
    if os.geteuid() == 0 and (
        not shutil.which("runuser") or subprocess.run(["id", "postgres"], capture_output=True).returncode
    ):
        pytest.skip(f"PostgreSQL will not run as root and there is no user postgres: {HOW}")
    with data_folder() as data, server(bin_folder, data) as made:
        yield made


@contextmanager
def data_folder() -> Iterator[Path]:
    """An empty folder of the user the server runs as, not under pytest's, whose parents let nobody else pass."""
    folder = Path(tempfile.mkdtemp(prefix="ebb-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        yield folder
    finally:
        shutil.rmtree(folder)


class Postgres:
    """A server on a free port of this machine that can be stopped and started again, its data kept meanwhile."""

    def __init__(self, bin_folder: Path, data: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"postgresql://ebb@127.0.0.1:{port}/postgres"
        self._options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
        self._control = [str(bin_folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log")]
        made = [str(bin_folder / "initdb"), "-D", str(data), "-U", "ebb", "--auth=trust", "-E", "UTF8", "--no-sync"]
        run(as_nobody(made))

    def start(self) -> None:
        """Begin to answer."""
        run(as_nobody([*self._control, "-o", self._options, "start"]))

    def stop(self) -> None:
        """Gone at once, as after a crash."""
        run(as_nobody([*self._control, "-m", "immediate", "stop"]))


@contextmanager
def server(bin_folder: Path, data: Path) -> Iterator[Postgres]:
    """A server that answers, stopped at the end."""
    made = Postgres(bin_folder, data)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def run(command: list[str]) -> None:
    """Run to the end, in a folder that anybody may enter."""
    ran = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr + ran.stdout

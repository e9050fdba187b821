"""A real MariaDB for tests: the system's own, started on a free port of this machine and gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

HOW = "install MariaDB (Debian: apt-get install mariadb-server) and pip install 'ebb[mysql]' to run it"
PATIENCE_S = 60


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database of a MariaDB whose data are gone afterwards; skips where none can be started."""
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    install, daemon = (shutil.which(name, path=search) for name in ("mariadb-install-db", "mariadbd"))
    if install is None or daemon is None:
        pytest.skip(f"needs MariaDB: {HOW}")
    # Not under pytest's folder: the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="ebb-mariadb-"))
    try:
        # As root it wants to be told that it may.
        user = ["--user=root"] if os.geteuid() == 0 else []
        said = [f"--datadir={folder / 'data'}", *user]
        normal = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        ran = subprocess.run([install, "--no-defaults", *said, *normal], capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        with _server([daemon, "--no-defaults", *said], folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(line: list[str], folder: Path) -> Iterator[str]:
    """The address of a server started on a free port and stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'p'}",
    ]
    cheap = ["--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4"]
    with (folder / "log").open("w", encoding="utf-8") as log, subprocess.Popen(line + where + cheap, stderr=log) as it:
        try:
            _await(it, port, folder)
            yield f"mysql://root@127.0.0.1:{port}/ebb"
        finally:
            it.terminate()


def _await(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Return once the server has a database `ebb`."""
    until = time.monotonic() + PATIENCE_S
    engine = create_engine(f"mysql+pymysql://root@127.0.0.1:{port}")
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE ebb"))
            return engine.dispose()
        except OperationalError:
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            assert time.monotonic() < until, "MariaDB did not answer"
            time.sleep(0.1)

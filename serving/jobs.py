"""Jobs: work that takes longer than a request, in a process of its own, with its progress kept under home."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from features.errors import PushError
from serving.whole_file import whole

LOG: Final = logging.getLogger(__name__)

KEPT: Final = 50
"""How many jobs are remembered."""

LONGEST_ID: Final = 32
"""No file system is asked for more."""

COMMAND: Final = ("-c", "from serving.cli import main; main()")
"""The command `ebb` by the interpreter that serves, wherever that is installed."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a command: where it stands, and what it said so far. ``pid`` is its process."""

    id: str
    state: Literal["running", "done", "failed"]
    began_at: str
    ended_at: str | None = None
    progress: tuple[str, ...] = ()
    pid: int | None = None


class Jobs:
    """The jobs of one service; one runs at a time."""

    def __init__(self, home: Path, arguments: Sequence[str]):
        self._folder = home / "jobs"
        self._arguments = tuple(arguments)
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self._now: Job | None = None

    def start(self) -> Job:
        """Begin a refresh, or give the one that runs already."""
        with self._lock:
            if self._now is not None and self._now.state == "running":
                return self._now
            self._running = subprocess.Popen(  # noqa: S603 -- our own command, nothing of a request in it
                [sys.executable, *COMMAND, *self._arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            began = datetime.now(UTC).isoformat(timespec="seconds")
            job = Job(id=uuid4().hex[:12], state="running", began_at=began, pid=self._running.pid)
            self._keep(job)
            self._prune()
            threading.Thread(target=self._follow, args=(self._running, job), name="job", daemon=True).start()
            return job

    def get(self, identity: str) -> Job | None:
        """The job of an id; None when there is none. One whose process is gone without a word has failed."""
        if self._now is not None and self._now.id == identity:
            return self._now
        path = self._folder / f"{identity}.json"
        if not identity.isalnum() or len(identity) > LONGEST_ID or not path.is_file():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        job = Job(**{**found, "progress": tuple(found["progress"])})
        if job.state == "running" and not _alive(job.pid):
            return replace(job, state="failed", progress=(*job.progress, "the service ended before this did"))
        return job

    def close(self) -> None:
        """End what runs: a command that is ended leaves a whole state behind."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()

    def _follow(self, process: "subprocess.Popen[str]", job: Job) -> None:
        with process:
            for line in process.stderr or ():
                job = replace(job, progress=(*job.progress, line.strip()))
                self._keep(job)
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        self._keep(replace(job, state="done" if process.returncode == 0 else "failed", ended_at=ended, pid=None))

    def _keep(self, job: Job) -> None:
        """Keep where a job stands; where the disk takes it not, this process alone knows, and the log says so."""
        self._now = job
        try:
            with whole(self._folder / f"{job.id}.json") as path:
                path.write_text(json.dumps(asdict(job)), encoding="utf-8")
        except PushError as error:
            LOG.warning("the job goes on, but is not kept: %s", error)

    def _prune(self) -> None:
        """Forget the oldest jobs."""
        for old in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)


def _alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True

"""A folder kept between runs: one process writes at a time, a file has its name only when it is whole, and nobody's
files are deleted while they may be read.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from features.engines.duckdb import DuckEngine, quoted

FRESH: Final = "fresh-"
"""How the name of a file begins that is not whole yet."""


@contextmanager
def locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One process at a time; who must wait says for whom. The system lets go of the lock of one that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"waiting for process {lock.read().strip() or '?'}, which is working in {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def forget(folder: Path, pattern: str, named: set[str], engine: DuckEngine) -> None:
    """Delete the files nobody names any more, unless another engine may still read them; this one now may.

    To be called by the one who holds the lock.
    """
    for path in folder.glob(f"{FRESH}*"):
        path.unlink()
    readers = engine.holding(folder / "readers")
    try:
        fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # The next run that is alone forgets them.
    else:
        for path in folder.glob(pattern):
            if path.name not in named:
                path.unlink()
    fcntl.flock(readers, fcntl.LOCK_SH)


def written(folder: Path, label: str, rows: str, engine: DuckEngine) -> str:
    """The name of a new Parquet file of some rows: the label and what tells the content."""
    fresh = folder / f"{FRESH}{os.getpid()}"
    engine.execute(f"COPY (SELECT * FROM ({rows}) ORDER BY ALL) TO {quoted(str(fresh))} (FORMAT parquet)")
    name = f"{label}.{hashlib.sha256(fresh.read_bytes()).hexdigest()[:16]}.parquet"
    settle(fresh, folder / name)
    return name


def settle(fresh: Path, path: Path) -> None:
    """Give a file its name once its bytes are on the disk."""
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    fresh.replace(path)


def read_manifest(path: Path) -> dict[str, Any]:
    """What a manifest holds; nothing where there is no whole one."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def write_manifest(path: Path, held: Mapping[str, object]) -> None:
    """Make it the one that holds, by one rename."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps(held, sort_keys=True), encoding="utf-8")
    settle(fresh, path)

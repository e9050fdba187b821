"""A file that is there whole or not at all, for whoever reads it while it is written."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from features.errors import TerminalError, TransientError

PASSING: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.EBUSY, errno.ETIMEDOUT, errno.ESTALE)
"""A full disk or a network drive that is away may be mended without a change of settings."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; the file takes the name asked for once its bytes are on the disk.

    Raises TransientError or TerminalError.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        fault = TransientError if error.errno in PASSING else TerminalError
        raise fault(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        if path.parent.is_dir():
            partial.unlink(missing_ok=True)

"""The service's log: one line for each request, as text for people or as JSON for programs; never a key."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from serving.access.guard import ALWAYS_OPEN
from serving.access.ring import Call

LOG: Final = logging.getLogger("serving.requests")

THEIRS: Final = ("", "bentoml", "uvicorn.error", "circus")
"""The loggers of the framework, whose lines become JSON too."""


def tell(call: Call, _: object) -> None:
    """One line for one request; probes are passed over."""
    if call.path in ALWAYS_OPEN:
        return
    about = {
        "key": call.key,
        "method": call.method,
        "path": call.path,
        "status": call.status,
        "ms": round(call.milliseconds, 3),
        "accounts": call.accounts,
        "model_version": call.model_version,
    }
    # A path may hold line breaks and control characters: as JSON it is one harmless text.
    text = f"{call.key or '-'} {call.method} {json.dumps(call.path)} {call.status} {call.milliseconds:.1f} ms"
    LOG.info("%s", text, extra={"about": about})


class TextLines(logging.Formatter):
    """Time in UTC, level and message on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a fault is followed by its trace."""
        said = "".join(letter if letter.isprintable() else "�" for letter in record.getMessage())
        line = f"{_at(record)} {record.levelname} {said}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, what was said, and of a request its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a fault brings its trace along as one text."""
        told: dict[str, object] = {"time": _at(record), "level": record.levelname.lower()}
        told |= getattr(record, "about", None) or {"said": record.getMessage()}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told)


def begin(form: str) -> None:
    """Write lines of this form to stdout from now on."""
    formatter = JsonLines() if form == "json" else TextLines()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    ours = logging.getLogger("serving")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
    if form == "json":
        for name in THEIRS:
            for theirs in logging.getLogger(name).handlers:
                theirs.setFormatter(formatter)


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

"""Problem documents (RFC 9457): one sentence for every request that is not answered."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.types import Send

from serving.wire import Problem

MEDIA_TYPE: Final = "application/problem+json"

LONGEST_ECHO: Final = 80
"""How much of a wrong value is repeated in an answer."""

SENTENCES: Final[Mapping[int, str]] = {
    404: "there is nothing at this path; /docs shows what there is",
    405: "this path does not take this method; /docs shows which it takes",
    500: "the service failed; its log says why",
    503: "the service is busy; ask again shortly",
}
"""What is said where the framework says nothing of use. A fault of the service never tells its insides."""


class RefusedError(Exception):
    """A request that does not come in: the status, the sentence and headers."""

    def __init__(self, status: int, detail: str | None, headers: Mapping[str, str] | None = None):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


async def refuse(send: Send, refused: RefusedError) -> None:
    """Answer a request with a problem document."""
    told = body(refused.status, refused.detail)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(len(told)),
        **refused.headers,
    }
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": raw})
    await send({"type": "http.response.body", "body": told})


def problem(status: int, detail: str | None = None) -> Problem:
    """The problem of a status, with what is known about it."""
    title = HTTPStatus(status).phrase
    return Problem(title=title, status=status, detail=detail or SENTENCES.get(status, title))


def body(status: int, detail: str | None = None) -> bytes:
    """The problem as the bytes of an answer."""
    return problem(status, detail).model_dump_json().encode()


def sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as one sentence; says how many more there are."""
    first = errors[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "json_invalid":
        said = f"the body is not JSON: {first['ctx']['error']}"
    elif first["type"] == "missing":
        said = f"{where} is missing"
    elif first["type"] == "extra_forbidden":
        said = f"{_cut(where)} is not known"
    else:
        said = f"{_cut(where) or 'the body'}: {_plain(str(first['msg']))}"
    more = len(errors) - 1
    return said if not more else f"{said}; and {more} more"


def echo(value: str) -> str:
    """A value of a request as an answer may repeat it: quoted, escaped and cut."""
    return json.dumps(_cut(value), ensure_ascii=True)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}…"


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]

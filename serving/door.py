"""The door: what every request passes before the service and every answer after it.

A body that is too large, not JSON or not of the declared shape never comes in; an error never goes out as anything but
a problem document.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import problems
from serving.problems import RefusedError, refuse
from serving.web.paths import is_page
from serving.wire import ScoreRequest, SignalsRequest
from serving.wire_sent import FeedbackRequest, OutcomesRequest

MOST_BYTES: Final = 8 * 1024 * 1024
"""The largest body: 10,000 ids of some 800 characters each."""

MOST_FORM_BYTES: Final = 64 * 1024
"""The largest form of a page."""

BODIES: Final[Mapping[str, type[BaseModel]]] = {
    "/v1/score": ScoreRequest,
    "/v1/score/signals": SignalsRequest,
    "/v1/outcomes": OutcomesRequest,
    "/v1/feedback": FeedbackRequest,
}
"""The paths that take a body, and its shape."""

REDIRECTS: Final = (301, 302, 303, 307, 308)

NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
"""No browser takes an answer for anything but what it says it is."""

OWN_PATHS: Final = ("/healthz", "/readyz")
"""Paths the framework answers too, but without saying why; ours answers them."""


class Door:
    """ASGI middleware around the whole service; ``own`` answers `OWN_PATHS`."""

    def __init__(self, app: ASGIApp, own: ASGIApp):
        self.app = app
        self.own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, answer = scope["path"], _Answer(send, scope["path"])
        try:
            _check_length(scope)
            _check_query(scope)
            if path in BODIES and scope["method"] == "POST":
                receive = _replayed(_valid(BODIES[path], await _read(scope, receive)), receive)
            elif is_page(path) and scope["method"] == "POST":
                form = await _read(scope, receive, "application/x-www-form-urlencoded", MOST_FORM_BYTES)
                receive = _replayed(form, receive)
            else:
                # No other path takes a body: none is read, however long it is.
                receive = _replayed(b"", receive)
        except RefusedError as refused:
            await refuse(send, refused)
            return
        await (self.own if path in OWN_PATHS else self.app)(scope, receive, answer)


def _header(scope: Scope, name: bytes, absent: str = "") -> str:
    return next((value.decode("latin-1") for given, value in scope["headers"] if given.lower() == name), absent)


def _check_length(scope: Scope) -> None:
    """RefusedError where a body says that it is too long, before any of it is read."""
    length = _header(scope, b"content-length")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise RefusedError(413, f"the body may hold {MOST_BYTES:,} bytes, not {length[:20]}")


def _check_query(scope: Scope) -> None:
    """RefusedError where a parameter stands there twice: each reader would believe another one."""
    names = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
    again = [name for name, times in Counter(names).items() if times > 1]
    if again:
        raise RefusedError(422, f"{problems.echo(again[0])} stands in the query more than once")


async def _read(scope: Scope, receive: Receive, wanted: str = "application/json", most: int = MOST_BYTES) -> bytes:
    kind = _header(scope, b"content-type", wanted).split(";")[0].strip().lower()
    if kind != wanted:
        raise RefusedError(415, f"the body should be {wanted}, not {problems.echo(kind)}")
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "the body ended early")
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise RefusedError(413, f"the body may hold {most:,} bytes")
        more = message.get("more_body", False)
    return b"".join(chunks)


def _valid(shape: type[BaseModel], body: bytes) -> bytes:
    if not body.strip():
        raise RefusedError(400, f"the body is missing; it should be JSON with {', '.join(shape.model_fields)}")
    try:
        shape.model_validate_json(body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise RefusedError(400 if errors[0]["type"] == "json_invalid" else 422, problems.sentence(errors)) from None
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, for whoever is inside; then whatever the client says next."""
    pending = [body]

    async def replay() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replay


class _Answer:
    """Sends on what the service answers; an error that is no problem document becomes one.

    The framework leads a path with a slash too many to another one, at whatever host the request names: there is no
    such path. Ebb's own redirects are from `/` and between pages.
    """

    def __init__(self, send: Send, path: str):
        self._send = send
        self._path = path
        self._instead: RefusedError | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            status: int = message["status"]
            page = is_page(self._path) and _is(message, "text/html")
            if status in REDIRECTS and self._path != "/" and not is_page(self._path):
                self._instead = RefusedError(404, None)
            elif status >= 400 and not page and not _is(message, problems.MEDIA_TYPE):
                allow = [value.decode("latin-1") for name, value in message["headers"] if name.lower() == b"allow"]
                self._instead = RefusedError(status, None, {"Allow": allow[0]} if allow else None)
            else:
                await self._send({**message, "headers": [*message["headers"], NO_SNIFFING]})
        elif self._instead is None:
            await self._send(message)
        elif not message.get("more_body", False):
            await refuse(self._send, self._instead)


def _is(message: Message, kind: str) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(kind.encode()) for name, value in message["headers"]
    )

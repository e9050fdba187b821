"""The door: what every request passes before the service and every answer after it.

A body that is too large, not JSON or not of the declared shape never comes in; an error never goes out as anything but
a problem document.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import problems
from serving.wire import ScoreRequest, SignalsRequest
from serving.wire_sent import FeedbackRequest, OutcomesRequest

MOST_BYTES: Final = 8 * 1024 * 1024
"""The largest body: 10,000 ids of some 800 characters each."""

BODIES: Final[Mapping[str, type[BaseModel]]] = {
    "/v1/score": ScoreRequest,
    "/v1/score/signals": SignalsRequest,
    "/v1/outcomes": OutcomesRequest,
    "/v1/feedback": FeedbackRequest,
}
"""The paths that take a body, and its shape."""

OWN_PATHS: Final = ("/healthz", "/readyz")
"""Paths the framework answers too, but without saying why; ours answers them."""


class RefusedError(Exception):
    """A request that does not come in: the status, and the sentence."""

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status


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
        path, answer = scope["path"], _Answer(send)
        try:
            if path in BODIES and scope["method"] == "POST":
                receive = _replayed(_valid(BODIES[path], await _read(scope, receive)), receive)
        except RefusedError as refused:
            await answer.refuse(refused.status, str(refused))
            return
        await (self.own if path in OWN_PATHS else self.app)(scope, receive, answer)


async def _read(scope: Scope, receive: Receive) -> bytes:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get(b"content-type", "application/json").split(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, f"the body should be application/json, not {problems.echo(kind)}")
    length = headers.get(b"content-length", "")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise RefusedError(413, f"the body may hold {MOST_BYTES:,} bytes, not {length[:20]}")
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "the body ended early")
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise RefusedError(413, f"the body may hold {MOST_BYTES:,} bytes")
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
    """Sends on what the service answers; an error that is no problem document becomes one."""

    def __init__(self, send: Send):
        self._send = send
        self._status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400 and not _is_problem(message):
            self._status = message["status"]
            self._allow = [(name, value) for name, value in message["headers"] if name.lower() == b"allow"]
        elif self._status is None:
            await self._send(message)
        elif not message.get("more_body", False):
            await self.refuse(self._status, None, self._allow)

    async def refuse(self, status: int, detail: str | None, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Answer with a problem document."""
        body = problems.body(status, detail)
        kept = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": kept + (headers or [])})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(problems.MEDIA_TYPE.encode())
        for name, value in message["headers"]
    )

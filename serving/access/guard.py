"""The guard: who comes in, with which key and how often; and a record of every call.

It stands before everything else the service answers, the framework's own paths included: what is not open needs a key.
"""

import base64
import binascii
import math
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Protocol

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import EbbError
from serving.access.keys import Key, parted
from serving.access.keys import Scope as KeyScope
from serving.access.ring import Call
from serving.problems import RefusedError, refuse
from serving.web.paths import is_page

ALWAYS_OPEN: Final = frozenset({"/", "/healthz", "/readyz", "/livez"})
"""What whoever runs the process asks, and the way to the pages; no answer names an account."""

OPENABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "docs": ("/docs", "/docs.json", "/openapi.json", "/static_content/"),
    "metrics": ("/metrics",),
}
"""What a setting opens, by its beginnings: a path itself, or all below one that ends in a slash."""

NEEDS: Final[tuple[tuple[str, str, KeyScope], ...]] = (
    ("POST", "/v1/score", "score"),
    ("GET", "/v1/", "read"),
    ("POST", "/v1/outcomes", "write"),
    ("POST", "/v1/feedback", "write"),
    ("POST", "/v1/refresh", "admin"),
)
"""Method, beginning of the path, and the scope it needs; whatever else there is needs a key of any scope."""

NAMED_ACCOUNTS: Final = 100
"""How many of the accounts of one call are named in its record; the others are counted."""

LONGEST: Final = 300
"""How much of a path, and of an account's id, a record keeps: a body may hold one id of 8 MB."""


@dataclass(kw_only=True)
class Noted:
    """What the service tells of a call while it answers it."""

    account_ids: list[str] = field(default_factory=list)
    model_version: str | None = None
    cutoff: date | None = None
    key: str | None = None


_NOTED: ContextVar[Noted | None] = ContextVar("noted", default=None)


def asking() -> str | None:
    """The name of the key of the present call; None where none was needed."""
    noted = _NOTED.get()
    return None if noted is None else noted.key


def signed_in(name: str) -> None:
    """Tell the record of the present call which person it comes from; no key has a name like that."""
    noted = _NOTED.get()
    if noted is not None:
        noted.key = f"person:{name}"


def note(account_ids: list[str], model_version: str | None, cutoff: date | None) -> None:
    """Tell the record of the present call which accounts it is about and what scored them."""
    noted = _NOTED.get()
    if noted is not None:
        noted.account_ids, noted.model_version, noted.cutoff = account_ids, model_version, cutoff


class Access(Protocol):
    """What the guard asks: the keys, and a place for the record. May raise EbbError."""

    open: frozenset[str]

    def key(self, identity: str) -> Key | None:
        """The key of an id, None when there is none."""

    def at_hand(self, identity: str) -> Key | None:
        """The key of an id where that is known without asking the store."""

    def any_key(self) -> bool:
        """Whether a key was ever made."""

    def record(self, call: Call) -> None:
        """Keep a call, soon."""


class Guard:
    """ASGI middleware around the whole service; ``access`` comes to life later, with the service."""

    def __init__(self, app: ASGIApp, state: "State"):
        self.app = app
        self.state = state
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it; either way it is on record."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, at, answer = time.perf_counter(), datetime.now(UTC), _Watched(send)
        key: Key | None = None
        noted = Noted()
        token = _NOTED.set(noted)
        try:
            try:
                key = await self._caller(scope)
                noted.key = None if key is None else key.name
                self._admit(key, scope)
            except RefusedError as refused:
                await refuse(answer, refused)
                return
            await self.app(scope, receive, answer)
        finally:
            _NOTED.reset(token)
            took = (time.perf_counter() - started) * 1000
            call = _call(at, scope, answer.status, noted, took)
            if call.path not in ALWAYS_OPEN and self.state.access is not None:
                self.state.access.record(call)
            for tell in self.state.told:
                tell(call, scope)

    async def _caller(self, scope: Scope) -> Key | None:
        """The key a request came with, or None where none is needed; RefusedError else."""
        access, path = self.state.access, scope["path"]
        if path in ALWAYS_OPEN:
            return None
        if access is None:
            raise RefusedError(503, "the service is starting; ask again shortly", {"Retry-After": "1"})
        if is_page(path):
            # People have sessions, which the pages look after themselves.
            return None
        given = _given(scope)
        if given is None:
            if _is_open(path, access.open):
                return None
            raise _unknown(access, "this needs a key: send it as `Authorization: Bearer ebb_…`")
        parts = parted(given)
        try:
            key = None if parts is None else access.at_hand(parts[0]) or await run_in_threadpool(access.key, parts[0])
        except EbbError as error:
            raise RefusedError(503, f"keys cannot be checked: {error}") from error
        if key is None or parts is None or not key.opens(parts[1]):
            raise _unknown(access, "this key is not known")
        standing = key.standing(datetime.now(UTC))
        if standing != "valid":
            raise _unknown(access, f"this key is {standing}")
        return key

    def _admit(self, key: Key | None, scope: Scope) -> None:
        """RefusedError where the key lacks the scope, or asks too often."""
        if key is None:
            return
        needed = needed_scope(scope["method"], scope["path"])
        if needed is not None and needed not in key.scopes:
            raise RefusedError(403, f"this needs the scope {needed}; the key {key.name} has {_listed(key)}")
        limit = RateLimitItemPerMinute(key.per_minute)
        if not self._limiter.hit(limit, key.id):
            wait = self._limiter.get_window_stats(limit, key.id).reset_time - time.time()
            seconds = max(1, math.ceil(wait))
            raise RefusedError(
                429,
                f"the key {key.name} may ask {key.per_minute:,} times a minute; ask again in {seconds} s",
                {"Retry-After": str(seconds)},
            )


@dataclass
class State:
    """What the guard knows once the service is up; every call is ``told``, with the scope it came in."""

    access: Access | None = None
    told: tuple[Callable[[Call, Scope], None], ...] = ()


def needed_scope(method: str, path: str) -> KeyScope | None:
    """The scope a path needs; None where any key will do.

    >>> needed_scope("POST", "/v1/score"), needed_scope("GET", "/v1/accounts/a"), needed_scope("GET", "/docs")
    ('score', 'read', None)
    """
    asked = "GET" if method == "HEAD" else method
    return next((scope for verb, start, scope in NEEDS if verb == asked and path.startswith(start)), None)


def _is_open(path: str, opened: frozenset[str]) -> bool:
    if "all" in opened:
        return True
    starts = [start for name in opened for start in OPENABLE[name]]
    if ".." in path.split("/"):
        return False
    return any(path == start or (start.endswith("/") and path.startswith(start)) for start in starts)


def _given(scope: Scope) -> str | None:
    """The text of the key in a request: after Bearer, or as the password of a browser's own prompt."""
    headers = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"authorization"]
    if len(headers) > 1:
        raise RefusedError(400, "the header Authorization stands there more than once")
    if not headers:
        return None
    kind, _, value = headers[0].partition(" ")
    if kind.lower() == "bearer":
        return str(value).strip()
    if kind.lower() == "basic":
        try:
            told: str = base64.b64decode(value, validate=True).decode()
            return told.partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _unknown(access: Access, detail: str) -> RefusedError:
    try:
        more = "" if access.any_key() else "; none was made yet: `ebb keys create --name crm --scope score,read`"
    except EbbError:
        more = ""
    return RefusedError(401, detail + more, {"WWW-Authenticate": 'Bearer realm="ebb", Basic realm="ebb"'})


def _listed(key: Key) -> str:
    return ", ".join(sorted(key.scopes))


def _call(at: datetime, scope: Scope, status: int, noted: Noted, took: float) -> Call:
    return Call(
        at=at,
        key=noted.key,
        method=scope["method"][:10],
        path=scope["path"][:LONGEST],
        status=status,
        accounts=len(noted.account_ids),
        account_ids=[name[:LONGEST] for name in noted.account_ids[:NAMED_ACCOUNTS]],
        model_version=noted.model_version,
        cutoff=noted.cutoff,
        milliseconds=took,
    )


class _Watched:
    """Sends on, and remembers the status; 0 where nobody was answered."""

    def __init__(self, send: Send):
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

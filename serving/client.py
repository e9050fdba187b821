"""A client of the service in one file of the standard library: copy it to wherever scores are needed.

It tries again where that may help (429, 502, 503, 504, no answer), never sooner than Retry-After says. What it sends in
carries an idempotency key, so that a request tried twice is kept once. A refusal is raised as a `Problem` (RFC 9457).
"""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

TRANSIENT: Final = frozenset({0, 429, 502, 503, 504})
AT_ONCE: Final = 10_000  # the most accounts of one request

Json = dict[str, Any]


class Problem(Exception):  # noqa: N818 -- the word of RFC 9457
    """Why a request was not answered: ``status`` (0: nobody answered) and ``detail``, one sentence."""

    def __init__(self, status: int, title: str, detail: str):
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail


@dataclass(frozen=True, kw_only=True)
class Client:
    """The service at ``url``, asked with ``key``. Every call may raise `Problem`; times are in seconds."""

    url: str
    key: str = field(repr=False)
    timeout: float = 60.0
    tries: int = 4
    longest_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"the address of a service begins with https://, not {self.url}")

    def score(self, account_ids: Sequence[str]) -> Json:
        """``scores`` and ``errors`` of any number of accounts, in the order asked for."""
        found: Json = {"scores": [], "errors": [], "stale": None}
        for start in range(0, len(account_ids), AT_ONCE):
            part = self.call("POST", "/v1/score", {"account_ids": list(account_ids[start : start + AT_ONCE])})
            found["scores"] += part["scores"]
            found["errors"] += part["errors"]
            found["stale"] = part["stale"] or found["stale"]
        return found

    def score_signals(self, accounts: Sequence[Mapping[str, object]]) -> Json:
        """Scores of accounts whose signals you bring: ``account_id``, ``segment``, ``signals``."""
        return self.call("POST", "/v1/score/signals", {"accounts": list(accounts)})

    def worklist(self, *, page: int = 100, **choice: str | int) -> Iterator[Json]:
        """The ranked accounts, one after the other; ``choice``: owner, segment, plan, band, within_days."""
        query = {"top": page, **choice}
        while True:
            found = self.call("GET", f"/v1/worklist?{urlencode(query)}")
            yield from found["items"]
            if found["next"] is None:
                return
            query["cursor"] = found["next"]

    def account(self, account_id: str) -> Json:
        """One account: score, history, what changed, levers, play."""
        return self.call("GET", f"/v1/accounts/{quote(account_id, safe='')}")

    def model(self) -> Json:
        """The model that scores."""
        return self.call("GET", "/v1/model")

    def forecast(self) -> Json:
        """The renewals of the coming months in money."""
        return self.call("GET", "/v1/forecast")

    def outcomes(self, told: Sequence[Mapping[str, object]], *, idempotency_key: str | None = None) -> Json:
        """Tell how contracts ended: ``account_id``, ``outcome``, ``decided_on``."""
        return self.call("POST", "/v1/outcomes", {"outcomes": list(told)}, once=idempotency_key or str(uuid.uuid4()))

    def feedback(self, said: Sequence[Mapping[str, object]], *, idempotency_key: str | None = None) -> Json:
        """Say why scores are wrong: ``account_id``, ``reason``, ``note``."""
        return self.call("POST", "/v1/feedback", {"feedback": list(said)}, once=idempotency_key or str(uuid.uuid4()))

    def refresh(self) -> Json:
        """Begin to score the book anew, or find the job that does so already."""
        return self.call("POST", "/v1/refresh")

    def job(self, identity: str) -> Json:
        """How far a refresh is."""
        return self.call("GET", f"/v1/jobs/{quote(identity, safe='')}")

    def call(self, method: str, path: str, body: object = None, *, once: str | None = None) -> Json:
        """Any request of the service, tried again where that may help."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        headers |= {} if once is None else {"Idempotency-Key": once}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url.rstrip("/") + path, data, headers, method=method)  # noqa: S310 -- its scheme is checked
        tried = 0
        while True:
            told, tried = None, tried + 1
            try:
                with build_opener(_NoRedirect).open(request, timeout=self.timeout) as answer:
                    found: Json = json.load(answer)
                    return found
            except HTTPError as error:
                with error:
                    problem, told = _problem(error), _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                problem = Problem(0, "no answer", str(error))
            wait = random.uniform(0.5, 1) * 2 ** (tried - 1) if told is None else told  # noqa: S311 -- no secret
            if problem.status not in TRANSIENT or tried >= self.tries or wait > self.longest_wait:
                raise problem
            self.sleep(wait)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, url: str
    ) -> None:
        """No redirect is followed: it would carry the key to wherever it points."""


def _problem(error: HTTPError) -> Problem:
    try:
        told = json.load(error)
        return Problem(error.code, str(told["title"]), str(told["detail"]))
    except (ValueError, KeyError, TypeError, OSError):
        return Problem(error.code, str(error.reason), "whoever answered said no more")


def _seconds(told: str | None) -> float | None:
    """Retry-After, in seconds or as a date; None where it says neither."""
    if (told or "").isdecimal():
        return float(told or "")
    try:
        return max(0.0, (parsedate_to_datetime(told or "") - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

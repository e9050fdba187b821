"""A webhook: one signed message an account, as "Standard Webhooks" 1.0 describes them.

The headers webhook-id, webhook-timestamp and webhook-signature (HMAC-SHA256); the id stays however often a message is
tried, and the receiver drops one it has seen. Any 2xx is taken; 410 (gone) ends the push, redirects are not followed.
"""

import json
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from features.errors import SettingsError, TerminalError, TransientError
from serving.config import setting
from serving.push.answers import fault_of
from serving.push.parcels import Book, Parcel, Refusal
from serving.push.record import beside, record
from serving.push.secret import Secrets

if TYPE_CHECKING:
    import httpcore

TYPE: Final = "account.scored"

TIMEOUT: Final = {"connect": 10.0, "read": 15.0, "write": 15.0, "pool": 10.0}
"""Seconds; the specification advises 15 to 30 for a whole request."""

READ: Final = 2_000
"""Bytes of an answer that are read."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Scored accounts as signed messages to one address."""

    kind: ClassVar[str] = "webhook"
    writes: ClassVar[str] = f"a signed message `{TYPE}` (Standard Webhooks) for each account that changed"
    limits: ClassVar[str] = "429 and Retry-After are honoured; private networks are refused unless allowed; no proxy"
    idempotent: ClassVar[str] = "at least once; `webhook-id` stays, and the receiver drops what it has seen"
    at_once: ClassVar[int] = 1

    name: str
    url: str = setting("", "the address, https://…")
    url_env: str = setting("", "instead of url: the variable of an address that holds a secret")
    secret_env: str = setting("", "the variable of the signing secret, whsec_…")
    allow_private: bool = setting(False, "also private, loopback and link-local addresses, and http://")

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.url_env):
            raise SettingsError(f"[destinations.{self.name}] needs either url or url_env")
        if not self.secret_env:
            raise SettingsError(f"[destinations.{self.name}] has no secret_env, the variable of the signing secret")
        if self.url:
            _checked(self.name, self.url, allow_private=self.allow_private)

    @property
    def place(self) -> str:
        """The host and path, or the variable where the address is a secret."""
        return self.url or f"the address in {self.url_env}"

    @property
    def is_lost(self) -> bool:
        """Never: what was sent is sent."""
        return False

    def parcels(self, book: Book) -> list[Parcel]:
        """One message an account, in the order of the worklist."""
        about = {**beside(book.run), "timestamp": book.run.made_at.isoformat()}
        return [Parcel(key=item.score.account_id, content=record(item), beside=about) for item in book.items]

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """A connection that is kept for the next message."""
        import httpcore
        from standardwebhooks import Webhook as Signing

        from serving.destinations.checked_connection import Checked

        url = self.url or _checked(self.name, secrets["url_env"], allow_private=self.allow_private)
        try:
            signing = Signing(secrets["secret_env"])
        except Exception:  # noqa: BLE001 -- whatever it says may hold the secret
            raise TerminalError(f"the value of {self.secret_env} is no signing secret, whsec_ and base64") from None
        checked = Checked(allow_private=self.allow_private)
        with httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=checked) as pool:
            yield _Line(pool, url, signing)


class _Line:
    def __init__(self, pool: "httpcore.ConnectionPool", url: str, signing: Any):
        self._pool, self._url, self._signing = pool, url, signing

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Send each message; one that is not taken comes back with the answer."""
        return [refusal for parcel in parcels if (refusal := self._sent(parcel)) is not None]

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Not known; the id that stays lets the receiver tell."""
        return ()

    def _sent(self, parcel: Parcel) -> Refusal | None:
        told = dict(parcel.told)
        body = json.dumps({"type": TYPE, "timestamp": told.pop("timestamp"), "data": told}, ensure_ascii=False)
        now = datetime.now(UTC)
        headers: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "user-agent": "ebb",
            "webhook-id": f"msg_{parcel.id}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signing.sign(f"msg_{parcel.id}", now, body),
        }
        status, retry_after, said = self._asked(headers, body.encode())
        fault = fault_of(status, retry_after, said)
        if fault is not None:
            raise fault
        return None if 200 <= status < 300 else Refusal(key=parcel.key, reason=f"it answers {status}, {said}")

    def _asked(self, headers: Mapping[bytes | str, bytes | str], body: bytes) -> tuple[int, str | None, str]:
        import httpcore

        try:
            with self._pool.stream(
                "POST", self._url, headers=headers, content=body, extensions={"timeout": TIMEOUT}
            ) as answer:
                said = b""
                for part in answer.iter_stream():
                    said += part
                    if len(said) >= READ:
                        break
                after = next((value for name, value in answer.headers if name.lower() == b"retry-after"), None)
                return (
                    answer.status,
                    None if after is None else after.decode("latin-1"),
                    said[:READ].decode("utf-8", "replace"),
                )
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise TransientError(f"no answer: {type(error).__name__} {error}".strip()) from None


def _checked(name: str, url: str, *, allow_private: bool) -> str:
    """An address that may be sent to; SettingsError, without repeating it, when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise SettingsError(f"[destinations.{name}] url is no address; one begins with https://")
    if parts.username or parts.password:
        raise SettingsError(
            f"[destinations.{name}] url holds a password; set the address in url_env's variable instead"
        )
    if parts.scheme == "http" and not allow_private:
        raise SettingsError(f"[destinations.{name}] url is http://, which anybody may read; use https://")
    return url

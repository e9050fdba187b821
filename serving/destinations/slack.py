"""A Slack message a week to each customer-success manager, as the Web API of Slack takes it.

chat.postMessage has no key that makes it safe to repeat, so each message carries its id as metadata, and one that was
sent but never answered is looked for with conversations.history before it is sent again ("Message metadata", "Rate
limits", docs.slack.dev). A block of text holds 3,000 characters.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from features.errors import PushError, SettingsError, TerminalError, TransientError
from serving.config import setting
from serving.push.addresses import is_safe
from serving.push.answers import fault_of
from serving.push.digest import digests, ending, lines, name_of, summary, title
from serving.push.parcels import Book, Parcel, Refusal
from serving.push.secret import Secrets

EVENT: Final = "ebb_digest"
BLOCK: Final = 2_900
"""Characters of a block, a little below the limit of 3,000."""

HEADER: Final = 150
"""Characters of a header."""

LOOK_BACK_SECONDS: Final = 14 * 86_400
SECONDS: Final = 30
PASSING: Final = frozenset(
    {"ratelimited", "rate_limited", "fatal_error", "internal_error", "request_timeout", "service_unavailable"}
)
"""Errors of the Web API that pass by themselves."""

OF_ALL: Final = frozenset(
    {
        "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission",
        "missing_scope", "org_login_required", "ekm_access_denied", "access_denied", "not_allowed_token_type",
        "team_access_not_granted",
    }
)  # fmt: skip
"""Errors of the Web API that no single message is to blame for."""


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A digest a week to each customer-success manager, on Slack."""

    kind: ClassVar[str] = "slack"
    writes: ClassVar[str] = "a digest a week to each customer-success manager, by `chat.postMessage`"
    limits: ClassVar[str] = "429 and Retry-After are honoured (about one message a second and channel)"
    idempotent: ClassVar[str] = (
        "looked for by its metadata before it is sent again (scope `im:history` or `channels:history`); without the "
        "scope at least once"
    )
    at_once: ClassVar[int] = 1

    name: str
    token_env: str = setting("", "the variable of the bot's token, xoxb-…; scope chat:write, and im:write for people")
    owners: Mapping[str, str] = setting(
        {}, 'who is written to: [destinations.NAME.owners] then "csm-09" = "U012AB3CD" (a person) or "C…" (a channel)'
    )
    otherwise: str = setting("", "the channel or person for owners without one, and for accounts without an owner")
    api_url: str = setting("https://slack.com/api/", "another address of the Web API, as GovSlack has")

    def __post_init__(self) -> None:
        if not self.token_env:
            raise SettingsError(f"[destinations.{self.name}] has no token_env, the variable of the bot's token")
        if not is_safe(self.api_url):
            raise SettingsError(f"[destinations.{self.name}] api_url should begin with https://")

    @property
    def place(self) -> str:
        """The Web API."""
        return self.api_url

    @property
    def is_lost(self) -> bool:
        """Never: what was sent is sent."""
        return False

    def parcels(self, book: Book) -> list[Parcel]:
        """One digest a person."""
        return digests(book, self.owners, self.otherwise)

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """A client; TerminalError where Slack's own is not installed."""
        try:
            from slack_sdk import WebClient
        except ImportError:
            raise TerminalError("Slack's client is not installed: pip install 'ebb[slack]'") from None
        quiet = logging.getLogger(f"{__name__}.quiet")
        quiet.setLevel(logging.CRITICAL)
        # Waiting is Ebb's own, so that it is the same everywhere: the client does not try again by itself.
        client = WebClient(
            token=secrets["token_env"], base_url=self.api_url, timeout=SECONDS, retry_handlers=[], logger=quiet
        )
        yield _Line(client)


class _Line:
    def __init__(self, client: Any):
        self._client = client
        self._channels: dict[str, str] = {}

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Post each message; one that is not taken comes back with Slack's word for why."""
        found = []
        for parcel in parcels:
            told = parcel.told
            message = {
                "text": _escaped(title(told)),
                "mrkdwn": False,
                "blocks": _blocks(told),
                "metadata": {"event_type": EVENT, "event_payload": {"id": parcel.id}},
            }
            try:
                self._asked("chat_postMessage", channel=self._channel(told["to"]), **message)
            except _RefusedError as error:
                found.append(Refusal(key=parcel.key, reason=str(error)))
        return found

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Those whose metadata is in the channel; none where the bot may not read it."""
        there = set()
        for parcel in parcels:
            try:
                if parcel.id in self._ids(self._channel(parcel.content["to"])):
                    there.add(parcel.key)
            except (_RefusedError, TerminalError):
                continue
        return there

    def _ids(self, channel: str) -> Iterator[str]:
        """The ids of the digests of the last two weeks in a channel, page by page."""
        asked = {"channel": channel, "oldest": str(time.time() - LOOK_BACK_SECONDS), "limit": 200}
        cursor = ""
        while True:
            page = self._asked("conversations_history", **asked, include_all_metadata=True, cursor=cursor)
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT:
                    yield str(metadata["event_payload"].get("id"))
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _channel(self, to: str) -> str:
        """The channel of a person's direct messages; a channel is its own."""
        if not to.startswith(("U", "W")):
            return to
        if to not in self._channels:
            self._channels[to] = str(self._asked("conversations_open", users=to)["channel"]["id"])
        return self._channels[to]

    def _asked(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            answer = getattr(self._client, method)(**arguments)
        except SlackApiError as error:
            raise _fault(error.response) from None
        except (SlackClientError, OSError) as error:
            raise TransientError(f"no answer: {type(error).__name__} {error}") from None
        found: Mapping[str, Any] = answer.data
        return found


class _RefusedError(PushError):
    """One message that is not taken; the others may be."""


def _fault(response: Any) -> PushError:
    """What an error of the Web API means: Slack says most of them with status 200."""
    data = response.data if isinstance(response.data, dict) else {}
    said = str(data.get("error", ""))
    after = next((value for name, value in response.headers.items() if name.lower() == "retry-after"), None)
    found = fault_of(response.status_code, after[0] if isinstance(after, list) else after, said)
    if found is not None:
        return found
    if said in PASSING:
        return TransientError(f"it answers {said}")
    return TerminalError(f"it answers {said}") if said in OF_ALL else _RefusedError(f"it answers {said}")


def _blocks(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Plain text in every block: what stands in the data is shown as it stands, and mentions nobody."""
    texts = [summary(told), *("\n".join([name_of(one), *lines(one)]) for one in told["accounts"])]
    texts += [ending(told)] if ending(told) else []
    header = {"type": "header", "text": {"type": "plain_text", "text": title(told)[:HEADER], "emoji": False}}
    bodies = ({"type": "plain_text", "text": text[:BLOCK], "emoji": False} for text in texts)
    return [header, *({"type": "section", "text": body} for body in bodies)]


def _escaped(text: str) -> str:
    """A text for the notification, in which Slack reads &, < and > as its own."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

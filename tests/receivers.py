"""Small real servers that behave as those of vendors: they take what they are sent, throttle, refuse, and go away."""

import json
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

SLACK_TOKEN = "xoxb-nobody-may-ever-read-this"
MAIL_PASSWORD = "nobody may ever read this"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is answered."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def said(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(value).encode())


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Instead of the next answer: a status, or, with ``lost``, the request is carried out and never answered.

    One that is ``passed`` is no fault: the request is answered as ever.
    """

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: bool = False
    passed: bool = False


class Receiver:
    """A server of one vendor. ``faults`` come first, one a request; ``refused`` accounts are not taken."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self.refused: set[str] = set()
        self.url = ""

    def answer(self, asked: Asked) -> Answer:
        """What the vendor does."""
        raise NotImplementedError

    def effects(self) -> list[str]:
        """What whoever reads it there finds: a key each, twice where it is there twice."""
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listening on a free port of this machine."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer leaves in two writes; without this the second waits for the first one's acknowledgement.
        disable_nagle_algorithm = True

        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(method=self.command, path=self.path, headers=headers, body=body)
            receiver.asked.append(asked)
            fault = receiver.faults.popleft() if receiver.faults else None
            if fault is None or fault.passed:
                self.say(receiver.answer(asked))
            elif fault.lost:
                receiver.answer(asked)
                self.close_connection = True
            else:
                self.say(Answer(status=fault.status, headers=fault.headers, body=fault.body))

        do_GET = do_POST = do_PATCH = do_PUT = take  # noqa: N815 -- the names they have there

        def say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it has there
            pass

    return Handler


class WebhookReceiver(Receiver):
    """Takes messages, and drops one whose id it has seen, as Standard Webhooks asks of it."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Answer:
        """2xx, or 400 for what it does not want."""
        account = asked.json["data"]["account_id"]
        if account in self.refused:
            return Answer(status=400, body=f"no such account {account}".encode())
        self.messages.setdefault(asked.headers["webhook-id"], asked.json)
        return Answer(status=204)

    def effects(self) -> list[str]:
        """The account of each message."""
        return [message["data"]["account_id"] for message in self.messages.values()]


class SlackReceiver(Receiver):
    """Slack's Web API: errors with status 200, direct messages that are opened, history in pages of one message."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[dict[str, Any]] = []
        self.may_read = True

    def answer(self, asked: Asked) -> Answer:
        """The methods that Ebb uses."""
        if asked.headers["authorization"] != f"Bearer {SLACK_TOKEN}":
            return said({"ok": False, "error": "invalid_auth"})
        method = asked.path.rpartition("/")[2]
        if method == "conversations.history":
            return self.history(dict(parse_qsl(asked.body.decode())))
        given = (
            asked.json
            if asked.headers["content-type"].startswith("application/json")
            else dict(parse_qsl(asked.body.decode()))
        )
        if method == "conversations.open":
            return said({"ok": True, "channel": {"id": given["users"].replace("U", "D")}})
        if given["channel"].replace("D", "") in self.refused or len(given["blocks"]) > 50:
            return said({"ok": False, "error": "channel_not_found"})
        self.posts.append(given)
        return said({"ok": True, "channel": given["channel"], "ts": str(len(self.posts))})

    def history(self, given: Mapping[str, str]) -> Answer:
        """One message a page."""
        if not self.may_read:
            return said({"ok": False, "error": "missing_scope", "needed": "im:history"})
        found = [post for post in self.posts if post["channel"] == given["channel"]]
        place = int(given.get("cursor") or 0)
        more = str(place + 1) if place + 1 < len(found) else ""
        return said({"ok": True, "messages": found[place : place + 1], "response_metadata": {"next_cursor": more}})

    def effects(self) -> list[str]:
        """The channel of each message, without the letter of its kind."""
        return [post["channel"].replace("D", "") for post in self.posts]


class MailReceiver(Receiver):
    """A mail server: a fault before anything else is what it says to the login (401) or to a message."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the name it has there
        """Take a message, unless it is told otherwise."""
        self.asked.append(Asked(method="DATA", path="", headers={}, body=envelope.content))
        fault = self.faults.popleft() if self.faults else None
        if fault is None or fault.lost:
            self.mails.append(message_from_bytes(envelope.content, policy=default))
        if fault is not None and fault.lost:
            server.transport.abort()
        if fault is None:
            return "250 OK"
        body = fault.body.decode()
        return f"451 4.7.1 try later {body}" if fault.status in (429, 503) else f"550 5.7.1 not that {body}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Take a recipient it knows."""
        if address.partition("@")[0].title() in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Take the right password."""
        if self.faults and self.faults[0].status == 401:
            self.faults.popleft()
            return AuthResult(success=False, handled=False)
        return AuthResult(success=data.login == b"ebb" and data.password == MAIL_PASSWORD.encode())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listening on a free port of this machine."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        login: dict[str, Any] = {
            "authenticator": self.login,
            "auth_require_tls": False,
            "auth_exclude_mechanism": ["LOGIN"],
        }
        controller = Controller(self, hostname="127.0.0.1", port=port, **login)
        controller.start()
        self.url = f"smtp://127.0.0.1:{port}"
        try:
            yield
        finally:
            controller.stop()

    def effects(self) -> list[str]:
        """Who was written to; a mail system drops a Message-ID it has seen."""
        seen = {str(mail["Message-ID"]): str(mail["To"]) for mail in self.mails}
        return [address.partition("@")[0].title() for address in seen.values()]

"""Small real servers that behave as those of vendors: they take what they are sent, throttle, refuse, and go away."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


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
    """Instead of the next answer: a status, or, with ``lost``, the request is carried out and never answered."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: bool = False


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
            if fault is None:
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

"""The pages in this process, behind the door and the guard of the service, over a store of a book made by hand."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.from_thread
import httpx
from starlette.types import ASGIApp

from serving.access.guard import Guard, State
from serving.access.people import People
from serving.access.watch import Watch
from serving.api import make_app
from serving.book import Score
from serving.config import Settings, StoreSettings
from serving.config_file import load
from serving.desk import Desk
from serving.door import Door
from serving.store import ScoreStore
from serving.web.app import mount
from serving.web.workspace import Workspace
from tests.books import a_run

PASSWORD = "a calm and quiet password"
HOST = "https://ebb.test"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """A workspace that answers; ``desk`` is what it answers from."""

    app: ASGIApp
    desk: Desk
    home: Path

    @contextmanager
    def browser(self, name: str | None = None) -> Iterator["Browser"]:
        """A browser, signed in as somebody where a name is given."""
        with Browser(self.app) as browser:
            if name is not None:
                answer = browser.sign_in(name)
                assert answer.status_code == 303, answer.text
            yield browser


class Browser:
    """Keeps cookies and sends forms as a browser does, one request at a time."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self.cookies = httpx.Cookies()

    def __enter__(self) -> "Browser":
        self._portal = anyio.from_thread.start_blocking_portal()
        self._call = self._portal.__enter__()
        return self

    def __exit__(self, *given: object) -> None:
        self._portal.__exit__(None, None, None)

    def request(self, method: str, path: str, **more: object) -> httpx.Response:
        """One request, with the cookies so far."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)  # type: ignore[arg-type]
                self.cookies = client.cookies
                return answer

        return self._call.call(send)

    def get(self, path: str) -> httpx.Response:
        """Look at a page."""
        return self.request("GET", path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return self.request("POST", path, data=fields)

    def csrf(self, path: str = "/app/sign-in") -> str:
        """What the forms of a page bring along."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None, path
        return found[1]

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """Sign in by the form."""
        return self.post("/app/sign-in", csrf=self.csrf(), name=name, password=password, **more)


@contextmanager
def pages(
    home: Path, scores: Sequence[Score], people: Sequence[tuple[str, str, str | None]] = (), *, is_open: bool = False
) -> Iterator[Pages]:
    """Pages over a book; ``people`` are names, roles and owners, all with the same password."""
    settings: Settings = load(None, data=home / "data", home=home)
    assert isinstance(settings.store, StoreSettings)
    with ScoreStore(settings.store_url) as store:
        for name, role, owner in people:
            People(store.database).add(name, role, owner, PASSWORD)
        if scores:
            store.append(a_run(), scores)
    desk, app, opened = Desk(settings), make_app(), frozenset({"all"} if is_open else ())
    mount(app)
    watch = Watch(settings.store_url, open=opened)
    app.state.answers, app.state.workspace = desk, Workspace(desk, is_open=is_open)
    try:
        yield Pages(app=Guard(Door(app, own=app), state=State(access=watch)), desk=desk, home=home)
    finally:
        desk.close()
        watch.close()
        desk.store.close()

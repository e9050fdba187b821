"""One visit of a page: who asks, with which form, and what goes back; every page is answered through here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.errors import EbbError
from serving.access.guard import signed_in
from serving.access.people import Person
from serving.access.sessions import csrf_of, is_csrf, new_token
from serving.web import paths
from serving.web.rendering import html
from serving.web.workspace import LOCAL, Workspace

SESSION: Final = "__Host-ebb"
VISITOR: Final = "__Host-ebb-visitor"
THEME: Final = "ebb_theme"
FORM_FIELDS: Final = 50


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request with who sent it; ``token`` is that of their session, or of a visitor who has none."""

    request: Request
    workspace: Workspace
    person: Person | None
    token: str
    form: Mapping[str, str]

    @property
    def who(self) -> Person:
        """Who signed in; pages that anybody may see do not ask."""
        assert self.person is not None
        return self.person

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.request.client.host if self.request.client else ""

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, with what every page shows."""
        theme = self.request.cookies.get(THEME)
        answer = html(
            template,
            status,
            person=self.person,
            csrf=csrf_of(self.token),
            theme=theme if theme in ("light", "dark") else "",
            path=self.request.url.path,
            is_open=self.workspace.is_open,
            **values,
        )
        if self.person is None or self.workspace.is_open:
            keep(answer, VISITOR, self.token)
        return answer


Handler = Callable[[Visit], Response]


def keep(answer: Response, name: str, token: str, seconds: int | None = None) -> None:
    """Put a cookie that no script reads and no other site sends in a form."""
    answer.set_cookie(name, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def drop(answer: Response, name: str) -> None:
    """Take a cookie away."""
    answer.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def to(path: str) -> Response:
    """Lead on to another page."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def answered(handler: Handler, *, public: bool = False) -> Callable[[Request], Any]:
    """The endpoint of a handler: finds out who asks, checks the form, and says every fault as a page."""

    async def endpoint(request: Request) -> Response:
        workspace = getattr(request.app.state, "workspace", None)
        if workspace is None:
            return html("fault.html", 503, title="Ebb is starting", said="Ask again in a moment.", bare=True)
        body = await request.body() if request.method == "POST" else b""
        return await run_in_threadpool(_answer, handler, request, workspace, body, public)

    return endpoint


def _answer(handler: Handler, request: Request, workspace: Workspace, body: bytes, public: bool) -> Response:
    try:
        person, token = _who(request, workspace)
        visit = Visit(request=request, workspace=workspace, person=person, token=token, form=_form(body))
        if request.method == "POST" and not is_csrf(token, visit.form.get("csrf", "")):
            said = "This form was made for another session. Go back, load the page again and send it once more."
            return visit.page("fault.html", 403, title="Not sent", said=said)
        if person is None and not public:
            return to(f"{paths.ROOT}/sign-in?{urlencode({'next': _wanted(request)})}")
        return handler(visit)
    except EbbError as error:
        return html("fault.html", 503, title="Not now", said=str(error), bare=True)


def _who(request: Request, workspace: Workspace) -> tuple[Person | None, str]:
    """Who asks, and the token their forms are bound to."""
    visitor = request.cookies.get(VISITOR) or new_token()
    if workspace.is_open:
        return LOCAL, visitor
    token = request.cookies.get(SESSION)
    person = workspace.sessions.person(token) if token else None
    if person is None or token is None:
        return None, visitor
    signed_in(person.name)
    return person, token


def _form(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS))
    except ValueError:
        return {}


def _wanted(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "") if request.method == "GET" else paths.ROOT

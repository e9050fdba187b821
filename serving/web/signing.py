"""Signing in and out."""

from urllib.parse import urlencode

from starlette.responses import Response

from serving.access.people import LONGEST
from serving.access.sessions import LASTS
from serving.web import paths
from serving.web.visit import SESSION, VISITOR, Visit, drop, keep, to


def form(visit: Visit) -> Response:
    """The page on which one signs in."""
    wanted = paths.inside(visit.request.query_params.get("next"))
    if visit.person is not None:
        return to(wanted)
    return _asking(visit, wanted)


def sign_in(visit: Visit) -> Response:
    """Begin a session, or say why not; too many failed tries are refused for a while."""
    wanted, name = paths.inside(visit.form.get("next")), visit.form.get("name", "").strip()[:LONGEST]
    if visit.workspace.too_often(name, visit.address):
        return _asking(visit, wanted, 429, "Too many failed tries. Wait five minutes, then try again.", name)
    token = visit.workspace.sign_in(name, visit.form.get("password", ""), visit.address)
    if token is None:
        return _asking(visit, wanted, 401, "Name and password do not go together.", name)
    answer = to(wanted)
    keep(answer, SESSION, token, int(LASTS.total_seconds()))
    drop(answer, VISITOR)
    return answer


def sign_out(visit: Visit) -> Response:
    """End the session; its token is worth nothing from now on."""
    if not visit.workspace.is_open:
        visit.workspace.sessions.end(visit.token)
    answer = to(f"{paths.ROOT}/sign-in?{urlencode({'next': paths.ROOT})}")
    drop(answer, SESSION)
    return answer


def _asking(visit: Visit, wanted: str, status: int = 200, said: str = "", name: str = "") -> Response:
    secure = visit.request.url.scheme == "https" or visit.request.headers.get("x-forwarded-proto") == "https"
    near = visit.request.url.hostname in ("localhost", "127.0.0.1", "::1")
    return visit.page(
        "sign_in.html",
        status,
        wanted=wanted,
        said=said,
        name=name,
        anybody=visit.workspace.anybody(),
        unsafe=not (secure or near),
    )

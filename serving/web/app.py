"""The pages and who may see them: a new page is one handler and one line here."""

from typing import Final

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from serving.web import account, book, proof, signing, today
from serving.web.assets import asset
from serving.web.visit import Handler, Visit, answered


def _lost(visit: Visit) -> Response:
    return visit.page("fault.html", 404, title="There is no such page", said="It may have had another address.")


PUBLIC: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/app/sign-in", signing.form),
    ("POST", "/app/sign-in", signing.sign_in),
)
"""Method, path and handler of what needs no session."""

SIGNED_IN: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/app/sign-out", signing.sign_out),
    ("GET", "/app", today.today),
    ("GET", "/app/today.csv", today.export),
    ("GET", "/app/accounts/{account_id:path}", account.account),
    ("POST", "/app/accounts/{account_id:path}", account.act),
    ("GET", "/app/book", book.book),
    ("GET", "/app/book/{name}.json", book.chart),
    ("GET", "/app/book/{name}", book.answer),
    ("GET", "/app/proof", proof.proof),
    ("GET", "/app/{rest:path}", _lost),
    ("POST", "/app/{rest:path}", _lost),
)

ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/app/assets/{name}", asset),
    *(Route(path, answered(handler, public=True), methods=[method]) for method, path, handler in PUBLIC),
    *(Route(path, answered(handler), methods=[method]) for method, path, handler in SIGNED_IN),
)


def mount(app: Starlette) -> None:
    """Put the pages into an app; they answer once a `Workspace` is at ``app.state.workspace``."""
    app.router.routes.extend(ROUTES)

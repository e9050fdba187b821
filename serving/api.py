"""The GET side of the service: worklist, accounts, readiness and documentation, as one ASGI app.

FastAPI, which MLflow brings along already: parameters are checked from their types, and the OpenAPI 3.1 document
follows from the same types (`serving.document`).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from features.errors import EbbError
from serving import api_answers, pages, problems, wire, wire_sent, wired
from serving.access.guard import note
from serving.book import Run
from serving.document import openapi
from serving.explained import Explained
from serving.jobs import Job
from serving.outlook import Outlook
from serving.sent import Kind, ReusedKeyError, Sending
from serving.store import Choice
from serving.web import paths
from serving.wire_query import WorklistQuery
from serving.worklist import NoRunError, Worklist

HISTORY: Final = 52
"""How many past runs an account shows: a year of Mondays."""

PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Ebb</title><link rel="stylesheet" href="static_content/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="static_content/swagger-ui-bundle.js"></script>
<script src="static_content/swagger-ui-standalone-preset.js"></script>
<script src="static_content/swagger-initializer.js"></script></body>
</html>
"""
"""Swagger UI from the files BentoML ships, nothing from elsewhere. Its initializer reads docs.json beside the page."""

PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


class Answers(Protocol):
    """What the app asks for; every method may raise EbbError when it cannot answer."""

    def latest(self) -> Run:
        """The latest run, which is the book."""

    def worklist(self, choice: Choice, run: int | None = None) -> Worklist:
        """The ranked book, cut to the choice; of an earlier run where one is named."""

    def take(self, kind: Kind, told: Sequence[wire.Body], idempotency_key: str) -> Sending:
        """Keep what others sent in: how contracts ended, or what they say of scores."""

    def refresh(self) -> Job:
        """Begin to read the facts and score the book anew, or give the job that does so already."""

    def job(self, identity: str) -> Job | None:
        """The job of an id; None when there is none."""

    def brought(self, accounts: list[wire.SignalsOfAccount]) -> wire.SignalsResponse:
        """Scores of accounts whose signals the caller brings."""

    def model(self) -> wire.Model:
        """The model that scores."""

    def account(self, account_id: str, *, past: int) -> Explained | None:
        """An account explained, with its risks in so many runs; None when it is not in the book."""

    def forecast(self) -> tuple[Run, Outlook]:
        """The renewals of the coming months, as they were forecast when the book was scored."""

    def ready(self) -> wire.Ready:
        """With what the service scores."""

    def stale(self) -> str | None:
        """Why what is answered may be old; None where it is not."""


def _answers(request: Request) -> Answers:
    answers: Answers = request.app.state.answers
    return answers


Desk = Annotated[Answers, Depends(_answers)]
ROUTER: Final = APIRouter(responses={422: {"model": wire.Problem}, 503: {"model": wire.Problem}})


TAGGED: Final = {"ETag": {"description": "of this page of this run", "schema": {"type": "string"}}}


@ROUTER.get(
    "/v1/worklist",
    summary="Accounts by expected ARR lost",
    responses={200: {"headers": TAGGED}, 304: {"description": "nothing new since `ETag`", "headers": TAGGED}},
)
def worklist(
    query: Annotated[WorklistQuery, Query()], request: Request, response: Response, desk: Desk
) -> wire.WorklistResponse:
    """The ranked book, each account with its reasons and what to do; ``next`` goes on behind the last one."""
    cursor = None if query.cursor is None else pages.read(query.cursor)
    run = desk.latest().number if cursor is None else cursor.run
    tag = pages.tag(run, query.model_dump_json())
    if desk.stale() is None and pages.same(request.headers.get("if-none-match"), tag):
        raise HTTPException(304, headers={"ETag": tag})
    found = desk.worklist(query.choice(None if cursor is None else cursor.after), run)
    stale = found.stale or desk.stale()
    if stale is None:
        response.headers["ETag"] = tag
    page = found.items[: query.size]
    following = pages.written(found.run, page[-1].score) if len(found.items) > len(page) else None
    return wire.WorklistResponse(
        usable=found.run.usable,
        no_temperature=found.no_temperature,
        items=[wired.listed(item) for item in page],
        next=following,
        stale=stale,
    )


@ROUTER.post("/v1/score/signals", summary="Risk of signals that the caller brings")
def score_signals(request: wire.SignalsRequest, desk: Desk) -> wire.SignalsResponse:
    """Risk, band and drivers; signals that were left out count as not known, names nobody knows for nothing."""
    found = desk.brought(request.accounts)
    note([one.account_id for one in request.accounts], found.model_version, None)
    return found


Once = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="of your choice, one for each request: sent again with it, the same request is kept once",
    ),
]


AGAIN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": wire_sent.Taken, "description": "the same request came before; nothing was kept twice"}
}


@ROUTER.post("/v1/outcomes", summary="How contracts ended", status_code=201, responses=AGAIN)
def outcomes(request: wire_sent.OutcomesRequest, once: Once, response: Response, desk: Desk) -> wire_sent.Taken:
    """What people know of decisions; it wins over what the contracts say. 201 the first time, 200 again."""
    note([one.account_id for one in request.outcomes], None, None)
    return _taken(desk.take("outcomes", request.outcomes, once), response)


@ROUTER.post("/v1/feedback", summary="What people say of scores", status_code=201, responses=AGAIN)
def feedback(request: wire_sent.FeedbackRequest, once: Once, response: Response, desk: Desk) -> wire_sent.Taken:
    """Why a score is wrong, for whoever reviews them (`ebb sent`). 201 the first time, 200 again."""
    note([one.account_id for one in request.feedback], None, None)
    return _taken(desk.take("feedback", request.feedback, once), response)


def _taken(sending: Sending, response: Response) -> wire_sent.Taken:
    if sending.again:
        response.status_code = 200
    errors = [wire.UnknownAccount.model_validate(error) for error in sending.errors]
    return wire_sent.Taken(kept=len(sending.kept), errors=errors)


@ROUTER.post(
    "/v1/refresh",
    summary="Read the facts and score the book anew",
    status_code=202,
    responses={202: {"headers": {"Location": {"description": "where its progress is", "schema": {"type": "string"}}}}},
)
def refresh(response: Response, desk: Desk) -> wire_sent.Job:
    """Begins a job, or names the one that runs already; `Location` tells where its progress is."""
    begun = desk.refresh()
    response.headers["Location"] = f"/v1/jobs/{begun.id}"
    return wired.job(begun)


@ROUTER.get("/v1/jobs/{identity}", summary="How far a refresh is", responses={404: {"model": wire.Problem}})
def job(identity: str, desk: Desk) -> wire_sent.Job:
    """What it said so far, and whether it is done or failed."""
    found = desk.job(identity)
    if found is None:
        raise HTTPException(404, f"no job {problems.echo(identity)}")
    return wired.job(found)


@ROUTER.get("/v1/model", summary="The model that scores")
def model(desk: Desk) -> wire.Model:
    """Its version, what training said of it, and the signals it looks at."""
    return desk.model()


@ROUTER.get("/v1/accounts/{account_id:path}", summary="One account", responses={404: {"model": wire.Problem}})
def account(account_id: str, desk: Desk) -> wire.Account:
    """The account's score, drivers, past risks, what changed, what would lower the risk most, and what to do."""
    found = desk.account(account_id, past=HISTORY)
    note([account_id], None if found is None else found.run.model_version, None if found is None else found.run.cutoff)
    if found is None:
        raise HTTPException(404, f"no account {problems.echo(account_id)} in the book")
    return wired.account(found, found.lacks or desk.stale())


@ROUTER.get("/v1/forecast", summary="The renewals of the coming months in money")
def forecast(desk: Desk) -> wire.Forecast:
    """What is at risk, renewed and expanded in each month, with intervals; GRR and NRR of the past year."""
    run, found = desk.forecast()
    return wired.forecast(found, run, desk.stale())


@ROUTER.get("/healthz", summary="The process is alive")
async def healthz() -> wire.Health:
    """Always ok when it answers."""
    return wire.Health()


@ROUTER.get("/readyz", summary="Whether it can score, and why not")
def readyz(desk: Desk) -> wire.Ready:
    """With what it scores; 503 with the reason when it cannot."""
    return desk.ready()


@ROUTER.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """This documentation, for a browser."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": PAGE_POLICY})


@ROUTER.get("/", include_in_schema=False)
async def index() -> RedirectResponse:
    """Whoever comes with a browser comes for the pages."""
    return RedirectResponse(paths.ROOT)


@ROUTER.get("/openapi.json", include_in_schema=False)
@ROUTER.get("/docs.json", include_in_schema=False)
async def document() -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(openapi(routes()))


def routes() -> list[BaseRoute]:
    """Every route of the app."""
    return [*ROUTER.routes, *api_answers.ROUTER.routes]


def make_app() -> FastAPI:
    """The app. What answers is put into ``app.state.answers``, because it comes to life later, with the service."""
    app = FastAPI(title="Ebb", version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.include_router(ROUTER)
    app.include_router(api_answers.ROUTER)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(EbbError, _not_now)
    return app


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Where in the request a value stood ("query") helps nobody; its name does.
    return _problem(422, problems.sentence([{**fault, "loc": fault["loc"][1:]} for fault in error.errors()]))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 304:
        return Response(status_code=304, headers=error.headers)
    known = error.status_code in (404, 422) and error.detail != "Not Found"
    return _problem(error.status_code, error.detail if known else None, headers=error.headers)


async def _not_now(_: Request, error: Exception) -> JSONResponse:
    # What the caller named is at fault, not the service.
    return _problem(422 if isinstance(error, (ReusedKeyError, NoRunError)) else 503, str(error))


def _problem(status: int, detail: str | None, headers: Any = None) -> JSONResponse:
    body = problems.problem(status, detail).model_dump()
    return JSONResponse(body, status, headers=headers, media_type=problems.MEDIA_TYPE)

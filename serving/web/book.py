"""The book: what was found of all accounts together, as kept answers, and the renewals to come."""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from features.errors import EbbError
from serving.answered import Answered, read
from serving.questions import QUESTIONS, Question
from serving.web import paths
from serving.web.assets import VEGA, version
from serving.web.drawing import Span, spans
from serving.web.rendering import HEADERS
from serving.web.visit import Visit

FIRST_ROWS: Final = 8
FIRST_FIELDS: Final = 8
MOST_ROWS: Final = 500
HIDDEN: Final = frozenset({"account_id", "owner", "segment"})
"""Fields of accounts that stand in the page of an answer, and not in its card."""


def book(visit: Visit) -> Response:
    """Every kept answer as a card; what was never asked is said."""
    desk = visit.workspace.desk
    found = [(one, read(desk.home, one.name)) for one in QUESTIONS]
    months: tuple[Span, ...] = ()
    outlook, lacking = None, ""
    try:
        _, outlook = desk.forecast()
        months = spans(outlook.months)
    except EbbError as error:
        lacking = str(error)
    return visit.page(
        "book.html",
        answers=[_card(one, answer) for one, answer in found if answer is not None],
        unasked=[one for one, answer in found if answer is None],
        outlook=outlook,
        months=months,
        lacking=lacking,
        vega=version(VEGA),
    )


def answer(visit: Visit) -> Response:
    """One kept answer whole, up to so many rows of each table."""
    found = _asked(visit)
    if found is None:
        said = "No such answer is kept. `ebb analyse` on the machine Ebb runs on answers every question."
        return visit.page("fault.html", 404, title="No such answer", said=said)
    one, kept = found
    return visit.page("answer.html", one=one, answer=kept, vega=version(VEGA), most=MOST_ROWS)


def chart(visit: Visit) -> Response:
    """The chart of an answer, as Vega-Lite."""
    found = _asked(visit)
    if found is None or found[1].chart is None:
        return visit.page("fault.html", 404, title="No such chart", said="This answer has no chart.")
    text = json.dumps(found[1].chart, ensure_ascii=False)
    return Response(text, media_type="application/json", headers={**HEADERS, "Cache-Control": "private, no-cache"})


def _asked(visit: Visit) -> tuple[Question, Answered] | None:
    name = visit.request.path_params["name"]
    one = next((one for one in QUESTIONS if one.name == name), None)
    kept = None if one is None else read(visit.workspace.desk.home, one.name)
    return None if one is None or kept is None else (one, kept)


def _card(one: Question, kept: Answered) -> Mapping[str, Any]:
    """A card: the question, its sentences and the first rows of its first table."""
    sheet = kept.sheets[0] if kept.sheets else {"fields": [], "rows": []}
    named = {field["name"] for field in sheet["fields"]}
    hidden = HIDDEN if "name" in named else frozenset()
    fields = [field for field in sheet["fields"] if field["name"] not in hidden][:FIRST_FIELDS]
    rows = sheet["rows"][:FIRST_ROWS]
    return {
        "one": one,
        "answer": kept,
        "fields": fields,
        "rows": rows,
        "more": len(sheet["rows"]) - len(rows),
        "path": f"{paths.ROOT}/book/{one.name}",
    }

"""The routes of questions about the whole book: answers as they were kept when they were last asked."""

from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException

from serving import problems, wire
from serving.answered import Answered, read
from serving.questions import QUESTIONS
from serving.wire_answers import Analyses, Analysis, AnalysisAnswer, AnswerSheet, SheetField

MOST_ROWS: Final = 100_000

ROUTER: Final = APIRouter(responses={422: {"model": wire.Problem}, 503: {"model": wire.Problem}})


def _home(request: Request) -> Path:
    home: Path = request.app.state.answers.home
    return home


Home = Annotated[Path, Depends(_home)]
Rows = Annotated[int, Query(ge=0, le=MOST_ROWS, description="the first so many rows of each sheet")]


@ROUTER.get("/v1/analyses", summary="Questions about the whole book")
def analyses(home: Home) -> Analyses:
    """Each with what it asks, and when it was last answered."""
    found = [(one, read(home, one.name)) for one in QUESTIONS]
    return Analyses(
        analyses=[
            Analysis(
                name=one.name,
                asks=one.asks,
                made_at=None if answer is None else answer.made_at,
                cutoff=None if answer is None else answer.cutoff,
            )
            for one, answer in found
        ]
    )


@ROUTER.get("/v1/analyses/{name}", summary="One of them, answered", responses={404: {"model": wire.Problem}})
def analysis(name: str, home: Home, rows: Rows = 1000) -> AnalysisAnswer:
    """Sentences, tables and a chart, as they were when it was last asked, by `ebb analyse` or its own command."""
    one = next((one for one in QUESTIONS if one.name == name), None)
    if one is None:
        raise HTTPException(404, f"no analysis {problems.echo(name)}; there are {', '.join(q.name for q in QUESTIONS)}")
    answer = read(home, name)
    if answer is None:
        raise HTTPException(404, f"{name} was never asked for; `ebb {name}` or `ebb analyse` answers it")
    return AnalysisAnswer(
        name=name,
        asks=one.asks,
        made_at=answer.made_at,
        cutoff=answer.cutoff,
        asked=answer.asked,
        says=list(answer.says),
        sheets=_sheets(answer, rows),
        chart=answer.chart,
    )


def _sheets(answer: Answered, most: int) -> list[AnswerSheet]:
    return [
        AnswerSheet(
            name=sheet["name"],
            fields=[SheetField(**field) for field in sheet["fields"]],
            rows=sheet["rows"][:most],
            left=max(0, len(sheet["rows"]) - most),
        )
        for sheet in answer.sheets
    ]

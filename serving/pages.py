"""Pages of the worklist: a cursor goes on behind an account of the run it began with, and a tag says what was seen."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException

from serving.book import Run, Score

MOST: Final = 2**31
"""Numbers of runs and places are below."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Behind which account of which run a page begins: its place, and whether its value is not known."""

    run: int
    after: tuple[int, bool]


def written(run: Run, last: Score) -> str:
    """The cursor that goes on behind an account: to be handed back as it is, not to be read."""
    unknown = (last.arr_at_risk if run.usable else last.arr) is None
    return base64.urlsafe_b64encode(json.dumps([run.number, last.place, unknown]).encode()).decode().rstrip("=")


def read(text: str) -> Cursor:
    """The cursor of a text; a refusal (422) for anything that `written` never wrote."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        run, place, unknown = found
    # A text that is nested too deep is no cursor either.
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise HTTPException(422, "cursor: not one that a page gave as next") from None
    if [type(run), type(place), type(unknown)] != [int, int, bool] or not (0 < run < MOST and 0 <= place < MOST):
        raise HTTPException(422, "cursor: not one that a page gave as next")
    return Cursor(run=run, after=(place, unknown))


def tag(run: int | None, query: str) -> str:
    """What a page shows, as an ETag: a run never changes, so its number and the query say it all."""
    return f'"{run}.{hashlib.sha256(query.encode()).hexdigest()[:16]}"'


def same(given: str | None, tag: str) -> bool:
    """Whether a client has this already (If-None-Match, RFC 9110)."""
    return given is not None and (
        given.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in given.split(",")]
    )

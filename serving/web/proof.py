"""The proof: what was said before each loss, whether risks mean what they say, and what plays did."""

from typing import Final

from starlette.responses import Response

from features.errors import EbbError
from serving.acts import Acts
from serving.answered import read
from serving.web import words
from serving.web.proofs import LEADS
from serving.web.today import named
from serving.web.visit import Visit

MARKED: Final = 20


def proof(visit: Visit) -> Response:
    """The page."""
    desk = visit.workspace.desk
    model, lacking = None, ""
    try:
        model = desk.model()
        lines = visit.workspace.shelves.latest().lines
    except EbbError as error:
        lines, lacking = (), str(error)
    marked = [(act, named(lines, act.account_id)) for act in Acts(desk.store.database).outcomes(MARKED)]
    return visit.page(
        "proof.html",
        proof=visit.workspace.proofs.latest(),
        leads=LEADS,
        plays=read(desk.home, "plays"),
        model=model,
        lacking=lacking,
        marked=marked,
        did=words.did,
    )

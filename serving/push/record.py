"""One account as every destination tells it: plain values, rounded so that noise is no news."""

from typing import TYPE_CHECKING, Any, Final

from serving.book import Run
from serving.push.parcels import Book

if TYPE_CHECKING:
    from serving.worklist import Item

RISK_DIGITS: Final = 3
MONEY_DIGITS: Final = 2

COLUMNS: Final = (
    *("account_id", "name", "owner", "segment", "risk", "band", "arr", "arr_at_risk", "renewal_date"),
    *("reasons", "play", "todo"),
)
"""What is told of an account, in this order."""


def record(item: "Item") -> dict[str, Any]:
    """What is told of an account; days to the renewal are left out, as they change every day and the date does not."""
    score = item.score
    return {
        "account_id": score.account_id,
        "name": score.name,
        "owner": score.owner,
        "segment": score.segment,
        "risk": round(score.risk, RISK_DIGITS),
        "band": score.band,
        "arr": _money(score.arr),
        "arr_at_risk": _money(score.arr_at_risk),
        "renewal_date": None if score.ends_on is None else score.ends_on.isoformat(),
        "reasons": list(item.reasons),
        "play": item.play.name,
        "todo": item.todo,
    }


def beside(run: Run) -> dict[str, Any]:
    """Which run said it: sent along, and no news by itself."""
    return {"cutoff": run.cutoff.isoformat(), "model_name": run.model_name, "model_version": run.model_version}


def task(item: "Item") -> dict[str, Any]:
    """The play as a task of an account. The same play for the same term is the same task, whatever else changes."""
    score = item.score
    term = score.contract_id or (None if score.ends_on is None else score.ends_on.isoformat())
    return {"account_id": score.account_id, "play": item.play.name, "term": term}


def tasks(book: Book) -> "tuple[Item, ...]":
    """The accounts that get a task: the first of the worklist that the team can take, if not of low risk.

    Those left out of their play by chance get none.
    """
    first = [item for item in book.items if not item.left_out][: book.capacity]
    return tuple(item for item in first if item.score.band != "low")


def _money(amount: float | None) -> float | None:
    return None if amount is None else round(amount, MONEY_DIGITS)

"""Today: the ranked list that a person works through, and the same as CSV."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from features.analyses.life_days import RENEWAL_WORK_DAYS
from features.errors import StoreError
from serving.acts import Acts
from serving.output import cell
from serving.web import paths
from serving.web.asked import ALL, NOBODY, SIZES, SORTS, STATES, WINDOWS, Asked, Work
from serving.web.rendering import short
from serving.web.shelf import Line, Shelf, total
from serving.web.visit import Visit

MOVED: Final = 0.03
"""A risk that moved by as much since the run before is told on top."""

CSV: Final = f"{paths.ROOT}/today.csv"


def today(visit: Visit) -> Response:
    """The page."""
    try:
        shelf = visit.workspace.shelves.latest()
    except StoreError as error:
        return visit.page("first.html", said=str(error))
    asked = Asked.of(visit.request.query_params, visit.who)
    work = _work(visit)
    lines = asked.of_lines(shelf.lines, work)
    first = (asked.page - 1) * asked.n
    return visit.page(
        "today.html",
        shelf=shelf,
        asked=asked,
        base=paths.ROOT,
        csv=asked.address(CSV, page=1),
        shown=lines[first : first + asked.n],
        first=first,
        count=len(lines),
        tiles=_tiles(shelf, asked),
        work=work,
        states=STATES,
        sorts=SORTS,
        sizes=SIZES,
        windows=WINDOWS,
        ALL=ALL,
        NOBODY=NOBODY,
        stale=visit.workspace.desk.stale(),
    )


def export(visit: Visit) -> Response:
    """Every account the address asks for, as CSV; no cell begins as a formula does."""
    asked = Asked.of(visit.request.query_params, visit.who)
    shelf = visit.workspace.shelves.latest()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    rows = [_row(line) for line in asked.of_lines(shelf.lines, _work(visit))]
    writer.writerow(_row(None))
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    name = f"ebb-{shelf.run.cutoff}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


def _work(visit: Visit) -> Work:
    standings = Acts(visit.workspace.desk.store.database).standings()
    return Work(standings=standings, person=visit.who.name, today=datetime.now(UTC).date())


def _row(line: Line | None) -> dict[str, Any]:
    """A line as it is exported; of None the columns alone."""
    if line is None:
        return dict.fromkeys(
            (
                *("place", "account_id", "name", "owner", "segment", "arr", "ends_on", "days_to_renewal"),
                *("risk", "moved", "band", "arr_at_risk", "health", "temperature", "reasons", "play", "todo"),
            )
        )
    item, score = line.item, line.item.score
    return {
        **{name: getattr(score, name) for name in ("place", "account_id", "name", "owner", "segment", "arr")},
        "ends_on": score.ends_on,
        "days_to_renewal": score.days_to_renewal,
        "risk": round(score.risk, 4),
        "moved": None if line.moved is None else round(line.moved, 4),
        "band": score.band,
        "arr_at_risk": None if score.arr_at_risk is None else round(score.arr_at_risk, 2),
        "health": line.health,
        "temperature": None if item.temperature is None else round(item.temperature.value, 1),
        "reasons": item.reasons,
        "play": item.play.name,
        "todo": item.todo,
    }


def _tiles(shelf: Shelf, asked: Asked) -> list[tuple[str, str, str, str]]:
    """What stands on top, of the whole book asked for by owner: title, figure, what it means, where it leads."""
    found: list[tuple[str, str, str, str]] | None = shelf.kept.get(asked.owner)
    if found is None:
        found = _worked_out(shelf, Asked(owner=asked.owner))
        # Whatever else an address may name is not kept: there is no end of it.
        if asked.owner in ("", ALL, *shelf.owners):
            shelf.kept[asked.owner] = found
    return found


def _worked_out(shelf: Shelf, mine: Asked) -> list[tuple[str, str, str, str]]:
    lines = mine.of_lines(shelf.lines)

    def to(**changed: object) -> str:
        return mine.address(paths.ROOT, **changed)

    high = [line for line in lines if line.item.score.band == "high"]
    due = Asked(owner=mine.owner, window=str(RENEWAL_WORK_DAYS)).of_lines(shelf.lines)
    risen = [line for line in lines if (line.moved or 0.0) >= MOVED]
    expected = sum(line.item.score.arr_at_risk or 0.0 for line in lines)
    since = f"by 3 points or more since {shelf.since:%-d %b}" if shelf.since else "this is the first run"
    return [
        ("Accounts", f"{len(lines):,}", f"{short(total(lines))} ARR", to()),
        ("High risk", f"{len(high):,}", f"{short(total(high))} ARR", to(band="high")),
        ("Expected loss", short(expected), f"{expected / (total(lines) or 1):.1%} of ARR".replace("%", " %"), to()),
        ("Renewals in 90 days", f"{len(due):,}", f"{short(total(due))} ARR", to(window="90", sort="renewal")),
        ("Risk rose", f"{len(risen):,}", since, to(sort="moved")),
    ]


def named(lines: Sequence[Line], account_id: str) -> Line | None:
    """The line of an account."""
    return next((line for line in lines if line.item.score.account_id == account_id), None)

"""Tallies: what one pass over some rows of a table says of them, added up over parts of the table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from features.checked import Checked, final
from features.engines.duckdb import DuckEngine, identifier
from features.faults import GIVEN
from features.fingerprint import total

DAY = "occurred_at"
"""What tells the day of a row that is rolled up by day."""

FOREVER = "TIMESTAMP '9999-12-31'"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many rows were read and can be used, and of the usable ones: the sum of their hashes, each column's values,
    the last moment one became known and their first and last day.

    ``given`` names the columns with a default that hold something in any row, ``latest`` is the last moment in any
    row, ``strangers`` counts the rows of unknown accounts, and ``aside`` differs when other rows are set aside. Moments
    are texts, as they sort; empty where there is none.
    """

    read: int = 0
    accepted: int = 0
    hashes: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    last_known: str = ""
    latest: str = ""
    strangers: int = 0
    aside: str = ""
    days: tuple[str, str] = ("", "")


def tallies(checked: Checked, engine: DuckEngine, where: str = "", part: str = "0") -> Mapping[tuple[str, int], Tally]:
    """A tally for each file and ``part``, the SQL of a number, of the rows that ``where`` leaves."""
    columns, given = checked.columns, [name for name in checked.types if name in checked.table.filled_columns]
    names = (*columns, *(() if "known_at" in columns else ("known_at",)))
    moments = [c.name for c in checked.table.columns if c.kind in ("time", "date") and c.name != "known_at"]
    latest = ", ".join(f"CAST({identifier(name)} AS TIMESTAMP)" for name in (*moments, "known_at"))
    day = f"CAST({DAY if DAY in moments else 'NULL'} AS DATE)"
    usable = "FILTER (WHERE _fault IS NULL)"
    strangers = [index for index, fault in enumerate(checked.faults) if fault.kind == "unknown account"]
    values = [
        "count(*)",
        "count(_fault)",
        f"coalesce({total(names)} {usable}, 0)",
        f"coalesce(CAST(max(known_at) {usable} AS VARCHAR), '')",
        f"coalesce(CAST(least(max(greatest({latest})), {FOREVER}) AS VARCHAR), '')",
        f"count(*) FILTER (WHERE _fault IN ({', '.join(map(str, strangers)) or 'NULL'}))",
        "coalesce(CAST(sum(hash(_row)) FILTER (WHERE _fault IS NOT NULL) AS VARCHAR), '')",
        f"coalesce(CAST(min({day}) {usable} AS VARCHAR), '')",
        f"coalesce(CAST(max({day}) {usable} AS VARCHAR), '')",
        *(f"count({identifier(name)}) {usable}" for name in columns),
        *(f"coalesce(bool_or({identifier(GIVEN + name)}), false)" for name in given),
    ]
    kept = ", ".join(["_file", "_row", "_fault", *(identifier(GIVEN + name) for name in given)])
    rows = f"SELECT {final(checked.table, checked.further)}, {kept} FROM ({checked.rows(where)})"
    found = {}
    for file, place, *told in engine.rows(f"SELECT _file, {part}, {', '.join(values)} FROM ({rows}) GROUP BY 1, 2"):
        found[str(file), int(str(place))] = _tally(told, columns, given)
    return found


def added(parts: Iterable[Tally]) -> Tally:
    """The tally of several parts together."""
    every = list(parts)
    days = [day for part in every for day in part.days if day]
    return Tally(
        read=sum(part.read for part in every),
        accepted=sum(part.accepted for part in every),
        hashes=sum(part.hashes for part in every),
        filled=dict(sum((Counter(part.filled) for part in every), Counter())),
        given=tuple(sorted({name for part in every for name in part.given})),
        last_known=max((part.last_known for part in every), default=""),
        latest=max((part.latest for part in every), default=""),
        strangers=sum(part.strangers for part in every),
        days=(min(days, default=""), max(days, default="")),
    )


def last_day(tally: Tally) -> date | None:
    """The day on which the last usable row became known."""
    return date.fromisoformat(tally.last_known[:10]) if tally.last_known else None


def _tally(told: list[object], columns: tuple[str, ...], given: list[str]) -> Tally:
    read, unusable, hashes, last_known, latest, strangers, aside, first, last, *rest = told
    counts = [int(str(count)) for count in rest[: len(columns)]]
    return Tally(
        read=int(str(read)),
        accepted=int(str(read)) - int(str(unusable)),
        hashes=int(str(hashes)),
        filled=dict(zip(columns, counts, strict=True)),
        given=tuple(name for name, held in zip(given, rest[len(columns) :], strict=True) if held),
        last_known=str(last_known),
        latest=str(latest),
        strangers=int(str(strangers)),
        aside=str(aside),
        days=(str(first), str(last)),
    )

"""What makes a single row unusable, as SQL conditions over its raw and typed cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from features.domain import Column, Kind, Table
from features.engines.duckdb import identifier, quoted

RAW = "raw "
"""What stands before a column's name for its cell as the source has it."""

GIVEN = "has "
"""What stands before a column's name for whether its cell holds something."""

SHOWN = 60
"""Characters of a faulty cell that a reason repeats."""

EARLIEST = date(1970, 1, 1)
"""No business fact Ebb reads is older; an older one is a placeholder or a wrong unit."""

LATEST = date(9999, 12, 31)
"""The last date that every tool can hold, and the usual placeholder for a term without end."""

MAY_LIE_AHEAD = frozenset(
    {
        ("contracts", "starts_on"),
        ("contracts", "ends_on"),
        ("contracts", "known_at"),
        ("invoices", "issued_on"),
        ("invoices", "due_on"),
        ("opportunities", "closed_at"),
        ("costs", "month"),
    }
)
"""Dates that are planned; every other time is of something that has happened."""

IN_ORDER: Mapping[str, tuple[str, str]] = {
    "contracts": ("starts_on", "ends_on"),
    "tickets": ("opened_at", "closed_at"),
    "opportunities": ("opened_at", "closed_at"),
}
"""Per table, what cannot come before what."""

NOUNS: Mapping[Kind, str] = {
    "time": "a time",
    "date": "a date",
    "number": "a number",
    "whole": "a whole number",
    "flag": "true or false",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of unusable row: when it is one, and the reason it is set aside with (both SQL)."""

    kind: str
    when: str
    reason: str


def faults(table: Table, there: frozenset[str], now: date, accounts: bool) -> tuple[Fault, ...]:
    """Every way a row of the table can be unusable, the most telling first.

    ``there`` names the columns the source has; ``accounts`` tells whether ids can be looked up in the table `accounts`.
    """
    found: list[Fault] = []
    for column in table.columns:
        if column.name in there:
            found += _of_cell(table, column, now)
    found += _of_order(table, there)
    if accounts and table.name != "accounts":
        known = "account_id NOT IN (SELECT account_id FROM accounts)"
        found.append(
            Fault(
                kind="unknown account",
                when=known,
                reason=f"'account_id ' || {_shown('account_id')} || ' is not in accounts'",
            )
        )
    return tuple(found)


def _of_cell(table: Table, column: Column, now: date) -> Iterator[Fault]:
    name, cell = column.name, identifier(column.name)
    said = f"{quoted(name + ' ')} || {_shown(name)}"
    if column.required:
        empty = f"NOT coalesce({identifier(GIVEN + name)}, false)" if column.kind != "text" else f"{cell} IS NULL"
        yield Fault(kind="missing value", when=empty, reason=quoted(f"{name} is missing"))
    if column.one_of:
        allowed = f"{said} || {quoted(' is not one of ' + ', '.join(column.one_of))}"
        yield Fault(kind="unknown value", when=f"{cell} IS NULL AND {identifier(GIVEN + name)}", reason=allowed)
    elif column.kind != "text":
        noun = NOUNS[column.kind]
        yield Fault(
            kind=f"not {noun}",
            when=f"{cell} IS NULL AND {identifier(GIVEN + name)}",
            reason=f"{said} || {quoted(f' is not {noun}')}",
        )
    if column.kind == "number":
        yield Fault(kind="not finite", when=f"isinf({cell})", reason=f"{said} || ' is not a finite number'")
    if column.least is not None:
        yield Fault(
            kind="below least", when=f"{cell} < {column.least}", reason=f"{said} || ' is below {column.least:g}'"
        )
    if column.kind in ("time", "date"):
        yield from _of_time(table, column, said, now)


def _of_time(table: Table, column: Column, said: str, now: date) -> Iterator[Fault]:
    cell = identifier(column.name)
    yield Fault(
        kind="before 1970", when=f"{cell} < DATE '{EARLIEST}'", reason=f"{said} || ' is before {EARLIEST.year}'"
    )
    if (table.name, column.name) in MAY_LIE_AHEAD:
        yield Fault(
            kind="out of range",
            when=f"{cell} > DATE '{LATEST}'",
            reason=f"{said} || ' is after the year {LATEST.year}'",
        )
    else:
        after = now + timedelta(days=1)
        yield Fault(kind="in the future", when=f"{cell} >= DATE '{after}'", reason=f"{said} || ' is in the future'")


def _of_order(table: Table, there: frozenset[str]) -> Iterator[Fault]:
    first, last = IN_ORDER.get(table.name, ("", ""))
    if not {first, last} <= there:
        return
    said = f"{quoted(last + ' ')} || {_shown(last)}"
    begun = f"{quoted(first + ' ')} || {_shown(first)}"
    yield Fault(kind="ends before it starts", when=f"{last} < {first}", reason=f"{said} || ' is before ' || {begun}")
    if table.name == "contracts":
        yield Fault(
            kind="no days", when=f"{last} = {first}", reason=f"{said} || ' is also starts_on: a contract of no days'"
        )


def _shown(name: str) -> str:
    cell = f"{identifier(RAW + name)}::VARCHAR"
    return f"CASE WHEN length({cell}) > {SHOWN} THEN left({cell}, {SHOWN}) || '…' ELSE {cell} END"


def repeated(table: Table) -> tuple[Fault, Fault]:
    """The two faults of a row that comes after a usable one of the same key; given by position, not by a condition."""
    key = " || ', ' || ".join(f"{quoted(name + ' ')} || {_shown(name)}" for name in table.key)
    place = "_first_file || ' row ' || _first_row"
    return (
        Fault(kind="duplicate row", when="false", reason=f"'the same row as ' || {place}"),
        Fault(kind="duplicate key", when="false", reason=f"{key} || ' is already in ' || {place}"),
    )

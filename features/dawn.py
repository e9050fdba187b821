"""Dawns: from when each column of each table was known at all.

Before the dawn of what it needs a signal is not known, rather than absent: no ticket in a year without a ticket desk
says nothing. So a table that begins to be kept changes nothing for the cutoffs before it.
"""

from collections.abc import Iterable

from features.engines.duckdb import identifier

LATER = {
    "tickets.closed_at": "closed_at",
    "tickets.csat": "closed_at",
    "opportunities.closed_at": "closed_at",
    "opportunities.won": "closed_at",
    "invoices.paid_on": "CAST(paid_on AS TIMESTAMP)",
}
"""Columns that become known after their row, and when."""


def flag(need: str) -> str:
    """The name of the column that says, for each snapshot, whether a ``table.column`` was known before its cutoff."""
    table, column = need.split(".", 1)
    # Traits may be called anything.
    plain = "".join(each if each.isascii() and f"_{each}".isidentifier() else f"_u{ord(each):x}_" for each in column)
    return f"knows_{table}_{plain}"


def dawns_sql(needs: Iterable[str]) -> str:
    """One row: for each ``table.column`` the time from which some value of it was known, NULL if never."""
    return "SELECT\n  " + ",\n  ".join(f"({_dawn(need)}) AS {flag(need)}" for need in needs)


def _dawn(need: str) -> str:
    table, column = need.split(".", 1)
    if table == "events":
        return f"SELECT {column} FROM event_dawn"
    since = f"greatest(known_at, {LATER[need]})" if need in LATER else "known_at"
    return f"SELECT min({since}) FROM {table} WHERE {identifier(column)} IS NOT NULL"

"""The tables Ebb reads, declared once: columns, types, meanings, and from when each fact is known.

Checks, documentation and SQL are derived from here. Times are UTC. A missing optional table or column means
"not known", never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "time", "date", "number", "whole", "flag"]

SQL_TYPES: Mapping[Kind, str] = {
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "date": "DATE",
    "number": "DOUBLE",
    "whole": "BIGINT",
    "flag": "BOOLEAN",
}

OUTCOMES = ("renewed", "expanded", "downgraded", "churned")
"""Decided outcomes of a contract; an empty outcome is open, and open is never a negative."""

LEFT = "churned"
"""The outcome that counts as having left."""

ACTORS = ("human", "api")
"""Who did an event; an event without an actor counts as human."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: its kind, whether it must be there, its meaning, and what an empty cell stands for."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    default: str | None = None
    one_of: tuple[str, ...] = ()
    least: float | None = None

    @property
    def sql_type(self) -> str:
        """The DuckDB type that holds it."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: its columns, the columns that identify a row, and the SQL expression of when a row became known.

    ``key`` empty means rows may repeat. ``open_columns`` keeps columns beyond the declared ones as attributes.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    known_at: str
    key: tuple[str, ...] = ()
    required: bool = False
    open_columns: bool = False

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}; it has {', '.join(c.name for c in self.columns)}")

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def filled_columns(self) -> frozenset[str]:
        """Names of those that always hold a value: to count values does not tell whether any was given."""
        return frozenset(c.name for c in self.columns if c.default is not None or c.name == "known_at")


def _text(name: str, meaning: str, **more: object) -> Column:
    return Column(name=name, kind="text", meaning=meaning, **more)  # type: ignore[arg-type]


ACCOUNT_ID = _text("account_id", "the customer organisation", required=True)

EVENTS = Table(
    name="events",
    meaning="one thing one user did",
    required=True,
    known_at="greatest(coalesce(known_at, occurred_at), occurred_at)",
    columns=(
        ACCOUNT_ID,
        Column(name="occurred_at", kind="time", meaning="when it was done", required=True),
        _text("event", "the feature or action", required=True),
        _text("user_id", "who did it"),
        Column(name="quantity", kind="number", meaning="how much: files, rows, money", default="1"),
        Column(name="duration_s", kind="number", meaning="how long it took, in seconds", least=0),
        _text("actor", "a person or an integration", one_of=ACTORS, default="'human'"),
        Column(name="known_at", kind="time", meaning="from when it could be known (empty: when it occurred)"),
    ),
)

ACCOUNTS = Table(
    name="accounts",
    meaning="the customer organisations; further columns are kept as attributes",
    key=("account_id",),
    open_columns=True,
    known_at="coalesce(created_at, timestamp '1900-01-01')",
    columns=(
        ACCOUNT_ID,
        _text("name", "what people call it (empty: the id)"),
        _text("segment", "the group it belongs to"),
        _text("owner", "its customer-success manager"),
        Column(name="created_at", kind="time", meaning="when it became a customer or signed up"),
        _text("parent_id", "the account it is part of"),
        _text("industry", "its industry"),
        _text("region", "its region"),
        Column(name="acquisition_cost", kind="number", meaning="what it cost to win it"),
    ),
)

CONTRACTS = Table(
    name="contracts",
    meaning="one term of an account's agreement",
    key=("contract_id",),
    known_at="coalesce(known_at, starts_on::timestamp)",
    columns=(
        _text("contract_id", "the term", required=True),
        ACCOUNT_ID,
        Column(name="starts_on", kind="date", meaning="first day of the term", required=True),
        Column(name="ends_on", kind="date", meaning="the renewal date", required=True),
        Column(name="arr", kind="number", meaning="annual recurring revenue", least=0),
        Column(name="seats", kind="number", meaning="seats bought", least=0),
        _text("plan", "the plan bought"),
        _text("billing_period", "how often it is billed"),
        Column(name="auto_renew", kind="flag", meaning="renews unless cancelled"),
        _text("outcome", "how the term ended (empty: open)", one_of=OUTCOMES),
        Column(name="decided_on", kind="date", meaning="when the outcome became known (empty: ends_on)"),
        Column(name="known_at", kind="time", meaning="from when the term was known (empty: starts_on)"),
    ),
)

USERS = Table(
    name="users",
    meaning="the people of an account",
    key=("account_id", "user_id"),
    known_at="coalesce(created_at, timestamp '1900-01-01')",
    columns=(
        _text("user_id", "the person", required=True),
        ACCOUNT_ID,
        _text("role", "admin, member, viewer, …"),
        _text("title", "the person's job"),
        Column(name="created_at", kind="time", meaning="when the user was added"),
    ),
)

TICKETS = Table(
    name="tickets",
    meaning="requests to support; closing and rating are known from closed_at",
    key=("ticket_id",),
    known_at="opened_at",
    columns=(
        _text("ticket_id", "the ticket", required=True),
        ACCOUNT_ID,
        Column(name="opened_at", kind="time", meaning="when it was opened", required=True),
        Column(name="closed_at", kind="time", meaning="when it was closed (empty: open)"),
        _text("severity", "low, normal, high, urgent, …"),
        Column(name="csat", kind="number", meaning="satisfaction with the answer, 1 to 5"),
    ),
)

INVOICES = Table(
    name="invoices",
    meaning="bills; payment is known from paid_on",
    key=("invoice_id",),
    known_at="issued_on::timestamp",
    columns=(
        _text("invoice_id", "the bill", required=True),
        ACCOUNT_ID,
        Column(name="issued_on", kind="date", meaning="when it was sent", required=True),
        Column(name="amount", kind="number", meaning="its amount", required=True),
        Column(name="due_on", kind="date", meaning="when it is to be paid"),
        Column(name="paid_on", kind="date", meaning="when it was paid (empty: unpaid)"),
    ),
)

SURVEYS = Table(
    name="surveys",
    meaning="answers to surveys",
    known_at="answered_at",
    columns=(
        ACCOUNT_ID,
        Column(name="answered_at", kind="time", meaning="when it was answered", required=True),
        _text("user_id", "who answered"),
        Column(name="nps", kind="number", meaning="would recommend, 0 to 10"),
    ),
)

TOUCHES = Table(
    name="touches",
    meaning="contacts between the team and the account",
    known_at="touched_at",
    columns=(
        ACCOUNT_ID,
        Column(name="touched_at", kind="time", meaning="when it took place", required=True),
        _text("kind", "call, email, training, review, …", required=True),
        _text("play", "the play it belonged to"),
        _text("csm", "who made it"),
    ),
)

OPPORTUNITIES = Table(
    name="opportunities",
    meaning="chances to sell more; the result is known from closed_at",
    key=("opportunity_id",),
    known_at="opened_at",
    columns=(
        _text("opportunity_id", "the opportunity", required=True),
        ACCOUNT_ID,
        Column(name="opened_at", kind="time", meaning="when it was opened", required=True),
        _text("stage", "how far it has come"),
        Column(name="amount", kind="number", meaning="what it would bring a year"),
        Column(name="closed_at", kind="time", meaning="when it was won or lost"),
        Column(name="won", kind="flag", meaning="whether it was won"),
    ),
)

COSTS = Table(
    name="costs",
    meaning="what serving the account cost in a month; known from the month's end",
    key=("account_id", "month"),
    known_at="(date_trunc('month', month) + interval 1 month)::timestamp",
    columns=(
        ACCOUNT_ID,
        Column(name="month", kind="date", meaning="any day of the month", required=True),
        Column(name="cost_to_serve", kind="number", meaning="the cost", required=True),
    ),
)

TRAITS = Table(
    name="traits",
    meaning="a data scientist's own signals, joined as of the cutoff",
    open_columns=True,
    known_at="known_at",
    columns=(
        ACCOUNT_ID,
        Column(name="known_at", kind="time", meaning="from when the values hold", required=True),
    ),
)

TABLES: tuple[Table, ...] = (
    EVENTS,
    ACCOUNTS,
    CONTRACTS,
    USERS,
    TICKETS,
    INVOICES,
    SURVEYS,
    TOUCHES,
    OPPORTUNITIES,
    COSTS,
    TRAITS,
)


def table(name: str) -> Table:
    """The table of that name; KeyError naming the tables there are when there is none."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no table {name}; Ebb knows {', '.join(t.name for t in TABLES)}")

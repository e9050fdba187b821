"""A second way to every signal: slow and plain, over the accepted rows that were known before the cutoff.

Written from the signals' meanings, not from their SQL. None means "not known".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from statistics import median
from typing import Any

from features.facts import Facts

Row = dict[str, Any]
Oracle = Callable[["View", int], float | None]

GRACE = timedelta(days=31)
TWO_YEARS = 730
RENEWED = ("renewed", "expanded", "downgraded")
TABLES = (
    "events",
    "accounts",
    "contracts",
    "tickets",
    "invoices",
    "surveys",
    "touches",
    "users",
    "opportunities",
    "costs",
)


@dataclass(frozen=True)
class Ledger:
    """Every accepted row of a world, and the columns it has at all."""

    rows: Mapping[str, Sequence[Row]]
    known: Mapping[str, frozenset[str]]


def ledger_of(facts: Facts) -> Ledger:
    """The accepted rows of the facts, as plain rows."""
    rows = {}
    for table in TABLES:
        names = [str(row[0]) for row in facts.engine.rows(f"DESCRIBE {table}")]
        rows[table] = [dict(zip(names, row, strict=True)) for row in facts.engine.rows(f"FROM {table}")]
    return Ledger(rows, facts.known)


@dataclass(frozen=True)
class View:
    """What was known of one account before one cutoff, and what was known of all."""

    ledger: Ledger
    account_id: str
    contract_id: str | None
    cutoff: date
    horizon_days: int | None = None

    def known(self, table: str) -> list[Row]:
        """Rows of all accounts that were known before the cutoff."""
        midnight = datetime.combine(self.cutoff, time())
        return [row for row in self.ledger.rows[table] if row["known_at"] < midnight]

    def own(self, table: str) -> list[Row]:
        """Rows of this account that were known before the cutoff."""
        return [row for row in self.known(table) if row["account_id"] == self.account_id]

    def knows(self, *needs: str) -> bool:
        """Whether some value of each ``table.column`` was known before the cutoff, of whichever account."""
        return all(self._knows(*need.split(".")) for need in needs)

    def _knows(self, table: str, column: str) -> bool:
        if column not in self.ledger.known.get(table, ()):
            return False
        later = {"closed_at": "closed_at", "csat": "closed_at", "paid_on": "paid_on", "won": "closed_at"}.get(column)
        rows = [row for row in self.known(table) if row[column] is not None]
        return any(later is None or self.past(row[later]) for row in rows)

    def past(self, when: date | datetime | None) -> bool:
        """Whether a moment lies before the cutoff."""
        return when is not None and self.age(when) >= 1

    def age(self, when: date | datetime) -> int:
        """Days from a moment's day to the cutoff."""
        return (self.cutoff - (when.date() if isinstance(when, datetime) else when)).days

    @cached_property
    def people(self) -> list[Row]:
        """What people of the account did."""
        return [row for row in self.own("events") if row["actor"] == "human"]

    @cached_property
    def machines(self) -> list[Row]:
        """What integrations of the account did."""
        return [row for row in self.own("events") if row["actor"] == "api"]

    @cached_property
    def fleet(self) -> list[Row]:
        """What people of all accounts did."""
        return [row for row in self.known("events") if row["actor"] == "human"]

    @cached_property
    def contract(self) -> Row:
        """The contract looked at; empty where there is none."""
        return next((row for row in self.ledger.rows["contracts"] if row["contract_id"] == self.contract_id), {})

    @cached_property
    def earlier(self) -> list[Row]:
        """The account's contracts that began before this one, oldest first."""
        rows = [row for row in self.own("contracts") if self.contract and row["starts_on"] < self.contract["starts_on"]]
        return sorted(rows, key=lambda row: (row["starts_on"], row["contract_id"]))

    def outcome(self, contract: Row) -> str | None:
        """How a contract had ended, as far as was known before the cutoff."""
        if "outcome" in self.ledger.known.get("contracts", ()):
            return contract["outcome"] if self.past(contract["decided_on"] or contract["ends_on"]) else None
        return derived(contract, self.own("contracts"), self.cutoff)[0]


def views(facts: Facts, ledger: Ledger) -> list[View]:
    """One view for each row of the table ``snapshots``, in its order."""
    looks = facts.engine.rows("SELECT account_id, contract_id, cutoff, lead_days FROM snapshots ORDER BY snapshot_id")
    return [View(ledger, *look) for look in looks]  # type: ignore[arg-type]


def derived(contract: Row, others: Sequence[Row], cutoff: date) -> tuple[str | None, date | None]:
    """Outcome and day of decision from the contracts known before a cutoff."""
    last = contract["ends_on"] + GRACE
    following = [
        row
        for row in others
        if contract["starts_on"] < row["starts_on"] <= last
        and row["ends_on"] > contract["ends_on"]
        and row["known_at"].date() <= last
    ]
    if following:
        first = min(following, key=lambda row: (row["known_at"].date(), row["starts_on"], row["contract_id"]))
        return _compared(contract["arr"], first["arr"]), first["known_at"].date()
    return ("churned", last) if last < cutoff else (None, None)


def _compared(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "renewed"
    if after > before * 1.05:
        return "expanded"
    return "downgraded" if after < before * 0.95 else "renewed"


def within(view: View, rows: Sequence[Row], until: int, after: int = 0, when: str = "occurred_at") -> list[Row]:
    """Rows whose day is more than ``after`` and at most ``until`` days before the cutoff."""
    return [row for row in rows if after < view.age(row[when]) <= until]


def days(view: View, rows: Sequence[Row]) -> set[int]:
    """The different days of some events, as ages."""
    return {view.age(row["occurred_at"]) for row in rows}


def seen(rows: Sequence[Row], what: str) -> set[str]:
    """The different users or features of some events."""
    return {row[what] for row in rows if row[what] is not None}


def visits(view: View, rows: Sequence[Row]) -> dict[tuple[str, int], set[int]]:
    """The half-hours in which each user was seen on each day."""
    found: dict[tuple[str, int], set[int]] = {}
    for row in rows:
        if row["user_id"] is not None:
            at = row["occurred_at"]
            found.setdefault((row["user_id"], view.age(at)), set()).add(at.hour * 2 + at.minute // 30)
    return found


def counts(rows: Sequence[Row], what: str) -> dict[str, int]:
    """How many of some events each user or feature has."""
    found: dict[str, int] = {}
    for row in rows:
        if row[what] is not None:
            found[row[what]] = found.get(row[what], 0) + 1
    return found


def log_ratio(now: float, before: float) -> float:
    """The logarithm of a ratio, one added on both sides."""
    return math.log((now + 1) / (before + 1))


def ratio(part: float | None, whole: float | None) -> float | None:
    """A share; not known where either is not, or there is no whole."""
    return None if part is None or not whole else part / whole


def average(values: Sequence[float]) -> float | None:
    """The mean; not known of nothing."""
    return sum(values) / len(values) if values else None


def usual_price(view: View) -> float | None:
    """What a seat of the contract's plan usually costs, over all contracts known."""
    prices = [
        row["arr"] / row["seats"]
        for row in view.known("contracts")
        if row["plan"] == view.contract.get("plan") is not None and row["arr"] is not None and row["seats"]
    ]
    return median(prices) if prices else None

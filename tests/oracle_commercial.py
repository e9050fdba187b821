"""Oracles of what is about to be bought, what serving costs, and who was added: opportunities, costs, people listed."""

from collections.abc import Mapping
from datetime import date

from tests.oracles import Oracle, Row, View, average, log_ratio, ratio, seen, within
from tests.worlds import month_end

CLOSED = ("opportunities.opportunity_id", "opportunities.closed_at")
NEVER = 731


def _opened(view: View, window: int) -> list[Row]:
    return within(view, view.own("opportunities"), window, when="opened_at")


def _open(view: View) -> list[Row]:
    return [row for row in view.own("opportunities") if not view.past(row["closed_at"])]


def _decided(view: View, window: int, won: bool) -> list[Row]:
    rows = [row for row in view.own("opportunities") if view.past(row["closed_at"]) and row["won"] is won]
    return within(view, rows, window, when="closed_at")


def _amount(rows: list[Row]) -> float:
    return sum(row["amount"] or 0.0 for row in rows)


def _users(view: View, window: int) -> int:
    return len(seen(within(view, view.people, window), "user_id"))


def _at_limit(view: View, window: int) -> float | None:
    seats = view.contract.get("seats")
    return None if seats is None else float(_users(view, window) >= 0.9 * seats)


def _over_seats(view: View, window: int) -> float | None:
    seats = view.contract.get("seats")
    return None if seats is None else max(_users(view, window) - seats, 0.0)


def _monthly_cost(view: View, until: int, after: int = 0) -> float | None:
    costs = [row for row in view.own("costs") if after < view.age(month_end(_day(row))) <= until]
    return average([row["cost_to_serve"] for row in costs])


def _day(cost: Row) -> date:
    month = cost["month"]
    assert isinstance(month, date)
    return month


def _cost_share(view: View, window: int) -> float | None:
    cost = _monthly_cost(view, window)
    return ratio(None if cost is None else 12 * cost, view.contract.get("arr"))


def _cost_change(view: View, window: int) -> float | None:
    now, before = _monthly_cost(view, window), _monthly_cost(view, 2 * window, window)
    return None if now is None or before is None else log_ratio(max(now, 0), max(before, 0))


def _invited(view: View, window: int) -> int:
    created = [row for row in view.own("users") if row["created_at"] is not None]
    return len(within(view, created, window, when="created_at"))


def _admins(view: View) -> set[str]:
    roles = {row["user_id"]: (row["role"] or "").lower() for row in view.own("users")}
    return {user for user, role in roles.items() if "admin" in role or role == "owner"}


def _active_admins(view: View, window: int) -> int | None:
    admins = _admins(view)
    return len(admins & seen(within(view, view.people, window), "user_id")) if admins else None


def _admin_silence(view: View, _: int) -> int | None:
    admins = _admins(view)
    ages = [view.age(row["occurred_at"]) for row in within(view, view.people, 730) if row["user_id"] in admins]
    return min(ages, default=NEVER) if admins else None


def _listed_active(view: View, window: int) -> float | None:
    return ratio(_users(view, window), len(view.own("users")))


ADMIN = ("users.role", "events.user_id")
WON = (*CLOSED, "opportunities.won")
AMOUNT = (*CLOSED, "opportunities.amount")
SEATS = ("contracts.seats", "events.user_id")

COMMERCIAL: Mapping[str, tuple[tuple[str, ...], Oracle]] = {
    # expansion
    "opportunities": (CLOSED[:1], lambda v, w: len(_opened(v, w))),
    "days_since_opportunity": (
        CLOSED[:1],
        lambda v, w: min((v.age(row["opened_at"]) for row in _opened(v, 730)), default=NEVER),
    ),
    "open_opportunities": (CLOSED, lambda v, w: len(_open(v))),
    "open_amount": (AMOUNT, lambda v, w: _amount(_open(v))),
    "open_amount_share": ((*AMOUNT, "contracts.arr"), lambda v, w: ratio(_amount(_open(v)), v.contract.get("arr"))),
    "won_opportunities": (WON, lambda v, w: len(_decided(v, w, won=True))),
    "won_amount": ((*AMOUNT, "opportunities.won"), lambda v, w: _amount(_decided(v, w, won=True))),
    "lost_opportunities": (WON, lambda v, w: len(_decided(v, w, won=False))),
    "seats_at_limit": (SEATS, _at_limit),
    "users_over_seats": (SEATS, _over_seats),
    # commercial
    "monthly_cost": ((), _monthly_cost),
    "cost_share": (("contracts.arr",), _cost_share),
    "cost_change": ((), _cost_change),
    # seats
    "users_listed": (("users.created_at",), lambda v, w: len(v.own("users"))),
    "listed_users_active": (("users.created_at", "events.user_id"), _listed_active),
    "invitations": (("users.created_at",), _invited),
    "active_admins": (ADMIN, _active_admins),
    "admin_silence": (ADMIN, _admin_silence),
}
"""For each signal what must be known for it, and its value."""

"""Oracles of what was agreed, paid, asked and said: seats, commercial, lifecycle, support."""

import math
from collections.abc import Mapping
from datetime import date

from tests.oracles import RENEWED, Oracle, Row, View, average, log_ratio, ratio, seen, usual_price, within

SEVERE = ("high", "urgent", "critical", "blocker")
PAYMENT = ("invoices.invoice_id", "invoices.due_on", "invoices.paid_on")


def _users(view: View, window: int) -> int:
    return len(seen(within(view, view.people, window), "user_id"))


def _price(contract: Row) -> float | None:
    return ratio(contract.get("arr"), contract.get("seats"))


def _before(view: View, column: str) -> float | None:
    return view.earlier[-1][column] if view.earlier else None


def _discount(view: View, _: int) -> float | None:
    below = ratio(_price(view.contract), usual_price(view))
    return None if below is None else 1 - below


def _growth(column: str) -> Oracle:
    def oracle(view: View, _: int) -> float | None:
        now, before = view.contract.get(column), _before(view, column)
        return None if now is None else 0.0 if before is None else log_ratio(now, before)

    return oracle


def _price_growth(view: View, _: int) -> float | None:
    arr, seats = view.contract.get("arr"), view.contract.get("seats")
    arr_before, seats_before = _before(view, "arr"), _before(view, "seats")
    if arr is None or not seats:
        return None
    if arr_before is None or not seats_before:
        return 0.0
    return math.log((arr + 1) / seats) - math.log((arr_before + 1) / seats_before)


def _plan_changes(view: View, _: int) -> int:
    now = view.contract.get("plan")
    return sum(row["plan"] is not None and now is not None and row["plan"] != now for row in view.earlier)


def _auto_renew(view: View, _: int) -> float | None:
    flag = view.contract.get("auto_renew")
    return None if flag is None else float(flag)


def _days_late(view: View, invoice: Row) -> int:
    settled = invoice["paid_on"] if view.past(invoice["paid_on"]) else view.cutoff
    return 0 if invoice["due_on"] is None else max((settled - invoice["due_on"]).days, 0)


def _overdue(view: View, _: int) -> int:
    return sum(view.past(row["due_on"]) and not view.past(row["paid_on"]) for row in view.own("invoices"))


def _invoices(view: View, window: int) -> list[Row]:
    return within(view, view.own("invoices"), window, when="issued_on")


def _since(view: View, start: date | None) -> int | None:
    return None if start is None else view.age(start)


def _to_renewal(view: View, _: int) -> float | None:
    return max((view.contract["ends_on"] - view.cutoff).days, 0) if view.contract else view.horizon_days


def _term_days(view: View, _: int) -> int | None:
    return view.age(view.contract["starts_on"]) - view.age(view.contract["ends_on"]) if view.contract else None


def _account_age(view: View, _: int) -> int | None:
    created = [row["created_at"] for row in view.own("accounts") if row["created_at"] is not None]
    return view.age(created[0]) if created else None


def _first_use_delay(view: View, _: int) -> int | None:
    if not view.people or not view.contract:
        return None
    first = min(row["occurred_at"].date() for row in view.people)
    return int(max((first - view.contract["starts_on"]).days, 0))


def _ended(*outcomes: str) -> Oracle:
    return lambda view, _: sum(view.outcome(row) in outcomes for row in view.earlier)


def _tickets(view: View, window: int) -> list[Row]:
    return within(view, view.own("tickets"), window, when="opened_at")


def _waiting(view: View) -> list[int]:
    return [view.age(row["opened_at"]) for row in view.own("tickets") if not view.past(row["closed_at"])]


def _took(view: View, ticket: Row) -> int:
    closed = view.age(ticket["closed_at"]) if view.past(ticket["closed_at"]) else 0
    return view.age(ticket["opened_at"]) - closed


def _csat(view: View, window: int) -> float | None:
    rated = [row for row in _tickets(view, window) if view.past(row["closed_at"]) and row["csat"] is not None]
    return average([row["csat"] for row in rated])


def _answers(view: View) -> list[Row]:
    return [row for row in view.own("surveys") if row["nps"] is not None]


def _nps_last(view: View, _: int) -> float | None:
    answers = sorted(_answers(view), key=lambda row: (row["answered_at"], row["nps"]))
    return answers[-1]["nps"] if answers else None


def _touches(view: View, window: int) -> list[Row]:
    return within(view, view.own("touches"), window, when="touched_at")


ACCOUNT: Mapping[str, tuple[tuple[str, ...], Oracle]] = {
    # seats
    "seats": (("contracts.seats",), lambda v, w: v.contract.get("seats")),
    "seats_used": (("contracts.seats", "events.user_id"), lambda v, w: ratio(_users(v, w), v.contract.get("seats"))),
    # commercial
    "arr": (("contracts.arr",), lambda v, w: v.contract.get("arr")),
    "price_per_seat": (("contracts.arr", "contracts.seats"), lambda v, w: _price(v.contract)),
    "price_per_active_user": (
        ("contracts.arr", "events.user_id"),
        lambda v, w: ratio(v.contract.get("arr"), _users(v, w) + 1),
    ),
    "price_per_event": (
        ("contracts.arr",),
        lambda v, w: ratio(v.contract.get("arr"), len(within(v, v.people, w)) + 1),
    ),
    "discount": (("contracts.plan", "contracts.seats", "contracts.arr"), _discount),
    "arr_before": (("contracts.arr",), lambda v, w: _before(v, "arr")),
    "seats_before": (("contracts.seats",), lambda v, w: _before(v, "seats")),
    "arr_growth": (("contracts.arr",), _growth("arr")),
    "seats_growth": (("contracts.seats",), _growth("seats")),
    "price_growth": (("contracts.arr", "contracts.seats"), _price_growth),
    "plan_changes": (("contracts.plan",), _plan_changes),
    "auto_renew": (("contracts.auto_renew",), _auto_renew),
    "late_invoices": (PAYMENT, lambda v, w: sum(_days_late(v, row) > 0 for row in _invoices(v, w))),
    "overdue_invoices": (PAYMENT, _overdue),
    "days_late": (PAYMENT, lambda v, w: max((_days_late(v, row) for row in _invoices(v, w)), default=0)),
    # lifecycle
    "days_to_renewal": ((), _to_renewal),
    "term_days": ((), _term_days),
    "days_into_term": ((), lambda v, w: _since(v, v.contract.get("starts_on"))),
    "account_age": (("accounts.created_at",), _account_age),
    "first_use_age": ((), lambda v, w: max((v.age(row["occurred_at"]) for row in v.people), default=0)),
    "first_use_delay": ((), _first_use_delay),
    "past_renewals": (("contracts.contract_id",), _ended(*RENEWED)),
    "past_expansions": (("contracts.contract_id",), _ended("expanded")),
    "past_downgrades": (("contracts.contract_id",), _ended("downgraded")),
    "past_losses": (("contracts.contract_id",), _ended("churned")),
    # support
    "tickets": (("tickets.ticket_id",), lambda v, w: len(_tickets(v, w))),
    "open_tickets": (("tickets.closed_at",), lambda v, w: len(_waiting(v))),
    "slow_tickets": (("tickets.closed_at",), lambda v, w: sum(_took(v, row) > 14 for row in _tickets(v, w))),
    "oldest_open_ticket": (("tickets.closed_at",), lambda v, w: max(_waiting(v), default=0)),
    "severe_tickets": (
        ("tickets.severity",),
        lambda v, w: sum((row["severity"] or "").lower() in SEVERE for row in _tickets(v, w)),
    ),
    "csat": ((), _csat),
    "nps": ((), lambda v, w: average([row["nps"] for row in within(v, _answers(v), w, when="answered_at")])),
    "nps_last": ((), _nps_last),
    "touches": (("touches.touched_at",), lambda v, w: len(_touches(v, w))),
    "days_since_touch": (
        ("touches.touched_at",),
        lambda v, w: min((v.age(row["touched_at"]) for row in _touches(v, 730)), default=731),
    ),
}
"""For each signal what must be known for it, and its value."""

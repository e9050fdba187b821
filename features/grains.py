"""Grains: the rows that signals aggregate, one record each, all looked at from the snapshots.

Here, and in `features.snapshots`, stands the one comparison that everything rests on: ``known_at < cutoff``.
The rollups keep ``known_at`` as the day ``known_on``, which says the same because a cutoff is a midnight.
"""

from dataclasses import dataclass
from typing import Literal

AGE = "date_diff('day', {day}, s.cutoff)"


def age_of(day: str) -> str:
    """The SQL of how many days before the cutoff a day lies; yesterday is 1."""
    return AGE.format(day=day)


@dataclass(frozen=True, kw_only=True)
class Grain:
    """One kind of row: how to get it, and how a window is told on it.

    ``rows`` yields ``key`` and the columns that measures use. ``{lookback}`` is the oldest age any window needs,
    ``{bit}`` the window bit of ``age``. ``windows`` is "age" (rows have an age), "mask" (rows have a mask of window
    bits) or "none".
    """

    name: str
    rows: str
    windows: Literal["age", "mask", "none"] = "none"
    key: Literal["snapshot_id", "cutoff"] = "snapshot_id"
    needs: tuple[str, ...] = ()


SNAPSHOT = Grain(
    name="snapshot",
    rows="""
SELECT s.snapshot_id, s.lead_days, s.arr, s.seats, s.auto_renew,
       date_diff('day', s.starts_on, s.ends_on) AS term_days,
       date_diff('day', s.starts_on, s.cutoff) AS days_into_term,
       date_diff('day', CAST(a.created_at AS DATE), s.cutoff) AS account_age
FROM snapshots s LEFT JOIN accounts a ON a.account_id = s.account_id AND a.created_at < s.cutoff""",
)

DAY = Grain(
    name="day",
    windows="age",
    rows=f"""
SELECT s.snapshot_id, {age_of("u.day")} AS age, isodow(u.day) AS isodow,
       sum(u.events) AS events, sum(u.api_events) AS api_events, sum(u.quantity) AS quantity,
       sum(u.duration_s) AS duration_s
FROM snapshots s JOIN account_day u ON u.account_id = s.account_id AND u.known_on < s.cutoff
 AND u.day >= s.cutoff - {{lookback}}
GROUP BY ALL""",
)

FIRST_USE = Grain(
    name="first_use",
    rows=f"""
SELECT s.snapshot_id, {age_of("min(u.day)")} AS age, date_diff('day', s.starts_on, min(u.day)) AS after_start
FROM snapshots s JOIN first_use u ON u.account_id = s.account_id AND u.known_on < s.cutoff
GROUP BY s.snapshot_id, s.cutoff, s.starts_on""",
)

USER = Grain(
    name="user",
    windows="mask",
    needs=("events.user_id",),
    rows=f"""
SELECT snapshot_id, user_id, bit_or(bit) AS mask, min(age) AS last_age, max(age) AS first_age,
       coalesce(sum(events) FILTER (WHERE age <= 28), 0) AS events_28,
       coalesce(sum(events) FILTER (WHERE age <= 84), 0) AS events_84,
       coalesce(sum(events) FILTER (WHERE age <= 182), 0) AS events_182,
       coalesce(sum(events) FILTER (WHERE age <= 364), 0) AS events_364
FROM (SELECT *, {{bit}} AS bit FROM (
  SELECT s.snapshot_id, u.user_id, u.events, {age_of("u.day")} AS age
  FROM snapshots s JOIN user_day u ON u.account_id = s.account_id AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}}))
GROUP BY snapshot_id, user_id""",
)

FEATURE = Grain(
    name="feature",
    windows="mask",
    rows=f"""
SELECT snapshot_id, event, bit_or(bit) AS mask, min(age) AS last_age, max(age) AS first_age,
       coalesce(sum(events) FILTER (WHERE age <= 28), 0) AS events_28,
       coalesce(sum(events) FILTER (WHERE age <= 84), 0) AS events_84,
       coalesce(sum(events) FILTER (WHERE age <= 182), 0) AS events_182,
       coalesce(sum(events) FILTER (WHERE age <= 364), 0) AS events_364
FROM (SELECT *, {{bit}} AS bit FROM (
  SELECT s.snapshot_id, u.event, u.events, {age_of("u.day")} AS age
  FROM snapshots s JOIN feature_day u ON u.account_id = s.account_id AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}}))
GROUP BY snapshot_id, event""",
)

USER_DAY = Grain(
    name="user_day",
    windows="age",
    needs=("events.user_id",),
    rows=f"""
SELECT snapshot_id, age, bit_count(slots) AS slots, bit_count(slots & ~(slots << 1)) AS sessions
FROM (
  SELECT s.snapshot_id, u.user_id, {age_of("u.day")} AS age, bit_or(u.slots) AS slots
  FROM snapshots s JOIN user_day u ON u.account_id = s.account_id AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - 168
  GROUP BY s.snapshot_id, s.cutoff, u.user_id, u.day)""",
)

FLEET = Grain(
    name="fleet",
    windows="age",
    key="cutoff",
    rows=f"""
SELECT s.cutoff, {age_of("u.day")} AS age, sum(u.events) AS events
FROM (SELECT DISTINCT cutoff FROM snapshots) s JOIN fleet_day u ON u.known_on < s.cutoff
 AND u.day >= s.cutoff - {{lookback}}
GROUP BY ALL""",
)

TERM = Grain(
    name="term",
    needs=("contracts.contract_id",),
    rows="""
SELECT s.snapshot_id, (c.starts_on, c.contract_id) AS place, c.arr, c.seats, c.plan, s.plan AS plan_now,
       CASE WHEN c.decided_on < s.cutoff THEN c.outcome END AS outcome
FROM snapshots s JOIN terms c ON c.account_id = s.account_id AND c.known_at < s.cutoff
 AND c.starts_on < s.starts_on AND c.contract_id <> s.contract_id""",
)

LIST_PRICE = Grain(
    name="list_price",
    needs=("contracts.plan", "contracts.seats", "contracts.arr"),
    rows="""
SELECT s.snapshot_id, s.arr / nullif(s.seats, 0) AS price, p.price AS usual
FROM snapshots s JOIN (
  SELECT k.plan, k.cutoff, median(c.arr / c.seats) AS price
  FROM (SELECT DISTINCT plan, cutoff FROM snapshots) k
  JOIN terms c ON c.plan = k.plan AND c.known_at < k.cutoff AND c.seats > 0
  GROUP BY k.plan, k.cutoff) p ON p.plan = s.plan AND p.cutoff = s.cutoff""",
)

TICKET = Grain(
    name="ticket",
    windows="age",
    needs=("tickets.ticket_id",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(t.opened_at AS DATE)")} AS age,
       coalesce(t.closed_at >= s.cutoff, true) AS open,
       date_diff('day', CAST(t.opened_at AS DATE),
                 least(coalesce(CAST(t.closed_at AS DATE), s.cutoff), s.cutoff)) AS days_open,
       lower(t.severity) IN ('high', 'urgent', 'critical', 'blocker') AS severe,
       CASE WHEN t.closed_at < s.cutoff THEN t.csat END AS csat
FROM snapshots s JOIN tickets t ON t.account_id = s.account_id AND t.known_at < s.cutoff""",
)

INVOICE = Grain(
    name="invoice",
    windows="age",
    needs=("invoices.invoice_id",),
    rows=f"""
SELECT s.snapshot_id, {age_of("i.issued_on")} AS age, i.amount,
       i.due_on < s.cutoff AND coalesce(i.paid_on >= s.cutoff, true) AS overdue,
       greatest(date_diff('day', i.due_on, least(coalesce(i.paid_on, s.cutoff), s.cutoff)), 0) AS days_late
FROM snapshots s JOIN invoices i ON i.account_id = s.account_id AND i.known_at < s.cutoff""",
)

SURVEY = Grain(
    name="survey",
    windows="age",
    needs=("surveys.nps",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(v.answered_at AS DATE)")} AS age, v.nps, v.answered_at
FROM snapshots s JOIN surveys v ON v.account_id = s.account_id AND v.known_at < s.cutoff AND v.nps IS NOT NULL""",
)

TOUCH = Grain(
    name="touch",
    windows="age",
    needs=("touches.touched_at",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(t.touched_at AS DATE)")} AS age, t.kind
FROM snapshots s JOIN touches t ON t.account_id = s.account_id AND t.known_at < s.cutoff""",
)

GRAINS: tuple[Grain, ...] = (
    SNAPSHOT,
    DAY,
    FIRST_USE,
    USER,
    FEATURE,
    USER_DAY,
    FLEET,
    TERM,
    LIST_PRICE,
    TICKET,
    INVOICE,
    SURVEY,
    TOUCH,
)

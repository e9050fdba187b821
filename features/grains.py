"""Grains: the rows that signals aggregate, one record each, all looked at from the snapshots.

Here, in `features.grains_commercial` and in `features.snapshots`, stands the one comparison that everything rests on:
``known_at < cutoff``. The rollups keep ``known_at`` as the day ``known_on``, which says the same because a cutoff is a
midnight.
"""

from features.grain import Grain, age_of
from features.grains_commercial import COMMERCIAL
from features.grains_habits import HABITS
from features.habits import quarter

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
SELECT snapshot_id, {{edge}} AS age,
       sum(events) AS events, sum(api_events) AS api_events, sum(quantity) AS quantity, sum(duration_s) AS duration_s,
       sum(active_days) AS active_days, sum(weekend_events) AS weekend_events,
       sum(user_days) AS user_days, sum(half_hours) AS half_hours, sum(sessions) AS sessions,
       min(CASE WHEN events > 0 THEN age END) AS nearest, max(CASE WHEN events > 0 THEN age END) AS farthest,
       bit_or(CASE WHEN events > 0 AND age <= 364 THEN CAST(1 AS BIGINT) << CAST((age - 1) // 7 AS BIGINT)
                   ELSE 0 END) AS weeks
FROM (
  SELECT s.snapshot_id, {age_of("u.day")} AS age, u.*
  FROM looks s JOIN account_day u ON u.account = s.account AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}})
GROUP BY 1, 2""",
)

FIRST_USE = Grain(
    name="first_use",
    rows=f"""
SELECT s.snapshot_id, {age_of("min(u.day)")} AS age, date_diff('day', s.starts_on, min(u.day)) AS after_start
FROM looks s JOIN first_use u ON u.account = s.account AND u.known_on < s.cutoff
GROUP BY s.snapshot_id, s.cutoff, s.starts_on""",
)

SEEN = """
SELECT snapshot_id, {what}, bit_or({{bit}}) AS mask, min(age) AS last_age,
       sum(CASE WHEN age <= 28 THEN events ELSE 0 END) AS events_28,
       sum(CASE WHEN age <= 84 THEN events ELSE 0 END) AS events_84,
       sum(CASE WHEN age <= 182 THEN events ELSE 0 END) AS events_182,
       sum(CASE WHEN age <= 364 THEN events ELSE 0 END) AS events_364
FROM (
  SELECT s.snapshot_id, u.{what}, u.events, {age} AS age
  FROM looks s JOIN {what_day} u ON u.account = s.account AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}}{where})
GROUP BY snapshot_id, {what}"""
"""Each person or feature seen from each snapshot: in which stretches, how lately, how much."""

USER = Grain(
    name="user",
    windows="mask",
    needs=("events.user_id",),
    rows=SEEN.format(
        what="person",
        what_day="user_day",
        age=age_of("u.day"),
        where="\n  WHERE u.person IS NOT NULL AND u.events > 0",
    ),
)

FEATURE = Grain(
    name="feature",
    windows="mask",
    rows=f"""
SELECT f.*, coalesce(m.core, 0) = 1 AS core, coalesce(m.sticky, 0) = 1 AS sticky, m.stickies
FROM ({SEEN.format(what="feature", what_day="feature_day", age=age_of("u.day"), where="")}) f
JOIN looks l ON l.snapshot_id = f.snapshot_id
LEFT JOIN feature_mark m ON m.feature = f.feature AND m.quarter = {quarter("l.cutoff")}""",
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
    FLEET,
    TERM,
    LIST_PRICE,
    TICKET,
    INVOICE,
    SURVEY,
    TOUCH,
    *COMMERCIAL,
    *HABITS,
)

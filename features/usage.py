"""The daily usage rollup: events once to (account, user, event, day), and from it a table for each thing we look at.

Sums are kept as decimals, so that the same facts give the same bits in whatever order they are added. Accounts, people
and features are numbered, and rows lie in the order of accounts: what is looked at together is stored together.

What became known later than the day it tells of adds only what was not known before. So every column sums over days
and over the days on which they became known, and nothing needs to be counted as distinct again.
"""

from features.engines.duckdb import DuckEngine
from features.kept_usage import KeptUsage

LARGEST = 1e13
"""Quantities beyond this are cut to it: a decimal of 18 digits with four after the point holds no more."""

SLOT_MINUTES = 30
"""A person's day is kept as 48 half-hour slots in the bits of one integer; half an hour of silence ends a session,
the usual definition in web analytics."""


def exact(expression: str) -> str:
    """The SQL of a number as a decimal: its sums do not depend on the order of rows."""
    # Bounds alone would turn an unknown value into the lowest one: greatest and least pass NULL over.
    bounded = f"least(greatest({expression}, -{LARGEST:.0f}), {LARGEST:.0f})"
    return f"CAST(CASE WHEN {expression} IS NOT NULL THEN {bounded} END AS DECIMAL(18, 4))"


ROLLUP = f"""
SELECT account_id, user_id, event, CAST(occurred_at AS DATE) AS day, CAST(known_at AS DATE) AS known_on,
       coalesce(actor, 'human') = 'human' AS human,
       count(*) AS events,
       CAST(sum({exact("quantity")}) AS DECIMAL(38, 4)) AS quantity,
       CAST(sum({exact("duration_s")}) AS DECIMAL(38, 4)) AS duration_s,
       bit_or(CAST(1 AS BIGINT) << ((hour(occurred_at) * 60 + minute(occurred_at)) // {SLOT_MINUTES})) AS slots
FROM events {{where}}
GROUP BY ALL
"""

ACCOUNT_NUMBER = """
SELECT CAST(row_number() OVER (ORDER BY account_id) AS INTEGER) AS account, account_id
FROM (SELECT DISTINCT account_id FROM usage)
"""

PERSON_NUMBER = """
SELECT CAST(row_number() OVER (ORDER BY account_id, user_id) AS INTEGER) AS person, account_id, user_id
FROM (SELECT DISTINCT account_id, user_id FROM usage WHERE user_id IS NOT NULL)
"""

FEATURE_NUMBER = """
SELECT CAST(row_number() OVER (ORDER BY event) AS INTEGER) AS feature, event
FROM (SELECT DISTINCT event FROM usage)
"""

NUMBERED = """
SELECT a.account, p.person, f.feature, u.day, u.known_on, u.human, u.events, u.quantity, u.duration_s, u.slots
FROM usage u JOIN account_number a ON a.account_id = u.account_id JOIN feature_number f ON f.event = u.event
LEFT JOIN person_number p ON p.account_id = u.account_id AND p.user_id = u.user_id
ORDER BY a.account
"""

USER_DAY = """
SELECT account, person, day, known_on,
       CAST(sum(CASE WHEN human THEN events ELSE 0 END) AS BIGINT) AS events,
       CAST(sum(CASE WHEN human THEN 0 ELSE events END) AS BIGINT) AS api_events,
       coalesce(sum(CASE WHEN human THEN quantity END), 0) AS quantity,
       sum(CASE WHEN human THEN duration_s END) AS duration_s,
       bit_or(CASE WHEN human AND person IS NOT NULL THEN slots ELSE 0 END) AS slots
FROM usage_numbered GROUP BY account, person, day, known_on ORDER BY account
"""

FEATURE_DAY = """
SELECT account, feature, day, known_on, CAST(sum(events) AS BIGINT) AS events
FROM usage_numbered WHERE human GROUP BY account, feature, day, known_on ORDER BY account
"""

SEEN_BEFORE = """
SELECT late.person, late.day, late.known_on, bit_or(early.slots) AS slots
FROM user_day late JOIN user_day early
  ON early.person = late.person AND early.day = late.day AND early.known_on < late.known_on
WHERE late.known_on > late.day
GROUP BY late.person, late.day, late.known_on
"""

USED_BEFORE = """
SELECT DISTINCT late.account, late.day, late.known_on
FROM user_day late JOIN user_day early
  ON early.account = late.account AND early.day = late.day AND early.known_on < late.known_on
WHERE late.known_on > late.day AND early.events > 0
"""

ACCOUNT_DAY = """
SELECT t.*, CASE WHEN t.events > 0 AND b.account IS NULL THEN 1 ELSE 0 END AS active_days,
       CASE WHEN isodow(t.day) >= 6 THEN t.events ELSE 0 END AS weekend_events
FROM (
  SELECT account, day, known_on,
         CAST(sum(events) AS BIGINT) AS events, CAST(sum(api_events) AS BIGINT) AS api_events,
         sum(quantity) AS quantity, sum(duration_s) AS duration_s,
         CAST(sum(CASE WHEN now <> 0 AND old = 0 THEN 1 ELSE 0 END) AS BIGINT) AS user_days,
         CAST(sum(bit_count(now) - bit_count(old)) AS BIGINT) AS half_hours,
         CAST(sum(bit_count(now & ~(now << 1)) - bit_count(old & ~(old << 1))) AS BIGINT) AS sessions
  FROM (
    SELECT u.*, coalesce(b.slots, 0) AS old, coalesce(b.slots, 0) | u.slots AS now
    FROM user_day u LEFT JOIN seen_before b ON b.person = u.person AND b.day = u.day AND b.known_on = u.known_on)
  GROUP BY account, day, known_on) t
LEFT JOIN used_before b ON b.account = t.account AND b.day = t.day AND b.known_on = t.known_on
ORDER BY t.account
"""

FIRST_USE = """
WITH told AS (
  SELECT account, known_on, min(day) AS day FROM account_day WHERE events > 0 GROUP BY account, known_on),
first AS (
  SELECT account, min(known_on) AS known_on, arg_min(day, known_on) AS day FROM told GROUP BY account),
earliest AS (
  SELECT t.account, t.known_on, t.day,
         min(t.day) OVER (PARTITION BY t.account ORDER BY t.known_on
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
  FROM told t JOIN first f ON f.account = t.account AND (t.known_on = f.known_on OR t.day < f.day))
SELECT account, day, known_on FROM earliest WHERE earlier IS NULL OR day < earlier
"""

FLEET_DAY = """
SELECT day, known_on, CAST(sum(events) AS BIGINT) AS events
FROM account_day WHERE events > 0 GROUP BY day, known_on
"""

ROLLUPS = {
    "usage": ROLLUP.replace("{where}\n", "\n"),
    "account_number": ACCOUNT_NUMBER,
    "person_number": PERSON_NUMBER,
    "feature_number": FEATURE_NUMBER,
    "usage_numbered": NUMBERED,
    "user_day": USER_DAY,
    "feature_day": FEATURE_DAY,
    "seen_before": SEEN_BEFORE,
    "used_before": USED_BEFORE,
    "account_day": ACCOUNT_DAY,
    "first_use": FIRST_USE,
    "fleet_day": FLEET_DAY,
}
"""Each rollup by its name, in the order in which they are built."""

SCRATCH = ("usage_numbered", "seen_before", "used_before")
"""The rollups that only others read."""


def build(engine: DuckEngine, kept: KeptUsage | None = None) -> None:
    """Roll the accepted events up, once, into the tables of `ROLLUPS`; from what is ``kept``, only what is new."""
    for name, sql in ROLLUPS.items():
        if name == "usage" and kept is not None:
            kept.refresh(engine, ROLLUP)
            continue
        engine.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")
    for name in SCRATCH:
        engine.execute(f"DROP TABLE {name}")

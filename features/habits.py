"""Rollups of habits: gaps between days of use, weekdays and hours, days too long for one person, the fleet's features.

They stand on `features.usage` and keep its promise: what becomes known later adds only what was not known before, so
that a look counts what was known before its cutoff and nothing else.
"""

from features.engines import Engine
from features.keeping.step import Kind, Step

LONG_DAY = 28
"""Half-hours of one login on one day, 14 hours, that one person hardly works: several people may share it."""

PARTS = 8
"""Parts of three hours that a day has. Seen in all of them, nobody slept: no rest was as long as six hours."""

COUNT_BITS = 7
"""Bits of each count that shares a number with others: windows of up to 84 days hold no more than 127."""

CORE = 5
"""How many features are the core of the product: those that most accounts used in the quarter before."""

STICKY = 5
"""How many features are sticky at most: those whose accounts stayed more often than accounts do."""

FEWEST_ACCOUNTS = 5
"""A feature that fewer accounts used says nothing about who stays."""


def quarter(day: str) -> str:
    """The SQL of a calendar quarter as a running number."""
    return f"(year({day}) * 4 + (month({day}) - 1) // 3)"


def part(slots: str, number: int) -> str:
    """The SQL of the half-hours of one part of the day."""
    width = 48 // PARTS
    return f"({slots} & {((1 << width) - 1) << (number * width)})"


RESTLESS = " AND ".join(f"{part('{slots}', number)} <> 0" for number in range(PARTS))
"""Whether somebody was seen in all parts of the day."""

PARTS_SEEN = " + ".join(
    f"CASE WHEN {part('slots', n)} <> 0 THEN CAST({1 << (COUNT_BITS * n)} AS BIGINT) ELSE 0 END" for n in range(PARTS)
)
NEW_PART = "CASE WHEN {now} <> 0 AND {old} = 0 THEN CAST({one} AS BIGINT) ELSE 0 END"
NEW_PARTS = " + ".join(
    NEW_PART.format(now=part("slots", n), old=part("old", n), one=1 << (COUNT_BITS * n)) for n in range(PARTS)
)
"""One count for each part of the day in which people of the account were seen, side by side in one number."""

SOME_LATE = """SELECT u.account, u.day, u.known_on, coalesce(b.slots, 0) AS old, coalesce(b.slots, 0) | u.slots AS now
  FROM user_day u LEFT JOIN seen_before b
    ON b.account = u.account AND b.person = u.person AND b.day = u.day AND b.known_on = u.known_on"""

HABIT_DAY_IN_TIME = f"""
SELECT account, day, day AS known_on,
       CAST(1 AS BIGINT) << CAST({COUNT_BITS} * (isodow(day) - 1) AS BIGINT) AS weekdays, {PARTS_SEEN} AS parts,
       long_days, restless_days, longest
FROM (
  SELECT account, day, bit_or(slots) AS slots,
         CAST(sum(CASE WHEN bit_count(slots) >= {LONG_DAY} THEN 1 ELSE 0 END) AS BIGINT) AS long_days,
         CAST(sum(CASE WHEN bit_count(slots) >= {PARTS} AND {RESTLESS.format(slots="slots")}
                       THEN 1 ELSE 0 END) AS BIGINT) AS restless_days,
         nullif(max(CAST(bit_count(slots) AS BIGINT)), 0) AS longest
  FROM user_day WHERE events > 0 GROUP BY account, day)
ORDER BY account
"""

LONG_DAYS = f"""
SELECT account, day, known_on, bit_or(now) AS slots,
       CAST(sum(CASE WHEN bit_count(now) >= {LONG_DAY} AND bit_count(old) < {LONG_DAY} THEN 1 ELSE 0 END) AS BIGINT)
         AS long_days,
       CAST(sum(CASE WHEN {RESTLESS.format(slots="now")} AND NOT ({RESTLESS.format(slots="old")})
                     THEN 1 ELSE 0 END) AS BIGINT) AS restless_days,
       max(CAST(bit_count(now) AS BIGINT)) AS longest
FROM ({SOME_LATE})
WHERE now <> 0 GROUP BY account, day, known_on
"""

SLOTS_BEFORE = """
SELECT late.account, late.day, late.known_on, bit_or(early.slots) AS slots
FROM long_days late JOIN long_days early
  ON early.account = late.account AND early.day = late.day AND early.known_on < late.known_on
WHERE late.known_on > late.day
GROUP BY late.account, late.day, late.known_on
"""

HABIT_DAY = f"""
SELECT account, day, known_on, weekdays, {NEW_PARTS} AS parts, long_days, restless_days, longest
FROM (
  SELECT t.account, t.day, t.known_on, coalesce(d.slots, 0) AS slots, coalesce(b.slots, 0) AS old,
         CASE WHEN t.active_days = 1
              THEN CAST(1 AS BIGINT) << CAST({COUNT_BITS} * (isodow(t.day) - 1) AS BIGINT) ELSE 0 END AS weekdays,
         coalesce(d.long_days, 0) AS long_days, coalesce(d.restless_days, 0) AS restless_days, d.longest
  FROM account_day t
  LEFT JOIN long_days d ON d.account = t.account AND d.day = t.day AND d.known_on = t.known_on
  LEFT JOIN slots_before b ON b.account = t.account AND b.day = t.day AND b.known_on = t.known_on)
WHERE weekdays <> 0 OR slots <> 0
ORDER BY account
"""

GAP_IN_TIME = """
SELECT account, day, day AS known_on, CAST(NULL AS DATE) AS void_on, days
FROM (
  SELECT account, day, date_diff('day', lag(day) OVER (PARTITION BY account ORDER BY day), day) AS days
  FROM {rows} WHERE active_days = 1)
WHERE days > 1
ORDER BY account
"""

GAP = """
WITH used AS (
  SELECT account, day, known_on,
         min(known_on) OVER (PARTITION BY account ORDER BY day
                             ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later
  FROM {rows} WHERE active_days = 1),
judged AS (
  SELECT account, day, known_on, CASE WHEN known_on > later THEN 1 ELSE 0 END AS late FROM used),
grouped AS (
  SELECT account, day, known_on, late,
         sum(1 - late) OVER (PARTITION BY account ORDER BY day
                             ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
  FROM judged),
pairs AS (
  SELECT a.account, b.day, date_diff('day', a.day, b.day) AS days, greatest(a.known_on, b.known_on) AS known_on,
         min(b.known_on) OVER (PARTITION BY a.account, a.day ORDER BY b.day
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS void_on
  FROM grouped a JOIN grouped b
    ON b.account = a.account AND b.island - (1 - b.late) = a.island AND b.day > a.day)
SELECT account, day, known_on, void_on, days FROM pairs
WHERE days > 1 AND (void_on IS NULL OR known_on < void_on)
ORDER BY account
"""
"""Every gap between two days of use that anybody ever knew of, and the day on which a use between them became known.

Only days known later than a day after them, the late ones, can part a gap that was known before: such a gap lies among
late days that follow one another, an island, and the days in time beside them.
"""

FEATURE_BEGUN_IN_TIME = """
SELECT account, feature, min(day) AS day, min(day) AS known_on
FROM {rows} GROUP BY account, feature ORDER BY account
"""

FEATURE_BEGUN = """
SELECT account, feature, day, known_on
FROM (
  SELECT account, feature, day, known_on,
         min(day) OVER (PARTITION BY account, feature ORDER BY known_on
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
  FROM (SELECT account, feature, known_on, min(day) AS day FROM {rows} GROUP BY account, feature, known_on))
WHERE earlier IS NULL OR day < earlier
ORDER BY account
"""
"""From when each account used each feature, as far as was known on which day."""

FEATURE_QUARTER = f"""
SELECT account, feature, {quarter("day")} + 1 AS quarter, min(day) AS day
FROM {{rows}} WHERE {quarter("known_on")} = {quarter("day")} GROUP BY account, feature, {quarter("day")}
"""
"""Which account used which feature in the quarter before, as known by its end, and from which day of it."""

FEATURE_MARK = f"""
WITH there AS (SELECT DISTINCT account, quarter FROM {{rows}}),
usual AS (
  SELECT e.quarter + 1 AS quarter, count(*) AS accounts, count(n.account) AS stayed
  FROM there e LEFT JOIN there n ON n.account = e.account AND n.quarter = e.quarter + 1
  GROUP BY e.quarter + 1),
kept AS (
  SELECT u.quarter + 1 AS quarter, u.feature, count(*) AS accounts, count(n.account) AS stayed
  FROM {{rows}} u LEFT JOIN there n ON n.account = u.account AND n.quarter = u.quarter + 1
  GROUP BY u.quarter + 1, u.feature),
core AS (
  SELECT quarter, feature,
         row_number() OVER (PARTITION BY quarter ORDER BY accounts DESC, event) AS place
  FROM (SELECT quarter, feature, count(*) AS accounts FROM {{rows}} GROUP BY quarter, feature) c
  JOIN feature_number f USING (feature)),
sticky AS (
  SELECT k.quarter, k.feature,
         row_number() OVER (PARTITION BY k.quarter
           ORDER BY CAST(k.stayed AS DOUBLE) / k.accounts DESC, k.accounts DESC, f.event) AS place
  FROM kept k JOIN usual u ON u.quarter = k.quarter JOIN feature_number f ON f.feature = k.feature
  WHERE k.accounts >= {FEWEST_ACCOUNTS} AND k.stayed * u.accounts > u.stayed * k.accounts),
marked AS (
  SELECT quarter, feature, max(core) AS core, max(sticky) AS sticky
  FROM (
    SELECT quarter, feature, 1 AS core, 0 AS sticky FROM core WHERE place <= {CORE} UNION ALL
    SELECT quarter, feature, 0 AS core, 1 AS sticky FROM sticky WHERE place <= {STICKY})
  GROUP BY quarter, feature)
SELECT quarter, feature, core, sticky,
       CAST(sum(sticky) OVER (PARTITION BY quarter) AS BIGINT) AS stickies
FROM marked
"""
"""The core and the sticky features of each quarter, decided at its beginning from what was known then."""

OF_DAYS = frozenset({"weekdays", "parts", "long_days", "restless_days", "longest"})
"""What a day of habits tells."""

OF_FEATURES = frozenset({"core", "sticky", "days"})
READ_BY = {
    "gap": frozenset({"days"}),
    **dict.fromkeys(("feature_begun", "feature_quarter", "feature_mark"), OF_FEATURES),
}
"""The columns of grains for which a rollup is read; the others are read for those of `OF_DAYS`."""

SCRATCH = ("long_days", "slots_before", "feature_quarter")
"""The rollups that only others read."""


SOURCES = {
    "gap": "account_day",
    **dict.fromkeys(("feature_begun", "feature_quarter"), "feature_day"),
    "feature_mark": "feature_quarter",
}
"""What ``{rows}`` stands for."""

LAST_USES = """
SELECT u.account, max(u.day) AS day, max(u.day) AS known_on, 1 AS active_days
FROM account_day u JOIN touched t ON t.account = u.account AND u.day < t.since AND u.known_on < t.since
WHERE u.active_days = 1 GROUP BY u.account
UNION ALL
SELECT u.account, u.day, u.known_on, 1 AS active_days
FROM account_day u JOIN touched t ON t.account = u.account AND u.day < t.since AND u.known_on >= t.since
WHERE u.active_days = 1 AND u.known_on >= {since}
"""
"""The last day of use that was known before some day, and those that became known later.

No gap that ends on that day or later begins before that last day of use: it would have parted it from the beginning.
When exactly the last day of use was known does not matter: before anything that comes after it.
"""

CARRIES = {
    "gap": LAST_USES,
    "feature_begun": """
SELECT b.* FROM feature_begun b
JOIN touched t ON t.account = b.account AND t.feature = b.feature AND b.day < t.since
""",
    "feature_quarter": """
SELECT q.account, q.feature, q.day, q.day AS known_on FROM feature_quarter q
JOIN touched t ON t.account = q.account AND t.feature = q.feature AND q.day < t.since
WHERE q.day >= date_trunc('quarter', {since})
""",
    "feature_mark": """
SELECT q.* FROM feature_quarter q JOIN touched t ON q.day < t.since
WHERE q.day >= date_trunc('quarter', {since}) - INTERVAL 3 MONTH
""",
}
"""What a rollup needs to know of the days before some day to be made from that day on."""

DECIDED_ON = "make_date(CAST(quarter // 4 AS INTEGER), CAST(quarter % 4 * 3 + 1 AS INTEGER), 1) - 1"
"""The SQL of the day before a quarter begins, by which its features are marked."""


def rollups(*, late: bool) -> dict[str, str]:
    """The SQL of each rollup by its name, in order; ``late``: some facts became known after their day."""
    return {name: sql.replace("{rows}", SOURCES.get(name, "")) for name, sql in _over_rows(late=late).items()}


def _over_rows(*, late: bool) -> dict[str, str]:
    """The same over whatever ``{rows}`` will stand for."""
    features = {"feature_quarter": FEATURE_QUARTER, "feature_mark": FEATURE_MARK}
    if not late:
        return {
            "habit_day": HABIT_DAY_IN_TIME,
            "gap": GAP_IN_TIME,
            "feature_begun": FEATURE_BEGUN_IN_TIME,
            **features,
        }
    return {
        "long_days": LONG_DAYS,
        "slots_before": SLOTS_BEFORE,
        "habit_day": HABIT_DAY,
        "gap": GAP,
        "feature_begun": FEATURE_BEGUN,
        **features,
    }


def steps() -> tuple[Step, ...]:
    """Every rollup as it is kept between runs, after those of `features.usage`."""
    kinds: dict[str, Kind] = dict.fromkeys(("long_days", "slots_before"), "scratch")
    kinds |= dict.fromkeys(SOURCES, "since")
    keys = {"gap": ("account",), **dict.fromkeys(("feature_begun", "feature_quarter"), ("account", "feature"))}
    return tuple(
        Step(
            name=name,
            sql=sql,
            kind=kinds.get(name, "by day"),
            source=SOURCES.get(name, ""),
            keys=keys.get(name, ()),
            carry=CARRIES.get(name, ""),
            day=DECIDED_ON if name == "feature_mark" else "day",
        )
        for name, sql in _over_rows(late=True).items()
    )


def build(engine: Engine, read: frozenset[str] | None = None) -> None:
    """Make the rollups from those of `features.usage`; where every fact was known on its day, the short way.

    ``read`` names the columns that somebody will read (None: any); what nobody reads is left empty.
    """
    late = bool(engine.rows("SELECT 1 FROM account_day WHERE known_on > day LIMIT 1"))
    for name, sql in rollups(late=late).items():
        wanted = read is None or READ_BY.get(name, OF_DAYS) & read
        engine.execute(f"CREATE OR REPLACE TABLE {name} AS {sql if wanted else f'SELECT * FROM ({sql}) WHERE false'}")
    for name in SCRATCH:
        engine.execute(f"DROP TABLE IF EXISTS {name}")

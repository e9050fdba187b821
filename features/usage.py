"""The daily usage rollup: events once to (account, user, event, day), and from it a table for each thing we look at.

Sums are kept as decimals, so that the same facts give the same bits in whatever order they are added. Accounts, people
and features are numbered, and rows lie in the order of accounts: what is looked at together is stored together.

What became known later than the day it tells of adds only what was not known before. So every column sums over days
and over the days on which they became known, and nothing needs to be counted as distinct again.
"""

from features import habits
from features.facts import Facts
from features.keeping.step import Kind, Step

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


ACCOUNT_NUMBER = """
SELECT CAST(row_number() OVER (ORDER BY account_id) AS INTEGER) AS account, account_id
FROM (SELECT DISTINCT account_id FROM usage)
"""

FEATURE_NUMBER = """
SELECT CAST(row_number() OVER (ORDER BY event) AS INTEGER) AS feature, event
FROM (SELECT DISTINCT event FROM usage)
"""

# People are only told apart within an account: of n people two share a hash of 64 bits once in 2^65 / n^2 accounts.
NUMBERED = """
SELECT a.account, CASE WHEN u.user_id IS NOT NULL THEN hash(u.user_id) END AS person, f.feature,
       u.day, u.known_on, u.human, u.events, u.quantity, u.duration_s, u.slots
FROM usage u JOIN account_number a ON a.account_id = u.account_id JOIN feature_number f ON f.event = u.event
"""

# Counts are summed as floats, which is quicker and, below 2^53, as exact. The order keeps together what is looked at
# together: looking from snapshots is half as dear then.
USER_DAY = """
SELECT account, person, day, known_on, {cells}
FROM usage_numbered GROUP BY account, person, day, known_on ORDER BY account
"""

FEATURE_DAY = """
SELECT account, feature, day, known_on, sum(CAST(events AS DOUBLE)) AS events
FROM usage_numbered WHERE human GROUP BY account, feature, day, known_on ORDER BY account
"""

SEEN_BEFORE = """
SELECT late.account, late.person, late.day, late.known_on, bit_or(early.slots) AS slots
FROM user_day late JOIN user_day early
  ON early.account = late.account AND early.person = late.person AND early.day = late.day
 AND early.known_on < late.known_on
WHERE late.known_on > late.day
GROUP BY late.account, late.person, late.day, late.known_on
"""

USED_BEFORE = """
SELECT DISTINCT late.account, late.day, late.known_on
FROM user_day late JOIN user_day early
  ON early.account = late.account AND early.day = late.day AND early.known_on < late.known_on
WHERE late.known_on > late.day AND early.events > 0
"""

ACCOUNT_DAY = """
SELECT t.*, CAST({active} AS DOUBLE) AS active_days,
       CASE WHEN isodow(t.day) >= 6 THEN t.events ELSE 0 END AS weekend_events
FROM (
  SELECT account, day, known_on,
         sum(events) AS events, sum(api_events) AS api_events,
         {quantity} AS quantity, {duration_s} AS duration_s,
         sum(CASE WHEN now <> 0 AND old = 0 THEN CAST(1 AS DOUBLE) ELSE 0 END) AS user_days,
         sum(CAST(bit_count(now) - bit_count(old) AS DOUBLE)) AS half_hours,
         sum(CAST(bit_count(now & ~(now << 1)) - bit_count(old & ~(old << 1)) AS DOUBLE)) AS sessions
  FROM ({user_day})
  GROUP BY account, day, known_on) t
{used_before}
ORDER BY t.account
"""

SUMS = {name: exact(f"sum({name})") for name in ("quantity", "duration_s")}
"""The sums of an account's day; like what they add up, they are cut to what a decimal holds."""

ALL_IN_TIME = {
    "active": "CASE WHEN t.events > 0 THEN 1 ELSE 0 END",
    "user_day": "SELECT *, CAST(0 AS BIGINT) AS old, slots AS now FROM user_day",
    "used_before": "",
}
"""Of days that are known on the day itself."""

SOME_LATE = {
    "active": "CASE WHEN t.events > 0 AND b.account IS NULL THEN 1 ELSE 0 END",
    "user_day": """
    SELECT u.*, coalesce(b.slots, 0) AS old, coalesce(b.slots, 0) | u.slots AS now
    FROM user_day u LEFT JOIN seen_before b
      ON b.account = u.account AND b.person = u.person AND b.day = u.day AND b.known_on = u.known_on""",
    "used_before": "LEFT JOIN used_before b ON b.account = t.account AND b.day = t.day AND b.known_on = t.known_on",
}
"""Of days of which more becomes known later: only what was not known before is added."""

FIRST_USE = """
WITH told AS (
  SELECT account, known_on, min(day) AS day FROM {rows} WHERE events > 0 GROUP BY account, known_on),
first AS (
  SELECT account, min(known_on) AS known_on, arg_min(day, known_on) AS day FROM told GROUP BY account),
earliest AS (
  SELECT t.account, t.known_on, t.day,
         min(t.day) OVER (PARTITION BY t.account ORDER BY t.known_on
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
  FROM told t JOIN first f ON f.account = t.account AND (t.known_on = f.known_on OR t.day < f.day))
SELECT account, day, known_on FROM earliest WHERE earlier IS NULL OR day < earlier
"""

USED_EARLIER = """
SELECT f.*, 1 AS events FROM first_use f JOIN touched t ON t.account = f.account AND f.day < t.since
"""

FIRST_USE_IN_TIME = """
SELECT account, min(day) AS day, min(day) AS known_on FROM account_day WHERE events > 0 GROUP BY account
"""

FLEET_DAY = """
SELECT day, known_on, sum(events) AS events
FROM account_day WHERE events > 0 GROUP BY day, known_on
"""

# An event without an actor has the default one.
EVENT_DAWN = """
SELECT min(known_on) AS account_id, min(known_on) AS event, min(known_on) AS occurred_at, min(known_on) AS actor,
       min(CASE WHEN user_id IS NOT NULL THEN known_on END) AS user_id,
       min(CASE WHEN quantity IS NOT NULL THEN known_on END) AS quantity,
       min(CASE WHEN duration_s IS NOT NULL THEN known_on END) AS duration_s
FROM usage
"""

DAWN_DAY = EVENT_DAWN.replace("SELECT", "SELECT day,").replace("FROM usage", "FROM usage GROUP BY day")
_DAWNS = ("account_id", "event", "occurred_at", "actor", "user_id", "quantity", "duration_s")
DAWN_OF_DAYS = f"SELECT {', '.join(f'min({name}) AS {name}' for name in _DAWNS)} FROM dawn_day"
"""The same by day, and of all days."""

OPTIONAL = frozenset({"known_at", "actor", "quantity", "duration_s", "slots"})
"""What the rollup tells beside events: where nothing is known of it, or nobody asks, a constant is cheaper."""

MADE_OF = {
    "slots": {"half_hours", "sessions", "user_days"} | (habits.OF_DAYS - {"weekdays"}),
    "quantity": {"quantity"},
    "duration_s": {"duration_s"},
}
"""The columns of `account_day` and of `features.habits` that rest on an optional one."""

SCRATCH = ("usage_numbered", "seen_before", "used_before")
"""The rollups that only others read."""


def rollup(told: frozenset[str] = OPTIONAL) -> str:
    """The SQL of the rollup of events, with ``{where}`` for the rows it shall read; ``told`` of `OPTIONAL`."""
    keys, sums = ["account_id, user_id, event, CAST(occurred_at AS DATE) AS day"], ["count(*) AS events"]
    outer = {"known_on": "day", "human": "true", "quantity": "CAST(events AS DECIMAL(18, 4))"}
    outer |= {"duration_s": "CAST(NULL AS DECIMAL(18, 4))", "slots": "CAST(0 AS BIGINT)"}
    if "known_at" in told:
        keys.append("CAST(known_at AS DATE) AS known_on")
    if "actor" in told:
        keys.append("coalesce(actor, 'human') = 'human' AS human")
    for name in ("quantity", "duration_s"):
        if name in told:
            total = f"sum({exact(name)})"
            sums.append(f"{exact(total)} AS {name}")
    if "slots" in told:
        half_hour = f"(hour(occurred_at) * 60 + minute(occurred_at)) // {SLOT_MINUTES}"
        sums.append(f"bit_or(CAST(1 AS BIGINT) << ({half_hour})) AS slots")
    inner = f"SELECT {', '.join(keys)},\n         {', '.join(sums)}\n  FROM events {{where}}\n  GROUP BY ALL"
    constants = {"known_at": "known_on", "actor": "human"}
    given = {constants.get(name, name) for name in told}
    cells = [name if name in given else f"{constant} AS {name}" for name, constant in outer.items()]
    return f"\nSELECT account_id, user_id, event, day, events, {', '.join(cells)}\nFROM (\n  {inner})\n"


def _user_day(told: frozenset[str]) -> str:
    """The SQL of what each person did on each day; what is not told costs nothing."""
    events, slots = "CAST(events AS DOUBLE)", "slots"
    cells = {"events": f"sum({events})", "api_events": "CAST(0 AS DOUBLE)"}
    people = {name: name for name in ("quantity", "duration_s")}
    if "actor" in told:
        cells = {
            "events": f"sum(CASE WHEN human THEN {events} ELSE 0 END)",
            "api_events": f"sum(CASE WHEN human THEN 0 ELSE {events} END)",
        }
        people = {name: f"CASE WHEN human THEN {name} END" for name in people}
        slots = "CASE WHEN human THEN slots ELSE 0 END"
    cells["quantity"] = exact(f"coalesce(sum({people['quantity']}), 0)")
    cells["duration_s"] = "CAST(NULL AS DECIMAL(18, 4))"
    if "duration_s" in told:
        cells["duration_s"] = exact(f"sum({people['duration_s']})")
    cells["slots"] = f"CASE WHEN person IS NOT NULL THEN bit_or({slots}) ELSE 0 END"
    if "slots" not in told:
        cells["slots"] = "CAST(0 AS BIGINT)"
    return USER_DAY.format(cells=",\n       ".join(f"{cell} AS {name}" for name, cell in cells.items()))


def rollups(told: frozenset[str] = OPTIONAL) -> dict[str, str]:
    """The SQL of each rollup by its name, in the order in which they are built."""
    late = "known_at" in told
    before = {"seen_before": SEEN_BEFORE, "used_before": USED_BEFORE} if late else {}
    return {
        "usage": rollup(told).replace("{where}", ""),
        "account_number": ACCOUNT_NUMBER,
        "feature_number": FEATURE_NUMBER,
        "event_dawn": EVENT_DAWN,
        "usage_numbered": NUMBERED,
        "user_day": _user_day(told),
        "feature_day": FEATURE_DAY,
        **before,
        "account_day": ACCOUNT_DAY.format(**(SOME_LATE if late else ALL_IN_TIME), **SUMS),
        "first_use": FIRST_USE.replace("{rows}", "account_day") if late else FIRST_USE_IN_TIME,
        "fleet_day": FLEET_DAY,
    }


def steps() -> tuple[Step, ...]:
    """Every rollup as it is kept between runs, those of habits too, whatever the events hold."""
    kinds: dict[str, Kind] = {
        **dict.fromkeys(("usage", "usage_numbered", "seen_before", "used_before"), "scratch"),
        **dict.fromkeys(("account_number", "feature_number"), "numbers"),
    }
    made = rollups() | {"usage": rollup(), "dawn_day": DAWN_DAY}
    apart = {
        "first_use": Step(
            name="first_use",
            sql=FIRST_USE,
            kind="since",
            source="account_day",
            keys=("account",),
            carry=USED_EARLIER,
        ),
        "event_dawn": Step(name="event_dawn", sql=DAWN_OF_DAYS, kind="whole"),
    }
    by_day = [
        Step(name=name, sql=sql, kind=kinds.get(name, "by day")) for name, sql in made.items() if name not in apart
    ]
    return (*by_day, *apart.values(), *habits.steps())


def build(facts: Facts, read: frozenset[str] | None = None) -> None:
    """Roll the accepted events up, once, into the tables of `rollups`; from what is kept, only what is new.

    ``read`` names the columns of the rollups that somebody will read (None: any); the others may hold constants.
    """
    engine, told = facts.engine, _told(facts, read)
    with engine.unordered():
        if facts.kept is not None:
            facts.kept.refresh(engine, steps())
            return
        for name, sql in rollups(told).items():
            engine.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")
        habits.build(engine, read)
        for name in SCRATCH:
            engine.execute(f"DROP TABLE IF EXISTS {name}")


def _told(facts: Facts, read: frozenset[str] | None) -> frozenset[str]:
    """What of `OPTIONAL` the events hold and somebody reads."""
    known = facts.known.get("events", frozenset()) | {"slots"}
    unread = {name for name, columns in MADE_OF.items() if read is not None and not columns & read}
    return OPTIONAL & known - unread

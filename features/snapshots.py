"""Snapshots: which accounts are looked at from which cutoffs, and how each of those looks turned out."""

from dataclasses import dataclass
from datetime import date

from features import bought, outcomes
from features.facts import Facts

LEADS_BY_TERM: tuple[tuple[int, tuple[int, ...]], ...] = (
    (300, (30, 60, 90, 120, 180)),
    (150, (30, 60, 90)),
    (75, (14, 30, 60)),
    (0, (7, 14, 21)),
)
"""Lead times in days for terms of at least so many days: a monthly term is not looked at 90 days ahead."""

ACTIVE_DAYS = 90
HORIZON_DAYS = 90
EVERY_DAYS = 30

PEERS = 2_000
"""Accounts of a book that others are compared with: a year of them puts a standing within half a per cent."""

COLUMNS = """account_id, contract_id, cutoff, lead_days, starts_on, ends_on, arr, seats, plan, auto_renew,
       outcome_left, decided_on"""

USED = """(SELECT n.account_id, d.day, d.known_on FROM account_day d JOIN account_number n USING (account)
      WHERE d.events > 0)"""
"""Each account's days of use."""


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """Look at each contract some days before it ends; it left if it churned.

    ``lead_days`` empty: those of `LEADS_BY_TERM`. A lead time as long as the term, or longer, is left out.
    """

    lead_days: tuple[int, ...] = ()
    grace_days: int = outcomes.GRACE_DAYS


@dataclass(frozen=True, kw_only=True)
class Inactivity:
    """Look at each account active in the last ``active_days``; it left if it does nothing in the next ``horizon_days``.

    Cutoffs lie ``every_days`` apart.
    """

    active_days: int = ACTIVE_DAYS
    horizon_days: int = HORIZON_DAYS
    every_days: int = EVERY_DAYS


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Look at the accounts of the book that ``of`` makes; one expands if it buys more in the next ``horizon_days``.

    Cutoffs lie ``every_days`` apart. `features.bought` says what buying more is.
    """

    of: Renewal | Inactivity
    horizon_days: int = HORIZON_DAYS
    every_days: int = EVERY_DAYS


Mode = Renewal | Inactivity | Expansion


def lay_past(facts: Facts, mode: Mode, *, anchor: date) -> None:
    """Make the table ``snapshots`` of every past look whose outcome is decided; ``anchor`` is a cutoff of the grid.

    ``outcome_left`` is 1 where the account left, or where it bought more if that is what is asked.
    """
    outcomes.lay(facts, grace_days=_grace(mode))
    if isinstance(mode, Expansion):
        bought.lay(facts, grace_days=_grace(mode))
        sql = _past_expansions(facts, mode, anchor)
    else:
        sql = _past_renewals(mode) if isinstance(mode, Renewal) else _past_inactivity(facts, mode, anchor)
    _number(facts, f"SELECT * FROM ({sql}) WHERE outcome_left IS NOT NULL AND cutoff <= DATE '{facts.cutoff}'")


def lay_book(facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...]) -> None:
    """Make the table ``snapshots`` of the accounts that were open at each of the cutoffs."""
    outcomes.lay(facts, grace_days=_grace(mode))
    dates = ", ".join(f"DATE '{cutoff}'" for cutoff in cutoffs)
    _number(facts, _book(mode, f"(SELECT unnest(CAST([{dates}] AS DATE[])) AS cutoff)"))


def lay_accounts(facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...]) -> None:
    """Make the table ``snapshots`` of every account known at each of the cutoffs, with its open contract if it has one.

    An account is known from its ``created_at``, or always when that is not said.
    """
    lay_book(facts, mode, cutoffs=cutoffs)
    facts.engine.execute("CREATE OR REPLACE TABLE snapshots_open AS SELECT * FROM snapshots")
    dates = ", ".join(f"DATE '{cutoff}'" for cutoff in cutoffs)
    whose = mode.of if isinstance(mode, Expansion) else mode
    lead_days = "s.lead_days" if isinstance(whose, Renewal) else str(whose.horizon_days)
    plain = COLUMNS.replace("lead_days", f"{lead_days} AS lead_days")
    _number(
        facts,
        f"""SELECT {plain}
        FROM (SELECT a.account_id, k.cutoff FROM accounts a
              JOIN (SELECT DISTINCT unnest(CAST([{dates}] AS DATE[])) AS cutoff) k ON a.known_at < k.cutoff)
        LEFT JOIN snapshots_open s USING (account_id, cutoff)""",
    )
    facts.engine.execute("DROP TABLE snapshots_open")


def lay_books_beside(facts: Facts, mode: Mode, *, cutoffs: tuple[date, ...]) -> None:
    """Add the books of some days to the snapshots that lie there; what is in both lies there once.

    Of a book of more than `PEERS` accounts, as many stand for all, chosen by a hash: always the same, and any of them.
    The columns ``asked`` and ``in_book`` then say which snapshots were there before and which are of those books.
    """
    facts.engine.execute("CREATE OR REPLACE TABLE snapshots_asked AS SELECT * FROM snapshots")
    lay_book(facts, mode, cutoffs=cutoffs)
    plain = COLUMNS.replace(
        "outcome_left, decided_on", "max(outcome_left) AS outcome_left, max(decided_on) AS decided_on"
    )
    sql = f"""SELECT {plain}, bool_or(asked) AS asked, bool_or(NOT asked) AS in_book
        FROM (SELECT *, true AS asked FROM snapshots_asked UNION ALL
              SELECT * EXCLUDE (place), false AS asked
              FROM (SELECT *, row_number() OVER (PARTITION BY cutoff ORDER BY md5(account_id)) AS place FROM snapshots)
              WHERE place <= {PEERS})
        GROUP BY ALL"""
    _number(facts, sql, further=", asked, in_book")
    facts.engine.execute("DROP TABLE snapshots_asked")


def _grace(mode: Mode) -> int:
    whose = mode.of if isinstance(mode, Expansion) else mode
    return whose.grace_days if isinstance(whose, Renewal) else outcomes.GRACE_DAYS


def _book(mode: Mode, looks: str) -> str:
    whose = mode.of if isinstance(mode, Expansion) else mode
    return _open_contracts(whose, looks) if isinstance(whose, Renewal) else _active_accounts(whose, looks)


def _number(facts: Facts, sql: str, further: str = "") -> None:
    facts.engine.execute(
        f"""CREATE OR REPLACE TABLE snapshots AS
        SELECT row_number() OVER (ORDER BY account_id, cutoff, contract_id, lead_days) AS snapshot_id,
               {COLUMNS}{further}
        FROM ({sql}) ORDER BY snapshot_id"""
    )


def _past_renewals(mode: Renewal) -> str:
    if mode.lead_days:
        leads = " UNION ALL ".join(f"SELECT 0 AS least, 100000 AS most, {days} AS lead_days" for days in mode.lead_days)
    else:
        longer = (100_000, *(least for least, _ in LEADS_BY_TERM))
        leads = " UNION ALL ".join(
            f"SELECT {least} AS least, {most} AS most, {days} AS lead_days"
            for (least, leads_of_term), most in zip(LEADS_BY_TERM, longer, strict=False)
            for days in leads_of_term
        )
    return f"""
    SELECT t.account_id, t.contract_id, t.ends_on - l.lead_days AS cutoff, l.lead_days, t.starts_on, t.ends_on,
           t.arr, t.seats, t.plan, t.auto_renew, t.outcome_left, t.decided_on
    FROM terms t JOIN ({leads}) l ON date_diff('day', t.starts_on, t.ends_on) >= l.least
     AND date_diff('day', t.starts_on, t.ends_on) < l.most AND l.lead_days < date_diff('day', t.starts_on, t.ends_on)
    WHERE t.known_at < t.ends_on - l.lead_days AND t.decided_on >= t.ends_on - l.lead_days"""


def _open_contracts(mode: Renewal, looks: str) -> str:
    # A contract is open while it runs, and within the days of grace unless a later one has begun; undecided in both.
    return f"""
    SELECT account_id, contract_id, cutoff, greatest(date_diff('day', cutoff, ends_on), 0) AS lead_days, starts_on,
           ends_on, arr, seats, plan, auto_renew, NULL::INTEGER AS outcome_left, NULL::DATE AS decided_on
    FROM (
      SELECT *, row_number() OVER (PARTITION BY account_id, cutoff
                                   ORDER BY starts_on DESC, ends_on DESC, contract_id) AS latest
      FROM (
        SELECT t.*, k.cutoff, max(t.starts_on) OVER (PARTITION BY t.account_id, k.cutoff) AS newest
        FROM terms t JOIN {looks} k ON t.known_at < k.cutoff AND t.starts_on <= k.cutoff)
      WHERE NOT coalesce(outcome_left IS NOT NULL AND decided_on < cutoff, false)
       AND (ends_on >= cutoff OR starts_on = newest AND ends_on + {mode.grace_days} >= cutoff))
    WHERE latest = 1"""


def _active_accounts(mode: Inactivity, looks: str) -> str:
    return f"""
    SELECT u.account_id, NULL::VARCHAR AS contract_id, k.cutoff, {mode.horizon_days} AS lead_days,
           NULL::DATE AS starts_on, NULL::DATE AS ends_on, NULL::DOUBLE AS arr, NULL::DOUBLE AS seats,
           NULL::VARCHAR AS plan, NULL::BOOLEAN AS auto_renew, NULL::INTEGER AS outcome_left, NULL::DATE AS decided_on
    FROM {USED} u JOIN {looks} k ON u.known_on < k.cutoff AND u.day >= k.cutoff - {mode.active_days}
    GROUP BY u.account_id, k.cutoff"""


def _past_inactivity(facts: Facts, mode: Inactivity, anchor: date) -> str:
    # Before a whole active period has been seen, "active lately" means nothing yet.
    first = f"(SELECT min(day) + {mode.active_days} FROM account_day WHERE events > 0)"
    looks = _grid(anchor, mode.every_days, first=first, last=f"DATE '{facts.cutoff}' - {mode.horizon_days}")
    return f"""
    SELECT a.* REPLACE (a.cutoff + {mode.horizon_days} AS decided_on,
                        CASE WHEN bool_or(u.day IS NOT NULL) THEN 0 ELSE 1 END AS outcome_left)
    FROM ({_active_accounts(mode, looks)}) a
    LEFT JOIN {USED} u ON u.account_id = a.account_id
     AND u.day >= a.cutoff AND u.day < a.cutoff + {mode.horizon_days}
     AND u.known_on < a.cutoff + {mode.horizon_days}
    GROUP BY ALL"""


def _past_expansions(facts: Facts, mode: Expansion, anchor: date) -> str:
    looks = _grid(
        anchor, mode.every_days, first=bought.since(facts), last=f"DATE '{facts.cutoff}' - {mode.horizon_days}"
    )
    return f"""
    SELECT a.* REPLACE (a.cutoff + {mode.horizon_days} AS decided_on,
                        CASE WHEN bool_or(b.day IS NOT NULL) THEN 1 ELSE 0 END AS outcome_left)
    FROM ({_book(mode, looks)}) a
    LEFT JOIN bought b ON b.account_id = a.account_id AND b.day >= a.cutoff AND b.day < a.cutoff + {mode.horizon_days}
    GROUP BY ALL"""


def _grid(anchor: date, every_days: int, *, first: str, last: str) -> str:
    cutoff = f"DATE '{anchor}' + CAST(step * {every_days} AS INTEGER)"
    return f"""(SELECT {cutoff} AS cutoff FROM range(-5000, 5000) AS steps(step)
      WHERE {cutoff} BETWEEN {first} AND {last})"""

"""Buying more: the days on which accounts did, each known on that day; derived where nobody wrote it down."""

from features.errors import DataError
from features.facts import Facts
from features.outcomes import SAME_ARR

SIZES = ("arr", "seats", "outcome")
"""Columns of contracts that tell, each by itself, that a next contract is larger."""


def lay(facts: Facts, *, grace_days: int) -> None:
    """Make the table ``bought``: ``account_id`` and ``day``; needs the table ``terms``.

    An account bought more when a term ends as expanded, when the next contract has more seats or an ARR more than
    `SAME_ARR` larger, or when an opportunity is won. One purchase is often written in several of these, some days
    apart: what follows another within the days of grace is the same purchase, known from the first. Raises DataError
    when nothing tells who bought more.
    """
    facts.engine.execute(
        f"""CREATE OR REPLACE TABLE bought AS
        SELECT account_id, day
        FROM (SELECT account_id, day, lag(day) OVER (PARTITION BY account_id ORDER BY day) AS earlier
              FROM (SELECT DISTINCT account_id, day FROM ({" UNION ALL ".join(_ways(facts, grace_days))})))
        WHERE earlier IS NULL OR date_diff('day', earlier, day) > {grace_days}"""
    )


def since(facts: Facts) -> str:
    """From which day it is known whether accounts buy more, as SQL; before it, nobody can tell who did not."""
    if any(facts.knows("contracts", size) for size in SIZES):
        return "(SELECT CAST(min(known_at) AS DATE) FROM contracts)"
    return "(SELECT CAST(min(closed_at) AS DATE) FROM opportunities)"


def _ways(facts: Facts, grace_days: int) -> list[str]:
    ways = []
    if any(facts.knows("contracts", size) for size in SIZES):
        ways += ["SELECT account_id, decided_on AS day FROM terms WHERE outcome = 'expanded'", _larger(grace_days)]
    if facts.knows("opportunities", "won") and facts.knows("opportunities", "closed_at"):
        ways.append("SELECT account_id, CAST(closed_at AS DATE) FROM opportunities WHERE won AND closed_at IS NOT NULL")
    if not ways:
        raise DataError(
            "nothing tells who bought more: contracts need arr, seats or outcome, or opportunities won and closed_at"
        )
    return ways


def _larger(grace_days: int) -> str:
    return f"""
    SELECT account_id, day
    FROM (SELECT n.account_id, CAST(n.known_at AS DATE) AS day,
                 n.arr > p.arr * {1 + SAME_ARR} OR n.seats > p.seats AS larger,
                 row_number() OVER (PARTITION BY n.contract_id ORDER BY p.starts_on DESC, p.contract_id) AS place
          FROM contracts n JOIN contracts p ON p.account_id = n.account_id AND p.starts_on < n.starts_on
           AND p.ends_on + {grace_days} >= n.starts_on)
    WHERE place = 1 AND larger"""

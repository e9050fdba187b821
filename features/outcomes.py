"""Outcomes: how each contract ended, and from when that was known; derived where nobody wrote it down."""

from features import told
from features.domain import LEFT
from features.facts import Facts

GRACE_DAYS = 31
"""How long after its end a contract may wait for the next one before the account counts as gone."""

SAME_ARR = 0.05
"""A next contract within this share of the old ARR is a plain renewal, beyond it an expansion or a downgrade."""


def lay(facts: Facts, *, grace_days: int = GRACE_DAYS) -> None:
    """Make the table ``terms``: every contract with its outcome, ``outcome_left`` (1 left, 0 stayed, NULL open), and
    ``decided_on``, the day from which it was known.
    """
    source = _written() if facts.knows("contracts", "outcome") else _derived(facts, grace_days)
    if facts.told:
        source = told.over(source)
    facts.engine.execute(
        f"""CREATE OR REPLACE TABLE terms AS
        SELECT contract_id, account_id, starts_on, ends_on, arr, seats, plan, auto_renew, known_at, outcome,
               CASE WHEN outcome IS NOT NULL THEN CAST(outcome = '{LEFT}' AS INTEGER) END AS outcome_left, decided_on
        FROM ({source})"""
    )


def _written() -> str:
    return """
    SELECT * REPLACE (CASE WHEN outcome IS NOT NULL THEN coalesce(decided_on, ends_on) END AS decided_on)
    FROM contracts"""


def _derived(facts: Facts, grace_days: int) -> str:
    """A next contract within the grace days makes it renewed, known from that contract; none by then, churned.

    What was decided stays decided: a contract that becomes known later changes nothing.
    """
    return f"""
    SELECT c.* REPLACE (
      CASE WHEN n.contract_id IS NULL AND c.ends_on + {grace_days} < DATE '{facts.cutoff}' THEN 'churned'
           WHEN n.contract_id IS NULL THEN NULL
           WHEN n.arr > c.arr * {1 + SAME_ARR} THEN 'expanded'
           WHEN n.arr < c.arr * {1 - SAME_ARR} THEN 'downgraded'
           ELSE 'renewed' END AS outcome,
      CASE WHEN n.contract_id IS NOT NULL THEN CAST(n.known_at AS DATE)
           WHEN c.ends_on + {grace_days} < DATE '{facts.cutoff}' THEN c.ends_on + {grace_days} END AS decided_on)
    FROM contracts c LEFT JOIN (
      SELECT a.contract_id AS before, b.contract_id, b.arr, b.known_at,
             row_number() OVER (PARTITION BY a.contract_id
                                ORDER BY CAST(b.known_at AS DATE), b.starts_on, b.contract_id) AS place
      FROM contracts a JOIN contracts b ON a.account_id = b.account_id AND b.contract_id <> a.contract_id
       AND b.starts_on > a.starts_on AND b.starts_on <= a.ends_on + {grace_days} AND b.ends_on > a.ends_on
       AND CAST(b.known_at AS DATE) <= a.ends_on + {grace_days}) n
    ON n.before = c.contract_id AND n.place = 1"""

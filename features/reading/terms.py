"""Terms of an agreement, as a CRM or a billing tool tells them: with how each ended, which no such tool writes down.

The rule is that of `features.outcomes`: a next term of the account that starts within the grace days makes it renewed
(expanded or downgraded by ARR), known when that next term is; none by then, churned. A term that was explicitly given
up (a renewal lost, a subscription cancelled) and has no next one is churned from the day of that decision.
"""

from features.outcomes import SAME_ARR

COLUMNS = (
    *("contract_id", "account_id", "starts_on", "ends_on", "arr", "seats", "plan", "billing_period", "auto_renew"),
    *("outcome", "decided_on", "known_at"),
)
"""The columns of `contracts` that come of it."""


def decided(terms: str, through: str, grace_days: int) -> str:
    """The query of `contracts` from a relation of terms (all but the last three columns of COLUMNS, typed, nullable).

    It also has ``known_at`` (TIMESTAMP), ``lost_on`` (DATE, NULL: not given up), `_file` and `_row`. ``through`` is the
    SQL of the last day the export knows of.
    """
    return f"""
    SELECT t.* EXCLUDE (lost_on) REPLACE (t.known_at AS known_at),
      CASE WHEN n.contract_id IS NOT NULL AND n.arr > t.arr * {1 + SAME_ARR} THEN 'expanded'
           WHEN n.contract_id IS NOT NULL AND n.arr < t.arr * {1 - SAME_ARR} THEN 'downgraded'
           WHEN n.contract_id IS NOT NULL THEN 'renewed'
           WHEN t.lost_on IS NOT NULL OR t.ends_on + {grace_days} < {through} THEN 'churned' END AS outcome,
      CASE WHEN n.contract_id IS NOT NULL THEN greatest(n.known_at::DATE, t.starts_on)
           WHEN t.lost_on IS NOT NULL THEN least(t.lost_on, t.ends_on + {grace_days})
           WHEN t.ends_on + {grace_days} < {through} THEN t.ends_on + {grace_days} END AS decided_on
    FROM ({terms}) t LEFT JOIN (
      SELECT a.contract_id AS before, b.contract_id, b.arr, b.known_at,
             row_number() OVER (PARTITION BY a.contract_id ORDER BY b.starts_on, b.contract_id) AS place
      FROM ({terms}) a JOIN ({terms}) b ON a.account_id = b.account_id AND a.contract_id <> b.contract_id
       AND b.starts_on > a.starts_on AND b.starts_on <= a.ends_on + {grace_days} AND b.ends_on > a.ends_on) n
    ON n.before = t.contract_id AND n.place = 1"""

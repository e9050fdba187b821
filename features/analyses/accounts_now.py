"""Every account as it stands at the cutoff: what it pays, its term, and whether anybody uses the product."""

from datetime import timedelta
from typing import Final

import pandas as pd

from features import outcomes, usage
from features.analyses.answer import Field
from features.facts import Facts

RECENT_DAYS: Final = 28
"""Who did nothing for four weeks is dormant: shorter silences are holidays."""

USES: Final = ("active", "dormant", "never active")

ACCOUNT: Final = Field(name="account_id", title="account", kind="text", meaning="the customer organisation")
CALLED: Final = Field(name="name", title="name", kind="text", meaning="what people call it")
OWNER: Final = Field(name="owner", title="owner", kind="text", meaning="its customer-success manager")
SEGMENT: Final = Field(name="segment", title="segment", kind="text", meaning="the group it belongs to")
ARR: Final = Field(name="arr", title="ARR", kind="money", meaning="annual recurring revenue of its open terms")
"""How sheets tell which account a row is about."""


def accounts_now(facts: Facts, *, grace_days: int = outcomes.GRACE_DAYS) -> pd.DataFrame:
    """One row an account known at the cutoff, by account_id.

    Columns: account_id, name, owner, segment (texts or None), since (the first day of its first term, else when it was
    created), arr and seats (sums over its open terms; NaN where no term is open or none is said), plan, contract_id,
    starts_on, ends_on (of the open term that ends first), terms (how many began), last_used, active_days (of the last
    `RECENT_DAYS`), use (of `USES`; None where there are no events) and paying (whether its ARR is above zero).
    """
    outcomes.lay(facts, grace_days=grace_days)
    usage.build(facts)
    day, recent = facts.cutoff, facts.cutoff - timedelta(days=RECENT_DAYS)
    frame = facts.engine.frame(
        f"""WITH begun AS (
          SELECT account_id, min(starts_on) AS first_day, count(*) AS terms
          FROM terms WHERE CAST(known_at AS DATE) < DATE '{day}' AND starts_on <= DATE '{day}' GROUP BY account_id),
        open AS (
          SELECT account_id, sum(arr) AS arr, sum(seats) AS seats, arg_min(plan, (ends_on, contract_id)) AS plan,
                 arg_min(contract_id, (ends_on, contract_id)) AS contract_id,
                 arg_min(starts_on, (ends_on, contract_id)) AS starts_on, min(ends_on) AS ends_on
          FROM terms
          WHERE starts_on <= DATE '{day}' AND known_at < DATE '{day}'
            AND (ends_on > DATE '{day}' OR (ends_on + {grace_days} > DATE '{day}'
                 AND coalesce(decided_on >= DATE '{day}', TRUE)))
          GROUP BY account_id),
        used AS (
          SELECT n.account_id, max(d.day) AS last_used,
                 count(DISTINCT d.day) FILTER (WHERE d.day >= DATE '{recent}') AS active_days
          FROM account_day d JOIN account_number n USING (account)
          WHERE d.events + d.api_events > 0 AND d.known_on < DATE '{day}' GROUP BY n.account_id)
        SELECT a.account_id, coalesce(a.name, a.account_id) AS name, a.owner, a.segment,
               CAST(coalesce(b.first_day, CAST(a.created_at AS DATE)) AS TIMESTAMP) AS since,
               o.arr, o.seats, o.plan, o.contract_id, CAST(o.starts_on AS TIMESTAMP) AS starts_on,
               CAST(o.ends_on AS TIMESTAMP) AS ends_on, coalesce(b.terms, 0) AS terms,
               CAST(u.last_used AS TIMESTAMP) AS last_used, coalesce(u.active_days, 0) AS active_days,
               CASE WHEN u.last_used IS NULL THEN 'never active'
                    WHEN u.last_used < DATE '{recent}' THEN 'dormant' ELSE 'active' END AS use,
               coalesce(o.arr, 0) > 0 AS paying
        FROM accounts a LEFT JOIN begun b USING (account_id) LEFT JOIN open o USING (account_id)
        LEFT JOIN used u USING (account_id)
        WHERE a.known_at < DATE '{day}' OR b.account_id IS NOT NULL
        ORDER BY a.account_id"""
    )
    if not facts.knows("events"):
        frame["use"] = None
    return frame

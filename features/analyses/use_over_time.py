"""Which features were used by how many accounts in each month: the matrix of use over time."""

import pandas as pd

from features import usage
from features.facts import Facts


def use_over_time(facts: Facts, months: int) -> pd.DataFrame:
    """Columns feature, month (its first day), accounts (whose people used it) and share (of the accounts in use then).

    The last full ``months`` before the cutoff; a feature has a row for each month in which anybody used it.
    """
    usage.build(facts)
    day = facts.cutoff
    return facts.engine.frame(
        f"""WITH used AS (
          SELECT date_trunc('month', d.day) AS month, n.event AS feature, d.account
          FROM feature_day d JOIN feature_number n USING (feature)
          WHERE d.events > 0 AND d.known_on < DATE '{day}' AND d.day < date_trunc('month', DATE '{day}')
            AND d.day >= date_trunc('month', DATE '{day}') - INTERVAL {months} MONTH GROUP BY ALL),
        fleet AS (SELECT month, count(DISTINCT account) AS accounts FROM used GROUP BY month)
        SELECT feature, CAST(u.month AS TIMESTAMP) AS month, count(*) AS accounts, count(*) / max(f.accounts) AS share
        FROM used u JOIN fleet f USING (month) GROUP BY feature, u.month ORDER BY feature, u.month"""
    )

"""What accounts or people did in their first days, and whether they stayed: what aha thresholds are found in."""

from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from features import outcomes
from features.analyses.answer import need
from features.analyses.tenures import tenures_sql
from features.facts import Facts

NAME: Final = "aha"
RETURN_DAYS: Final = 28
"""Who is followed by use stays when anything is done within so many days after the horizon."""


@dataclass(frozen=True, kw_only=True)
class EarlyUse:
    """``entities`` (n), ordered by their start, and ``counts`` of what each did in its first days.

    Columns of entities: entity (0 to n - 1), account_id, began, stayed (0 or 1), size, segment. Columns of counts:
    entity, feature, days (first so many), times (> 0).
    """

    entities: pd.DataFrame
    counts: pd.DataFrame


def early_use(
    facts: Facts,
    unit: Literal["account", "user"],
    spans: tuple[int, ...],
    stay_days: int,
    *,
    grace_days: int = outcomes.GRACE_DAYS,
) -> EarlyUse:
    """Everybody whose first days lie within the record and whose horizon has passed.

    An account begins with its first term and stays when it has not left ``stay_days`` later; a person begins with the
    first thing done and stays when seen again from then on. Raises DataError where a table is missing.
    """
    need(facts, NAME, "events", *(["contracts"] if unit == "account" else ["events.user_id"]))
    engine, day = facts.engine, facts.cutoff
    began = _accounts(facts, stay_days, max(spans), grace_days) if unit == "account" else _people(facts, stay_days)
    engine.execute(
        f"""CREATE OR REPLACE TABLE early_began AS
        SELECT CAST(row_number() OVER (ORDER BY b.began, b.account_id, b.user_id) - 1 AS INTEGER) AS entity, b.*,
               coalesce(a.segment, '') AS segment
        FROM ({began}) b LEFT JOIN accounts a USING (account_id)
        WHERE b.began >= (SELECT min(CAST(occurred_at AS DATE)) FROM events WHERE known_at < DATE '{day}')"""
    )
    entities = engine.frame(
        """SELECT entity, account_id, CAST(began AS TIMESTAMP) AS began, stayed, size, segment
        FROM early_began ORDER BY entity"""
    )
    mine = "AND e.user_id = b.user_id" if unit == "user" else ""
    counts = engine.frame(
        f"""SELECT b.entity, e.event AS feature, s.days, CAST(count(*) AS DOUBLE) AS times
        FROM early_began b JOIN events e ON e.account_id = b.account_id {mine}
        JOIN (SELECT unnest([{", ".join(map(str, spans))}]) AS days) s
          ON CAST(e.occurred_at AS DATE) < b.began + CAST(s.days AS INTEGER)
        WHERE CAST(e.occurred_at AS DATE) >= b.began AND e.known_at < DATE '{day}'
          AND coalesce(e.actor, 'human') = 'human' GROUP BY ALL ORDER BY ALL"""
    )
    engine.execute("DROP TABLE early_began")
    return EarlyUse(entities=entities, counts=counts)


def _accounts(facts: Facts, stay_days: int, longest: int, grace_days: int) -> str:
    """Accounts that did not leave in their first days and of which it is known whether they stayed.

    Who was watched for less than the horizon without leaving is neither here nor there.
    """
    return f"""
        SELECT account_id, '' AS user_id, CAST(started_on AS DATE) AS began, arr AS size,
               CASE WHEN "left" AND days <= {stay_days} THEN 0.0::DOUBLE ELSE 1.0 END AS stayed
        FROM (SELECT *, max(started_on + to_days(CAST(days AS INTEGER))) OVER () AS until
              FROM ({tenures_sql(facts, None, NAME, grace_days=grace_days)}))
        WHERE started_on + INTERVAL {stay_days} DAY <= until AND days >= {longest}
          AND ("left" OR days >= {stay_days})"""


def _people(facts: Facts, stay_days: int) -> str:
    last = stay_days + RETURN_DAYS
    return f"""
        WITH done AS (
          SELECT account_id, user_id, CAST(occurred_at AS DATE) AS day FROM events
          WHERE known_at < DATE '{facts.cutoff}' AND user_id IS NOT NULL AND coalesce(actor, 'human') = 'human'
          GROUP BY ALL),
        first AS (SELECT account_id, user_id, min(day) AS began FROM done GROUP BY ALL)
        SELECT f.account_id, f.user_id, f.began, CAST(NULL AS DOUBLE) AS size,
               CAST(bool_or(d.day >= f.began + {stay_days} AND d.day < f.began + {last}) AS DOUBLE) AS stayed
        FROM first f JOIN done d USING (account_id, user_id)
        WHERE f.began >= (SELECT min(day) + {RETURN_DAYS} FROM done) AND f.began + {last} <= DATE '{facts.cutoff}'
        GROUP BY ALL"""

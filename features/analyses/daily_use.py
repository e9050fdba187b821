"""What people and integrations did on each day, account by account, and on which days an account was a customer."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features import outcomes, usage
from features.analyses.watching import Flags, Floats
from features.facts import Facts

MOST_DAYS = 730
"""Two years back: a year to learn from before the year that is told."""

PLACES = """CREATE OR REPLACE TABLE watched_place AS
SELECT account, account_id, row_number() OVER (ORDER BY account_id) - 1 AS place FROM account_number"""


@dataclass(frozen=True, kw_only=True)
class DailyUse:
    """``people``, ``api`` and ``present`` (days, n), from ``first`` on, for ``accounts`` (n).

    ``people`` counts the persons of each day where events name them, else what they did; ``api`` counts events.
    """

    first: date
    accounts: tuple[str, ...]
    people: Floats
    api: Floats
    present: Flags


def daily_use(facts: Facts, *, grace_days: int = outcomes.GRACE_DAYS, most_days: int = MOST_DAYS) -> DailyUse:
    """The use of every account that ever did something, up to the cutoff, as far as known before it.

    An account is a customer on the days of its terms; without contracts, from its first use on.
    """
    usage.build(facts)
    engine, cutoff = facts.engine, facts.cutoff
    engine.execute(PLACES)
    accounts = [str(name) for (name,) in engine.rows("SELECT account_id FROM watched_place ORDER BY place")]
    seen = engine.rows(f"SELECT min(day) FROM account_day WHERE day < DATE '{cutoff}' AND known_on < DATE '{cutoff}'")
    first = max(cutoff - timedelta(days=most_days), seen[0][0]) if isinstance(seen[0][0], date) else cutoff
    days = (cutoff - first).days
    what = "user_days" if facts.knows("events", "user_id") else "events"
    found = engine.frame(
        f"""SELECT p.place, date_diff('day', DATE '{first}', day) AS age,
                   sum({what}) AS people, sum(api_events) AS api
            FROM account_day JOIN watched_place p USING (account)
            WHERE day >= DATE '{first}' AND day < DATE '{cutoff}' AND known_on < DATE '{cutoff}'
            GROUP BY p.place, day"""
    )
    people, api = np.zeros((days, len(accounts))), np.zeros((days, len(accounts)))
    at = found["age"].to_numpy(dtype=int), found["place"].to_numpy(dtype=int)
    people[at], api[at] = found["people"], found["api"]
    present = np.maximum.accumulate(people + api, axis=0) > 0 if days else np.zeros(people.shape, dtype=bool)
    if facts.knows("contracts"):
        outcomes.lay(facts, grace_days=grace_days)
        present &= _in_terms(facts, first, days, len(accounts))
    return DailyUse(first=first, accounts=tuple(accounts), people=people, api=api, present=present)


def _in_terms(facts: Facts, first: date, days: int, many: int) -> Flags:
    terms = facts.engine.frame(
        f"""SELECT n.place, date_diff('day', DATE '{first}', t.starts_on) AS begins,
                   date_diff('day', DATE '{first}', t.ends_on) AS stops
            FROM terms t JOIN watched_place n USING (account_id)
            WHERE CAST(t.known_at AS DATE) < DATE '{facts.cutoff}'"""
    )
    change = np.zeros((days + 1, many), dtype=np.int32)
    place = terms["place"].to_numpy(dtype=int)
    np.add.at(change, (_within(terms["begins"], days), place), 1)
    np.add.at(change, (_within(terms["stops"], days), place), -1)
    return np.asarray(change.cumsum(axis=0)[:days] > 0)


def _within(ages: pd.Series, days: int) -> np.ndarray:
    return np.asarray(np.clip(ages.to_numpy(dtype=int), 0, days))

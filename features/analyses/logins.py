"""Logins that more than one person seems to use: when in the day each is seen, against when a person rests."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import usage
from features.facts import Facts

HOURS: Final = 24
REST_HOURS: Final = 6
"""A person sleeps: over weeks there are six hours in a row, whichever they are, in which one is hardly seen."""


def logins(facts: Facts, window_days: int) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Every login seen in the window, and on how many days it was seen in each hour of the day, in UTC (n, 24).

    Columns: account_id, person (a number), days, longest (most hours on one day), seen (hours of days), at_rest (of
    them within the six hours in a row with the fewest), rest_from (the first of these hours). Only what people did.
    """
    usage.build(facts)
    day = facts.cutoff
    hours = ", ".join(
        f"CAST(sum(CASE WHEN (slots >> {2 * hour}) & 3 <> 0 THEN 1 ELSE 0 END) AS DOUBLE) AS h{hour}"
        for hour in range(HOURS)
    )
    frame = facts.engine.frame(
        f"""SELECT n.account_id, d.person, count(*) AS days, max(bit_count(slots)) / 2.0 AS longest, {hours}
        FROM (SELECT account, person, day, bit_or(slots) AS slots FROM user_day
              WHERE person IS NOT NULL AND slots <> 0 AND known_on < DATE '{day}' AND day < DATE '{day}'
                AND day >= DATE '{day}' - {window_days} GROUP BY ALL) d
        JOIN account_number n USING (account) GROUP BY n.account_id, d.person ORDER BY n.account_id, d.person"""
    )
    names = [f"h{hour}" for hour in range(HOURS)]
    seen = frame[names].to_numpy(np.float64)
    # Round the clock: the hours after midnight follow those before it.
    twice = np.concatenate([np.zeros((len(seen), 1)), np.cumsum(np.hstack([seen, seen]), axis=1)], axis=1)
    within = twice[:, REST_HOURS : REST_HOURS + HOURS] - twice[:, :HOURS]
    frame = frame.drop(columns=names).assign(
        seen=seen.sum(axis=1), at_rest=within.min(axis=1, initial=np.inf), rest_from=within.argmin(axis=1)
    )
    return frame, seen


def named(facts: Facts, people: list[int]) -> dict[int, str]:
    """The user_id of each person; people are numbered by `features.usage`."""
    if not people:
        return {}
    rows = facts.engine.rows(
        f"""SELECT DISTINCT hash(user_id), user_id FROM events
        WHERE user_id IS NOT NULL AND hash(user_id) IN ({", ".join(map(str, people))})"""
    )
    return {int(str(person)): str(user) for person, user in rows}


def weeks_at_rest(facts: Facts, suspects: pd.DataFrame, window_days: int) -> list[int]:
    """In how many weeks of the window each suspect (of `logins`) was seen in its six hours of rest."""
    if suspects.empty:
        return []
    day, people = facts.cutoff, ", ".join(str(person) for person in suspects["person"])
    rows = facts.engine.frame(
        f"""SELECT n.account_id, d.person, (DATE '{day}' - 1 - d.day) // 7 AS week, bit_or(slots) AS slots
        FROM user_day d JOIN account_number n USING (account)
        WHERE d.person IN ({people}) AND d.known_on < DATE '{day}' AND d.day < DATE '{day}'
          AND d.day >= DATE '{day}' - {window_days} GROUP BY ALL"""
    )
    found = []
    for account, person, begins in suspects[["account_id", "person", "rest_from"]].itertuples(index=False):
        rest = sum(3 << (2 * ((begins + hour) % HOURS)) for hour in range(REST_HOURS))
        own = rows[(rows["account_id"] == account) & (rows["person"] == person)]
        found.append(sum(int(slots) & rest != 0 for slots in own["slots"]))
    return found

"""Signs that an account is about to buy more, as people declare them: full seats, opportunities, telling events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from features import outcomes, usage
from features.engines.duckdb import quoted
from features.errors import DataError, SettingsError
from features.facts import Facts

RECENT_DAYS: Final = 28
SEATS_FROM, SEATS_TO = 0.7, 1.0
"""Seats begin to be short at 70 % used, and are short at all of them."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """How many points of 100 each sign is worth, and words by which events are known. Raises SettingsError."""

    seats: float = 40.0
    opportunity: float = 30.0
    pricing: float = 15.0
    trial: float = 15.0
    pricing_words: tuple[str, ...] = ("pricing", "upgrade", "plan_compare", "billing_plan")
    trial_words: tuple[str, ...] = ("trial",)

    def __post_init__(self) -> None:
        points = (self.seats, self.opportunity, self.pricing, self.trial)
        if min(points) < 0 or not 0 < sum(points) <= 100:
            raise SettingsError(f"points of intent are {points}: none is negative, and together they are up to 100")


def intent(facts: Facts, day: date, wanted: Intent) -> pd.DataFrame:
    """The temperature of every account by its signs known before a day: account_id, temperature (0 to 100), why.

    Raises DataError where the facts have neither seats nor opportunities nor telling events.
    """
    outcomes.lay(facts)
    usage.build(facts)
    found = facts.engine.frame("SELECT account_id FROM account_number UNION SELECT account_id FROM accounts ORDER BY 1")
    made = found.assign(temperature=0.0, why="")
    ways = 0
    if facts.knows("contracts", "seats") and facts.knows("events", "user_id"):
        used = _seats(facts, day).set_index("account_id")["used"].reindex(made["account_id"]).to_numpy(dtype=float)
        short = np.clip((np.nan_to_num(used) - SEATS_FROM) / (SEATS_TO - SEATS_FROM), 0, 1)
        made = _add(made, wanted.seats * short, [f"{100 * share:.0f} % of its seats in use" for share in used])
        ways += 1
    if facts.knows("opportunities"):
        names = set(_opportunities(facts, day)["account_id"])
        there = made["account_id"].isin(names).to_numpy(dtype=float)
        made = _add(made, wanted.opportunity * there, ["an open opportunity"] * len(made))
        ways += 1
    for points, words, text in (
        (wanted.pricing, wanted.pricing_words, "looked at prices"),
        (wanted.trial, wanted.trial_words, "tries something out"),
    ):
        if _known_events(facts, words):
            there = made["account_id"].isin(set(_did(facts, day, words)["account_id"])).to_numpy(dtype=float)
            made = _add(made, points * there, [text] * len(made))
            ways += 1
    if not ways:
        raise DataError(
            "temperature cannot be told: there is no model of buying more (`ebb train --target expansion`), and the "
            "data have neither contracts.seats nor opportunities, nor events named after prices or trials"
        )
    return made


def _add(made: pd.DataFrame, points: np.ndarray, reasons: Sequence[str]) -> pd.DataFrame:
    why = [
        "; ".join(part for part in (before, reason if point > 0 else "") if part)
        for before, reason, point in zip(made["why"], reasons, points, strict=True)
    ]
    return made.assign(temperature=made["temperature"] + points, why=why)


def _seats(facts: Facts, day: date) -> pd.DataFrame:
    """The share of its seats that people used in the last four weeks, of every account with an open term."""
    return facts.engine.frame(
        f"""SELECT t.account_id, coalesce(p.people, 0) / t.seats AS used
        FROM (SELECT account_id, sum(seats) AS seats FROM terms
              WHERE starts_on <= DATE '{day}' AND ends_on > DATE '{day}' AND known_at < DATE '{day}'
              GROUP BY account_id HAVING sum(seats) > 0) t
        LEFT JOIN (SELECT n.account_id, CAST(count(DISTINCT u.person) AS DOUBLE) AS people
                   FROM user_day u JOIN account_number n USING (account)
                   WHERE u.events > 0 AND u.known_on < DATE '{day}' AND u.day < DATE '{day}'
                     AND u.day >= DATE '{day - timedelta(days=RECENT_DAYS)}'
                   GROUP BY n.account_id) p USING (account_id)"""
    )


def _opportunities(facts: Facts, day: date) -> pd.DataFrame:
    return facts.engine.frame(
        f"""SELECT DISTINCT account_id FROM opportunities
        WHERE known_at < DATE '{day}' AND opened_at < DATE '{day}' AND coalesce(closed_at >= DATE '{day}', true)"""
    )


def _did(facts: Facts, day: date, words: tuple[str, ...]) -> pd.DataFrame:
    return facts.engine.frame(
        f"""SELECT DISTINCT n.account_id FROM feature_day f JOIN feature_number e USING (feature)
        JOIN account_number n USING (account)
        WHERE f.known_on < DATE '{day}' AND f.day < DATE '{day}'
          AND f.day >= DATE '{day - timedelta(days=RECENT_DAYS)}' AND ({_named(words)})"""
    )


def _known_events(facts: Facts, words: tuple[str, ...]) -> bool:
    return bool(words) and bool(facts.engine.rows(f"SELECT 1 FROM feature_number e WHERE {_named(words)} LIMIT 1"))


def _named(words: tuple[str, ...]) -> str:
    return " OR ".join(f"contains(lower(e.event), {quoted(word.lower())})" for word in words)

"""Outcomes that people told: a CSM knows of a decision before the contracts do, and what they tell wins."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from features.engines.duckdb import quoted
from features.facts import Facts

TABLE = "told_outcomes"


@dataclass(frozen=True, kw_only=True)
class ToldOutcome:
    """How one contract ended, in the words of `contracts.outcome`, and the day from which that was known."""

    contract_id: str
    outcome: str
    decided_on: date


def hold(facts: Facts, told: Sequence[ToldOutcome]) -> Facts:
    """The facts with what was told; the last word on a contract counts, a day after the cutoff is not known."""
    last = {one.contract_id: one for one in told if one.decided_on < facts.cutoff}
    if not last:
        return facts
    rows = ", ".join(
        f"({quoted(one.contract_id)}, {quoted(one.outcome)}, DATE '{one.decided_on}')" for one in last.values()
    )
    facts.engine.execute(
        f"CREATE OR REPLACE TABLE {TABLE} AS "
        f"SELECT contract_id, outcome, decided_on FROM (VALUES {rows}) AS t(contract_id, outcome, decided_on)"
    )
    mark = hashlib.sha256(f"{facts.fingerprint} {sorted(last.values(), key=str)}".encode()).hexdigest()
    return replace(facts, told=True, fingerprint=mark[: len(facts.fingerprint)])


def over(contracts: str) -> str:
    """The SQL of contracts with their outcomes, what was told in the place of what is written."""
    return f"""
    SELECT c.* REPLACE (coalesce(t.outcome, c.outcome) AS outcome,
                        CASE WHEN t.outcome IS NOT NULL THEN t.decided_on ELSE c.decided_on END AS decided_on)
    FROM ({contracts}) c LEFT JOIN {TABLE} t ON t.contract_id = c.contract_id"""

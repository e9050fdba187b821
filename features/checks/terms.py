"""Contracts beside each other: overlaps, and outcomes that the following contract or their own dates contradict."""

from dataclasses import dataclass

from features.domain import LEFT
from features.facts import Facts, Finding

GRACE_DAYS = 31
"""A next contract that begins within this many days of the end makes the term renewed."""

LATE_DAYS = 366
"""An outcome decided more than a year after the end belongs to something else."""

OVERLAPS = """
SELECT contract_id FROM (
  SELECT contract_id, starts_on < max(ends_on) OVER (PARTITION BY account_id ORDER BY starts_on, contract_id
                                                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS early
  FROM contracts) WHERE early"""

LOST_AND_FOLLOWED = f"""
SELECT a.contract_id FROM contracts a SEMI JOIN contracts b
ON a.account_id = b.account_id AND b.starts_on > a.starts_on
AND b.starts_on BETWEEN a.ends_on - {GRACE_DAYS} AND a.ends_on + {GRACE_DAYS}
WHERE a.outcome = '{LEFT}'"""

KEPT_AND_ALONE = f"""
SELECT a.contract_id FROM contracts a ANTI JOIN contracts b
ON a.account_id = b.account_id AND b.starts_on > a.starts_on
WHERE a.outcome <> '{LEFT}' AND a.ends_on + {GRACE_DAYS} < DATE '{{cutoff}}'"""

DECIDED_EARLY = "SELECT contract_id FROM contracts WHERE decided_on < starts_on"

DECIDED_LATE = f"SELECT contract_id FROM contracts WHERE decided_on > ends_on + {LATE_DAYS}"

DECIDED_NOTHING = "SELECT contract_id FROM contracts WHERE outcome IS NULL AND decided_on IS NOT NULL"


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """One kind: the query of the contracts concerned, and the sentence after "1 contract" and after "2 contracts"."""

    kind: str
    query: str
    one: str
    many: str


def _called(kind: str, query: str, sentence: str, verb: str = "is called/are called") -> Contradiction:
    one, many = verb.split("/")
    return Contradiction(kind=kind, query=query, one=f"{one} {sentence}", many=f"{many} {sentence}")


CONTRADICTIONS: tuple[Contradiction, ...] = (
    _called("overlapping contracts", OVERLAPS, "before an earlier one of the same account ends", "begins/begin"),
    _called(
        "outcome against next contract",
        LOST_AND_FOLLOWED,
        f"churned, yet the account's next contract begins within {GRACE_DAYS} days of the end",
    ),
    _called("renewed without next contract", KEPT_AND_ALONE, "renewed, yet no later contract follows"),
    _called("decided before the start", DECIDED_EARLY, "an outcome decided before the term starts", "has/have"),
    _called("decided long after the end", DECIDED_LATE, "an outcome decided over a year after the end", "has/have"),
    _called("decided without outcome", DECIDED_NOTHING, "a day of decision and no outcome: open", "has/have"),
)
"""Every contradiction that is looked for."""


def terms(facts: Facts) -> tuple[Finding, ...]:
    """One finding for each kind of contradiction."""
    if not facts.knows("contracts"):
        return ()
    found = (_finding(facts, contradiction) for contradiction in CONTRADICTIONS)
    return tuple(finding for finding in found if finding is not None)


def _finding(facts: Facts, looked_for: Contradiction) -> Finding | None:
    concerned = looked_for.query.format(cutoff=facts.cutoff)
    count, first = facts.engine.rows(
        f"SELECT count(*), min((_file, _row, contract_id)) FROM places_contracts WHERE contract_id IN ({concerned})"
    )[0]
    if not isinstance(first, tuple):
        return None
    rows = f"1 contract {looked_for.one}" if count == 1 else f"{count} contracts {looked_for.many}"
    file, row, contract = first
    return Finding(
        kind=looked_for.kind,
        table="contracts",
        count=int(str(count)),
        sentence=f"{rows}; {file} row {row}: {contract}",
        file=str(file),
        row=int(row),
    )

"""Whether there are enough outcomes to learn from."""

from features.domain import LEFT
from features.facts import Facts, Finding

FEWEST = 10
"""Outcomes of each kind; ten events per variable (Peduzzi et al. 1996) allow the smallest model, of one variable."""

LEAST = 10
"""Outcomes, of both kinds, without which nothing is learnt at all."""

GRACE_DAYS = 31
"""How long a next contract may take before the account counts as gone."""


def outcomes(facts: Facts) -> tuple[Finding, ...]:
    """Contracts in renewal mode: none at all, or too few decided either way."""
    if not facts.knows("contracts"):
        sentence = (
            'there are no contracts to renew; add a contracts table, or learn from silence: outcome = "inactivity"'
        )
        return (Finding(kind="no contracts", table="contracts", count=0, sentence=sentence, fatal=True),)
    query = _WRITTEN if facts.knows("contracts", "outcome") else _DERIVED.format(cutoff=facts.cutoff)
    left, stayed = (int(str(count or 0)) for count in facts.engine.rows(query)[0])
    return too_few(left=left, stayed=stayed, table="contracts")


def too_few(*, left: int, stayed: int, table: str) -> tuple[Finding, ...]:
    """The one finding about decided outcomes: fatal when there are none, only one kind, or fewer than ten in all.

    With fewer than ten of either, base rates and the signals' declared directions can be learnt, but hardly tested.
    """
    if left >= FEWEST and stayed >= FEWEST:
        return ()
    need = f"at least {LEAST}, of both kinds, are needed to learn from"
    decided = f"{left + stayed} decided outcomes"
    if not left and not stayed:
        kind, sentence = "too few outcomes", "no outcome is decided yet"
    elif not left:
        kind, sentence = "one class only", f"all {decided} stayed: nothing shows what leaving looks like"
    elif not stayed:
        kind, sentence = "one class only", f"all {decided} left: nothing shows what staying looks like"
    else:
        kind, sentence = "too few outcomes", f"{left} left and {stayed} stayed among {decided}"
        if left + stayed >= LEAST:
            need = f"with fewer than {FEWEST} of either, signals can hardly be proven"
            return (Finding(kind="few outcomes", table=table, count=left + stayed, sentence=f"{sentence}; {need}"),)
    return (Finding(kind=kind, table=table, count=left + stayed, sentence=f"{sentence}; {need}", fatal=True),)


_WRITTEN = f"SELECT count(*) FILTER (outcome = '{LEFT}'), count(*) FILTER (outcome <> '{LEFT}') FROM contracts"

_DERIVED = f"""
SELECT count(*) FILTER (NOT followed AND ends_on + {GRACE_DAYS} < DATE '{{cutoff}}'), count(*) FILTER (followed)
FROM (SELECT a.ends_on, EXISTS (
        SELECT 1 FROM contracts b WHERE b.account_id = a.account_id AND b.starts_on > a.starts_on
        AND b.starts_on <= a.ends_on + {GRACE_DAYS}) AS followed
      FROM contracts a)"""

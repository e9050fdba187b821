"""Quality: what is wrong with the facts beyond single rows, said before anything is learnt.

Each check is a function from facts to findings and stands in `CHECKS`. To add one: a function in
`features/checks/`, a line here.
"""

from collections.abc import Callable
from typing import Literal

from features.checks.late import late
from features.checks.outcomes import outcomes
from features.checks.repeats import repeats
from features.checks.stream import gaps, stopped
from features.checks.terms import terms
from features.facts import Facts, Finding

Check = Callable[[Facts], tuple[Finding, ...]]

CHECKS: tuple[Check, ...] = (gaps, stopped, late, repeats, terms)
"""The checks that hold whatever is learnt."""

RENEWAL_CHECKS: tuple[Check, ...] = (outcomes,)
"""The checks of learning from renewals."""


def report(facts: Facts, *, mode: Literal["renewal", "inactivity"] = "renewal") -> tuple[Finding, ...]:
    """Everything found: by intake, then beyond single rows; fatal findings first.

    In inactivity mode the outcomes depend on the snapshots: count them there and ask `features.checks.outcomes`.
    """
    checks = CHECKS + RENEWAL_CHECKS * (mode == "renewal")
    found = [*facts.findings, *(finding for check in checks for finding in check(facts))]
    return tuple(sorted(found, key=lambda finding: not finding.fatal))

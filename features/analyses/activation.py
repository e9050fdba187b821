"""The first weeks: what accounts that stayed did early, and which new accounts have not done it yet."""

from datetime import timedelta

import pandas as pd

from features.facts import Facts

MOST_STEPS = 5
FEWEST_RETAINED = 20
"""Fewer accounts that stayed teach no steps."""

STEPS = ("event", "retained_share", "lost_share", "usual_day")


def first_uses(facts: Facts, accounts: pd.DataFrame, days: int) -> pd.DataFrame:
    """When each account first did each thing within so many days of its start: account_id, event, day (0 the first).

    ``accounts`` has account_id and since. Accounts that began before the record, or after the cutoff, tell nothing.
    """
    found = facts.engine.frame(
        f"""SELECT n.account_id, e.event, CAST(min(f.day) AS TIMESTAMP) AS first
        FROM feature_day f JOIN feature_number e USING (feature) JOIN account_number n USING (account)
        WHERE f.known_on < DATE '{facts.cutoff}' AND f.day < DATE '{facts.cutoff}' GROUP BY n.account_id, e.event"""
    )
    made = found.merge(accounts[["account_id", "since"]], on="account_id")
    made["day"] = (made["first"] - made["since"]).dt.days
    return made.loc[made["day"].between(0, days - 1), ["account_id", "event", "day"]].reset_index(drop=True)


def steps_of(
    facts: Facts, accounts: pd.DataFrame, uses: pd.DataFrame, *, most: float, given: tuple[str, ...]
) -> pd.DataFrame:
    """The steps (`STEPS`) of the first days, in their usual order; ``given`` ones, or what most retained accounts did.

    An account counts as retained or lost by its first decided term. Empty where too few have stayed to tell.
    """
    begun = facts.engine.rows("SELECT CAST(min(day) AS TIMESTAMP) FROM account_day WHERE events > 0")[0][0]
    outcome = facts.engine.frame(
        f"""SELECT account_id, CAST(arg_min(outcome_left, (starts_on, contract_id)) AS DOUBLE) AS was_lost
        FROM terms WHERE outcome_left IS NOT NULL AND decided_on < DATE '{facts.cutoff}' GROUP BY account_id"""
    )
    seen = accounts.loc[accounts["since"] >= pd.Timestamp(str(begun)), ["account_id"]].merge(outcome, on="account_id")
    stayed, lost = (set(seen.loc[seen["was_lost"] == value, "account_id"]) for value in (0.0, 1.0))
    if len(stayed) < FEWEST_RETAINED and not given:
        return pd.DataFrame({name: [] for name in STEPS})
    rows = []
    for event, some in uses.groupby("event"):
        kept = some[some["account_id"].isin(stayed)]
        share = len(kept) / max(len(stayed), 1)
        if event in given or (not given and share >= most):
            went = some["account_id"].isin(lost).sum() / len(lost) if lost else None
            rows.append((event, share, went, kept["day"].median() if len(kept) else None))
    found = pd.DataFrame(rows, columns=list(STEPS)).astype(dict.fromkeys(STEPS[1:], float))
    if not given:
        found = found.sort_values(["retained_share", "event"], ascending=[False, True]).head(MOST_STEPS)
    return found.sort_values(["usual_day", "event"], ignore_index=True)


def progress(
    facts: Facts, accounts: pd.DataFrame, uses: pd.DataFrame, steps: pd.DataFrame, *, days: int
) -> pd.DataFrame:
    """New accounts and how far they are: account_id, age, done, usual, missing (a text), behind.

    ``usual`` is how many steps are usually done at that age: those whose usual day has passed. Fewer is behind.
    """
    cutoff = pd.Timestamp(facts.cutoff)
    new = accounts[accounts["since"] > cutoff - timedelta(days=days)]
    did = uses.merge(steps[["event"]], on="event").groupby("account_id")["event"].agg(set)
    rows = []
    ages = (cutoff - new["since"]).dt.days
    for name, age in zip(new["account_id"], ages, strict=True):
        have = did.get(name, set())
        usual = int((steps["usual_day"] < age).sum())
        missing = [event for event in steps["event"] if event not in have]
        rows.append((name, age, len(have), usual, ", ".join(missing), len(have) < usual))
    found = pd.DataFrame(rows, columns=["account_id", "age", "done", "usual", "missing", "behind"])
    return found.astype({"behind": bool, "account_id": object})

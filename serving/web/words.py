"""Words of the pages that stand in no template."""

from collections.abc import Mapping
from typing import Final

from serving.acts import Act

DID: Final[Mapping[str, str]] = {
    "take": "took the account",
    "release": "let the account go",
    "snooze": "put it off until {until}",
    "done": "marked the work as done",
    "reopen": "opened it again",
    "note": "noted",
    "touch": "logged a {kind} on {on}",
    "wrong": "said the score is wrong: {reason}",
    "outcome": "marked the outcome: {outcome}, decided on {decided_on}",
}

REASONS: Final[Mapping[str, str]] = {
    "risk_too_high": "the risk is too high",
    "risk_too_low": "the risk is too low",
    "data_wrong": "the data are wrong",
    "already_decided": "it is decided already",
    "champion_left": "the champion left",
    "reason_misleading": "a reason misleads",
    "other": "something else",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "renewed": "renewed",
    "expanded": "renewed for more",
    "downgraded": "renewed for less",
    "churned": "left",
}

TOUCHES: Final = ("call", "email", "meeting", "training", "review")

DRIVERS: Final[Mapping[str, str]] = {"time_spent": "time spent"}


def did(act: Act) -> str:
    """What was done, as one says it after the person's name."""
    told = {**act.told, "reason": REASONS.get(act.told.get("reason", ""), act.told.get("reason", ""))}
    told["outcome"] = OUTCOMES.get(told.get("outcome", ""), told.get("outcome", ""))
    return DID[act.kind].format_map(told)

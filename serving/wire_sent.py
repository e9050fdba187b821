"""What goes over the wire when others send something in: outcomes, feedback, and the jobs they begin."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from serving.wire import MOST_BROUGHT, AccountId, Body, UnknownAccount


class ToldOutcome(Body):
    """How a contract ended: of the account's contract that was scored last, unless another one is named."""

    account_id: AccountId
    contract_id: Annotated[StrictStr, Field(min_length=1)] | None = None
    outcome: Literal["renewed", "expanded", "downgraded", "churned"]
    decided_on: date


class OutcomesRequest(Body):
    """Outcomes as people know them; the next training and monitoring take them for what happened."""

    outcomes: Annotated[list[ToldOutcome], Field(min_length=1, max_length=MOST_BROUGHT)]


class Feedback(Body):
    """What somebody says of a score: why it is wrong, or what it did not know."""

    account_id: AccountId
    reason: Literal[
        "data_wrong", "already_decided", "champion_left", "reason_misleading", "risk_too_high", "risk_too_low", "other"
    ]
    note: Annotated[StrictStr, Field(max_length=2_000)] = ""
    by: Annotated[StrictStr, Field(max_length=200)] = ""


class FeedbackRequest(Body):
    """Feedback on scores, for whoever reviews them."""

    feedback: Annotated[list[Feedback], Field(min_length=1, max_length=MOST_BROUGHT)]


class Taken(Body):
    """How much was kept; what was not, and why. The same request again is answered the same."""

    kept: int
    errors: list[UnknownAccount]


class Job(Body):
    """A refresh: where it stands, and what it said so far."""

    id: str
    state: Literal["running", "done", "failed"]
    began_at: datetime
    ended_at: datetime | None
    progress: list[str]

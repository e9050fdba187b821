"""What goes over the wire: the bodies of requests and answers, and problems (RFC 9457)."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from serving.book import Band, Run, Score
from serving.plays import suggested
from serving.worklist import Item

MOST_ACCOUNTS: Final = 10_000
"""How many accounts one request may ask for."""

AccountId = Annotated[StrictStr, Field(min_length=1)]


class Body(BaseModel):
    """A body that is frozen and takes no fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoreRequest(Body):
    """The accounts to score."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=MOST_ACCOUNTS)]


class Driver(Body):
    """A signal family's signed share of an account's risk, in log-odds, told by the signal that carries most of it."""

    family: str
    signal: str
    now: float | None
    before: float | None
    typical: float | None = Field(description="the median of healthy peers")
    contribution: float = Field(description="above 0 raises the risk; all contributions and base add to its log-odds")
    sentence: str


class AccountScore(Body):
    """How likely one account is to leave, what that would cost, and why."""

    account_id: str
    risk: float = Field(ge=0, le=1, description="calibrated probability of not renewing (or of falling silent)")
    band: Band
    arr: float | None
    arr_at_risk: float | None = Field(description="risk × ARR")
    renewal_date: date | None
    days_to_renewal: int | None = Field(description="from the cutoff")
    base: float = Field(description="log-odds of a healthy account in such a term, before any driver")
    drivers: list[Driver]
    model_name: str
    model_version: str
    cutoff: date = Field(description="only what was known before this day counts")


class UnknownAccount(Body):
    """An account that could not be scored, and why."""

    account_id: str
    error: str


class ScoreResponse(Body):
    """Scores in the order asked for, and the accounts that are not in the book."""

    scores: list[AccountScore]
    errors: list[UnknownAccount]


class ListedAccount(Body):
    """One line of the worklist."""

    account_id: str
    name: str | None
    owner: str | None
    segment: str | None
    risk: float
    band: Band
    arr: float | None
    arr_at_risk: float | None
    renewal_date: date | None
    days_to_renewal: int | None
    reasons: list[str]
    play: str
    todo: str


class WorklistResponse(Body):
    """Accounts by expected ARR lost; ``next`` leads to the next page, null when there is none."""

    items: list[ListedAccount]
    next: str | None


class PastRisk(Body):
    """An account's risk in one run."""

    cutoff: date
    made_at: datetime
    risk: float
    model_version: str


class Account(Body):
    """One account: its score, its risks in the runs so far (latest first), and what to do."""

    name: str | None
    owner: str | None
    segment: str | None
    contract_id: str | None
    score: AccountScore
    history: list[PastRisk]
    play: str
    todo: str


class Health(Body):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Ready(Body):
    """The service can score, and with what."""

    status: Literal["ready"] = "ready"
    model_name: str
    model_version: str
    cutoff: date
    accounts: int


class Problem(Body):
    """Why a request was not answered (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def account_score(score: Score, run: Run) -> AccountScore:
    """A score as it goes over the wire."""
    return AccountScore(
        account_id=score.account_id,
        risk=score.risk,
        band=score.band,
        arr=score.arr,
        arr_at_risk=score.arr_at_risk,
        renewal_date=score.ends_on,
        days_to_renewal=score.days_to_renewal,
        base=score.base,
        drivers=[Driver.model_validate(reason, from_attributes=True) for reason in score.reasons],
        model_name=run.model_name,
        model_version=run.model_version,
        cutoff=run.cutoff,
    )


def listed(item: Item) -> ListedAccount:
    """A line of the worklist as it goes over the wire."""
    score = item.score
    return ListedAccount(
        account_id=score.account_id,
        name=score.name,
        owner=score.owner,
        segment=score.segment,
        risk=score.risk,
        band=score.band,
        arr=score.arr,
        arr_at_risk=score.arr_at_risk,
        renewal_date=score.ends_on,
        days_to_renewal=score.days_to_renewal,
        reasons=list(item.reasons),
        play=item.play.name,
        todo=item.play.todo,
    )


def account(score: Score, run: Run, history: tuple[tuple[Run, float], ...]) -> Account:
    """One account with its past as it goes over the wire."""
    play = suggested(score)
    past = [
        PastRisk(cutoff=then.cutoff, made_at=then.made_at, risk=risk, model_version=then.model_version)
        for then, risk in history
    ]
    return Account(
        name=score.name,
        owner=score.owner,
        segment=score.segment,
        contract_id=score.contract_id,
        score=account_score(score, run),
        history=past,
        play=play.name,
        todo=play.todo,
    )

"""What goes over the wire: the bodies of requests and answers, and problems (RFC 9457)."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from serving.book import Band

MOST_ACCOUNTS: Final = 10_000
"""How many accounts one request may ask for."""

MOST_BROUGHT: Final = 1_000
"""How many accounts one request may bring the signals of."""

AccountId = Annotated[StrictStr, Field(min_length=1)]


class Body(BaseModel):
    """A body that is frozen and takes no fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoreRequest(Body):
    """The accounts to score."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=MOST_ACCOUNTS)]


Stale = Annotated[
    str | None, Field(description="why this may be old: the model, the book or the store could not be looked for")
]


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
    plan: str | None = None
    drivers: list[Driver]
    model_name: str
    model_version: str
    cutoff: date = Field(description="only what was known before this day counts")


class SignalsOfAccount(Body):
    """One account told by the caller: what its signals are worth now. What is left out, or null, is not known."""

    account_id: AccountId
    segment: StrictStr = ""
    signals: dict[str, Annotated[float, Field(strict=True, allow_inf_nan=False)] | None]


class SignalsRequest(Body):
    """Accounts whose signals the caller brings."""

    accounts: Annotated[list[SignalsOfAccount], Field(min_length=1, max_length=MOST_BROUGHT)]


class BroughtScore(Body):
    """The risk of an account whose signals the caller brought."""

    account_id: str
    risk: float = Field(ge=0, le=1)
    band: Band
    base: float
    drivers: list[Driver]
    missing: list[str] = Field(description="signals of the model that were not brought: they count as not known")
    unknown: list[str] = Field(description="names that no signal of the model has: they count for nothing")


class SignalsResponse(Body):
    """Scores in the order asked for."""

    scores: list[BroughtScore]
    model_name: str
    model_version: str


class Model(Body):
    """The model that scores."""

    name: str
    version: str
    verdict: str = Field(description="what training said of it; why, where there is no usable signal")
    usable: bool
    base_rate: float = Field(description="the share of losses among the outcomes it learnt from")
    signals: list[str] = Field(description="the signal columns it looks at, as `POST /v1/score/signals` takes them")


class UnknownAccount(Body):
    """An account that could not be scored, and why."""

    account_id: str
    error: str


class ScoreResponse(Body):
    """Scores in the order asked for, and the accounts that are not in the book."""

    scores: list[AccountScore]
    errors: list[UnknownAccount]
    stale: Stale


class Change(Body):
    """One family's share of the log-odds in the run before and now."""

    family: str
    before: float
    now: float
    difference: float = Field(description="above 0: it raises the risk more than it did")
    sentence: str


class Changes(Body):
    """How an account's risk moved since the run before, and which families moved it, the furthest first."""

    since: date = Field(description="the cutoff of the run before")
    risk_before: float
    base: float = Field(description="what the term and its date alone moved, in log-odds")
    families: list[Change]
    incomparable: str | None = Field(description="why shares cannot be compared: the model changed")


class Lever(Body):
    """One signal moved to what healthy peers show, and the risk the model would then give."""

    family: str
    signal: str
    now: float
    to: float
    risk: float = Field(ge=0, le=1)
    sentence: str


class Temperature(Body):
    """How likely an account is to buy more, and why."""

    value: float = Field(ge=0, le=100, description="100 x the calibrated chance to buy more within the horizon")
    horizon_days: int
    base: float = Field(description="log-odds of the average account in such a term, before any driver")
    drivers: list[Driver]
    model_name: str
    model_version: str


class ListedAccount(Body):
    """One line of the worklist."""

    account_id: str
    name: str | None
    owner: str | None
    segment: str | None
    plan: str | None
    risk: float
    band: Band
    arr: float | None
    arr_at_risk: float | None
    renewal_date: date | None
    days_to_renewal: int | None
    temperature: float | None = Field(description="0 to 100; null where no model of buying more has a usable signal")
    risk_before: float | None = Field(description="in the run before; null when that did not know the account")
    changed: list[str] = Field(description="what moved the risk most since then")
    reasons: list[str]
    play: str
    todo: str
    due: date | None = Field(description="by when the play is due; null where none was drawn for the term")
    left_out: bool = Field(description="left out of the play by chance, to learn whether it works")


class WorklistResponse(Body):
    """Accounts by expected ARR lost; ``next`` leads to the next page, null when there is none."""

    usable: bool = Field(description="false: no usable signal, ranked by value and date only")
    no_temperature: str | None = Field(description="why no account has a temperature; null where they have")
    items: list[ListedAccount]
    next: str | None
    stale: Stale


class PastRisk(Body):
    """An account's risk in one run."""

    cutoff: date
    made_at: datetime
    risk: float
    model_version: str


class Alive(Body):
    """The chance that an account is still there after a renewal."""

    on: date
    chance: float = Field(ge=0, le=1)


class Interval(Body):
    """A figure: expected, and the ends of its 80 % and 95 % intervals."""

    expected: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float


class Month(Body):
    """The renewals of one month."""

    month: str
    contracts: int
    arr: float
    lost_contracts: Interval
    renewed: Interval = Field(description="old ARR of those who stay")
    expanded: Interval = Field(description="what those who pay more add")
    after: Interval = Field(description="what those who stay pay then")
    at_risk: Interval = Field(description="old ARR of those who leave")
    grr: Interval | None
    nrr: Interval | None


class Forecast(Body):
    """The next renewals of the latest book by month, and gross and net retention of the past year."""

    cutoff: date
    since: date | None = Field(description="from when GRR and NRR are counted")
    grr: float | None
    nrr: float | None
    usable: bool = Field(description="false: no usable signal, every risk is a base rate")
    months: list[Month]
    stale: Stale


class Account(Body):
    """One account: its score, its risks in the runs so far (latest first), what changed, what would help, what to do.

    Levers are what the model expects of one signal moved, all else equal: no promise.
    """

    name: str | None
    owner: str | None
    segment: str | None
    contract_id: str | None
    score: AccountScore
    history: list[PastRisk]
    changes: Changes | None
    levers: list[Lever]
    temperature: Temperature | None
    no_temperature: str | None = Field(description="why it has no temperature; null where it has")
    survival: list[Alive] = Field(description="renewal by renewal; beyond the next one at the book's mean risk")
    play: str
    todo: str
    due: date | None
    left_out: bool = Field(description="left out of the play by chance, to learn whether it works")
    steps: list[str] = Field(description="of the play, in order")
    stale: Stale


class Health(Body):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Ready(Body):
    """The service can score, and with what."""

    status: Literal["ready"] = "ready"
    model_name: str
    model_version: str
    verdict: str = Field(description="what training said of the model; why, where there is no usable signal")
    usable: bool
    cutoff: date
    accounts: int


class Problem(Body):
    """Why a request was not answered (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str

"""Sharing and cost: logins that several people seem to use, and accounts that cost more to serve than they pay."""

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from features import outcomes
from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.cash import yearly_cost
from features.analyses.logins import HOURS, REST_HOURS, logins, named, weeks_at_rest
from features.errors import DataError, SettingsError
from features.facts import Facts
from training.analyses.sharing_chart import chart

NAME: Final = "sharing"
AT_NIGHT: Final = 0.02
"""A person is seen in so small a share of hours of rest, at most: the odd night, a trip."""

USUAL: Final = 0.95
"""Where people work at all hours, what nearly all logins of the book stay below counts instead."""

PROOF: Final = 0.05
"""The chance that any login of a book is called shared although each is used by one person of usual habits."""

FEWEST_WEEKS: Final = 4
"""Fewer weeks may be a journey or a night's work before a date."""

NAMES: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    ARR,
)
SHARED: Final = (
    *NAMES,
    Field(name="login", title="login", kind="text", meaning="the user_id"),
    Field(name="days", title="days", kind="whole", meaning="on which it was seen", apart=True),
    Field(name="seen", title="hours", kind="whole", meaning="hours of days in which it was seen", apart=True),
    Field(name="at_rest", title="at rest", kind="whole", meaning="of them in its six quietest hours", apart=True),
    Field(name="rest_share", title="at rest", kind="share", meaning="share of its use in its six quietest hours"),
    Field(name="rest_from", title="rest from", kind="whole", meaning="first of these hours, UTC", apart=True),
    Field(name="weeks", title="weeks", kind="whole", meaning="in which it was seen then", apart=True),
    Field(name="longest", title="longest", kind="number", meaning="most hours on one day", apart=True),
    Field(name="load", title="load", kind="number", meaning="its use, in units of the book's usual login"),
    Field(name="p", title="p", kind="number", meaning="chance of as much use at rest by one person", apart=True),
    Field(name="evidence", title="evidence", kind="text", meaning="what was seen", wraps=True),
)
COSTLY: Final = (
    *NAMES,
    Field(name="cost", title="cost", kind="money", meaning="to serve it for a year, by the past year's months"),
    Field(name="cost_share", title="cost of ARR", kind="share", meaning="cost to serve, of what it pays"),
    Field(name="shared", title="shared", kind="flag", meaning="whether a login of it is shared, too"),
)


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Logins seen in ``fewest_hours`` of ``window_days`` are judged; costly is who costs ``cost_share`` of its ARR.

    Raises SettingsError.
    """

    window_days: int = 84
    fewest_hours: int = 20
    cost_share: float = 1.0

    def __post_init__(self) -> None:
        if self.window_days < 7 * FEWEST_WEEKS or self.fewest_hours < 1 or self.cost_share <= 0:
            raise SettingsError(
                f"window_days = {self.window_days}, fewest_hours = {self.fewest_hours}, "
                f"cost_share = {self.cost_share}: at least {7 * FEWEST_WEEKS}, at least 1 and above 0"
            )


def sharing(facts: Facts, asked: Sharing | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """Shared logins and costly accounts, each with evidence. Raises DataError where neither can be told."""
    asked = asked or Sharing()
    need(facts, NAME, "events")
    people = facts.knows("events", "user_id")
    money = facts.knows("costs") and facts.knows("contracts", "arr")
    if not people and not money:
        raise DataError(
            f"{NAME} cannot be computed: the column user_id of the table events and the table costs are missing"
        )
    book = accounts_now(facts, grace_days=grace_days)[[one.name for one in NAMES]]
    seen, hours = logins(facts, asked.window_days) if people else (_nobody(), np.zeros((0, HOURS)))
    shared, found = _shared(facts, seen, asked, book)
    costly = _costly(facts, book, set(shared["account_id"]), asked) if money else _empty(COSTLY)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(facts, shared, costly, int((seen["seen"] >= asked.fewest_hours).sum()), asked),
        sheets=(
            Sheet(name="shared", fields=SHARED, frame=shared, most=20),
            Sheet(name="costly", fields=COSTLY, frame=costly, most=20),
        ),
        chart=chart(shared, hours[found], hours),
        asked=asdict(asked),
    )


def _shared(
    facts: Facts, seen: pd.DataFrame, asked: Sharing, book: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Logins that are shared, the surest first, and their rows in ``seen``.

    A login used by one person falls into its quietest hours at most at the usual rate; that these hours are chosen by
    the login's own use makes the test careful. Bonferroni's bound keeps the promise for the book.
    """
    judged = seen[seen["seen"] >= asked.fewest_hours]
    if judged.empty:
        return _empty(SHARED), np.zeros(0, dtype=np.int64)
    share = judged["at_rest"] / judged["seen"]
    usual = max(AT_NIGHT, float(share.quantile(USUAL)))
    p = stats.binom.sf(judged["at_rest"] - 1, judged["seen"], usual)
    suspects = judged.assign(rest_share=share, p=p, load=judged["seen"] / judged["seen"].median())
    suspects = suspects[suspects["p"] * len(judged) <= PROOF]
    suspects = suspects.assign(weeks=weeks_at_rest(facts, suspects, asked.window_days))
    suspects = suspects[suspects["weeks"] >= FEWEST_WEEKS].sort_values(["p", "account_id", "person"])
    who = named(facts, [int(person) for person in suspects["person"]])
    suspects = suspects.assign(login=[who.get(int(person), "") for person in suspects["person"]])
    evidence = [_evidence(row) for row in suspects.to_dict("records")]
    rows = suspects.index.to_numpy(np.int64)
    frame = suspects.assign(evidence=evidence).merge(book, "left", on="account_id")
    return frame[[one.name for one in SHARED]], rows


def _evidence(row: dict[Hashable, Any]) -> str:
    begins = int(row["rest_from"])
    return (
        f"seen {row['at_rest']:.0f} times between {begins:02} and {(begins + REST_HOURS) % HOURS:02} h UTC, its "
        f"quietest hours, in {row['weeks']} weeks"
    )


def _costly(facts: Facts, book: pd.DataFrame, shared: set[str], asked: Sharing) -> pd.DataFrame:
    found = book[book["arr"] > 0].merge(yearly_cost(facts), on="account_id")
    found = found.assign(cost_share=found["cost"] / found["arr"], shared=found["account_id"].isin(shared))
    found = found[found["cost_share"] >= asked.cost_share]
    found = found.sort_values(["cost_share", "account_id"], ascending=[False, True], ignore_index=True)
    return found[[one.name for one in COSTLY]]


def _says(facts: Facts, shared: pd.DataFrame, costly: pd.DataFrame, judged: int, asked: Sharing) -> tuple[str, ...]:
    lines = []
    if not facts.knows("events", "user_id"):
        lines.append("Shared logins are not told: the column user_id of the table events is missing.")
    elif shared.empty:
        lines.append(f"No login is proven to be shared: {judged:,} were looked at.")
    else:
        accounts = shared["account_id"].nunique()
        lines.append(
            f"{len(shared):,} of {judged:,} logins, of {accounts:,} accounts, seem to be used by several people: "
            f"they know no {REST_HOURS} hours of rest, where one person's hold at most {percent(AT_NIGHT)} of use. "
            "Offer those accounts more seats."
        )
    if not facts.knows("costs"):
        lines.append("Cost above payment is not told: the table costs is missing.")
    elif not facts.knows("contracts", "arr"):
        lines.append("Cost above payment is not told: the column arr of the table contracts is missing.")
    else:
        above = "what they pay" if asked.cost_share == 1 else f"{percent(asked.cost_share)} of what they pay"
        lines.append(f"{len(costly):,} accounts cost {above} or more to serve.")
    lines.append("Hours are the evidence; places and sessions at the same time are in no table.")
    return tuple(lines)


def _nobody() -> pd.DataFrame:
    return pd.DataFrame(columns=["account_id", "person", "days", "longest", "seen", "at_rest", "rest_from"])


def _empty(fields: tuple[Field, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=[one.name for one in fields])

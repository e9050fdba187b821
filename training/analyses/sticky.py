"""Which features keep customers: who used one before a renewal against who did not, all else held still."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import outcomes
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.renewals_seen import RenewalsSeen, renewals_seen
from features.analyses.use_over_time import use_over_time
from features.errors import SettingsError
from features.facts import Facts
from training.adjusted import Differences, controls, differences, false_discoveries
from training.analyses.sticky_charts import chart

NAME: Final = "features"
WARNING: Final = (
    "This is correlation: accounts that stay may use a feature for the very reason for which they stay. "
    "Only an experiment, such as a play with a holdout, shows what guiding others to it does."
)
EARLIER: Final = 0.6
"""Features are chosen on this share of the renewals, the earlier ones, and checked on the later ones."""

FALSE_CLAIMS: Final = 0.1
"""On earlier renewals at most this share of the features that are chosen may be chance (false discovery rate)."""

PROOF: Final = 0.05
"""What is chosen must show again later: one-sided, at this level."""

FEWEST_TERMS: Final = 60
FEWEST_LOSSES: Final = 10
"""With fewer renewals or losses, earlier or later, nothing can be said."""

KEEPS, LEAVES, UNPROVEN, FEW = "keeps customers", "goes with leaving", "not proven", "too few to tell"

FEATURES: Final = (
    Field(name="feature", title="feature", kind="text", meaning="the event"),
    Field(name="finding", title="finding", kind="text", meaning=f"{KEEPS}, {LEAVES}, {UNPROVEN} or {FEW}"),
    Field(name="adopters", title="used", kind="whole", meaning="renewals of accounts that used it before"),
    Field(name="others", title="not", kind="whole", meaning="renewals of accounts that did not"),
    Field(name="adopters_stayed", title="stayed", kind="share", meaning="of those who used it"),
    Field(name="others_stayed", title="without", kind="share", meaning="of those who did not"),
    Field(name="difference", title="adjusted", kind="share", meaning="difference in staying, all else held still"),
    Field(name="low", title="at least", kind="share", meaning="lower end of its 95 % interval"),
    Field(name="high", title="at most", kind="share", meaning="upper end of its 95 % interval"),
    Field(
        name="q", title="q", kind="number", meaning="share of false claims among those up to here, earlier", apart=True
    ),
    Field(name="later", title="later", kind="share", meaning="adjusted difference on later renewals"),
    Field(name="later_p", title="later p", kind="number", meaning="its one-sided p-value", apart=True),
)

USE: Final = (
    Field(name="feature", title="feature", kind="text", meaning="the event"),
    Field(name="month", title="month", kind="date", meaning="first day of the month"),
    Field(name="accounts", title="accounts", kind="whole", meaning="accounts whose people used it in that month"),
    Field(name="share", title="of those in use", kind="share", meaning="of the accounts that used anything then"),
)


@dataclass(frozen=True, kw_only=True)
class Sticky:
    """An account has a feature when people used it on ``least_days`` of the ``window_days`` before a renewal is seen.

    Both sides need ``fewest`` accounts; the matrix of use shows ``months``. Raises SettingsError.
    """

    window_days: int = 84
    least_days: int = 2
    fewest: int = 20
    months: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.least_days <= self.window_days:
            raise SettingsError(
                f"least_days = {self.least_days}, window_days = {self.window_days}: 1 <= least_days <= window_days"
            )
        if self.fewest < 5 or self.months < 1:
            raise SettingsError(f"fewest = {self.fewest}, months = {self.months}: at least 5 and 1")


def sticky(facts: Facts, asked: Sticky | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """Every feature's adopters against the others at renewals, and its use by month. Raises DataError."""
    asked = asked or Sticky()
    need(facts, NAME, "events", "contracts", "accounts")
    seen = renewals_seen(facts, asked.window_days, grace_days=grace_days)
    found, use = _judged(seen, asked), use_over_time(facts, asked.months)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(found, seen),
        sheets=(
            Sheet(name="features", fields=FEATURES, frame=found, most=30),
            Sheet(name="use", fields=USE, frame=use, most=6),
        ),
        chart=chart(found, use),
        asked=asdict(asked),
    )


def _judged(seen: RenewalsSeen, asked: Sticky) -> pd.DataFrame:
    terms, used = seen.terms, seen.days >= asked.least_days
    stayed = 1.0 - terms["left"].to_numpy()
    rows, sums = used.sum(axis=0), used.T @ stayed
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = sums / rows, (stayed.sum() - sums) / (len(terms) - rows)
    every = np.ones(len(terms), dtype=bool)
    earlier, later = _split(terms)
    whole, first, second = (_compared(seen, used, rows_, asked) for rows_ in (every, earlier, later))
    q = false_discoveries(first.p)
    again = np.where(np.sign(second.difference) == np.sign(first.difference), second.p / 2, 1 - second.p / 2)
    proven = (q <= FALSE_CLAIMS) & (again <= PROOF)
    known = ~np.isnan(first.p) & ~np.isnan(second.p)
    frame = pd.DataFrame(
        {
            "feature": list(seen.features),
            "finding": np.select([~known, ~proven, first.difference > 0], [FEW, UNPROVEN, KEEPS], LEAVES),
            "adopters": rows,
            "others": len(terms) - rows,
            "adopters_stayed": shares[0],
            "others_stayed": shares[1],
            "difference": whole.difference,
            "low": whole.low,
            "high": whole.high,
            "q": q,
            "later": second.difference,
            "later_p": again,
        }
    )
    place = frame["finding"].map({KEEPS: 0, LEAVES: 1, UNPROVEN: 2, FEW: 3})
    order = frame.assign(place=place).sort_values(["place", "difference", "feature"], ascending=[True, False, True])
    return frame.loc[order.index].reset_index(drop=True)


def _split(terms: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Renewals decided by a day, and those seen after it: nothing is learnt from what was open on that day."""
    if terms.empty:
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    day = terms["decided_on"].sort_values().iloc[int(EARLIER * (len(terms) - 1))]
    return (terms["decided_on"] <= day).to_numpy(), (terms["seen_on"] >= day).to_numpy()


def _compared(seen: RenewalsSeen, used: NDArray[np.bool_], rows: NDArray[np.bool_], asked: Sticky) -> Differences:
    """Adjusted differences among some renewals; NaN for a feature with too few accounts on either side."""
    terms, used = seen.terms[rows], used[rows]
    none = np.full(used.shape[1], np.nan)
    nothing = Differences(difference=none, low=none, high=none, p=none)
    if len(terms) < FEWEST_TERMS or terms["left"].sum() < FEWEST_LOSSES or not used.shape[1]:
        return nothing
    account = pd.factorize(terms["account_id"], sort=True)[0].astype(np.int64)
    several = np.array(
        [min(np.unique(account[one]).size, np.unique(account[~one]).size) >= asked.fewest for one in used.T]
    )
    if not several.any():
        return nothing
    numbers = terms[["size", "age_days", "active_days", "events"]]
    held = controls(numbers, terms[["segment", "length"]])
    found = differences(1.0 - terms["left"].to_numpy(), used[:, several].astype(np.float64), held, account)
    filled = [none.copy() for _ in range(4)]
    for whole, part in zip(filled, (found.difference, found.low, found.high, found.p), strict=True):
        whole[several] = part
    return Differences(difference=filled[0], low=filled[1], high=filled[2], p=filled[3])


def _says(found: pd.DataFrame, seen: RenewalsSeen) -> tuple[str, ...]:
    judged = int((found["finding"] != FEW).sum())
    of = f"{len(seen.terms):,} decided renewals of {seen.terms['account_id'].nunique():,} accounts"
    if not judged:
        return (
            f"Nothing can be said of any feature: at {of} with {int(seen.terms['left'].sum()):,} losses, too few "
            "accounts used it, did not, or were lost, among the earlier renewals or among the later ones.",
        )
    keeps = found[found["finding"] == KEEPS]
    lines = [f"No feature is proven to go with staying or leaving: {judged} were compared at {of}."]
    if len(keeps):
        lines = [
            f"{len(keeps)} of {judged} features go with staying, at {of}: {', '.join(keeps['feature'].head(5))}.",
            *(_told(keeps.iloc[place]) for place in range(min(3, len(keeps)))),
        ]
    leaves = found[found["finding"] == LEAVES]
    if len(leaves):
        lines.append(f"Used more by accounts that leave: {', '.join(leaves['feature'].head(5))}.")
    return (*lines, WARNING)


def _told(row: "pd.Series[Any]") -> str:
    return (
        f"{row['feature']}: {percent(row['adopters_stayed'])} of those who used it stayed, "
        f"{percent(row['others_stayed'])} of the others; with size, age and activity held still the difference is "
        f"{100 * row['difference']:.0f} points ({100 * row['low']:.0f} to {100 * row['high']:.0f})."
    )

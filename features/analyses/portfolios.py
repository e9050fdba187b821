"""Portfolios: the accounts and ARR of each CSM, the load against what one can carry, and few moves that balance it."""

from dataclasses import asdict, dataclass
from typing import Final

import pandas as pd

from features import outcomes
from features.analyses.accounts_now import ACCOUNT, CALLED, SEGMENT, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.balance import Carried, Move, balanced
from features.analyses.portfolios_chart import chart
from features.analyses.tiers import TIERS, Tiers, tiers
from features.errors import SettingsError
from features.facts import Facts

NAME: Final = "portfolios"
NOBODY: Final = "nobody"
"""The owner of accounts that have none."""

NEW_A_MONTH: Final = 20
"""New accounts a month that one CSM can take on: what a unit of four or five sellers wins."""

PORTFOLIOS: Final = (
    Field(name="owner", title="CSM", kind="text", meaning="the owner of the accounts"),
    Field(name="accounts", title="accounts", kind="whole", meaning="looked after"),
    *(Field(name=tier, title=tier, kind="whole", meaning=f"of the tier {tier}") for tier in TIERS),
    Field(name="new", title="new", kind="whole", meaning="whose first term began lately: they are visited often"),
    Field(name="arr", title="ARR", kind="money", meaning="of their open terms"),
    Field(name="hours", title="hours", kind="number", meaning="a month that they take, by tier and newness"),
    Field(name="load", title="load", kind="share", meaning="hours against what one CSM can carry"),
    Field(name="load_after", title="after", kind="share", meaning="load after the proposed moves"),
)

MOVES: Final = (
    ACCOUNT,
    CALLED,
    Field(name="tier", title="tier", kind="text", meaning="who looks after it"),
    SEGMENT,
    Field(name="arr", title="ARR", kind="money", meaning="of its open terms"),
    Field(name="hours", title="hours", kind="number", meaning="a month that it takes"),
    Field(name="owner", title="from", kind="text", meaning="its CSM now"),
    Field(name="receiver", title="to", kind="text", meaning="its CSM then"),
)


@dataclass(frozen=True, kw_only=True)
class Portfolios:
    """Hours a month that an account takes, by tier; one whose first term began in ``new_days`` takes ``new`` more.

    A CSM carries ``capacity`` hours: 20 new accounts a month, each for two months, at the usual ``new`` hours. Loads
    within ``tolerance`` of the mean are balanced; at most ``most_moves`` are proposed. Raises SettingsError.
    """

    people: float = 6.0
    shared: float = 2.0
    programmes: float = 0.25
    free: float = 0.0
    new: float = 3.0
    new_days: int = 60
    capacity: float = 120.0
    tolerance: float = 0.1
    most_moves: int = 20

    def __post_init__(self) -> None:
        if min(self.people, self.shared, self.programmes, self.free, self.new) < 0 or self.capacity <= 0:
            raise SettingsError("hours of a tier are at least 0, and capacity is above 0")
        if self.new_days < 0 or self.tolerance < 0 or self.most_moves < 0:
            raise SettingsError(
                f"new_days = {self.new_days}, tolerance = {self.tolerance}, most_moves = {self.most_moves}: at least 0"
            )


def portfolios(
    facts: Facts,
    asked: Portfolios | None = None,
    *,
    by: Tiers | None = None,
    grace_days: int = outcomes.GRACE_DAYS,
) -> Answer:
    """What each CSM carries, and moves that balance it. Raises DataError where no account has an owner or no ARR."""
    asked = asked or Portfolios()
    need(facts, NAME, "accounts", "accounts.owner", "contracts.arr")
    book = _book(facts, asked, by, grace_days)
    moves = balanced(_carried(book), nobody=NOBODY, tolerance=asked.tolerance, most_moves=asked.most_moves)
    receivers = {move.account_id: move.receiver for move in moves}
    owners = zip(book["account_id"], book["owner"], strict=True)
    then = pd.Series([receivers.get(account, owner) for account, owner in owners], index=book.index, dtype=str)
    held = _held(book, then, asked)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(held, moves, asked),
        sheets=(
            Sheet(name="portfolios", fields=PORTFOLIOS, frame=held, most=40),
            Sheet(name="moves", fields=MOVES, frame=_moved(book, moves), most=20),
        ),
        chart=chart(book, held, asked.capacity) if len(held) else None,
        asked=asdict(asked),
    )


def _book(facts: Facts, asked: Portfolios, by: Tiers | None, grace_days: int) -> pd.DataFrame:
    """Every account that somebody should look after, with its tier and the hours that it takes."""
    book = tiers(facts, by, grace_days=grace_days).sheet("accounts").frame
    since = accounts_now(facts, grace_days=grace_days)[["account_id", "since"]]
    book = book.merge(since, on="account_id").sort_values("account_id", ignore_index=True)
    book["new"] = book["since"] >= pd.Timestamp(facts.cutoff) - pd.Timedelta(days=asked.new_days)
    hours = {tier: getattr(asked, tier) for tier in TIERS}
    book["hours"] = book["tier"].map(hours).astype(float) + asked.new * book["new"]
    return book.assign(owner=book["owner"].fillna(NOBODY), segment=book["segment"].fillna(""))


def _carried(book: pd.DataFrame) -> tuple[Carried, ...]:
    """Accounts of the first tier stay with the person they know."""
    columns = (book[name] for name in ("account_id", "owner", "segment", "hours", "tier"))
    return tuple(
        Carried(account_id=account, owner=owner, segment=segment, hours=hours, stays=tier == TIERS[0])
        for account, owner, segment, hours, tier in zip(*columns, strict=True)
    )


def _held(book: pd.DataFrame, then: pd.Series, asked: Portfolios) -> pd.DataFrame:
    rows = []
    for owner, these in book.groupby("owner"):
        row = {"owner": owner, "accounts": len(these), "new": int(these["new"].sum()), "arr": these["arr"].sum()}
        row |= {tier: int((these["tier"] == tier).sum()) for tier in TIERS}
        hours = float(these["hours"].sum())
        after = float(book.loc[then == owner, "hours"].sum())
        row |= {"hours": hours, "load": hours / asked.capacity, "load_after": after / asked.capacity}
        rows.append(row)
    frame = pd.DataFrame(rows, columns=[one.name for one in PORTFOLIOS])
    return frame.sort_values(["load", "owner"], ascending=[False, True], ignore_index=True)


def _moved(book: pd.DataFrame, moves: tuple[Move, ...]) -> pd.DataFrame:
    receivers = {move.account_id: move.receiver for move in moves}
    frame = book[book["account_id"].isin(list(receivers))].assign(
        receiver=lambda rows: rows["account_id"].map(receivers),
        place=lambda rows: rows["account_id"].map({move.account_id: place for place, move in enumerate(moves)}),
    )
    return frame.sort_values("place", ignore_index=True)[[one.name for one in MOVES]]


def _says(held: pd.DataFrame, moves: tuple[Move, ...], asked: Portfolios) -> tuple[str, ...]:
    named = held[held["owner"] != NOBODY]
    if named.empty:
        return ("No account that is looked after has an owner: there are no portfolios.",)
    needed = float(held["hours"].sum()) / asked.capacity
    most, least = named.iloc[0], named.iloc[-1]
    lines = [
        f"{len(named)} CSMs carry {int(held['accounts'].sum()):,} accounts, the work of {needed:.1f} at "
        f"{asked.capacity:.0f} hours a month: from {percent(least['load'])} ({least['owner']}) to "
        f"{percent(most['load'])} ({most['owner']}) of what one can carry."
    ]
    over = list(named.loc[named["load"] > 1, "owner"])
    if over:
        lines.append(f"More than one can carry: {', '.join(over)}.")
    wins = named[named["new"] > NEW_A_MONTH * asked.new_days / 30]
    if len(wins):
        lines.append(f"More than {NEW_A_MONTH} new accounts a month: {', '.join(wins['owner'])}.")
    left = int(held.loc[held["owner"] == NOBODY, "accounts"].sum())
    if left:
        lines.append(f"{left:,} accounts have no owner.")
    if not moves:
        return (*lines, "Nothing to move: no move brings the loads closer together, or they are balanced.")
    after = named["load_after"]
    lines.append(
        f"{len(moves)} moves bring the loads to between {percent(after.min())} and {percent(after.max())}; "
        f"accounts of the tier {TIERS[0]} stay with whom they know."
    )
    return tuple(lines)

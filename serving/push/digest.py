"""The weekly digest of one customer-success manager: whom to look at first, why, and what to do."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from serving.push.parcels import Book, Parcel
from serving.push.record import record

if TYPE_CHECKING:
    from serving.worklist import Item

MOST: Final = 10
"""Accounts in one digest; the worklist has them all."""

REASONS: Final = 2
SOON_DAYS: Final = 90
"""Renewal work begins so many days before the end."""


def digests(book: Book, addresses: Mapping[str, str], otherwise: str) -> list[Parcel]:
    """One parcel a person who has an address, and at most one a week: a digest is news once.

    ``addresses`` are by the owner's name as accounts tell it; ``otherwise`` takes those without one, and accounts
    without an owner.
    """
    year, week, _ = book.run.cutoff.isocalendar()
    by_owner: dict[str, list[Item]] = {}
    for item in book.items:
        by_owner.setdefault(item.score.owner or "", []).append(item)
    found = []
    for owner, items in sorted(by_owner.items()):
        to = addresses.get(owner, otherwise)
        if to:
            content = {"owner": owner, "to": to, "week": f"{year}-W{week:02}"}
            found.append(Parcel(key=owner or "without an owner", content=content, beside=_told(book, items)))
    return found


def _told(book: Book, items: "Sequence[Item]") -> dict[str, Any]:
    urgent = [item for item in items if item.score.band != "low"]
    days = [item.score.days_to_renewal for item in items if item.score.days_to_renewal is not None]
    return {
        "cutoff": book.run.cutoff.isoformat(),
        "usable": book.run.usable,
        "accounts": [record(item) for item in urgent[:MOST]],
        "more": max(0, len(urgent) - MOST),
        "renewals": sum(0 <= ahead <= SOON_DAYS for ahead in days),
        "of": len(items),
    }


def title(told: Mapping[str, Any]) -> str:
    """What stands above a digest."""
    whose = f" of {told['owner']}" if told["owner"] else " without an owner"
    return f"{_accounts(len(told['accounts']) + told['more'])}{whose} to look at, {told['week']}"


def summary(told: Mapping[str, Any]) -> str:
    """The first line: how many there are and how many renew soon."""
    said = (
        f"{_accounts(told['of'])}; renewals within {SOON_DAYS} days: {told['renewals']}; scored from {told['cutoff']}."
    )
    return said if told["usable"] else f"{said} No usable signal: ranked by value and date only."


def lines(account: Mapping[str, Any]) -> list[str]:
    """One account: its risk and renewal, its strongest reasons, and what to do."""
    said = f"{account['risk']:.0%} {account['band']} risk".replace("%", " %")
    if account["arr_at_risk"] is not None:
        said += f", {account['arr_at_risk']:,.0f} of {account['arr']:,.0f} at risk"
    if account["renewal_date"] is not None:
        said += f", renews {account['renewal_date']}"
    return [said, *(f"• {reason}" for reason in account["reasons"][:REASONS]), f"→ {account['todo']}"]


def name_of(account: Mapping[str, Any]) -> str:
    """What an account is called, on one line."""
    return " ".join(str(account["name"] or account["account_id"]).split())


def ending(told: Mapping[str, Any]) -> str:
    """The last line; empty where all was told."""
    if told["more"]:
        return f"and {told['more']} more in the worklist"
    return "" if told["accounts"] else "No account is of high or medium risk this week."


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"

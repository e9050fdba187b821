"""A small book made by hand, for tests of what happens after scoring."""

from datetime import UTC, date, datetime, timedelta

from serving.book import Reason, Run, Score

CUTOFF = date(2026, 6, 1)


def a_run(**changed: object) -> Run:
    """One run of a model called ebb, version 3."""
    values: dict[str, object] = {
        "cutoff": CUTOFF,
        "made_at": datetime(2026, 6, 1, 4, tzinfo=UTC),
        "model_name": "ebb",
        "model_version": "3",
        "fingerprint": "f00d",
        "signals": "2026-06-01",
        "mode": "renewal",
        "base": 0.2,
        "usable": True,
    }
    return Run(**(values | changed))  # type: ignore[arg-type]


def a_reason(family: str, contribution: float, sentence: str = "") -> Reason:
    """One driver of that family."""
    return Reason(
        family=family,
        signal=f"{family}_28d",
        contribution=contribution,
        now=3.0,
        before=9.0,
        typical=None,
        sentence=sentence or f"something about {family}",
    )


def a_score(
    account_id: str, *, risk: float = 0.4, arr: float | None = 1000.0, days: int | None = 60, **changed: object
) -> Score:
    """One account's score; ARR at risk and dates follow from risk, ARR and days."""
    values: dict[str, object] = {
        "account_id": account_id,
        "contract_id": f"{account_id}-1",
        "name": account_id.title(),
        "owner": "Kim",
        "segment": "small",
        "risk": risk,
        "base": -1.4,
        "band": "high",
        "arr": arr,
        "arr_at_risk": None if arr is None else risk * arr,
        "starts_on": date(2025, 8, 1),
        "ends_on": None if days is None else CUTOFF + timedelta(days=days),
        "days_to_renewal": days,
        "reasons": (a_reason("seats", 0.9), a_reason("support", 0.2), a_reason("adoption", -0.3)),
    }
    return Score(**(values | changed))  # type: ignore[arg-type]

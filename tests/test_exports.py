"""Details of each tool's format: how things are named, who belongs to which account, how terms end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from features.engines.duckdb import DuckEngine
from features.facts import Facts
from features.intake import take_in
from features.sources import Amplitude, HubSpot, Mixpanel, PostHog, Salesforce, Segment, Snowplow, Stripe
from tests.exports import snowplow_line
from tests.folders import rejects, written

FIXTURES = Path(__file__).parent / "fixtures"


def rows(found: Facts, sql: str) -> list[tuple[object, ...]]:
    """What a query of the facts answers."""
    return found.engine.rows(sql)


def taken(source: Any, out: Path | None = None) -> Facts:
    """What intake makes of a source."""
    return take_in(source, DuckEngine(), out)


def lines(folder: Path, *records: Mapping[str, Any], name: str = "x.jsonl") -> Path:
    """A folder with one file of JSON Lines."""
    return written(folder, {name: "".join(json.dumps(record) + "\n" for record in records)})


SAMPLES: Mapping[str, tuple[Any, dict[str, int], list[str]]] = {
    "segment": (
        Segment,
        {"events": 4, "accounts": 2, "users": 2},
        ["Report Exported", "page /reports/:id", "screen Home"],
    ),
    "posthog": (
        PostHog,
        {"events": 4, "accounts": 1, "users": 2},
        ['click button "Save report"', "page /reports/:id", "report exported", "screen Home"],
    ),
    "amplitude": (
        Amplitude,
        {"events": 3, "accounts": 1, "users": 1},
        ['click button "Save"', "Report Exported", "page /reports/:id"],
    ),
    "mixpanel": (
        Mixpanel,
        {"events": 3, "accounts": 1, "users": 1},
        ['click button "Save"', "Report Exported", "page /reports/:id"],
    ),
    "snowplow": (
        Snowplow,
        {"events": 4, "accounts": 1},
        ["click Save", "page /reports/:id", "report_exported", "reports export"],
    ),
    "salesforce": (Salesforce, {"contracts": 3, "opportunities": 3, "accounts": 3}, []),
    "hubspot": (HubSpot, {"contracts": 3, "opportunities": 2, "accounts": 2}, []),
    "stripe": (Stripe, {"contracts": 4, "invoices": 3, "accounts": 2}, []),
}
"""Hand-written samples in each tool's documented format: how many rows come of them, and what events are called."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_as_the_tool_documents_it(tmp_path: Path, name: str) -> None:
    """Every row of the sample lands in its table, and what was captured is named by what was used."""
    source, counts, names = SAMPLES[name]
    found = taken(source(folder=FIXTURES / name), tmp_path)
    assert {table: rows(found, f"SELECT count(*) FROM {table}")[0][0] for table in counts} == counts
    told = [str(row[0]) for row in rows(found, "SELECT DISTINCT event FROM events")]
    assert sorted(told) == sorted(names)


def test_a_user_is_where_the_groups_say(tmp_path: Path) -> None:
    """The group at the time counts; before the first of them that one, known only from then on; then colleagues."""
    call = {"type": "track", "event": "e"}
    folder = lines(
        tmp_path,
        call | {"userId": "u", "timestamp": "2026-01-01T00:00:00Z"},
        {"type": "group", "userId": "u", "groupId": "a", "timestamp": "2026-01-02T00:00:00Z"},
        call | {"userId": "u", "timestamp": "2026-01-03T00:00:00Z"},
        {"type": "group", "userId": "u", "groupId": "b", "timestamp": "2026-01-04T00:00:00Z"},
        call | {"userId": "u", "timestamp": "2026-01-05T00:00:00Z"},
        {"type": "identify", "userId": "u", "traits": {"email": "u@acme.com"}, "timestamp": "2026-01-05T00:00:00Z"},
        {"type": "identify", "userId": "v", "traits": {"email": "V@Acme.com"}, "timestamp": "2026-01-05T00:00:00Z"},
        {"type": "identify", "userId": "w", "traits": {"email": "w@other.org"}, "timestamp": "2026-01-05T00:00:00Z"},
        call | {"userId": "v", "timestamp": "2026-01-06T00:00:00Z"},
        call | {"userId": "w", "timestamp": "2026-01-06T00:00:00Z"},
    )
    found = taken(Segment(folder=folder))
    assert rows(found, "SELECT user_id, account_id, known_at::DATE::VARCHAR FROM events ORDER BY occurred_at, 1") == [
        ("u", "a", "2026-01-02"),
        ("u", "a", "2026-01-03"),
        ("u", "b", "2026-01-05"),
        ("v", "a", "2026-01-06"),
        ("w", "other.org", "2026-01-06"),
    ]


def test_a_free_mail_address_says_nothing(tmp_path: Path) -> None:
    """A user of a free mail provider in no group is set aside, and the reason says so."""
    at = {"timestamp": "2026-01-01T00:00:00Z"}
    folder = lines(
        tmp_path / "in",
        {"type": "group", "userId": "x", "groupId": "a"} | at,
        {"type": "track", "event": "e", "userId": "u", "context": {"traits": {"email": "u@gmail.com"}}} | at,
        {"type": "alias", "userId": "u", "previousId": "o"} | at,
    )
    taken(Segment(folder=folder), tmp_path / "out")
    assert rejects(tmp_path / "out", "events") == [
        (2, "user u is in no account and has an address at gmail.com"),
        (3, "alias says nothing of an event, a user or an account"),
    ]


def test_a_device_belongs_to_its_first_user(tmp_path: Path) -> None:
    """What was done before signing in counts for the user, known from the signing in."""
    call = {"type": "track", "event": "e", "context": {"groupId": "a"}, "anonymousId": "d"}
    folder = lines(
        tmp_path,
        call | {"timestamp": "2026-01-01T00:00:00Z"},
        call | {"timestamp": "2026-01-03T00:00:00Z", "userId": "u"},
    )
    found = taken(Segment(folder=folder))
    assert rows(found, "SELECT DISTINCT user_id, known_at::DATE::VARCHAR FROM events") == [("u", "2026-01-03")]


def test_accounts_keep_what_was_said_of_them(tmp_path: Path) -> None:
    """The latest word on each trait counts; further plain traits become attributes."""
    folder = lines(
        tmp_path,
        {
            "type": "track",
            "event": "e",
            "userId": "u",
            "context": {"groupId": "a"},
            "timestamp": "2026-01-09T00:00:00Z",
        },
        {"type": "group", "groupId": "a", "traits": {"name": "A", "plan": "team"}, "timestamp": "2026-01-01T00:00:00Z"},
        {
            "type": "group",
            "groupId": "a",
            "traits": {"numberOfSeats": 7, "name": "B"},
            "timestamp": "2026-01-02T00:00:00Z",
        },
    )
    found = taken(Segment(folder=folder))
    assert rows(found, "SELECT account_id, name, plan, number_of_seats FROM accounts") == [("a", "B", "team", 7.0)]


def test_mixpanel_times_of_any_unit(tmp_path: Path) -> None:
    """Seconds and milliseconds since 1970 are both read; what is no number is set aside."""
    event = {"event": "e"}
    times = (1767600000, 1767600000123, "1767600000", "soon")
    folder = lines(
        tmp_path / "in",
        *(event | {"properties": {"time": time, "distinct_id": "u", "company_id": "a"}} for time in times),
    )
    found = taken(Mixpanel(folder=folder), tmp_path / "out")
    assert [str(row[0])[:23] for row in rows(found, "SELECT occurred_at::VARCHAR FROM events ORDER BY 1")] == [
        "2026-01-05 08:00:00",
        "2026-01-05 08:00:00",
        "2026-01-05 08:00:00.123",
    ]
    assert rejects(tmp_path / "out", "events") == [(4, "occurred_at soon is not a time")]


def test_snowplow_wants_all_its_fields(tmp_path: Path) -> None:
    """A line of another number of fields is set aside; a page ping is nobody's deed."""
    ping = snowplow_line(event="page_ping", user_id="u", derived_tstamp="2026-01-05 08:00:00")
    whole = snowplow_line(
        event="struct", se_category="a", se_action="b", user_id="u", derived_tstamp="2026-01-05 08:00:00"
    )
    taken(Snowplow(folder=written(tmp_path / "in", {"x.tsv": f"a\tb\n{ping}\n{whole}\n"})), tmp_path / "out")
    assert [reason for _, reason in rejects(tmp_path / "out", "events")] == [
        "it has not the 131 tab-separated fields of an enriched event",
        "page_ping says nothing of an event, a user or an account",
        "user u is in no account and tells no e-mail address",
    ]


OPPORTUNITIES = "Id,AccountId,StageName,Amount,CloseDate,Type,CreatedDate,Contract_Start_Date__c,Contract_Term__c\n"


def test_deals_that_are_no_whole_terms_are_set_aside(tmp_path: Path) -> None:
    """A date that is none, an amount that is none, and a deal of no account are told with file and row."""
    body = (
        "1,a,Closed Won,100,2025-01-10,New,2025-01-01,2025-02-30,12\n"
        "2,a,Closed Won,much,2025-01-10,New,2025-01-01,2025-02-01,12\n"
        "3,,Closed Won,100,2025-01-10,New,2025-01-01,2025-02-01,12\n"
        "4,a,Closed Won,2400,1/10/2025,New,2025-01-01,2/1/2025,24\n"
    )
    folder = written(tmp_path / "in", {"Opportunity.csv": OPPORTUNITIES + body})
    found = taken(Salesforce(folder=folder), tmp_path / "out")
    assert rejects(tmp_path / "out", "contracts") == [
        (1, "starts_on 2025-02-30 is not a date"),
        (2, "arr much is not a number"),
        (3, "deal 3 names no account"),
    ]
    assert rows(found, "SELECT contract_id, starts_on::VARCHAR, ends_on::VARCHAR, arr FROM contracts") == [
        ("4", "2025-02-01", "2027-02-01", 1200.0)
    ]


def test_a_lost_renewal_ends_the_contract(tmp_path: Path) -> None:
    """Churned from the day the renewal was lost; a renewal won makes it renewed or expanded; else it is open."""
    body = (
        "1,a,Closed Won,100,2024-01-10,New Business,2024-01-01,2024-02-01,12\n"
        "2,a,Closed Won,150,2025-01-20,Renewal,2025-01-01,2025-02-01,12\n"
        "3,a,Closed Lost,150,2026-01-15,Renewal,2025-12-01,,12\n"
        "4,b,Closed Won,100,2025-12-10,New Business,2025-12-01,2026-01-01,12\n"
        "5,b,Closed Won,40,2026-01-20,Upsell,2026-01-02,,12\n"
    )
    found = taken(Salesforce(folder=written(tmp_path, {"x.csv": OPPORTUNITIES + body})))
    assert rows(found, "SELECT contract_id, outcome, decided_on::VARCHAR FROM contracts ORDER BY 1") == [
        ("1", "expanded", "2025-01-20"),
        ("2", "churned", "2026-01-15"),
        ("4", None, None),
    ]
    assert rows(found, "SELECT opportunity_id, won FROM opportunities ORDER BY 1") == [("3", False), ("5", True)]


def subscription(**changed: Any) -> dict[str, Any]:
    """A monthly subscription of three seats at 10 dollars since January 2026, now in its third month."""
    price = {
        "id": "p",
        "unit_amount": 1000,
        "nickname": "team",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    told: dict[str, Any] = {
        "id": "s",
        "object": "subscription",
        "customer": "c",
        "status": "active",
        "currency": "usd",
        "metadata": {},
    }
    told |= {"start_date": 1767225600, "current_period_end": 1775001600, "collection_method": "charge_automatically"}
    return told | {"items": {"data": [{"price": price, "quantity": 3}]}} | changed


@pytest.mark.parametrize(
    ("changed", "outcomes", "arr"),
    [
        ({}, ["renewed", "renewed", None], 360.0),
        (
            {"status": "canceled", "canceled_at": 1773000000, "ended_at": 1775001600},
            ["renewed", "renewed", "churned"],
            360.0,
        ),
        ({"canceled_at": 1773000000, "cancel_at_period_end": True}, ["renewed", "renewed", "churned"], 360.0),
        ({"trial_end": 1769904000}, ["renewed", None], 360.0),
        ({"currency": "jpy"}, ["renewed", "renewed", None], 36000.0),
        ({"status": "incomplete_expired"}, [], None),
        ({"status": "canceled", "ended_at": 1767225600}, [], None),
    ],
)
def test_a_subscription_is_its_periods(
    tmp_path: Path, changed: dict[str, Any], outcomes: list[str | None], arr: float | None
) -> None:
    """A term a period from the trial's end, monthly x 12, cancelled from `canceled_at`; one never paid is set aside."""
    folder = lines(tmp_path / "in", subscription(**changed), {"object": "customer", "id": "c"})
    found = taken(Stripe(folder=folder), tmp_path / "out")
    told = rows(found, "SELECT outcome, arr, seats, plan, starts_on, decided_on FROM contracts ORDER BY starts_on")
    assert [row[0] for row in told] == outcomes
    assert {row[1:4] for row in told} == ({(arr, 3.0, "team")} if told else set())
    assert len(rejects(tmp_path / "out", "contracts") if not told else []) == (0 if told else 1)
    if "churned" in outcomes:
        assert str(told[-1][5]) == "2026-03-08"


def test_a_later_export_tells_the_same_of_earlier_terms(tmp_path: Path) -> None:
    """Nothing but its outcome may tell of a term what came after it: a cancellation changes no other column."""
    told = []
    for name, changed in (
        ("before", {"current_period_end": 1772323200}),
        (
            "after",
            {"status": "canceled", "canceled_at": 1773000000, "ended_at": 1775001600, "cancel_at_period_end": True},
        ),
    ):
        found = taken(Stripe(folder=lines(tmp_path / name, subscription(**changed))))
        told.append(rows(found, "SELECT * EXCLUDE (outcome, decided_on) FROM contracts ORDER BY starts_on"))
    before, after = told
    assert len(before) == 2
    assert len(after) == 3
    assert before == after[:2]
    # Only dates and what follows from them differ between the terms of one price.
    columns = "account_id, arr, seats, plan, billing_period, auto_renew"
    assert len(rows(found, f"SELECT DISTINCT {columns} FROM contracts")) == 1


def test_stripe_calls_an_account_as_its_metadata_do(tmp_path: Path) -> None:
    """The subscription's own metadata, then the customer's, then the customer's id."""
    folder = lines(
        tmp_path,
        {"object": "customer", "id": "c", "metadata": {"account_id": "acme"}},
        subscription(id="1"),
        subscription(id="2", metadata={"company_id": "own"}),
        subscription(id="3", customer="d"),
        subscription(id="4", customer={"id": "e", "object": "customer"}),
    )
    found = taken(Stripe(folder=folder))
    assert rows(found, "SELECT DISTINCT contract_id[1:1], account_id FROM contracts ORDER BY 1") == [
        ("1", "acme"),
        ("2", "own"),
        ("3", "d"),
        ("4", "e"),
    ]

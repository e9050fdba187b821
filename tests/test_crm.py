"""CRMs: fields set, tasks made once, one bad record alone set aside."""

from pathlib import Path

import pytest

from features.errors import SettingsError, TerminalError, TransientError
from serving.push.secret import Secrets
from serving.push.settings import made
from tests.books import a_score
from tests.crm_receivers import SALESFORCE_TOKEN, HubSpotReceiver, SalesforceReceiver
from tests.places import Setup, a_book, set_up
from tests.receivers import Fault


def hubspot(setup: Setup) -> HubSpotReceiver:
    """The server behind it."""
    assert isinstance(setup.receiver, HubSpotReceiver)
    return setup.receiver


def test_a_company_has_its_properties(tmp_path: Path) -> None:
    """Risk, band, money, reasons as lines, play, what to do, cutoff; an empty text clears what is not known."""
    with set_up("hubspot", tmp_path) as setup:
        setup.push(a_book(a_score("a", arr=None)))
        company = hubspot(setup).companies["10a"]
    assert company["ebb_risk"] == "0.4"
    assert company["ebb_arr_at_risk"] == ""
    assert company["ebb_reasons"] == "something about seats\nsomething about support"
    assert company["ebb_scored_on"] == "2026-06-01"


def test_fields_of_one_s_own(tmp_path: Path) -> None:
    """Only what is named is set, and only that is a reason to send."""
    with set_up("hubspot", tmp_path, fields={"risk": "churn_risk"}, tasks=False) as setup:
        setup.push(a_book())
        assert hubspot(setup).companies["10a"] == {"account": "a", "churn_risk": "0.4"}
        assert setup.push(a_book(a_score("a", segment="large", band="medium"))).sent == 0
    with pytest.raises(SettingsError, match=r"has rsik, which is not told; there are name, owner"):
        made({"crm": {"kind": "hubspot", "token_env": "T", "fields": {"rsik": "x"}}}, "crm")


def test_one_invalid_record_does_not_spoil_its_batch(tmp_path: Path) -> None:
    """HubSpot refuses a whole batch for it: the batch is halved until it stands alone; 250 accounts are 3 batches."""
    scores = [a_score(f"n{number:03}") for number in range(250)]
    with set_up("hubspot", tmp_path, tasks=False) as setup:
        receiver = hubspot(setup)
        receiver.companies = {f"1{score.account_id}": {"account": score.account_id} for score in scores}
        receiver.invalid.add("n123")
        done = setup.push(a_book(*scores))
        assert [one.key for one in done.refused] == ["account/n123"]
        assert done.sent == 249
        assert "Property values were not valid" in done.refused[0].reason
        assert all(len(asked.json["inputs"]) <= 100 for asked in receiver.asked)
        assert sum("ebb_risk" in company for company in receiver.companies.values()) == 249


@pytest.mark.parametrize("lost", range(5))
def test_a_task_is_made_and_linked_once_wherever_it_breaks(tmp_path: Path, lost: int) -> None:
    """Whichever of the five requests is carried out and never answered: one task an account, linked to its company."""
    with set_up("hubspot", tmp_path) as setup:
        receiver = hubspot(setup)
        receiver.faults.extend([Fault(passed=True)] * lost + [Fault(lost=True)])
        setup.push(a_book())
        assert len(receiver.tasks) == 2
        assert setup.effects() == sorted(setup.kind.first)


def test_a_task_that_is_there_stays_as_people_changed_it(tmp_path: Path) -> None:
    """--all sets properties anew, and neither makes a second task nor opens one that was done."""
    with set_up("hubspot", tmp_path, owners={"Kim": "77"}) as setup:
        receiver = hubspot(setup)
        setup.push(a_book())
        task = next(one for one in receiver.tasks.values() if one["hs_task_subject"] == "Seat training: A")
        assert (task["hubspot_owner_id"], task["hs_task_status"]) == ("77", "NOT_STARTED")
        assert task["hs_timestamp"] == "2026-06-08T09:00:00Z"
        task["hs_task_status"] = "COMPLETED"
        setup.push(a_book(), anew=True)
        assert len(receiver.tasks) == 2
        assert task["hs_task_status"] == "COMPLETED"


def test_a_daily_limit_ends_the_push(tmp_path: Path) -> None:
    """Retry-After of an hour is not waited for: the next push goes on."""
    with set_up("hubspot", tmp_path) as setup:
        hubspot(setup).faults.append(
            Fault(status=429, headers={"Retry-After": "3600"}, body=b'{"policyName": "DAILY"}')
        )
        with pytest.raises(TransientError, match="DAILY"):
            setup.push(a_book())
        assert setup.slept == []
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)


def salesforce(setup: Setup) -> SalesforceReceiver:
    """The server behind it."""
    assert isinstance(setup.receiver, SalesforceReceiver)
    return setup.receiver


def test_an_account_has_its_fields(tmp_path: Path) -> None:
    """An update by id; reasons with line ends survive the CSV, and what is not known is cleared."""
    with set_up("salesforce", tmp_path) as setup:
        salesforce(setup).accounts["a"]["Ebb_Arr_At_Risk__c"] = "7"
        setup.push(a_book(a_score("a", arr=None)))
        account = salesforce(setup).accounts["a"]
        job = next(iter(salesforce(setup).jobs.values()))
    assert (job["object"], job["operation"]) == ("Account", "update")
    assert account["Ebb_Risk__c"] == "0.4"
    assert account["Ebb_Arr_At_Risk__c"] == ""
    assert account["Ebb_Reasons__c"] == "something about seats\nsomething about support"
    assert account["Ebb_Scored_On__c"] == "2026-06-01"


def test_an_external_id_finds_the_account(tmp_path: Path) -> None:
    """An upsert by it; tasks hang on the id that a query finds, page by page, whatever stands in the key."""
    with set_up("salesforce", tmp_path, match="Account__c") as setup:
        receiver = salesforce(setup)
        receiver.accounts = {name: {"Id": f"001{name}", "Account__c": name} for name in ("a", "o'b\\", "c")}
        setup.push(a_book(a_score("a"), a_score("o'b\\")))
        assert next(iter(receiver.jobs.values()))["externalIdFieldName"] == "Account__c"
        assert sorted(task["WhatId"] for task in receiver.tasks) == ["001a", "001o'b\\"]


def test_a_locked_row_is_tried_again_alone(tmp_path: Path) -> None:
    """Somebody else is writing it: it goes again, the others do not."""
    with set_up("salesforce", tmp_path, tasks=False) as setup:
        receiver = salesforce(setup)
        receiver.locked.append("b")
        done = setup.push(a_book())
        assert (done.sent, done.refused, len(setup.slept)) == (3, (), 1)
        assert [len(job["rows"]) for job in receiver.jobs.values()] == [3, 1]


def test_a_job_that_still_makes_tasks_is_waited_for(tmp_path: Path) -> None:
    """What it makes cannot be looked for yet, and would be made twice."""
    with set_up("salesforce", tmp_path) as setup:
        receiver = salesforce(setup)
        old = {"id": "7509", "object": "Task", "operation": "insert", "state": "InProgress", "rows": [], "failed": []}
        receiver.jobs["7509"] = old
        with pytest.raises(TransientError, match="job 7509 still makes tasks"):
            setup.push(a_book())
        assert receiver.tasks == []
        old["state"] = "JobComplete"
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)


@pytest.mark.parametrize("lost", range(0, 18, 3))
def test_salesforce_makes_a_task_once_wherever_it_breaks(tmp_path: Path, lost: int) -> None:
    """Whichever request is carried out and never answered: one task an account."""
    with set_up("salesforce", tmp_path) as setup:
        salesforce(setup).faults.extend([Fault(passed=True)] * lost + [Fault(lost=True)])
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)


def test_the_limit_of_the_day_is_no_refusal(tmp_path: Path) -> None:
    """Salesforce says it with 403; the push ends, and the next one goes on."""
    limit = Fault(status=403, body=b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]')
    with set_up("salesforce", tmp_path) as setup:
        salesforce(setup).faults.extend([limit] * 20)
        with pytest.raises(TransientError, match="REQUEST_LIMIT_EXCEEDED"):
            setup.push(a_book())
        salesforce(setup).faults.clear()
        assert setup.push(a_book()).sent == 5


def test_a_token_that_has_expired_ends_the_push(tmp_path: Path) -> None:
    """And one that is good needs no login; neither is said."""
    section = {"client_id": "", "client_secret_env": "", "token_env": "SALESFORCE_SECRET"}
    with set_up("salesforce", tmp_path, **section) as setup:
        with pytest.raises(TerminalError, match="INVALID_SESSION_ID"):
            setup.push(a_book())
        assert setup.slept == []
        setup.secrets = Secrets({"token_env": SALESFORCE_TOKEN})
        assert setup.push(a_book()).sent == 5


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"instance_url": "http://x.my.salesforce.com", "token_env": "T"}, "instance_url should be"),
        ({"instance_url": "https://x.my.salesforce.com"}, "needs either client_id and client_secret_env, or token_env"),
        (
            {"instance_url": "https://x.my.salesforce.com", "token_env": "T", "match": "Id FROM x"},
            "is no name of a field",
        ),
    ],
)
def test_a_wrong_salesforce_section_is_said(section: dict[str, object], said: str) -> None:
    """Also a name that would be more than a name in a query."""
    with pytest.raises(SettingsError, match=said):
        made({"crm": {"kind": "salesforce", **section}}, "crm")

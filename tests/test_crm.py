"""CRMs: fields set, tasks made once, one bad record alone set aside."""

from pathlib import Path

import pytest

from features.errors import SettingsError, TransientError
from serving.destination_settings import made
from tests.books import a_score
from tests.crm_receivers import HubSpotReceiver
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

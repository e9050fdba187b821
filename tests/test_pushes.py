"""The ledger of pushes, on SQLite and on PostgreSQL; and destinations whose client is not installed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import TerminalError, TransientError
from serving.destinations import File
from serving.push.parcels import Parcel, Refusal
from serving.push.pushes import Pushes
from serving.push.pushing import Patience, Wanted, due, push
from serving.push.secret import Secrets
from tests.places import a_book, set_up
from tests.receivers import Fault


@pytest.fixture
def pushes(url: str) -> Iterator[Pushes]:
    """An empty ledger."""
    with Pushes(url) as opened:
        yield opened


def test_what_was_written_down_is_read_back(pushes: Pushes) -> None:
    """Begun, delivered, refused with all it said; each destination for itself."""
    one, other = (Parcel(key=key, content={"risk": 0.4, "reasons": ["ü"]}, beside={"cutoff": "x"}) for key in "ab")
    record = pushes.begin("crm", 7, anew=False)
    known = pushes.known("crm")
    pushes.trying("crm", [one, other], known)
    assert {row.trying for row in pushes.known("crm").values()} == {one.digest}
    pushes.delivered(record, [one], known)
    pushes.refused("crm", [other], [Refusal(key="b", reason="no such account")], known)
    found = pushes.known("crm")
    assert found == known
    assert (found["a"].digest, found["a"].times, found["a"].push, found["a"].trying) == (
        one.digest,
        1,
        record.number,
        None,
    )
    assert found["b"].letter == {"content": {"risk": 0.4, "reasons": ["ü"]}, "beside": {"cutoff": "x"}}
    assert (pushes.aside("crm"), pushes.aside("bus"), pushes.known("bus")) == (1, 0, {})
    pushes.end(record, sent=1, refused=1, fault=None)
    last = pushes.last("crm")
    assert last is not None
    assert (last.sent, last.refused, last.run) == (1, 1, 7)
    assert last.finished_at is not None


def test_sending_all_anew_goes_on_after_a_break(pushes: Pushes, tmp_path: Path) -> None:
    """A push with --all that broke off is finished by the next one, with or without --all, and by that one only."""
    with set_up("webhook", tmp_path / "place") as setup:
        assert setup.receiver is not None
        quick = Patience(sleep=lambda _: None)
        push(setup.destination, a_book(), pushes, setup.secrets, patience=quick)
        setup.receiver.faults.extend([Fault(passed=True), *[Fault(status=503)] * 50])
        failing = push(setup.destination, a_book(), pushes, setup.secrets, wanted=Wanted(anew=True), patience=quick)
        assert (failing.sent, len(failing.failed)) == (1, 2)
        setup.receiver.faults.clear()
        assert len(due(setup.destination, a_book(), pushes, Wanted())[0]) == 2
        assert push(setup.destination, a_book(), pushes, setup.secrets, patience=quick).sent == 2
        assert push(setup.destination, a_book(), pushes, setup.secrets, patience=quick).sent == 0
        assert sorted(setup.receiver.effects()) == ["a", "a", "b", "b", "c", "c"]


def test_one_that_fails_holds_up_no_other(pushes: Pushes, tmp_path: Path) -> None:
    """It goes last the next time; three in a row end the push."""
    with set_up("webhook", tmp_path / "place") as setup:
        assert setup.receiver is not None
        patience = Patience(tries=1)
        setup.receiver.faults.append(Fault(status=500))
        done = push(setup.destination, a_book(), pushes, setup.secrets, patience=patience)
        assert (done.sent, [one.key for one in done.failed]) == (2, ["a"])
        assert [one.parcel.key for one in due(setup.destination, a_book(), pushes, Wanted(anew=True))[0]] == [
            "b",
            "c",
            "a",
        ]
        setup.receiver.faults.extend([Fault(status=500)] * 3)
        with pytest.raises(TransientError, match="it answers 500"):
            push(setup.destination, a_book(), pushes, setup.secrets, wanted=Wanted(anew=True), patience=patience)


def test_a_refused_letter_is_kept_when_its_account_leaves(pushes: Pushes, tmp_path: Path) -> None:
    """--refused sends it as it was said then, although the book no longer tells of it."""
    with set_up("webhook", tmp_path / "place") as setup:
        assert setup.receiver is not None
        setup.receiver.refused.add("b")
        push(setup.destination, a_book(), pushes, setup.secrets)
        setup.receiver.refused.clear()
        smaller = a_book(*(item.score for item in a_book().items if item.score.account_id != "b"))
        assert push(setup.destination, smaller, pushes, setup.secrets).sent == 0
        assert push(setup.destination, smaller, pushes, setup.secrets, wanted=Wanted(refused=True)).sent == 1
        assert sorted(setup.receiver.effects()) == ["a", "b", "c"]


@pytest.mark.parametrize(("name", "module"), [("slack", "slack_sdk"), ("salesforce", "simple_salesforce")])
def test_a_client_that_is_not_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    """It says which extra brings it."""
    with set_up(name, tmp_path) as setup:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(TerminalError, match=rf"not installed: pip install 'ebb\[{name}\]'"):
            setup.push(a_book())


def test_a_library_s_own_fault_is_one_line_without_secrets(tmp_path: Path, pushes: Pushes) -> None:
    """Whatever a client raises: the push ends, the line holds no secret, and the next push goes on."""

    class Broken(File):
        def opened(self, secrets: Secrets) -> Any:
            raise KeyError(f"no\nheader {secrets['token_env']}")

    broken = Broken(name="lake", path=tmp_path / "book.csv")
    with pytest.raises(TerminalError) as caught:
        push(broken, a_book(), pushes, Secrets({"token_env": "nobody-may-read-this"}))
    assert "no\\nheader ***" in str(caught.value)
    last = pushes.last("lake")
    assert last is not None
    assert "nobody" not in str(last.fault)
    assert push(File(name="lake", path=tmp_path / "book.csv"), a_book(), pushes, Secrets({})).sent == 1

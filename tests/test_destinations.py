"""What every destination must do, each against a real small place of its kind."""

import logging
from pathlib import Path

import pytest

from features.errors import PushError, TerminalError, TransientError
from serving.destinations import DESTINATIONS
from serving.push.pushing import Wanted, due
from tests.places import KINDS, REMOTE, SECRET, Setup, a_book, a_week_later, set_up
from tests.receivers import Fault, Receiver


def receiver_of(setup: Setup) -> Receiver:
    """The server behind a destination that has one."""
    assert setup.receiver is not None
    return setup.receiver


def test_no_kind_is_left_out() -> None:
    """Every kind that settings can name is tested here."""
    assert [one.kind for one in DESTINATIONS] == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_known_there_is_not_sent_again(tmp_path: Path, name: str) -> None:
    """A second push of the same book sends nothing; a later one sends what has changed."""
    with set_up(name, tmp_path) as setup:
        assert setup.push(a_book()).unchanged == 0
        assert setup.effects() == sorted(setup.kind.first)
        again = setup.push(a_book())
        assert (again.sent, again.refused, again.failed) == (0, (), ())
        assert setup.effects() == sorted(setup.kind.first)
        assert setup.push(a_week_later()).sent == len(setup.kind.later)
        assert set(setup.effects()) == set(setup.kind.first)


@pytest.mark.parametrize("name", KINDS)
def test_all_sends_all_anew(tmp_path: Path, name: str) -> None:
    """--all sends what has not changed too, once."""
    with set_up(name, tmp_path) as setup:
        first = setup.push(a_book())
        assert setup.push(a_book(), anew=True).sent == first.sent
        assert setup.push(a_book()).sent == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_dry_run_changes_nothing(tmp_path: Path, name: str) -> None:
    """It says what a push would send; neither the place nor the ledger hears of it."""
    with set_up(name, tmp_path) as setup:
        found, _ = due(setup.destination, a_book(), setup.pushes, Wanted())
        assert setup.effects() == []
        assert setup.receiver is None or setup.receiver.asked == []
        assert setup.pushes.last("there") is None
        assert setup.push(a_book()).sent == len(found) > 0


@pytest.mark.parametrize("name", REMOTE)
def test_a_passing_fault_is_waited_for(tmp_path: Path, name: str) -> None:
    """Two answers of 503 cost two waits that grow, and nothing else."""
    with set_up(name, tmp_path) as setup:
        receiver_of(setup).faults.extend([Fault(status=503), Fault(status=503)])
        assert setup.push(a_book()).failed == ()
        assert setup.effects() == sorted(setup.kind.first)
        assert len(setup.slept) == 2
        assert 0 < setup.slept[0] <= 1
        assert 1 <= setup.slept[1] <= 2


@pytest.mark.parametrize("name", REMOTE)
def test_a_rate_limit_is_honoured(tmp_path: Path, name: str) -> None:
    """429 with Retry-After: nothing is sent for so many seconds."""
    with set_up(name, tmp_path) as setup:
        receiver_of(setup).faults.append(Fault(status=setup.kind.throttled, headers={"Retry-After": "7"}))
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)
        assert len(setup.slept) == 1
        assert setup.kind.throttled != 429 or 7 <= setup.slept[0] <= 8


@pytest.mark.parametrize("name", REMOTE)
def test_a_final_fault_is_not_tried_again(tmp_path: Path, name: str) -> None:
    """Credentials that are refused end the push at once; the next one brings everything."""
    with set_up(name, tmp_path) as setup:
        receiver_of(setup).faults.append(Fault(status=401, body=b'{"message": "who are you?"}'))
        with pytest.raises(TerminalError, match=r"`ebb push there` goes on there"):
            setup.push(a_book())
        assert setup.slept == []
        assert setup.effects() == []
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)


@pytest.mark.parametrize("name", REMOTE)
def test_a_push_goes_on_where_it_broke_off(tmp_path: Path, name: str) -> None:
    """A place that goes away for long ends the push; the next one sends the rest, and nothing twice."""
    with set_up(name, tmp_path) as setup:
        receiver = receiver_of(setup)
        receiver.faults.append(Fault(lost=True))
        receiver.faults.extend([Fault(status=503)] * 200)
        with pytest.raises(TransientError):
            setup.push(a_book())
        fault = setup.pushes.last("there")
        assert fault is not None
        assert fault.finished_at is None
        receiver.faults.clear()
        setup.push(a_book())
        assert setup.effects() == sorted(setup.kind.first)
        assert setup.push(a_book()).sent == 0


@pytest.mark.parametrize("name", [name for name in REMOTE if KINDS[name].one])
def test_a_refused_one_stands_aside(tmp_path: Path, name: str) -> None:
    """The others arrive; what was refused is kept with the reason, and sent again when asked for."""
    with set_up(name, tmp_path) as setup:
        receiver = receiver_of(setup)
        receiver.refused.add(str(setup.kind.one))
        done = setup.push(a_book())
        assert len(done.refused) > 0
        assert all(one.reason for one in done.refused)
        assert set(setup.effects()) == {one for one in setup.kind.first if not one.endswith(str(setup.kind.one))}
        assert setup.pushes.aside("there") == len(done.refused)
        asked = len(receiver.asked)
        assert setup.push(a_book()).sent == 0
        assert len(receiver.asked) == asked
        receiver.refused.clear()
        assert setup.push(a_book(), refused=True).sent == len(done.refused)
        assert setup.effects() == sorted(setup.kind.first)
        assert setup.pushes.aside("there") == 0


@pytest.mark.parametrize("name", REMOTE)
def test_secrets_are_never_said(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a log at any level, not in a message, not in the store: also where the place repeats them.

    What the mail server under test writes down about itself does not count.
    """
    with set_up(name, tmp_path) as setup:
        told = " ".join(setup.secrets[key] for key in setup.kind.secrets).encode()
        receiver = receiver_of(setup)
        receiver.faults.append(Fault(status=400, body=told))
        messages = []
        with caplog.at_level(logging.DEBUG):
            for status in (503, 401):
                try:
                    messages += [one.reason for one in setup.push(a_book(), anew=True).refused]
                except PushError as error:
                    messages.append(repr(error) + repr(error.__cause__))
                receiver.faults.extend([Fault(status=status, body=told)] * 50)
            receiver.faults.clear()
        logged = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
        heard = " ".join([*logged, *messages, repr(setup.secrets), repr(setup.destination)])

        kept = b"".join(path.read_bytes() for path in tmp_path.glob("ebb.db*"))
        for key in setup.kind.secrets:
            assert setup.secrets[key] not in heard
            assert setup.secrets[key].encode() not in kept
        assert SECRET not in heard
        assert messages

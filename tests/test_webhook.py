"""Webhooks: signed as Standard Webhooks says, and never sent where they must not go."""

from pathlib import Path

import httpcore
import pytest
from standardwebhooks import Webhook as Verifying
from standardwebhooks.webhooks import WebhookVerificationError

from features.errors import SettingsError, TerminalError, TransientError
from serving.destinations.checked_connection import Checked
from serving.push.addresses import is_public, resolved
from serving.push.pushes import Pushes
from serving.push.pushing import push
from serving.push.secret import Secrets
from serving.push.settings import made
from tests.places import SECRET, a_book, set_up
from tests.receivers import Fault


def test_the_signature_is_the_specification_s(tmp_path: Path) -> None:
    """The reference library verifies each message; a changed body, another secret and another id do not pass."""
    with set_up("webhook", tmp_path) as setup:
        setup.push(a_book())
        assert setup.receiver is not None
        for asked in setup.receiver.asked:
            told = Verifying(SECRET).verify(asked.body, dict(asked.headers))
            assert told["type"] == "account.scored"
            assert told["data"]["cutoff"] == "2026-06-01"
        for body, secret, changed in (
            (asked.body + b" ", SECRET, {}),
            (asked.body, "whsec_c29tZWJvZHkgZWxzZQ==", {}),
            (asked.body, SECRET, {"webhook-id": "msg_other"}),
        ):
            with pytest.raises(WebhookVerificationError):
                Verifying(secret).verify(body, {**asked.headers, **changed})


def test_a_message_keeps_its_id_until_it_is_told_anew(tmp_path: Path) -> None:
    """Tried again it has the same id; with --all, and when a risk comes back to what it was, another one."""
    with set_up("webhook", tmp_path) as setup:
        receiver = setup.receiver
        assert receiver is not None
        receiver.faults.append(Fault(lost=True))
        setup.push(a_book())
        ids = [asked.headers["webhook-id"] for asked in receiver.asked]
        assert ids[0] == ids[1]
        assert len(set(ids)) == 3
        setup.push(a_book(), anew=True)
        assert len({asked.headers["webhook-id"] for asked in receiver.asked}) == 6


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    """A receiver cannot send a message on to somewhere else."""
    with set_up("webhook", tmp_path) as setup:
        receiver = setup.receiver
        assert receiver is not None
        receiver.faults.append(Fault(status=307, headers={"location": f"{receiver.url}/elsewhere"}))
        with pytest.raises(TerminalError, match="redirects are not followed"):
            setup.push(a_book())
        assert len(receiver.asked) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_private_networks_need_a_setting(tmp_path: Path, host: str) -> None:
    """Whatever way a private address is written in: nothing arrives, and the message says which setting allows it."""
    section = {"kind": "webhook", "url": f"https://{host}:9/x", "secret_env": "HOOK_SECRET"}
    blocked = made({"there": section}, "there")
    with (
        pytest.raises(TerminalError, match=r"private network; allow_private = true would allow it"),
        Pushes(f"sqlite:///{tmp_path / 'ebb.db'}") as pushes,
    ):
        push(blocked, a_book(), pushes, Secrets({"secret_env": SECRET}))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:7f00:1::", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    """Loopback, private, link-local, shared, multicast and unspecified addresses are not, also inside IPv6."""
    assert is_public(address) is public


def test_one_private_address_among_public_ones_is_enough() -> None:
    """A name that has both is refused; which one would be taken is a matter of luck."""
    both = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    with pytest.raises(TerminalError, match=r"example.org is 10.0.0.1"):
        resolved("example.org", 443, allow_private=False, resolve=lambda *_, **__: both)


def test_what_was_checked_is_what_is_connected_to(tmp_path: Path) -> None:
    """A name is resolved once, and connected to by number: answering otherwise a moment later changes nothing."""
    with set_up("webhook", tmp_path) as setup:
        assert setup.receiver is not None
        port = int(setup.receiver.url.rpartition(":")[2])
        answers = [[(2, 1, 6, "", ("127.0.0.1", port))]]
        backend = Checked(allow_private=True, resolve=lambda *_, **__: answers.pop())
        stream = backend.connect_tcp("rebound.invalid", port, timeout=5)
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
        stream.close()
        assert answers == []


def test_a_name_that_is_not_there_may_come_back() -> None:
    """A resolver that is away is no reason to give up for good."""

    def away(*_: object, **__: object) -> list[object]:
        raise OSError("no name server answers")

    with pytest.raises(TransientError, match="no name server answers"):
        Checked(allow_private=False, resolve=away).connect_tcp("example.org", 443)
    assert issubclass(Checked, httpcore.SyncBackend)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"secret_env": "S"}, "needs either url or url_env"),
        ({"url": "https://x.example", "url_env": "U", "secret_env": "S"}, "needs either url or url_env"),
        ({"url": "https://x.example"}, "has no secret_env"),
        ({"url": "ftp://x.example", "secret_env": "S"}, "url is no address"),
        ({"url": "http://x.example", "secret_env": "S"}, "anybody may read"),
        ({"url": "https://me:hunter2@x.example", "secret_env": "S"}, "url holds a password"),
    ],
)
def test_a_wrong_setting_is_said(section: dict[str, object], said: str) -> None:
    """In one line that names the section, and repeats no secret."""
    with pytest.raises(SettingsError, match=said) as caught:
        made({"crm": {"kind": "webhook", **section}}, "crm")
    assert str(caught.value).startswith("[destinations.crm]")
    assert "hunter2" not in str(caught.value)

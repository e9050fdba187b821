"""Digests and calendars: what people read, with texts of the data that try to be more than text."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from features.errors import SettingsError
from serving.push.settings import made
from tests.books import CUTOFF, a_score
from tests.places import Setup, a_book, set_up
from tests.receivers import Fault, MailReceiver, SlackReceiver

NASTY = 'Evil\r\nBcc: all@example.com <!channel> *b* {"a": 1}'


def mails(setup: Setup) -> list[Any]:
    """What the mail server took."""
    assert isinstance(setup.receiver, MailReceiver)
    return setup.receiver.mails


def test_a_mail_says_whom_to_look_at_and_why(tmp_path: Path) -> None:
    """Plain text with the accounts of one person, the first first; a stable Message-ID."""
    with set_up("email", tmp_path) as setup:
        setup.push(a_book())
        kim = next(mail for mail in mails(setup) if mail["To"] == "kim@example.com")
    text = kim.get_content().replace("\r\n", "\n")
    assert kim["Subject"] == "1 account of Kim to look at, 2026-W23"
    assert "2 accounts; renewals within 90 days: 2; scored from 2026-06-01." in text
    assert "1. A\n   40 % high risk, 400 of 1,000 at risk, renews 2026-07-31\n   • something about seats\n" in text
    assert "→ Train the teams" in text
    assert "C" not in text.split("1. A")[1].split("→")[0]


def test_a_text_of_the_data_adds_no_header(tmp_path: Path) -> None:
    """A line end in a name stays in the body; who is written to stays who it was."""
    with set_up("email", tmp_path, owners={"Kim\r\nBcc: all@example.com": "kim@example.com"}) as setup:
        setup.push(a_book(a_score("a", name=NASTY, owner="Kim\r\nBcc: all@example.com")))
        (mail,) = mails(setup)
    assert mail["Bcc"] is None
    assert mail["To"] == "kim@example.com"
    assert "1. Evil Bcc: all@example.com" in mail.get_content()


def test_one_digest_a_week(tmp_path: Path) -> None:
    """A changed risk in the same week is no news; the next week is. Who has no address gets none."""
    with set_up("email", tmp_path, owners={"Kim": "kim@example.com"}) as setup:
        assert setup.push(a_book()).sent == 1
        assert setup.push(a_book(a_score("a", risk=0.9))).sent == 0
        assert setup.push(a_book(weeks=1)).sent == 1


def test_an_owner_that_is_an_address_needs_no_other(tmp_path: Path) -> None:
    """Accounts often name their owner so; `otherwise` takes the rest."""
    with set_up("email", tmp_path, owners={}, otherwise="team@example.com") as setup:
        setup.push(a_book(a_score("a", owner="kim@example.com"), a_score("b", owner=None), a_score("c")))
        assert sorted(mail["To"] for mail in mails(setup)) == [
            "kim@example.com",
            "team@example.com",
            "team@example.com",
        ]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"sender": "e@x.example"}, "has no host"),
        ({"host": "mail.example"}, "has no sender"),
        ({"host": "h", "sender": "x"}, "'x' is no e-mail address"),
        ({"host": "h", "sender": "e@x.example", "user": "me"}, "needs user and password_env, or neither"),
        (
            {"host": "h", "sender": "e@x.example", "user": "me", "password_env": "P", "security": "none"},
            "anybody may read it",
        ),
    ],
)
def test_a_wrong_mail_section_is_said(section: dict[str, object], said: str) -> None:
    """Also a password that would cross the network in the clear."""
    with pytest.raises(SettingsError, match=said):
        made({"mail": {"kind": "email", **section}}, "mail")


def posts(setup: Setup) -> list[dict[str, Any]]:
    """What Slack took."""
    assert isinstance(setup.receiver, SlackReceiver)
    return setup.receiver.posts


def test_a_slack_message_mentions_nobody(tmp_path: Path) -> None:
    """Texts of the data stand in plain blocks, within Slack's lengths; people get it as a direct message."""
    scores = [a_score(f"a{number}", name=NASTY if number else "x" * 5000) for number in range(60)]
    with set_up("slack", tmp_path) as setup:
        setup.push(a_book(*scores))
        (post,) = posts(setup)
    assert post["channel"] == "DKim"
    assert len(post["blocks"]) == 13
    assert all(block["text"]["type"] == "plain_text" for block in post["blocks"])
    assert max(len(block["text"]["text"]) for block in post["blocks"]) <= 3000
    assert post["mrkdwn"] is False
    assert "and 50 more" in post["blocks"][-1]["text"]["text"]


@pytest.mark.parametrize(("may_read", "there"), [(True, 1), (False, 2)])
def test_slack_is_asked_before_it_is_told_again(tmp_path: Path, may_read: bool, there: int) -> None:
    """An unanswered message is looked for in the history, page by page; where the bot may not read, it comes twice."""
    with set_up("slack", tmp_path, owners={"Kim": "C1"}) as setup:
        receiver = setup.receiver
        assert isinstance(receiver, SlackReceiver)
        receiver.may_read = may_read
        receiver.posts += [{"channel": "C1"}, {"channel": "C1", "metadata": {"event_type": "other"}}]
        receiver.faults.append(Fault(lost=True))
        assert setup.push(a_book()).sent == 1
        assert len(receiver.posts) == 2 + there


def events_in(folder: Path) -> list[Any]:
    """The events of the file, as another program reads them."""
    return list(Calendar.from_ical((folder / "renewals.ics").read_bytes()).walk("VEVENT"))


def test_the_calendar_has_the_days_of_practice(tmp_path: Path) -> None:
    """Renewal, renewal work 90 days before, check-ins every two weeks in the first two months; all-day, nobody busy."""
    score = a_score("a", name="Ä, ;\\ Ltd\nX", days=200, starts_on=CUTOFF - timedelta(days=10))
    with set_up("calendar", tmp_path) as setup:
        setup.push(a_book(score))
    events = events_in(tmp_path)
    days = {str(event["summary"]).partition(":")[0]: event["dtstart"].dt for event in events}
    start, end = CUTOFF - timedelta(days=10), CUTOFF + timedelta(days=200)
    assert days == {
        "Renewal": end,
        "Begin the renewal": end - timedelta(days=90),
        **{f"Check-in {n}": start + timedelta(days=14 * n) for n in (1, 2, 3, 4)},
    }
    assert all(type(day) is date for day in days.values())
    assert {str(event["transp"]) for event in events} == {"TRANSPARENT"}
    assert str(events[0]["summary"]).endswith("Ä, ;\\ Ltd\nX")


def test_events_keep_their_ids(tmp_path: Path) -> None:
    """A later run changes the sequence, never the UID; monthly terms have no check-ins, and no window of 90 days."""
    monthly = a_score("m", days=20, starts_on=CUTOFF - timedelta(days=10))
    uids = []
    for weeks in (0, 1):
        with set_up("calendar", tmp_path) as setup:
            setup.push(a_book(a_score("a", risk=0.4 + weeks / 10, name=f"A{weeks}"), monthly, weeks=weeks))
        events = events_in(tmp_path)
        uids.append([str(event["uid"]) for event in events])
        assert {int(event["sequence"]) for event in events} == {weeks + 1}
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == len(uids[0]) == 7


def test_a_calendar_of_one_person(tmp_path: Path) -> None:
    """`owners` keeps the others' accounts out."""
    with set_up("calendar", tmp_path, owners=["Lee"]) as setup:
        setup.push(a_book())
        assert setup.effects() == ["Renewal: B"]

"""An account's page: what it explains, what people do there, and that nobody overwrites anybody."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from features.errors import StoreError
from serving.acts import Act, Acts
from serving.sent import Inbox
from tests import stores
from tests.books import a_reason, a_score
from tests.test_web_today import EVIL, shown
from tests.workspaces import Browser, Pages, pages

PEOPLE = (("kim", "csm", "Kim"), ("lee", "lead", None), ("ann", "analyst", None))
BOOK = (
    *(a_score(name, reasons=(a_reason("seats", 0.9, EVIL), a_reason("time_spent", -0.4))) for name in "abcdefgh"),
    a_score(f"x/y z?#{EVIL}", name=EVIL, owner=EVIL, segment=EVIL, plan=EVIL),
    a_score("silent", days=None, contract_id=None, starts_on=None, arr=None, reasons=()),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("account"), BOOK, PEOPLE) as opened:
        yield opened


def form(browser: Browser, account: str, kind: str) -> dict[str, str]:
    """The hidden fields of a form of an account's page."""
    page = browser.get(f"/app/accounts/{account}").text
    (part,) = [one for one in page.split("<form") if f'name="kind" value="{kind}"' in one]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', part))


def do(browser: Browser, account: str, kind: str, **fields: str) -> httpx.Response:
    """Send one form of an account's page, as it was just seen."""
    return browser.post(f"/app/accounts/{account}", **form(browser, account, kind), **fields)


def test_everything_done_is_kept_with_who_and_when(site: Pages) -> None:
    """Taking, calling, noting, putting off, marking: each stands in the history and in the store, in order."""
    with site.browser("kim") as browser:
        for kind, fields in (
            ("take", {}),
            ("touch", {"kind_of": "call", "on": "2026-06-02", "text": "They want SSO"}),
            ("note", {"text": "Ask again\nin June"}),
            ("snooze", {"until": "2999-01-01"}),
            ("reopen", {}),
            ("outcome", {"outcome": "renewed", "decided_on": "2026-06-03"}),
            ("wrong", {"reason": "risk_too_high", "text": "Signed yesterday"}),
            ("done", {}),
        ):
            assert do(browser, "a", kind, **fields).status_code == 303, kind
        page = browser.get("/app/accounts/a").text
    for said in ("took the account", "logged a call on 2026-06-02", "They want SSO", "marked the outcome: renewed"):
        assert said in page
    acts = Acts(site.desk.store.database).of("a")
    assert [act.kind for act in acts] == ["done", "wrong", "outcome", "reopen", "snooze", "note", "touch", "take"]
    assert {act.person for act in acts} == {"kim"}
    assert [act.version for act in acts] == list(range(8, 0, -1))
    told = Inbox(site.desk.store).all()
    assert [(one.kind, one.key) for one in told] == [("feedback", "person:kim"), ("outcomes", "person:kim")]
    assert told[0].kept[0]["by"] == "kim"
    assert Inbox(site.desk.store).told()[0].outcome == "renewed"


def test_the_list_follows_what_people_do(site: Pages) -> None:
    """Done and put off leave the list of what is to do, and are found where they went."""
    with site.browser("kim") as browser:
        do(browser, "b", "take")
        do(browser, "c", "done")
        do(browser, "d", "snooze", until="2999-01-01")
        assert {"c", "d"}.isdisjoint(shown(browser.get("/app?owner=all").text))
        for state, wanted in (("mine", "b"), ("taken", "b"), ("done", "c"), ("later", "d"), ("all", "d")):
            assert wanted in shown(browser.get(f"/app?owner=all&state={state}").text), state


def test_two_people_never_overwrite_each_other(site: Pages) -> None:
    """Who was slower sees what happened, with what they wrote kept, and may save it as well."""
    with site.browser("kim") as kim, site.browser("lee") as lee:
        slow = form(lee, "e", "note") | {"text": "my long note"}
        do(kim, "e", "take")
        answer = lee.post("/app/accounts/e", **slow)
        assert answer.status_code == 409
        assert "my long note" in answer.text
        assert "took the account" in answer.text
        assert len(Acts(site.desk.store.database).of("e")) == 1
        again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
        assert lee.post("/app/accounts/e", **again).status_code == 303
    assert [(act.person, act.kind) for act in Acts(site.desk.store.database).of("e")] == [
        ("lee", "note"),
        ("kim", "take"),
    ]


def test_the_same_form_twice_counts_once(site: Pages) -> None:
    """A double click adds one act and tells the inbox once."""
    with site.browser("kim") as browser:
        fields = form(browser, "f", "wrong") | {"reason": "other", "text": "twice"}
        assert [browser.post("/app/accounts/f", **fields).status_code for _ in range(2)] == [303, 303]
    assert len(Acts(site.desk.store.database).of("f")) == 1
    assert sum(one.kept[0]["note"] == "twice" for one in Inbox(site.desk.store).all("feedback")) == 1


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("note", {"text": "  "}, "a note needs words"),
        ("touch", {"kind_of": "pigeon", "on": "2026-06-02", "text": "kept words"}, "a touch is one of"),
        ("touch", {"kind_of": "call", "on": "yesterday", "text": "kept words"}, "is no date"),
        ("snooze", {"until": "2020-01-01"}, "not ahead"),
        ("outcome", {"outcome": "exploded", "decided_on": "2026-06-03"}, "outcome"),
        ("wrong", {"reason": "purple", "text": "kept words"}, "reason"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_kept(site: Pages, kind: str, fields: dict[str, str], said: str) -> None:
    """One sentence, and the words that were typed still stand in the form."""
    with site.browser("kim") as browser:
        answer = do(browser, "g", kind, **fields)
        assert answer.status_code == 422
        assert said in answer.text
        assert ("kept words" in answer.text) == ("kept words" in fields.values())
    assert not Acts(site.desk.store.database).of("g")


def test_an_analyst_reads_and_says_what_is_wrong(site: Pages) -> None:
    """And nothing else, whatever form is sent."""
    with site.browser("ann") as browser:
        fields = form(browser, "h", "wrong")
        assert browser.post("/app/accounts/h", **fields | {"kind": "take"}).status_code == 422
        assert browser.post("/app/accounts/h", **fields, reason="other", text="").status_code == 303
    assert [act.kind for act in Acts(site.desk.store.database).of("h")] == ["wrong"]


def test_every_text_stays_text(site: Pages) -> None:
    """Names, reasons, notes and ids with anything in them; the link of the list leads to the page."""
    with site.browser("lee") as browser:
        (link,) = [one for one in shown(browser.get("/app").text) if one.startswith("x%2Fy")]
        assert do(browser, link, "note", text=EVIL).status_code == 303
        bad = browser.post(f"/app/accounts/{link}", **form(browser, link, "touch"), kind_of=EVIL, on=EVIL, text=EVIL)
        for text in (browser.get(f"/app/accounts/{link}").text, browser.get("/app/accounts/a").text, bad.text):
            assert "alert(1)" in text
            assert "<script>" not in text
            assert "<img src=x" not in text


def test_an_account_without_contract_or_reasons_is_shown(site: Pages) -> None:
    """Dashes and sentences where nothing is known; an unknown id is a page that says so."""
    with site.browser("lee") as browser:
        assert "No drivers" in browser.get("/app/accounts/silent").text
        answer = do(browser, "silent", "outcome", outcome="renewed", decided_on="2026-06-03")
        assert "it has no contract" in answer.text
        missing = browser.get("/app/accounts/nobody")
        assert (missing.status_code, "No such account" in missing.text) == (404, True)


def test_acts_only_grow(tmp_path: Path) -> None:
    """The database itself refuses to change or delete what was done."""
    url = f"sqlite:///{tmp_path / 'ebb.db'}"
    with pages(tmp_path, []) as site:
        acts = Acts(site.desk.store.database)
        acts.add(Act(person="kim", account_id="a", contract_id=None, kind="take"), "once")
        for statement in ("UPDATE acts SET person = 'lee'", "DELETE FROM acts"):
            with pytest.raises(Exception, match="append-only"):
                stores.run(url, statement)
        with pytest.raises(StoreError, match="append-only"), site.desk.store.database.writing() as connection:
            connection.exec_driver_sql("INSERT OR REPLACE INTO acts SELECT * FROM acts")

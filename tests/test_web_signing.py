"""Signing in to the pages: sessions, forms, throttling, roles, and what the service keeps of them."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from features.errors import SettingsError
from serving.access.people import People
from serving.database import Database
from serving.web import paths
from tests.books import a_score
from tests.market_home import MarketHome, ebb
from tests.workspaces import PASSWORD, Pages, pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    home = tmp_path_factory.mktemp("signing")
    with pages(home, [a_score("acme")], [("kim", "csm", "Kim"), ("lee", "analyst", None)]) as opened:
        yield opened


def test_nobody_sees_a_page_without_signing_in(site: Pages) -> None:
    """Every page leads to the sign-in page, and from there back to what was wanted, within the pages only."""
    with site.browser() as browser:
        for path in ("/app", "/app/accounts/acme", "/app/book?x=1", "/app/nothing"):
            answer = browser.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/app/sign-in?next=%2Fapp")
        assert browser.sign_in("kim", next="/app/book?x=1").headers["location"] == "/app/book?x=1"
    with site.browser() as browser:
        assert browser.sign_in("kim", next="https://elsewhere.test/app").headers["location"] == "/app"


def test_a_session_is_kept_as_a_hash_in_a_guarded_cookie(site: Pages) -> None:
    """Secure, HttpOnly, SameSite, for the whole host; the store has no token and no password."""
    with site.browser() as browser:
        told = browser.sign_in("kim").headers["set-cookie"]
        for part in ("__Host-ebb=", "Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in told
        token = browser.cookies["__Host-ebb"]
    held = (site.home / "ebb.db").read_bytes() + (site.home / "ebb.db-wal").read_bytes()
    assert token.encode() not in held
    assert PASSWORD.encode() not in held
    assert b"$argon2id$" in held


def test_signing_out_ends_the_session_for_good(site: Pages) -> None:
    """A copy of the cookie is worth nothing afterwards."""
    with site.browser("kim") as browser:
        assert browser.get("/app").status_code == 200
        kept = browser.cookies["__Host-ebb"]
        assert browser.post("/app/sign-out", csrf=browser.csrf("/app")).status_code == 303
        browser.cookies.set("__Host-ebb", kept, domain="ebb.test")
        assert browser.get("/app").status_code == 303


@pytest.mark.parametrize("csrf", [None, "", "0" * 64])
def test_a_form_of_another_site_is_refused(site: Pages, csrf: str | None) -> None:
    """Without the token of this very session nothing is done."""
    fields = {} if csrf is None else {"csrf": csrf}
    with site.browser("kim") as browser:
        assert browser.post("/app/sign-out", **fields).status_code == 403
        assert browser.get("/app").status_code == 200


def test_a_form_made_before_signing_in_counts_no_more(site: Pages) -> None:
    """The session has another token than the visitor had."""
    with site.browser() as browser:
        old = browser.csrf()
        browser.sign_in("kim")
        assert browser.post("/app/sign-out", csrf=old).status_code == 403


def test_wrong_names_and_passwords_are_told_apart_by_nothing(site: Pages) -> None:
    """The same status and sentence."""
    with site.browser() as browser:
        answers = [browser.sign_in("lee", "not the password"), browser.sign_in("nobody", "not the password")]
    assert {answer.status_code for answer in answers} == {401}
    assert all("do not go together" in answer.text for answer in answers)


def test_trying_is_throttled_by_name(tmp_path: Path) -> None:
    """After ten failed tries even the right password waits; another person does not."""
    with (
        pages(tmp_path, [], [("kim", "csm", None), ("lee", "lead", None)]) as site,
        site.browser() as browser,
    ):
        statuses = [browser.sign_in("kim", "wrong").status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        assert browser.sign_in("kim").status_code == 429
        assert browser.sign_in("lee").status_code == 303


def test_a_removed_person_is_out_at_once(tmp_path: Path) -> None:
    """Sessions end with the person and with a new password; a name may come back."""
    with pages(tmp_path, [], [("kim", "csm", None)]) as site, site.browser("kim") as browser:
        people = People(site.desk.store.database)
        people.password("kim", "another quiet password")
        assert browser.get("/app").status_code == 303
        assert browser.sign_in("kim", "another quiet password").status_code == 303
        people.remove("kim")
        assert browser.get("/app").status_code == 303
        assert browser.sign_in("kim", "another quiet password").status_code == 401
        people.add("kim", "lead", None, PASSWORD)
        assert browser.sign_in("kim").status_code == 303


def test_an_open_service_asks_nobody(tmp_path: Path) -> None:
    """What `ebb demo` serves on this machine needs no sign-in, but its forms still need their token."""
    with pages(tmp_path, [a_score("acme")], is_open=True) as site, site.browser() as browser:
        assert browser.get("/app").status_code == 200
        assert browser.post("/app/sign-out").status_code == 403


def test_pages_run_nothing_but_their_own_files(site: Pages) -> None:
    """The policy allows no inline script or style, no other host, no frame; assets are cached for good."""
    with site.browser("kim") as browser:
        answer = browser.get("/app")
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert "immutable" in browser.get("/app/assets/ebb.css").headers["cache-control"]
        assert browser.get("/app/assets/app.py").status_code == 404


@pytest.mark.parametrize(("name", "role", "password"), [("", "csm", PASSWORD), ("a b", "csm", PASSWORD)])
def test_wrong_people_are_refused(tmp_path: Path, name: str, role: str, password: str) -> None:
    """One sentence says what is wrong."""
    with Database(f"sqlite:///{tmp_path / 'ebb.db'}") as database:
        people = People(database)
        with pytest.raises(SettingsError, match="name"):
            people.add(name, role, None, password)
        with pytest.raises(SettingsError, match="role"):
            people.add("kim", "boss", None, password)
        with pytest.raises(SettingsError, match="12 to 200"):
            people.add("kim", "csm", None, "short")
        with pytest.raises(SettingsError, match="no person"):
            people.remove("kim")


def test_the_command_lets_people_in(market_home: MarketHome) -> None:
    """Added by the command, signed in on the real service, on record with their name."""
    ran = ebb("people", "add", "--name", "pat", "--role", "lead", "--home", market_home.folder, EBB_PASSWORD=PASSWORD)
    assert ran.returncode == 0, ran.stderr
    assert "pat" in ebb("people", "list", "--home", market_home.folder).stdout
    with httpx.Client(base_url=market_home.url, timeout=60) as client:
        page = client.get("/app/sign-in")
        csrf = page.text.split('name="csrf" value="')[1][:64]
        # The client sends no Secure cookie over http, as a browser does to this machine.
        visitor = page.headers["set-cookie"].split(";")[0]
        fields = {"csrf": csrf, "name": "pat", "password": PASSWORD}
        answer = client.post("/app/sign-in", data=fields, headers={"Cookie": visitor})
        assert answer.status_code == 303, answer.text
        session = next(
            one.split(";")[0] for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-ebb=")
        )
        assert client.get(paths.ROOT, headers={"Cookie": session}).status_code == 200
        assert client.get("/v1/worklist", headers={"Cookie": session}).status_code == 401
        assert client.post("/app/sign-in", json={}).status_code == 415
        assert client.post("/app/sign-in", data={"x": "y" * 70_000}).status_code == 413
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        with closing(sqlite3.connect(market_home.folder / "ebb.db")) as connection:
            if connection.execute("SELECT 1 FROM calls WHERE key = 'person:pat' AND path = '/app'").fetchone():
                return
        time.sleep(0.1)
    raise AssertionError("no record of the visit")

"""The pages in a real browser: a CSM's morning by keyboard and mouse, accessibility, width, a silent console."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn

from serving.answered import FOLDER
from tests.books import a_reason, a_score
from tests.test_web_book import ANSWER
from tests.test_web_today import EVIL
from tests.workspaces import PASSWORD, pages

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright: `make install` brings it")
if CHROMIUM is None:
    pytest.skip("needs a Chromium: `apt-get install chromium` brings one", allow_module_level=True)

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PAGES: Final = ("/app", "/app?q=nothing-fits", "/app/accounts/acme", "/app/book", "/app/book/tiers", "/app/proof")
BOOK: Final = (
    a_score("acme", risk=0.6, arr=9000.0, reasons=(a_reason("seats", 0.9, "Few seats used"), a_reason("depth", -0.3))),
    *(a_score(f"other {n}", risk=0.3, band="medium") for n in range(6)),
    a_score("evil", name=EVIL, owner=EVIL, segment=EVIL, reasons=(a_reason("seats", 0.9, EVIL),), band="low"),
)
CHART: Final = {
    "data": {"values": [{"a": "x", "b": 1}, {"a": EVIL, "b": 2}]},
    "mark": {"type": "bar", "tooltip": True},
    "encoding": {"x": {"field": "b", "type": "quantitative"}, "y": {"field": "a", "type": "nominal"}},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of pages that are served over HTTP on this machine."""
    home = tmp_path_factory.mktemp("browser")
    (home / FOLDER).mkdir()
    (home / FOLDER / "tiers.json").write_text(json.dumps(ANSWER | {"chart": CHART}))
    people = [("kim", "csm", "Kim"), ("lee", "lead", None)]
    with pages(home, BOOK, people) as made, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(made.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(chromium: Any, site: str) -> Iterator[Any]:
    """A page in which lee signed in; whatever the console complains of fails the test."""
    yield from _opened(chromium, site)


def _opened(chromium: Any, site: str, **more: Any) -> Iterator[Any]:
    context = chromium.new_context(**more)
    shown, faults = context.new_page(), []
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    shown.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    shown.goto(f"{site}/app")
    shown.get_by_label("Name").fill("lee")
    shown.get_by_label("Password").fill(PASSWORD)
    shown.get_by_role("button", name="Sign in").click()
    shown.wait_for_url("**/app")
    yield shown
    context.close()
    assert not faults


def test_a_morning_by_keyboard_and_mouse(page: Any) -> None:
    """Find the riskiest account, read why, take it, log a call, mark it renewed, see it in the proof."""
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/app/accounts/acme")
    playwright.expect(page.get_by_text("Few seats used").first).to_be_visible()
    page.get_by_role("button", name="Take", exact=True).click()
    playwright.expect(page.get_by_text("taken by lee")).to_be_visible()
    page.get_by_text("Log a touch").click()
    page.get_by_label("What was said").fill("They want SSO")
    page.get_by_role("button", name="Log it").click()
    playwright.expect(page.get_by_text("They want SSO")).to_be_visible()
    page.get_by_text("Mark an outcome").click()
    page.get_by_role("button", name="Mark it").click()
    page.get_by_role("link", name="Proof").click()
    playwright.expect(page.get_by_text("marked the outcome: renewed")).to_be_visible()


def test_filters_take_effect_and_the_slash_searches(page: Any) -> None:
    """Choosing reloads the list with the choice in the address; / goes to the search."""
    page.get_by_label("Band").select_option("low")
    page.wait_for_url("**/app?**band=low**")
    playwright.expect(page.locator("[data-rows] > tr")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("zzz")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=zzz**")
    playwright.expect(page.get_by_text("No account fits")).to_be_visible()


def test_charts_are_drawn_without_eval(page: Any, site: str) -> None:
    """Vega draws under the strict policy, in both themes; names in the data run nothing."""
    page.goto(f"{site}/app/book")
    page.wait_for_selector("[data-spec] canvas")
    page.get_by_label("Switch between light and dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_and_fit_every_width(chromium: Any, site: str, theme: str, tmp_path: Path) -> None:
    """axe-core finds nothing against WCAG 2.2 AA; nothing hangs over at 390 or 2560 pixels."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for page in _opened(chromium, site, color_scheme=theme):
        for path in PAGES:
            page.goto(site + path)
            found = axe.run(page, options={"runOnly": {"type": "tag", "values": list(RULES)}})
            assert len(found.response["passes"]) > 10
            assert found.violations_count == 0, f"{path} {theme}: {found.generate_report()}"
            for width in (390, 1440, 2560):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} at {width}"
                page.screenshot(path=tmp_path / f"{PAGES.index(path)}-{theme}-{width}.png")

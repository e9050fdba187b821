"""Today's list: what it shows, how it is chosen and exported, and that texts of the data stay texts."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.books import a_reason, a_score
from tests.workspaces import Pages, pages

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
BOOK = (
    a_score("acme", risk=0.5, arr=4000.0, days=20, owner="Kim", reasons=(a_reason("seats", 0.9, "Few seats used"),)),
    a_score("beta", risk=0.2, arr=9000.0, days=200, owner="Kim", band="low", segment="large"),
    a_score("core", risk=0.3, arr=None, days=None, owner=None, band="medium", reasons=()),
    a_score("=1+1", name=EVIL, owner=EVIL, segment=EVIL, risk=0.4, reasons=(a_reason("seats", 0.9, EVIL),)),
)
PEOPLE = (("kim", "csm", "Kim"), ("max", "csm", "Max"), ("lee", "lead", None))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("today"), BOOK, PEOPLE) as opened:
        yield opened


def shown(text: str) -> list[str]:
    """The ids of the accounts of a list, in its order."""
    return [unescape(found) for found in re.findall(r'class="name" href="/app/accounts/([^"]+)"', text)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["acme", "beta", "%3D1%2B1", "core"]),
        ("end=bottom", ["core", "%3D1%2B1", "beta", "acme"]),
        ("sort=risk", ["acme", "%3D1%2B1", "core", "beta"]),
        ("sort=arr", ["beta", "acme", "%3D1%2B1", "core"]),
        ("sort=renewal&end=bottom", ["beta", "%3D1%2B1", "acme", "core"]),
        ("owner=Kim", ["acme", "beta"]),
        ("owner=-", ["core"]),
        ("owner=nobody", []),
        ("segment=large", ["beta"]),
        ("band=medium", ["core"]),
        ("window=30", ["acme"]),
        ("q=ACME+kim", ["acme"]),
        ("q=script", ["%3D1%2B1"]),
        ("n=1&page=2", ["beta"]),
        ("band=purple&window=x&sort=y&end=z&n=0&page=-3&what=1", ["acme"]),
    ],
)
def test_the_address_says_which_accounts(site: Pages, query: str, wanted: list[str]) -> None:
    """Filters, search, order, end and page; what makes no sense is as if it were not there."""
    with site.browser("lee") as browser:
        assert shown(browser.get(f"/app?{query}").text) == wanted


def test_a_csm_sees_the_own_book_first(site: Pages) -> None:
    """And everybody's when asked for; who has no account in the book is told so."""
    with site.browser("kim") as browser:
        assert shown(browser.get("/app").text) == ["acme", "beta"]
        assert len(shown(browser.get("/app?owner=all").text)) == 4
    with site.browser("max") as browser:
        page = browser.get("/app").text
        assert "you see your own book, that of Max" in page
        assert "Show every account" in page


def test_a_line_says_what_a_person_needs(site: Pages) -> None:
    """Risk with its band in words, money, date, reasons and the play."""
    with site.browser("kim") as browser:
        page = browser.get("/app").text
    for part in ("Acme", "50 %", " high", "4,000", "2,000 at risk", "21 Jun 2026", "in 20 days", "Few seats used"):
        assert part in page, part
    assert "Seat training" in page


@pytest.mark.parametrize("path", ["/app", "/app?q={}", "/app?owner={}", "/app?segment={}&play={}", "/app?sort={}"])
def test_no_text_of_the_data_or_the_address_becomes_markup(site: Pages, path: str) -> None:
    """Names, owners, segments, reasons and whatever stands in the address are text."""
    with site.browser("lee") as browser:
        page = browser.request("GET", path.split("?")[0], params=dict.fromkeys(["q", "owner", "segment", "play"], EVIL))
        plain = browser.get(path.replace("{}", "%3Cscript%3Ealert(1)%3C/script%3E"))
    for text in (page.text, plain.text):
        assert "<script>" not in text
        assert "<img src=x" not in text


def test_the_export_holds_what_is_asked_for_and_runs_nowhere(site: Pages) -> None:
    """Every account that fits, in its order; a cell that would begin a formula is text."""
    with site.browser("lee") as browser:
        answer = browser.get("/app/today.csv?n=1")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert "attachment" in answer.headers["content-disposition"]
        assert [row["account_id"] for row in rows] == ["acme", "beta", "'=1+1", "core"]
        assert (rows[0]["risk"], rows[0]["play"], rows[3]["arr"]) == ("0.5", "seat training", "")
        assert len(browser.get("/app/today.csv?owner=Kim").text.splitlines()) == 3


def test_without_scores_the_page_says_what_to_bring(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The first minute: what is missing, and how to look without data."""
    with pages(tmp_path_factory.mktemp("none"), [], [("lee", "lead", None)]) as site, site.browser("lee") as browser:
        page = browser.get("/app").text
    assert "No scores yet" in page
    assert "ebb demo" in page


def test_a_page_is_small(site: Pages) -> None:
    """Four accounts take a few kilobytes; the script and the sheet are read once."""
    with site.browser("lee") as browser:
        assert len(browser.get("/app").content) < 20_000
        assert len(browser.get("/app/assets/ebb.css").content) + len(browser.get("/app/assets/ebb.js").content) < 40_000

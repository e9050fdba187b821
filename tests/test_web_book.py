"""The book and the proof: kept answers with charts, the forecast, what was said before each loss."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from serving.answered import FOLDER
from serving.book import Band
from serving.said import BacktestRun, Said
from tests.books import a_score
from tests.test_web_account import do
from tests.test_web_today import EVIL
from tests.workspaces import Pages, pages

LOST = date(2026, 3, 31)
ANSWER = {
    "name": "tiers",
    "made_at": "2026-06-01T00:00:00+00:00",
    "cutoff": "2026-06-01",
    "says": ["One account pays all.", EVIL],
    "asked": {},
    "sheets": [
        {
            "name": "accounts",
            "fields": [
                {"name": "account_id", "title": "account", "kind": "text", "meaning": EVIL},
                {"name": "arr_share", "title": "share", "kind": "share", "meaning": "of the ARR"},
            ],
            "rows": [{"account_id": f"{EVIL}{n}", "arr_share": 0.5} for n in range(20)],
        }
    ],
    "chart": {"mark": "bar", "data": {"values": [{"a": EVIL}]}},
}


def said(name: str, lead: int, risk: float, band: Band, outcome: int) -> Said:
    """One look of a backtest."""
    return Said(
        account_id=name,
        contract_id=f"{name}-1",
        name=f"{name} {EVIL}",
        owner=EVIL,
        segment=EVIL,
        origin=date(2025, 10, 1),
        cutoff=LOST - timedelta(days=lead),
        lead_days=lead,
        ends_on=LOST,
        decided_on=LOST,
        arr=900.0,
        outcome=outcome,
        risk=risk,
        rank=3,
        among=40,
        band=band,
        sentence=EVIL,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    home = tmp_path_factory.mktemp("book")
    (home / FOLDER).mkdir()
    (home / FOLDER / "tiers.json").write_text(json.dumps(ANSWER))
    with pages(home, [a_score("acme", name=EVIL)], [("lee", "lead", None)]) as opened:
        looks = [said("gone", lead, lead / 200, "high" if lead > 80 else "low", 1) for lead in (120, 92, 60)]
        metric = {"value": 0.7, "low": 0.6, "high": 0.8, "reason": None}
        overall = {"said": 0.3, "left": 0.2, "auc": metric, "recall_at_capacity": metric}
        run = BacktestRun(
            made_at=datetime(2026, 6, 1, tzinfo=UTC),
            cutoff=date(2026, 6, 1),
            mode="renewal",
            fingerprint="f",
            digest="d",
            capacity=10,
            origins=[],
            figures={"overall": overall},
        )
        opened.desk.store.append_backtest(run, [*looks, said("here", 60, 0.1, "low", 0)])
        yield opened


def test_kept_answers_are_cards_and_pages(site: Pages) -> None:
    """Sentences, first rows and a link to all of them; what was never asked says how to; charts come apart."""
    with site.browser("lee") as browser:
        page, whole = browser.get("/app/book").text, browser.get("/app/book/tiers").text
        assert "One account pays all." in page
        assert 'data-spec="/app/book/tiers.json"' in page
        assert "12 rows more" in page
        assert "ebb retention" in page
        assert "No forecast" in page
        assert whole.count("50 %") == 20
        assert browser.get("/app/book/tiers.json").json() == ANSWER["chart"]
        assert browser.get("/app/book/health").status_code == 404
        assert browser.get("/app/book/..%2Fsecret").status_code == 404
        for text in (page, whole):
            assert "<script>" not in text
            assert "<img src=x" not in text


def test_the_proof_shows_each_loss_as_it_was_said(site: Pages) -> None:
    """120, 90 and 60 days before with band and rank; nobody looked at 30; bands and buckets add up."""
    with site.browser("lee") as browser:
        page = browser.get("/app/proof").text
    assert "1 of 1 were said to be high" in page
    for part in ("60 %", "46 %", "30 %", "3 of 40", "no look", "31 Mar 2026"):
        assert part in page, part
    assert "<script>" not in page
    assert "<img src=x" not in page


def test_a_marked_outcome_stands_in_the_proof(site: Pages) -> None:
    """With who marked it and what was said."""
    with site.browser("lee") as browser:
        do(browser, "acme", "outcome", outcome="churned", decided_on="2026-06-03")
        assert "marked the outcome: left" in browser.get("/app/proof").text


def test_pages_without_anything_say_what_next(tmp_path: Path) -> None:
    """No answers, no forecast, no backtest, no model: sentences, no faults."""
    with pages(tmp_path, [], [("lee", "lead", None)]) as empty, empty.browser("lee") as browser:
        assert "ebb analyse" in browser.get("/app/book").text
        page = browser.get("/app/proof")
        assert (page.status_code, "ebb backtest" in page.text) == (200, True)

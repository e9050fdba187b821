"""Reports for leaders: what is told of a customer's use is so, nothing of risk is told, and no data run."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest

from features.analyses.customer import FEWEST_PEERS, Customer, customer
from features.errors import DataError, SettingsError
from serving.reports import Part, Report, checked, of_customer, page, save
from tests.market_home import MarketHome, ebb
from tests.worlds import CUTOFF, Row, World, day, facts_of, moment

PEERS = [f"p{number}" for number in range(6)]
FORBIDDEN = ("risk", "churn", "leave", "renew", "health", "score")


def event(account: str, age: int, name: str, user: str = "u1", **more: object) -> Row:
    """One event of an account."""
    return {"account_id": account, "occurred_at": moment(age), "event": name, "user_id": f"{account}-{user}", **more}


def a_world(name: str = "Acme") -> World:
    """Six peers who all edit and share; Acme edits on three days with two people, and has ten seats."""
    return {
        "accounts": [{"account_id": "acme", "name": name, "segment": "s"}]
        + [{"account_id": peer, "segment": "s"} for peer in PEERS],
        "contracts": [
            {"contract_id": f"c-{who}", "account_id": who, "starts_on": day(200), "ends_on": day(-165), "seats": 10.0}
            for who in ("acme", *PEERS)
        ],
        "events": [
            event("acme", 3, "edit"),
            event("acme", 3, "edit", "u2"),
            event("acme", 10, "edit"),
            event("acme", 20, "edit"),
            event("acme", 20, "sync", actor="api"),
            *(event(peer, age, name) for peer in PEERS for age in (2, 5) for name in ("edit", "share")),
        ],
    }


def test_what_people_did_is_counted() -> None:
    """People, days and actions of the quarter, and what integrations did, apart."""
    found = customer(facts_of(a_world(), until=CUTOFF), Customer(account_id="acme"))
    assert found.says[0].startswith("2 people of Acme worked with the product on 3 days of the last quarter")
    months = found.sheet("months").frame
    assert (months["events"].sum(), months["automated"].sum()) == (4, 1)
    features = found.sheet("features").frame.set_index("feature")
    assert features.loc[["edit"], ["uses", "peers"]].to_numpy().tolist() == [[4, 1.0]]
    compared = found.sheet("peers").frame.set_index("what")
    assert compared.loc[["days in use"], ["yours", "peers", "ahead_of"]].to_numpy().tolist() == [[3, 2, 1.0]]


def test_what_peers_use_is_suggested() -> None:
    """The feature all peers use and Acme does not, and the free seats."""
    ideas = customer(facts_of(a_world(), until=CUTOFF), Customer(account_id="acme")).sheet("ideas").frame["idea"]
    assert ideas.iloc[0] == "Try share: 100 % of companies like yours use it. We show you how."
    assert ideas.iloc[1].startswith("8 of your 10 seats are free")


def test_few_peers_are_not_told() -> None:
    """With fewer than five peers nothing is compared: it would tell what single others do."""
    world = a_world()
    world["events"] = [row for row in world["events"] if row["account_id"] in ("acme", *PEERS[: FEWEST_PEERS - 1])]
    found = customer(facts_of(world, until=CUTOFF), Customer(account_id="acme"))
    assert found.sheet("peers").frame.empty
    assert found.sheet("features").frame["peers"].isna().all()


def test_later_facts_change_nothing() -> None:
    """What becomes known at the cutoff is not in the report."""
    world = a_world()
    later = event("acme", 5, "edit", known_at=moment(0) + timedelta(hours=1))
    before = customer(facts_of(world, until=CUTOFF), Customer(account_id="acme"))
    facts = facts_of({**world, "events": [*world["events"], later]}, until=CUTOFF)
    after = customer(type(facts)(**{**vars(facts), "cutoff": CUTOFF}), Customer(account_id="acme"))
    assert [sheet.records() for sheet in after.sheets] == [sheet.records() for sheet in before.sheets]


def test_unknown_accounts_are_named() -> None:
    """With the nearest that there is; a span that makes no sense is refused."""
    with pytest.raises(DataError, match=r"no account 'acne' among 7; did you mean acme\?"):
        customer(facts_of(a_world(), until=CUTOFF), Customer(account_id="acne"))
    with pytest.raises(SettingsError, match="months = 0"):
        Customer(account_id="acme", months=0)
    with pytest.raises(SettingsError, match=r"should end in \.html or \.pdf"):
        checked(Path("report.docx"))


def test_nothing_in_a_name_runs() -> None:
    """Names of accounts and features are text in the page, whatever they look like."""
    world = a_world("<script>alert(1)</script>\x1b[31m")
    world["events"].append(event("acme", 2, "<img src=x onerror=alert(2)>"))
    text = page(of_customer(customer(facts_of(world, until=CUTOFF), Customer(account_id="acme"))))
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text), "a report asks for nothing from elsewhere"


def test_a_pdf_holds_the_same_and_fetches_nothing(tmp_path: Path) -> None:
    """Its text is that of the page; an address in it is not asked for."""
    pypdf = pytest.importorskip("pypdf", reason="pip install pypdf reads the PDF that was written")
    head = {"title": "t", "right": False, "short": False}
    report = Report(
        over="o",
        title="Acme",
        period="p",
        lead=["Lead."],
        parts=[Part(title="Part", picture="http://127.0.0.1:9/a.svg", rows=[["cell"]], fields=[head])],
    )
    save(report, tmp_path / "r.pdf")
    text = pypdf.PdfReader(io.BytesIO((tmp_path / "r.pdf").read_bytes())).pages[0].extract_text()
    assert "Acme" in text
    assert "cell" in text


def test_both_reports_are_written_by_the_command(market_home: MarketHome, tmp_path: Path) -> None:
    """Of the customer nothing about risk; of the book what is at risk, coming and to do."""
    there = ("--home", market_home.folder, "--data", market_home.data)
    ran = ebb("report", "account", "acc-00001", *there, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    text = (tmp_path / "report-acc-00001.html").read_text().lower()
    words = re.sub(r"data:[^\"]*|<style>.*?</style>", "", text, flags=re.DOTALL)
    assert not [word for word in FORBIDDEN if word in words]
    ran = ebb("report", "book", *there, "--out", tmp_path / "book.html")
    assert ran.returncode == 0, ran.stderr
    written = (tmp_path / "book.html").read_text()
    assert all(title in written for title in ("How the book stands", "The coming renewals", "Who needs help first"))
    ran = ebb("report", "account", "nobody", *there, cwd=tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("ebb: no account 'nobody' among")

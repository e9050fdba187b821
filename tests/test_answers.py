"""Answers of analyses: declared, kept, told by command and over HTTP, drawn without anything from elsewhere."""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.analyses.answer import Answer, Field, Sheet
from features.errors import SettingsError
from serving import answered
from serving.questions import QUESTIONS, question
from tests.market_home import MarketHome, ebb

FIELDS = (
    Field(name="account_id", title="account", kind="text", meaning="which"),
    Field(name="on", title="on", kind="date", meaning="when"),
    Field(name="many", title="many", kind="whole", meaning="how many"),
    Field(name="late", title="late", kind="flag", meaning="whether"),
)


def test_what_is_not_known_is_none_in_every_kind() -> None:
    """A sheet's records are plain JSON values, and unknown cells are null."""
    frame = pd.DataFrame(
        {
            "account_id": ["a", None],
            "on": [pd.Timestamp("2026-01-02"), pd.NaT],
            "many": [3.0, None],
            "late": [True, None],
        }
    )
    records = Sheet(name="s", fields=FIELDS, frame=frame).records()
    assert records == [
        {"account_id": "a", "on": "2026-01-02", "many": 3, "late": True},
        {"account_id": None, "on": None, "many": None, "late": None},
    ]
    assert json.loads(json.dumps(records, allow_nan=False)) == records


def test_a_sheet_has_the_columns_it_declares() -> None:
    """Columns beyond the declared ones, or in another order, are a fault of whoever made the sheet."""
    with pytest.raises(ValueError, match="declares"):
        Sheet(name="s", fields=FIELDS, frame=pd.DataFrame({"many": [1]}))


def test_an_answer_is_kept_and_read_again(tmp_path: Path) -> None:
    """What is read is what was kept; nothing was kept under another name."""
    sheet = Sheet(name="s", fields=FIELDS[:1], frame=pd.DataFrame({"account_id": ["=1+1", "<b>"]}))
    answer = Answer(name="tiers", cutoff=date(2026, 1, 1), says=("So.",), sheets=(sheet,), asked={"people": 0.5})
    assert answered.keep(answer, tmp_path) == answered.read(tmp_path, "tiers")
    assert answered.read(tmp_path, "other") is None
    with pytest.raises(KeyError, match="it has s"):
        answer.sheet("t")


def test_names_nobody_asks_for_are_refused() -> None:
    """The error names what there is."""
    with pytest.raises(SettingsError, match=r"no analysis 'tears'; there are .*tiers"):
        question("tears")


def test_all_questions_are_answered_kept_and_told(market_home: MarketHome) -> None:
    """`ebb analyse` answers each; the API tells them with as many rows as are wanted, and charts are Vega-Lite."""
    ran = ebb("analyse", "--home", market_home.folder, "--data", market_home.data)
    assert ran.returncode == 0, ran.stderr
    with market_home.client() as client:
        listed = client.get("/v1/analyses").json()["analyses"]
        assert [one["name"] for one in listed] == [one.name for one in QUESTIONS]
        for one in listed:
            assert one["made_at"], f"{one['name']} was not answered: {ran.stderr}"
            found = client.get(f"/v1/analyses/{one['name']}", params={"rows": 2}).json()
            assert found["says"]
            assert all(len(sheet["rows"]) <= 2 for sheet in found["sheets"])
            assert found["chart"] is None or "vega-lite" in found["chart"]["$schema"]
        unknown = client.get("/v1/analyses/<b>")
        assert unknown.status_code == 404
        assert "no analysis" in unknown.json()["detail"]


@pytest.mark.parametrize("ending", ["html", "svg", "png", "json"])
def test_a_chart_needs_nothing_from_elsewhere(market_home: MarketHome, tmp_path: Path, ending: str) -> None:
    """It is drawn in each kind of file; a page loads no script from anywhere."""
    path = tmp_path / f"tiers.{ending}"
    ran = ebb("tiers", "--home", market_home.folder, "--data", market_home.data, "--chart", path, "--format", "csv")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("tier,accounts,arr")
    written = path.read_bytes()
    assert len(written) > 1000
    if ending == "html":
        assert b"<script src" not in written
        assert b"cdn." not in written


def test_a_chart_of_an_unknown_kind_is_refused_at_once(market_home: MarketHome, tmp_path: Path) -> None:
    """Wrong usage, before anything is read."""
    ran = ebb("tiers", "--home", market_home.folder, "--data", market_home.data, "--chart", tmp_path / "tiers.bmp")
    assert ran.returncode == 2
    assert "should end in" in ran.stderr

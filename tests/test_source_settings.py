"""[data] of ebb.toml: one kind of source, or several combined; from each of them all the way to a ranked list."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import table
from features.combined import Combined, Part
from features.engines.duckdb import DuckEngine
from features.errors import SettingsError, SourceError
from features.facts import Facts
from features.intake import take_in
from features.raw import Source
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Renewal
from features.sources import Files, Salesforce, Segment, Stripe
from serving.config import Settings
from serving.config_file import load
from serving.sources import source_of
from tests import exports
from tests.folders import EVENTS, written
from tests.frames import facts, market
from training.dataset import Dataset
from training.models import MODELS
from training.train import Trained, TrainSettings, train

BOTH = """
[data]
kind = "{use}"
folder = "use"
[data.also.agreements]
kind = "{agreed}"
folder = "agreed"
"""


def settings(folder: Path, text: str) -> Settings:
    """The settings of an ebb.toml with that text."""
    return load(written(folder, {"ebb.toml": text}) / "ebb.toml")


def learnt(found: Facts) -> Trained:
    """A model of the past of these facts, among the two plainest candidates."""
    past = table.past(found, Renewal(lead_days=(30,)))
    dataset = Dataset(keys=past.keys, signals=past.signals, left=past.left)
    return train(dataset, columns(CATALOGUE), settings=TrainSettings(models=MODELS[:2]))


def ranked(found: Facts, model: Trained) -> pd.DataFrame:
    """The open accounts by the revenue that is expected to be lost."""
    book, _ = table.book(found, Renewal(), cutoff=found.cutoff)
    risk = model.scorer.score(book.signals).risk
    return book.keys.assign(risk=risk, lost=risk * book.keys["arr"]).sort_values("lost", ascending=False)


WRITERS: Mapping[str, exports.Writer] = {
    "segment": exports.segment,
    "posthog": exports.posthog,
    "amplitude": exports.amplitude,
    "mixpanel": exports.mixpanel,
    "snowplow": exports.snowplow,
    "salesforce": exports.salesforce,
    "hubspot": exports.hubspot,
    "stripe": exports.stripe,
}


def told(folder: Path, use: str, agreed: str) -> Facts:
    """The market as two tools tell it: one its use, the other its agreements."""
    tables = dict(market(170, 24, "W"))
    days = tables["events"]["occurred_at"].dt.date
    tables["events"] = tables["events"].groupby(["account_id", days]).head(1)
    WRITERS[use](tables, folder / "use")
    WRITERS[agreed](tables, folder / "agreed")
    return facts(source_of(settings(folder, BOTH.format(use=use, agreed=agreed)).data))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model learnt from exports alone."""
    return learnt(told(tmp_path_factory.mktemp("model"), "segment", "stripe"))


@pytest.mark.parametrize(
    ("use", "agreed"),
    [
        ("segment", "stripe"),
        ("posthog", "salesforce"),
        ("amplitude", "hubspot"),
        ("mixpanel", "stripe"),
        ("snowplow", "salesforce"),
    ],
)
def test_every_export_runs_through_to_a_worklist(tmp_path: Path, model: Trained, use: str, agreed: str) -> None:
    """Use from one tool and agreements from another rank the open accounts, with nothing to set."""
    found = told(tmp_path, use, agreed)
    worklist = ranked(found, model)
    assert len(worklist) > 100
    assert np.isfinite(worklist["lost"]).all()
    assert set(worklist["account_id"]) <= {row[0] for row in found.engine.rows("SELECT account_id FROM contracts")}


@pytest.mark.parametrize(("kind", "file"), [("hubspot", "deals.csv"), ("salesforce", "Opportunity.csv")])
def test_grace_days_are_those_of_the_settings(tmp_path: Path, kind: str, file: str) -> None:
    """A next term that starts 48 days after the end renews where the settings allow it so long."""
    deals = (
        "Record ID,Opportunity ID,Company name,Account Name,Deal Name,Opportunity Name,Deal Stage,Stage,Amount,"
        "Close Date,Contract Start Date,Contract End Date\n"
        "1,1,Acme,Acme,First,First,Closed Won,Closed Won,100,2024-01-31,2024-01-31,2025-01-31\n"
        "2,2,Acme,Acme,Next,Next,Closed Won,Closed Won,100,2025-03-10,2025-03-20,2026-03-20\n"
    )
    written(tmp_path, {f"crm/{file}": deals, "use/events.csv": "account_id,occurred_at,event\nAcme,2025-06-01,edit\n"})
    told = []
    for grace in ("", "grace_days = 60"):
        text = f'[data]\nkind = "{kind}"\nfolder = "crm"\n{grace}\n[data.also.use]\nkind = "files"\nfolder = "use"\n'
        found = facts(source_of(settings(tmp_path, text).data))
        told.append(found.engine.rows("SELECT outcome FROM contracts ORDER BY starts_on")[0][0])
    assert told == ["churned", "renewed"]


def test_files_lie_where_the_settings_say(tmp_path: Path) -> None:
    """A table may be a file, a folder or a pattern elsewhere; relative ones are beside ebb.toml; one file will do."""
    later = EVENTS.replace("2026-01-05", "2026-02-05")
    written(
        tmp_path,
        {"data/events.csv": EVENTS, "log/1.csv": EVENTS, "log/2.csv": later, "org/acc.csv": "account_id\na\nb\nc\n"},
    )
    text = '[data.places]\nevents = "log/*.csv"\naccounts = "org/acc.csv"\n'
    found = facts(source_of(settings(tmp_path, text).data))
    assert found.engine.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM accounts)") == [(4, 3)]
    alone = facts(Files(folder=tmp_path / "data" / "events.csv"))
    assert alone.engine.rows("SELECT count(*) FROM events") == [(2,)]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_partitioned_folders(tmp_path: Path, ending: str) -> None:
    """What the names of folders say is a column, as text."""
    for name, day in (("007", "2026-01-05"), ("8", "2026-01-06")):
        folder = tmp_path / "events" / f"account_id={name}"
        folder.mkdir(parents=True)
        with DuckEngine() as engine:
            form = {"jsonl": "JSON"}.get(ending, ending)
            query = f"SELECT '{day}' AS occurred_at, 'edit' AS event"
            engine.execute(f"COPY ({query}) TO '{folder}/part.{ending}' (FORMAT {form})")
    found = facts(Files(folder=tmp_path))
    assert found.engine.rows("SELECT account_id, occurred_at::DATE::VARCHAR FROM events ORDER BY 2") == [
        ("007", "2026-01-05"),
        ("8", "2026-01-06"),
    ]


def test_remote_files_want_an_extension_and_never_fetch_it(tmp_path: Path) -> None:
    """An s3 address without httpfs is one clear line."""
    with DuckEngine() as engine:
        if engine.rows("SELECT installed FROM duckdb_extensions() WHERE extension_name = 'httpfs'") == [(True,)]:
            pytest.skip("httpfs is installed here; remove it to see what is said without it")
    with pytest.raises(SourceError, match="needs DuckDB's extension httpfs, which is not installed here"):
        facts(Files(folder=tmp_path, places={"events": "s3://bucket/events/*.parquet"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data]\nkind = 'segmint'\n", "should be one of files, database, segment"),
        ("[data.places]\nevent = 'x'\n", "no table event; did you mean events?"),
        ("[data.database]\nurl = 'x'\n", "has no url; did you mean url_env?"),
        ("[data.database]\nurl_env = 'postgresql://u:secret@h/d'\n", "set it in an environment variable"),
        ("[data.database.queries]\nevent = 'x'\n", "no table event; did you mean events?"),
        ("[data.also.crm]\nfolder = 'x'\n", "crm has no kind; there are files, database"),
        ("[data.also.crm]\nkind = 'hubspott'\n", "no kind hubspott; did you mean hubspot?"),
        ("[data.also.crm]\nkind = 'hubspot'\ntables = ['contract']\n", "no table contract; did you mean contracts?"),
        ("[data]\nalso = 3\n", "is a section, written [data.also]"),
    ],
)
def test_a_wrong_source_setting_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """Faults name what there is instead, and never a secret."""
    with pytest.raises(SettingsError) as fault:
        settings(tmp_path, text)
    assert said in str(fault.value)
    assert "secret" not in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_database_is_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address comes from the environment; without it the line says which variable is missing."""
    data = settings(tmp_path, "[data]\nkind = 'database'\n[data.database]\nurl_env = 'FACTS_URL'\n").data
    monkeypatch.delenv("FACTS_URL", raising=False)
    with pytest.raises(
        SettingsError, match=r"the environment variable FACTS_URL of data\.database\.url_env is not set"
    ):
        source_of(data)
    monkeypatch.setenv("FACTS_URL", "sqlite:////nowhere/facts.db")
    with pytest.raises(SourceError, match="is not there"):
        facts(source_of(data))
    assert "nowhere" not in repr(source_of(data))


def test_two_of_a_kind_are_refused(tmp_path: Path) -> None:
    """A second source of the same kind is said to belong into the folder of the first."""
    with pytest.raises(
        SettingsError, match=r"data\.also\.b is a second source of kind files; bring both into one folder"
    ):
        source_of(settings(tmp_path, "[data.also.b]\nkind = 'files'\n").data)


CALL = '{"type":"track","userId":"u","event":"e","timestamp":"2026-01-05T00:00:00Z","context":{"groupId":"a"}}\n'
DEALS = (
    "Id,AccountId,Account Name,StageName,CloseDate,Contract_Start_Date__c\n"
    "1,001A,Acme,Closed Won,2025-01-01,2025-02-01\n"
)


def combined(folder: Path, **changes: object) -> Source:
    """A call of account a, and a deal of account 001A."""
    use = Segment(folder=written(folder / "use", {"x.jsonl": CALL}))
    crm = Salesforce(folder=written(folder / "crm", {"x.csv": DEALS}))
    return Combined(parts=(Part(source=use), Part(source=crm, **changes)))  # type: ignore[arg-type]


def test_accounts_are_those_of_all_sources(tmp_path: Path) -> None:
    """An account that only the CRM has is one too; what both know of is merged, the later source first."""
    found = facts(combined(tmp_path / "two"))
    assert found.engine.rows("SELECT account_id, name FROM accounts ORDER BY 1") == [("001A", "Acme"), ("a", None)]
    ids = written(tmp_path, {"ids.csv": "theirs,account_id\n001A,a\n"}) / "ids.csv"
    found = facts(combined(tmp_path / "one", ids=ids))
    assert found.engine.rows("SELECT account_id, name FROM accounts") == [("a", "Acme")]
    assert found.engine.rows("SELECT account_id FROM contracts") == [("a",)]
    assert found.findings == ()


def test_only_the_tables_asked_for(tmp_path: Path) -> None:
    """A source limited to some tables gives those alone."""
    found = facts(combined(tmp_path, tables=("accounts",)))
    assert not found.knows("contracts")
    assert found.engine.rows("SELECT count(*) FROM accounts") == [(2,)]


def test_sources_without_use_are_one_line(tmp_path: Path) -> None:
    """Contracts alone say nothing of use, and the line says what to add."""
    exports.stripe(market(14, 8, "W"), tmp_path)
    with pytest.raises(SourceError, match=r"stripe tells of no events; it has accounts, contracts, invoices\. Add"):
        take_in(Combined(parts=(Part(source=Stripe(folder=tmp_path)),)), DuckEngine(), None)

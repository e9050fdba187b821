"""The command: results on stdout, progress on stderr, one line for every fault, nothing heavy before it is needed."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from serving import reference
from serving.cli import main
from serving.output import cell, printable
from tests.market_home import EBB, MarketHome, ebb


def run(*arguments: object) -> int:
    """Run the command in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["ebb", *map(str, arguments)])
        patched.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as left:
            main()
    return int(left.value.code or 0)


def rows(home: MarketHome, sql: str) -> list[tuple[object, ...]]:
    """What the score store holds."""
    with closing(sqlite3.connect(home.folder / "ebb.db")) as connection:
        return connection.execute(sql).fetchall()


def assert_fault(capsys: pytest.CaptureFixture[str], said: str, *arguments: object) -> None:
    """The command exits 1 with one clear line on stderr, nothing on stdout and no trace."""
    assert run(*arguments) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith("ebb: ")
    assert "Traceback" not in shown.err


def test_help_imports_nothing_heavy() -> None:
    """The command starts quickly because libraries are imported when a command runs."""
    heavy = {"pandas", "numpy", "duckdb", "mlflow", "bentoml", "sklearn", "lightgbm", "sqlalchemy", "fastapi"}
    heavy |= {"httpcore", "simple_salesforce", "hubspot", "slack_sdk", "icalendar", "tenacity"}
    program = f"import sys, serving.cli; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"


COMMANDS = (
    "init",
    "demo",
    "check",
    "train",
    "backtest",
    "models",
    "promote",
    "rollback",
    "score",
    "worklist",
    "push",
    "explain",
    "forecast",
    "monitor",
    "sent",
    "serve",
    "signals",
    "simulate",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help stands everywhere and exits 0; the command's own help names every command."""
    assert run(command, "--help") == 0
    assert f"Usage: ebb {command}" in capsys.readouterr().out
    assert run("--help") == 0
    assert f" {command} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nonsense", "No such command"),
        ("worklist --nope", "No such option"),
        ("worklist --top 0", "--top"),
        ("worklist --top 1 --bottom 1", "exclude each other"),
        ("explain", "ACCOUNT"),
        ("backtest --split yesterday --out o", "--split"),
        ("backtest --split 2024-01-01", "--split needs a folder"),
        ("promote 1", "--reason"),
        ("rollback", "--reason"),
        ("backtest --split 2024-01-01 --out o --lead-days 30,x", "is no list of days"),
        ("signals --family nonsense", "there are frequency"),
    ],
)
def test_wrong_usage_is_two(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown commands, options and values exit 2 and say what was wrong."""
    assert run(*arguments.split()) == 2
    shown = capsys.readouterr()
    assert said in " ".join(shown.err.split())
    assert shown.out == ""


def test_init_writes_settings_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A commented ebb.toml is written, is valid, and is never overwritten."""
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    assert "weekly_capacity" in (tmp_path / "ebb.toml").read_text()
    capsys.readouterr()
    assert_fault(capsys, "exists already", "init")
    assert_fault(capsys, "no scores yet", "worklist")


def test_faults_are_one_line(tmp_path: Path, market_home: MarketHome, capsys: pytest.CaptureFixture[str]) -> None:
    """No data, an empty folder, a wrong setting, no model, an account that is not there: one line each, exit 1."""
    empty = tmp_path / "empty"
    empty.mkdir()
    home = ["--home", tmp_path / "home"]
    assert_fault(capsys, "none", "check", "--data", tmp_path / "none", *home)
    assert_fault(capsys, "events", "train", "--data", empty, *home)
    (tmp_path / "wrong.toml").write_text("[serve]\nprot = 1\n")
    wrong = ["--config", tmp_path / "wrong.toml"]
    assert_fault(capsys, "line 2: [serve] has no prot; did you mean port?", "serve", *wrong)
    assert_fault(capsys, "ebb train", "score", "--data", market_home.data, *home)
    known = str(rows(market_home, "SELECT min(account_id) FROM scores")[0][0])
    assert_fault(capsys, "did you mean acc-", "explain", known[:-1], "--home", market_home.folder)


def test_a_port_that_is_taken_is_said(market_home: MarketHome, tmp_path: Path) -> None:
    """A second service on the same port says how to take another one."""
    ran = ebb("serve", "--port", market_home.url.rpartition(":")[2], "--home", tmp_path)
    assert ran.returncode == 1
    assert "--port takes another one" in ran.stderr.splitlines()[-1]


def test_an_unexpected_fault_is_one_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody thought of is told in a line that says how to see more; the trace comes when asked for."""
    (tmp_path / "file").write_text("")
    assert_fault(capsys, "EBB_DEBUG=1 shows where", "worklist", "--home", tmp_path / "file")
    assert "Traceback" in ebb("worklist", "--home", tmp_path / "file", EBB_DEBUG="1").stderr


def test_the_demo_shows_every_step_and_the_list(market_home: MarketHome) -> None:
    """Progress lines for every step on stderr, the list with reasons and plays on stdout."""
    steps = ("simulate", "read", "check", "signals of the past", "learn", "track", "signals of the book", "score")
    lines = market_home.told.splitlines()
    for step in steps:
        assert any(line.startswith(step) or step in line for line in lines), step
    assert "•" in market_home.shown
    assert "→" in market_home.shown
    assert "Traceback" not in market_home.told
    assert "Warning" not in market_home.told


def test_the_worklist_in_three_forms(market_home: MarketHome) -> None:
    """JSON and CSV hold the same accounts in the same order as the table, and owner and days narrow them."""
    home = ["--home", market_home.folder]
    listed = json.loads(ebb("worklist", "--top", 5, "--format", "json", *home).stdout)
    assert [item["rank"] for item in listed] == [1, 2, 3, 4, 5]
    lost = [item["arr_at_risk"] for item in listed]
    assert lost == sorted(lost, reverse=True)
    read = list(csv.DictReader(io.StringIO(ebb("worklist", "--top", 5, "--format", "csv", *home).stdout)))
    assert [row["account_id"] for row in read] == [item["account_id"] for item in listed]
    table = ebb("worklist", "--top", 5, *home).stdout
    assert all(item["account_id"] in table for item in listed)
    assert max(map(len, table.splitlines())) <= 120
    owner = listed[0]["owner"]
    owned = json.loads(ebb("worklist", "--owner", owner, "--within-days", 90, "--format", "json", *home).stdout)
    assert all(item["owner"] == owner and 0 <= item["days_to_renewal"] <= 90 for item in owned)
    last = json.loads(ebb("worklist", "--bottom", 3, "--format", "json", *home).stdout)
    assert last[0]["arr_at_risk"] <= last[-1]["arr_at_risk"] < lost[0]


def test_an_account_is_explained(market_home: MarketHome) -> None:
    """Every driver with its values; the shares and the base add to the risk that the list shows."""
    home = ["--home", market_home.folder]
    first = json.loads(ebb("worklist", "--top", 1, "--format", "json", *home).stdout)[0]
    drivers = json.loads(ebb("explain", first["account_id"], "--format", "json", *home).stdout)
    assert set(drivers[0]) == {"family", "contribution", "change", "signal", "now", "before", "typical", "sentence"}
    shown = ebb("explain", first["account_id"], *home).stdout
    assert first["todo"][:40] in shown
    assert str(drivers[0]["family"]) in shown
    levers = json.loads(ebb("explain", first["account_id"], "--levers", "--format", "json", *home).stdout)
    assert len(levers) <= 3
    assert all(lever["risk"] < first["risk"] for lever in levers)


def test_renewals_are_forecast_in_money(market_home: MarketHome) -> None:
    """Each month's figures add up, on stdout and over HTTP alike, and an account's curve falls from 1."""
    home = ["--home", market_home.folder]
    months = json.loads(ebb("forecast", "--format", "json", *home).stdout)
    assert months
    for month in months:
        assert abs(month["renewed"]["expected"] + month["at_risk"]["expected"] - month["arr"]) < 1e-6 * month["arr"]
        assert month["at_risk"]["low_95"] <= month["at_risk"]["low_80"] <= month["at_risk"]["high_95"]
    first = json.loads(ebb("worklist", "--top", 1, "--format", "json", *home).stdout)[0]
    with market_home.client() as client:
        answered = client.get("/v1/forecast").json()
        account = client.get(f"/v1/accounts/{first['account_id']}").json()
    assert answered["months"][: len(months)] == months
    assert 0 < answered["grr"] <= answered["nrr"]
    alive = [point["chance"] for point in account["survival"]]
    assert alive[0] == 1.0
    assert alive == sorted(alive, reverse=True)
    assert account["levers"] == sorted(account["levers"], key=lambda lever: lever["risk"])
    assert "GRR" in ebb("forecast", *home).stdout


def test_scoring_again_changes_no_old_row(market_home: MarketHome) -> None:
    """A second `ebb score` adds a run with the same risks, and every old row stays as it was."""
    before = rows(market_home, "SELECT * FROM scores ORDER BY run, account_id")
    ran = ebb("score", "--home", market_home.folder, "--data", market_home.data)
    assert ran.returncode == 0, ran.stderr
    after = rows(market_home, "SELECT * FROM scores ORDER BY run, account_id")
    assert after[: len(before)] == before
    assert len(after) > len(before)
    latest = "SELECT account_id, risk FROM scores WHERE run = (SELECT {} FROM score_runs) ORDER BY account_id"
    assert rows(market_home, latest.format("max(number)")) == rows(market_home, latest.format("max(number) - 1"))


def test_a_backtest_writes_predictions_and_metrics(market_home: MarketHome, tmp_path: Path) -> None:
    """Only later snapshots, each with its risk and outcome; figures per lead time; the same on stdout."""
    data = ["--data", market_home.data, "--home", tmp_path / "home"]
    leads = ["--lead-days", "30,60", "--lead-days", "90"]
    ran = ebb("backtest", *data, "--split", "2024-12-01", "--out", tmp_path / "out", *leads, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    told = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert list(told.columns) == ["contract_id", "account_id", "cutoff", "lead_days", "risk", "outcome"]
    assert told["cutoff"].min() >= pd.Timestamp("2024-12-01")
    assert set(told["lead_days"]) <= {30, 60, 90}
    assert set(told["outcome"]) <= {0, 1}
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert [row["lead_days"] for row in json.loads(ran.stdout)] == [int(lead) for lead in metrics["by_lead_days"]]


def test_rolling_backtests_are_kept_and_reported(market_home: MarketHome) -> None:
    """`ebb backtest` writes a report under home; a second one is a run of its own and leaves the first as it was."""
    home = ["--home", market_home.folder, "--data", market_home.data, "--quarters", 1, "--lead-days", "30,90"]
    ran = ebb("backtest", *home, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    first = market_home.folder / "backtests" / "0001"
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    assert set(before) == {"report.html", "predictions.parquet", "metrics.json"}
    figures = json.loads(before["metrics.json"])
    assert [str(row["lead_days"]) for row in json.loads(ran.stdout)] == list(figures["by_lead_days"])
    kept = rows(market_home, "SELECT * FROM backtest_scores WHERE run = 1")
    assert ebb("backtest", *home).returncode == 0
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert rows(market_home, "SELECT * FROM backtest_scores WHERE run = 1") == kept
    again = rows(market_home, "SELECT * FROM backtest_scores WHERE run = 2")
    assert [row[1:] for row in again] == [row[1:] for row in kept]


def test_signals_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue as a table and for programs, narrowed to a family."""
    assert run("signals", "--format", "json") == 0
    assert len(json.loads(capsys.readouterr().out)) >= 60
    assert run("signals", "--family", "seats") == 0
    assert "seats_used" in capsys.readouterr().out


def test_a_closed_pipe_is_quiet() -> None:
    """`ebb signals | head -1` says nothing on stderr."""
    with subprocess.Popen([EBB, "signals"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        assert ran.stdout is not None
        ran.stdout.close()
        assert ran.stderr is not None
        assert ran.stderr.read() == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe; numbers stay numbers."""
    assert cell(text) == f"'{text}"
    assert cell(-1.5) == "-1.5"
    assert cell("plain") == "plain"


def test_no_text_rewrites_the_screen() -> None:
    """Control characters of an account's name are shown as a sign, not sent to the terminal."""
    assert printable("a\x1b[2Jb") == "a�[2Jb"


def test_documentation_is_made_from_the_declarations() -> None:
    """The generated parts name every command and every setting."""
    assert "`ebb worklist`" in reference.cli()
    assert "`--within-days`" in reference.cli()
    assert "`team.weekly_capacity`" in reference.settings()

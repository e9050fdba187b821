"""The command `ebb push`: settings, listing, dry runs, files, kills in the middle."""

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.errors import SettingsError
from serving.book import Score
from serving.cli import main
from serving.config_file import load
from serving.store import ScoreStore
from tests.books import a_run, a_score
from tests.places import SECRET, a_book, set_up
from tests.receivers import Answer, Asked, WebhookReceiver

HERE = Path(__file__).parents[1]


def a_home(folder: Path, sections: str, *scores: Score) -> Path:
    """A folder with an ebb.toml and a scored book."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ebb.toml").write_text(sections, encoding="utf-8")
    with ScoreStore(f"sqlite:///{folder / '.ebb' / 'ebb.db'}") as store:
        store.append(a_run(), scores or [a_score("a"), a_score("b")])
    return folder


def killable(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """`ebb push` in a process of its own."""
    program = [sys.executable, "-c", "from serving.cli import main; main()", "push", *arguments]
    return subprocess.Popen([*program, "--config", str(home / "ebb.toml")], cwd=HERE, env={**os.environ, **environment})


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`ebb push` in this process."""

    def ran(home: Path, *arguments: str, **environment: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ebb", "push", *arguments, "--config", str(home / "ebb.toml")])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        return Ran(code=int(left.value.code or 0), out=shown.out, err=shown.err)

    return ran


FILE = '[destinations.lake]\nkind = "file"\npath = "out/book.csv"\n'


def test_from_the_settings_to_the_file_and_the_list(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """Dry run, push, push again, list: results on stdout, progress on stderr, paths beside ebb.toml."""
    home = a_home(tmp_path, FILE)
    planned = run(home, "lake", "--dry-run", "--format", "csv")
    assert planned.code == 0, planned.err
    assert planned.out.startswith("key,why,content\nbook,")
    assert not (tmp_path / "out").exists()
    assert run(home, "lake", "--format", "csv").out == "name,sent,unchanged,refused,failed\nlake,1,0,0,0\n"
    assert run(home, "lake", "--format", "csv").out == "name,sent,unchanged,refused,failed\nlake,0,1,0,0\n"
    (tmp_path / "out" / "book.csv").unlink()
    assert "lake,1,0,0,0" in run(home, "lake", "--format", "csv").out
    listed = run(home, "--format", "csv").out.splitlines()
    assert listed[1].startswith(f"lake,file,{tmp_path / 'out' / 'book.csv'},20")


def test_faults_are_one_line(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """A name that is not there, a variable that is not set, options without a name."""
    home = a_home(tmp_path, '[destinations.crm]\nkind = "webhook"\nurl = "https://x.example"\nsecret_env = "NOT_SET"\n')
    unknown = run(home, "crn")
    assert (unknown.code, unknown.err) == (1, "ebb: no destination crn; there are crm\n")
    unset = run(home, "crm", "--dry-run")
    assert unset.code == 1
    assert "the environment variable NOT_SET of destinations.crm.secret_env is not set" in unset.err
    assert run(home, "--all").code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[destinations.x]\npath = "a.csv"\n', "[destinations.x] has no kind; there are file, calendar, webhook"),
        ('[destinations.x]\nkind = "flie"\n', "[destinations.x]: no kind flie; did you mean file?"),
        ('[destinations.x]\nkind = "file"\npaht = "a.csv"\n', "[destinations.x] has no paht; did you mean path?"),
        ('[destinations.x]\nkind = "file"\npath = 3\n', "[destinations.x] path should be a text in quotes"),
        ('[destinations.x]\nkind = "file"\npath = "a.txt"\n', "should end in .csv or .parquet"),
        ('[destinations.X]\nkind = "file"\npath = "a.csv"\n', "a name has small letters"),
        ("destinations = 3\n", "is a section, written [destinations.NAME]"),
        ("[destinations]\nx = 3\n", "written [destinations.x]"),
        (
            f'[destinations.x]\nkind = "webhook"\nurl = "https://x.example"\nsecret_env = "{SECRET}"\n',
            "never the secret",
        ),
        (f'[destinations.x]\nkind = "webhook"\nurl = "https://x.example"\nsecret = "{SECRET}"\n', "mean secret_env?"),
    ],
)
def test_a_wrong_section_is_named(tmp_path: Path, text: str, said: str) -> None:
    """Before any command does anything; a secret that stands in the file is not repeated."""
    (tmp_path / "ebb.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "ebb.toml")
    assert said in str(caught.value)
    assert str(tmp_path / "ebb.toml") in str(caught.value)
    assert SECRET not in str(caught.value)


class Slow(WebhookReceiver):
    """Answers so many messages, and keeps the next one waiting until it is let go."""

    def __init__(self, quick: int):
        super().__init__()
        self.quick, self.waiting, self.go = quick, threading.Event(), threading.Event()

    def answer(self, asked: Asked) -> Answer:
        """Takes the message; the answer may be long in coming."""
        taken = super().answer(asked)
        if len(self.asked) > self.quick and not self.go.is_set():
            self.waiting.set()
            self.go.wait(30)
        return taken


def test_a_killed_push_goes_on_where_it_was(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """Kill -9 between a message and its answer: each of 12 accounts is told once, and only one message is repeated."""
    scores = [a_score(f"a{number:02}") for number in range(12)]
    section = '[destinations.hook]\nkind = "webhook"\nurl_env = "HOOK_URL"\nsecret_env = "HOOK_SECRET"\n'
    section += "allow_private = true\n"
    home, receiver = a_home(tmp_path, section, *scores), Slow(quick=5)
    with receiver.running():
        environment = {"HOOK_URL": f"{receiver.url}/x", "HOOK_SECRET": SECRET}
        pushing = killable(home, "hook", **environment)
        assert receiver.waiting.wait(60)
        os.kill(pushing.pid, signal.SIGKILL)
        pushing.wait()
        receiver.go.set()
        done = run(home, "hook", "--format", "csv", **environment)
    assert done.out.splitlines()[1] == "hook,7,5,0,0", done.err
    assert sorted(receiver.effects()) == [score.account_id for score in scores]
    assert len(receiver.asked) == 13


def test_formulas_are_neutralised_and_texts_kept(tmp_path: Path) -> None:
    """A cell that begins as a formula gets an apostrophe; commas, quotes, line ends and letters survive."""
    names = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", ' =cmd|"/c calc"!A1', 'a "b", c\nd – ü')
    scores = [a_score(f"n{place}", name=name) for place, name in enumerate(names)]
    with set_up("file", tmp_path) as setup:
        setup.push(a_book(*scores))
    with (tmp_path / "book.csv").open(encoding="utf-8", newline="") as file:
        found = [row["name"] for row in csv.DictReader(file)]
    assert found == [*(f"'{name}" for name in names[:-1]), names[-1]]
    assert list(tmp_path.glob(".*partial")) == []


def test_parquet_keeps_kinds(tmp_path: Path) -> None:
    """Numbers, lists and missing values are what they were, in an empty book too."""
    with set_up("file", tmp_path, path=str(tmp_path / "book.parquet")) as setup:
        setup.push(a_book(a_score("a", arr=None), a_score("=b")))
        rows = pq.read_table(tmp_path / "book.parquet").to_pylist()
    assert [row["account_id"] for row in rows] == ["a", "=b"]
    assert rows[0]["arr"] is None
    assert rows[1]["risk"] == 0.4
    assert rows[1]["reasons"] == ["something about seats", "something about support"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """A folder where the file should be: one line, nothing half-written."""
    (tmp_path / "book.csv").mkdir()
    home = a_home(tmp_path / "home", FILE.replace("out/book.csv", str(tmp_path / "book.csv")))
    done = run(home, "lake", "--all")
    assert done.code == 1
    assert "cannot be written" in done.err
    assert list(tmp_path.glob(".*partial")) == []

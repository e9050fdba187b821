"""Settings: defaults, ebb.toml, options, and what is said when they are wrong."""

from pathlib import Path

import pytest

from features.errors import SettingsError
from serving.config import STORE_URL, Settings, sections
from serving.config_file import commented, load, write


def written(folder: Path, text: str) -> Path:
    """An ebb.toml with that text."""
    path = folder / "ebb.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_given_is_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file and without options every setting stands at its default."""
    monkeypatch.chdir(tmp_path)
    assert load() == Settings()


def test_options_beat_the_file_and_the_file_beats_defaults(tmp_path: Path) -> None:
    """The file's port gives way to the option's; the file's capacity stays; the rest is default."""
    path = written(tmp_path, "[serve]\nport = 4000\nhost = '0.0.0.0'\n[team]\nweekly_capacity = 7\n")
    settings = load(path, serve__port=5000)
    assert (settings.serve.port, settings.serve.host, settings.team.weekly_capacity) == (5000, "0.0.0.0", 7)
    assert settings.outcome == Settings().outcome


def test_folders_of_the_file_are_beside_the_file(tmp_path: Path) -> None:
    """A relative folder in ebb.toml does not depend on where the command is run; an option's does."""
    path = written(tmp_path, 'home = "state"\n[data]\nfolder = "facts"\n')
    assert load(path).home == tmp_path / "state"
    assert load(path).data.folder == tmp_path / "facts"
    assert load(path, home=Path("elsewhere")).home == Path("elsewhere")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[serve]\nprot = 1\n", "line 2: [serve] has no prot; did you mean port?"),
        ("\n[sevre]\nport = 1\n", "line 2: no setting sevre; did you mean [serve]?"),
        ('[serve]\nport = "x"\n', "line 2: serve.port is 'x', but should be a whole number"),
        ("[serve]\nport = true\n", "serve.port is True, but should be a whole number"),
        ("[serve]\nport = 0\n", "serve.port is 0, but should be at least 1"),
        ("[serve]\nport = 99999\n", "serve.port is 99999, but should be at most 65535"),
        ("[outcome]\nmode = 'churn'\n", "should be one of renewal, inactivity"),
        ("[outcome]\nlead_days = [30, 'x']\n", "outcome.lead_days is 'x', but should be a whole number"),
        ("[data]\nfolder = 3\n", "data.folder is 3, but should be a path in quotes"),
        ("serve = 3\n", "serve is a section, written [serve]"),
        ("[data.columns.event]\na = 'b'\n", "no table event; did you mean events?"),
        ("[data.columns.events]\nwho = 'acount_id'\n", "did you mean account_id?"),
        ("[serve\n", "(at line 1, column 7)"),
        ("[store]\nurl = 'postgresql://ebb:secret@db/ebb'\n", "line 2: store.url holds a password"),
    ],
)
def test_a_fault_is_one_line_that_says_where_and_what_else(tmp_path: Path, text: str, said: str) -> None:
    """Unknown names come with the nearest known one, wrong values with what was expected, both with their line."""
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_file_that_was_asked_for_is_said(tmp_path: Path) -> None:
    """--config of a file that is not there is a fault, not the defaults."""
    with pytest.raises(SettingsError, match="does not exist; `ebb init` writes one"):
        load(tmp_path / "none.toml")


def test_the_written_file_says_every_setting_and_changes_none(tmp_path: Path) -> None:
    """ebb.toml as written reads back as the defaults, also with every comment sign of a value taken away."""
    path = tmp_path / "ebb.toml"
    write(path)
    relative = {"home": tmp_path / ".ebb", "data": tmp_path / "data"}
    assert load(path).home == relative["home"]
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in commented().splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    settings = load(path)
    assert settings.data.folder == relative["data"]
    assert settings.serve == Settings().serve
    assert settings.bands == Settings().bands
    for _, declared in sections().values():
        assert all(item.meaning in commented() for item in declared)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """`ebb init` refuses where an ebb.toml stands."""
    path = written(tmp_path, "# mine\n")
    with pytest.raises(SettingsError, match="exists already"):
        write(path)
    assert path.read_text(encoding="utf-8") == "# mine\n"


def test_an_address_with_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """EBB_STORE_URL beats the file's address."""
    monkeypatch.setenv(STORE_URL, "postgresql://ebb:secret@db/ebb")
    assert Settings().store_url == "postgresql://ebb:secret@db/ebb"

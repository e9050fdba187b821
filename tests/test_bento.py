"""The Bento: what it holds, and that it serves from elsewhere, as BentoML serves one and as its container does."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import SettingsError
from serving import bento
from tests.market_home import MarketHome, a_client, a_key, ebb
from tests.servers import a_port, answering

LARGEST = 2_000_000
"""Bytes: the code is smaller, data and models are larger."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Bento, built by the command."""
    out = tmp_path_factory.mktemp("bento") / "ebb"
    ran = ebb("bento", "--out", out, cwd=bento.ROOT)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines()[-1].startswith(f"ebb:{version(out)}; serve it: bentoml serve ")
    return out


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the same libraries, but without the checkout, which is installed in ours."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # Nobody follows the .pth files of a folder that stands in one: the editable install stays out.
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def version(out: Path) -> str:
    found = re.search(r"^version: (.*)$", (out / "bento.yaml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def apart(python: Path, **environment: str) -> dict[str, str]:
    """An environment that knows nothing of the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EBB_", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{python.parent}:{os.environ['PATH']}", **environment}


def test_holds_code_and_requirements(built: Path) -> None:
    """The Bento holds the files of the three packages that are under version control, the lock, and no others."""
    listed = subprocess.run(
        ["git", "ls-files", *bento.PACKAGES], cwd=bento.ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files belong to the packages")
    tracked = {name for name in listed.stdout.splitlines() if Path(name).suffix in bento.CODE}
    source = {str(path.relative_to(built / "src")) for path in (built / "src").rglob("*") if path.is_file()}
    left = {name for name in listed.stdout.splitlines() if name not in tracked}
    assert {name for name in left if not name.startswith("serving/deploy/")} == set(), "is it code? bento.CODE"
    there = {name for name in tracked if (bento.ROOT / name).is_file()}
    assert there <= source
    new = {name for name in source - there if not name.startswith(bento.PACKAGES)}
    assert new == {"bentofile.yaml", "ebb.dist-info/METADATA"}
    assert (built / bento.REQUIREMENTS).read_bytes() == (bento.ROOT / bento.LOCK).read_bytes()
    assert sum(path.stat().st_size for path in (built / "src").rglob("*")) < LARGEST


def test_nothing_else_comes_along(tmp_path: Path) -> None:
    """Data, databases, settings, secrets, links and caches that lie in the packages stay out."""
    for name in (
        "serving/a.py",
        "serving/ebb.toml",
        "serving/.env",
        "features/x.db",
        "training/m.parquet",
        "tests/t.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "serving" / "linked.py").symlink_to(tmp_path / "tests" / "t.py")
    assert [str(path) for path in bento.code(tmp_path)] == ["serving/a.py"]


def test_names_no_place_of_this_machine(built: Path) -> None:
    """Neither this machine's folders nor its registries stand in what the build wrote."""
    for path in [built / "bento.yaml", built / "Containerfile", *(built / "env").rglob("*.*")]:
        text = path.read_text()
        assert str(bento.ROOT) not in text
        assert str(Path.home()) + "/" not in text
        assert not re.search(r"^--(index|extra|find|trusted)", text, re.MULTILINE)


def test_version_follows_from_content(built: Path, tmp_path: Path) -> None:
    """The version is that of the project and the digest of what is inside; an older Bento is replaced."""
    release, _, digest = version(built).partition("-")
    assert f"Version: {release}+{digest}\n" in (built / "src" / "ebb.dist-info" / "METADATA").read_text()
    assert re.fullmatch("[0-9a-f]{12}", digest)
    with pytest.raises(SettingsError, match=r"has no requirements\.lock"):
        bento.build(tmp_path / "out", tmp_path)


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    """A folder that holds something else is not replaced."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is no Bento"):
        bento.build(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_checkout_is_out_of_sight(built: Path, python: Path, tmp_path: Path) -> None:
    """The interpreter finds no Ebb by itself, and the Bento's where its container puts it; that knows its version."""
    asked = "import serving, importlib.metadata as m; print(serving.__file__, m.version('ebb'))"
    alone = subprocess.run(
        [python, "-c", asked], cwd=tmp_path, env=apart(python), capture_output=True, text=True, check=False
    )
    assert "No module named 'serving'" in alone.stderr
    inside = apart(python, PYTHONPATH=str(built / "src"))
    found = subprocess.run([python, "-c", asked], cwd=tmp_path, env=inside, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(built / "src" / "serving" / "__init__.py"), version(built).replace("-", "+")]


def contained(built: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """What the container runs, and the environment it sets: its Containerfile, carried to where the Bento lies here."""
    text = re.sub(r"\\\n", " ", (built / "Containerfile").read_text())
    words = [json.loads(re.findall(rf"^{name} (\[.*\])$", text, re.MULTILINE)[-1]) for name in ("ENTRYPOINT", "CMD")]
    (environment,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    told = dict(pair.split("=", 1) for pair in environment.split())
    told |= {"PYTHONPATH": told["PYTHONPATH"].replace("/opt/ebb", str(built / "src"))}
    del told["PATH"], told["EBB_HOME"]
    command = [*words[0], *words[1], "--port", str(port)]
    return [word.replace("0.0.0.0", "127.0.0.1") for word in command], told


def near(told: Any) -> Any:
    """The same without digits beyond 1e-9: rows that are rated together and alone may differ in the last bit."""
    if isinstance(told, dict):
        return {name: near(value) for name, value in told.items()}
    if isinstance(told, list):
        return [near(value) for value in told]
    return round(told, 9) if isinstance(told, float) else told


@pytest.mark.parametrize("by", ["BentoML", "the container's command"])
def test_scores_from_elsewhere(by: str, built: Path, python: Path, market_home: MarketHome, tmp_path: Path) -> None:
    """Served from another folder without the checkout, the Bento answers a key with the scores that Ebb gives."""
    port = a_port()
    home = {"EBB_HOME": str(market_home.folder), "EBB_DATA": str(market_home.data), "BENTOML_HOME": str(tmp_path / "b")}
    if by == "BentoML":
        command = ["python", "-m", "bentoml", "serve", str(built), "--host", "127.0.0.1", "--port", str(port)]
        told: dict[str, str] = {}
    else:
        command, told = contained(built, port)
    environment = apart(python, **told | home)
    key = a_key(market_home.folder, f"bento-{len(by)}", "score", "read")
    url = f"http://127.0.0.1:{port}"
    command[0] = str(python)
    with (
        answering(command, f"{url}/healthz", tmp_path / "served.log", whole=environment),
        a_client(url, key) as client,
    ):
        assert httpx.post(f"{url}/v1/score", json={"account_ids": ["a"]}).status_code == 401
        account = client.get("/v1/worklist", params={"top": 1}).json()["items"][0]["account_id"]
        answer = client.post("/v1/score", json={"account_ids": [account, "nobody"]})
        assert answer.status_code == 200, answer.text
        with market_home.client() as ours:
            same = ours.post("/v1/score", json={"account_ids": [account, "nobody"]})
            assert near(answer.json()) == near(same.json())


def test_all_open_needs_the_command(market_home: MarketHome, built: Path, python: Path, tmp_path: Path) -> None:
    """What opens everything on this machine is refused where nobody looks which machines can reach it."""
    config = tmp_path / "ebb.toml"
    config.write_text(f'home = "{market_home.folder}"\n[serve]\nopen = ["all"]\n')
    ask = "from serving.service import Scoring; Scoring()"
    environment = apart(python, PYTHONPATH=str(built / "src"), EBB_CONFIG=str(config), BENTOML_HOME=str(tmp_path / "b"))
    ran = subprocess.run(
        [python, "-c", ask], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode != 0
    assert "which then serves this machine only" in ran.stderr

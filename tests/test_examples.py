"""Every example of asking the service that the documentation shows is run against a real one."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.market_home import MarketHome

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "serving/README.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CURL = re.compile(r"^curl .*?(?<!\\)$", re.DOTALL | re.MULTILINE)
SHOWN = "http://127.0.0.1:3000"
LISTED = "acc-00229"
"""An account of the market of `make demo`; the tests' own is smaller."""


def fences(page: str, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall((ROOT / page).read_text(encoding="utf-8")) if kind == language]


CURLS = [(page, found) for page in PAGES for text in fences(page, "sh") for found in CURL.findall(text)]


@pytest.fixture(scope="module")
def account(market_home: MarketHome) -> str:
    with market_home.client() as client:
        item = client.get("/v1/worklist", params={"top": 1}).json()["items"][0]
    return str(item["account_id"])


@pytest.mark.parametrize(("page", "command"), CURLS, ids=[f"{number}" for number in range(len(CURLS))])
def test_curl_example(page: str, command: str, account: str, market_home: MarketHome, tmp_path: Path) -> None:
    """It is answered with success and JSON; nothing in it is unknown to the service."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl: apt-get install curl")
    script = (
        f'set -eu\ncurl() {{ command curl --fail-with-body --max-time 60 "$@"; }}\n{command.replace(LISTED, account)}'
    )
    environment = {**os.environ, "EBB": market_home.url, "EBB_KEY": market_home.key}
    ran = subprocess.run(
        ["bash", "-c", script.replace(SHOWN, market_home.url)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, f"{page}: {command}\n{ran.stdout}{ran.stderr}"
    answer = json.loads(ran.stdout or (tmp_path / "openapi.json").read_text())
    if "score/signals" in command:
        assert answer["scores"][0]["unknown"] == []
    elif "/v1/score" in command:
        assert answer["scores"][0]["account_id"] == account
    elif "/v1/outcomes" in command or "/v1/feedback" in command:
        assert answer["kept"] == 1, answer


def test_there_are_examples() -> None:
    """Both pages show some, and every route that takes a body is among them."""
    assert {page for page, _ in CURLS} == set(PAGES)
    shown = " ".join(command for _, command in CURLS)
    for path in ("/v1/score", "/v1/score/signals", "/v1/outcomes", "/v1/feedback", "/v1/worklist", "/v1/accounts/"):
        assert path in shown


def test_python_example(account: str, market_home: MarketHome, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the client runs as it stands, and tells what it says it tells."""
    (example,) = fences("serving/README.md", "python")
    text = example.replace(SHOWN, market_home.url).replace("ebb_…", market_home.key).replace(LISTED, account)
    exec(compile(text.replace('owner="csm-09", ', ""), "serving/README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("acc-")
    assert said[-1].startswith("404 no account")

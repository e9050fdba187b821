"""What compose.yaml starts, started for real: PostgreSQL, MLflow, the nightly refresh and the service, word by word."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests import manifests, stores
from tests.market_home import MarketHome, a_client, ebb
from tests.servers import a_port, answering

READ = manifests.compose()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """PostgreSQL with the databases that the manifest makes."""
    with stores.served() as url:
        stores.run(url, "CREATE DATABASE ebb")
        stores.run(url, READ["configs"]["databases"]["content"].rstrip(";"))
        yield url


@contextmanager
def mlflow(server: str, folder: Path) -> Iterator[str]:
    """The address of MLflow, started as the manifest does, but for addresses and folders."""
    port, at = a_port(), make_url(server)
    service = READ["services"]["mlflow"]
    here = {
        "@postgres/": f"@{at.host}:{at.port}/",
        "=0.0.0.0": "=127.0.0.1",
        "--port=5000": f"--port={port}",
        "/var/lib/ebb": str(folder / "models"),
        "localhost:5000": f"localhost:5000,127.0.0.1:{port}",
    }
    command = [*service["entrypoint"], *service["command"]]
    for there, instead in here.items():
        command = [word.replace(there, instead) for word in command]
    program = Path(sys.executable).with_name(command[0])
    with answering([str(program), *command[1:]], f"http://127.0.0.1:{port}/health", folder / "mlflow.log"):
        yield f"http://127.0.0.1:{port}"


def test_the_stack_scores(postgres: str, market_home: MarketHome, tmp_path: Path) -> None:
    """Trained into MLflow, scored at night into PostgreSQL, a book is served from both; MLflow takes no odd host."""
    at = make_url(postgres)
    store = READ["services"]["ebb"]["environment"]["EBB_STORE_URL"].replace("@postgres/", f"@{at.host}:{at.port}/")
    environment = {"EBB_STORE_URL": store}
    with mlflow(postgres, tmp_path) as models:
        assert httpx.get(models, headers={"Host": "mlflow:5000"}).status_code == 200
        assert httpx.get(models, headers={"Host": "elsewhere"}).status_code == 403
        config = tmp_path / "ebb.toml"
        text = (manifests.FOLDER / "ebb.toml").read_text()
        text = text.replace("http://mlflow:5000", models).replace("/data", str(market_home.data))
        config.write_text(text.replace("/var/lib/ebb", str(tmp_path / "home")).replace("0.0.0.0", "127.0.0.1"))
        (nightly,) = re.findall(r"ebb (\w+)", READ["services"]["nightly"]["command"][0])
        for command in ("train", nightly):
            ran = ebb(command, "--config", config, **environment)
            assert ran.returncode == 0, ran.stderr
        made = ebb("keys", "create", "--name", "x", "--scope", "score,read", "--config", config, **environment)
        port = a_port()
        (words,) = READ["services"]["ebb"]["command"]
        serve = [str(Path(sys.executable).with_name("ebb")), words, "--config", str(config), "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with (
            answering(serve, f"{url}/healthz", tmp_path / "serve.log", **environment),
            a_client(url, made.stdout.strip()) as client,
        ):
            ready = client.get("/readyz")
            assert ready.status_code == 200, ready.text
            account = client.get("/v1/worklist").json()["items"][0]["account_id"]
            assert client.post("/v1/score", json={"account_ids": [account]}).json()["errors"] == []
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert not (tmp_path / "home" / "ebb.db").exists()

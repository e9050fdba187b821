"""The examples of a proxy that ends TLS, run as the documentation shows them, but for ports and certificates."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.door import MOST_BYTES
from tests.market_home import MarketHome
from tests.servers import a_port, answering
from tests.test_examples import SHOWN, fences

NAME = "ebb.example.com"
PAGE = "serving/README.md"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ebb.pem and ebb.key, of nobody but us."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    names = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", f"{folder}/ebb.key", "-out", f"{folder}/ebb.pem"]
    subprocess.run(["openssl", *asked, *names], check=True, capture_output=True)
    return folder


def nginx(port: int, service: str, certificate: Path, folder: Path) -> list[str]:
    """The command of nginx with the example's server."""
    (server,) = fences(PAGE, "nginx")
    server = server.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("/etc/ssl", str(certificate))
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    text = f"{user} daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {paths}\n{server} }}"
    (folder / "nginx.conf").write_text(text.replace(SHOWN, service))
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(port: int, service: str, certificate: Path, folder: Path) -> list[str]:
    """The command of Caddy with the example's site; its certificate is ours, because nobody here gives it one."""
    (site,) = fences(PAGE, "caddyfile")
    ours = f"{NAME}:{port} {{\n    bind 127.0.0.1\n    tls {certificate}/ebb.pem {certificate}/ebb.key"
    site = site.replace(f"{NAME} {{", ours, 1).replace(SHOWN.removeprefix("http://"), service.removeprefix("http://"))
    options = f"{{\n    admin off\n    auto_https disable_redirects\n    storage file_system {folder}/storage\n}}\n"
    (folder / "Caddyfile").write_text(options + site)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(params=PROXIES)
def client(
    request: pytest.FixtureRequest, certificate: Path, market_home: MarketHome, tmp_path: Path
) -> Iterator[httpx.Client]:
    """A client that believes our certificate and nothing else, through a proxy."""
    os.environ["PATH"] += ":/usr/sbin" if "/usr/sbin" not in os.environ["PATH"] else ""
    if shutil.which(request.param) is None:
        pytest.skip(f"needs {request.param}: apt-get install {request.param}")
    port = a_port()
    command = PROXIES[request.param](port, market_home.url, certificate, tmp_path)
    trusted = ssl.create_default_context(cafile=str(certificate / "ebb.pem"))
    home = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with (
        answering(command, f"http://127.0.0.1:{port}/healthz", tmp_path / "log", whole=home),
        httpx.Client(
            verify=trusted, base_url=f"https://127.0.0.1:{port}", headers={"Host": NAME}, timeout=60
        ) as opened,
    ):
        opened.event_hooks = {"request": [_named]}
        yield opened


def _named(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = NAME


def test_scores_come_through(client: httpx.Client, market_home: MarketHome) -> None:
    """With a key scores come through TLS, without one nothing does; answers and refusals are Ebb's own."""
    assert client.get("/v1/worklist").status_code == 401
    keyed = {"Authorization": f"Bearer {market_home.key}"}
    account = client.get("/v1/worklist?top=1", headers=keyed).json()["items"][0]["account_id"]
    assert client.get(f"/v1/accounts/{account}", headers=keyed).json()["score"]["account_id"] == account
    scored = client.post("/v1/score", json={"account_ids": [account]}, headers=keyed)
    assert scored.json()["errors"] == []
    missing = client.get("/v1/accounts/no%2Fbody", headers=keyed)
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_bodies_are_bounded(client: httpx.Client, market_home: MarketHome) -> None:
    """The largest body that Ebb takes comes through, and one byte more does not."""
    keyed = {"Authorization": f"Bearer {market_home.key}", "Content-Type": "application/json"}
    body = b'{"account_ids": ["nobody"]}'
    largest = body + b" " * (MOST_BYTES - len(body))
    assert client.post("/v1/score", content=largest, headers=keyed).status_code == 200
    assert client.post("/v1/score", content=largest + b" ", headers=keyed).status_code == 413

"""The scoring service."""

import ipaddress
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from features.errors import SettingsError
from serving.config import Settings
from serving.options import Config, Data, Home, settings
from serving.progress import Progress


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on. [default: 3000]")] = None,
    open: Annotated[  # noqa: A002 -- the word of the setting
        list[str] | None,
        typer.Option("--open", metavar="WHAT", help="What needs no key: docs, metrics; all, on this machine only."),
    ] = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Serve scores over HTTP until Ctrl-C; /docs on the service shows how to ask."""
    opened = None if open is None else tuple(part.strip() for text in open for part in text.split(","))
    start(settings(config, data, home, serve__host=host, serve__port=port, serve__open=opened), config)


def start(chosen: Settings, config: Path | None) -> None:
    """Serve with these settings."""
    check_free(chosen.serve.host, chosen.serve.port)
    if "all" in chosen.serve.open:
        check_own(chosen.serve.host)
    # The framework's own files (metrics between processes) belong to the state as everything does.
    os.environ.setdefault("BENTOML_HOME", str((chosen.home / "bentoml").absolute()))
    from serving.service import serve as serve_http

    Progress().say(
        f"serves on http://{chosen.serve.host}:{chosen.serve.port} (pages: /app, documentation: /docs); Ctrl-C stops it"
    )
    serve_http(chosen, config)


def check_own(host: str) -> None:
    """SettingsError when others than this machine could reach a service that asks nobody for a key."""
    for _, _, _, _, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise SettingsError(f"others can reach {host}: without keys Ebb serves this machine only, 127.0.0.1")


def check_free(host: str, port: int) -> None:
    """SettingsError when nobody can listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; --port takes another one") from None

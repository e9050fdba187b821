"""The scoring service."""

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
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Serve scores over HTTP until Ctrl-C; /docs on the service shows how to ask."""
    chosen = settings(config, data, home, serve__host=host, serve__port=port)
    start(chosen, config)


def start(chosen: Settings, config: Path | None) -> None:
    """Serve with these settings."""
    check_free(chosen.serve.host, chosen.serve.port)
    # The framework's own files (metrics between processes) belong to the state as everything does.
    os.environ.setdefault("BENTOML_HOME", str((chosen.home / "bentoml").absolute()))
    from serving.service import serve as serve_http

    Progress().say(f"serves on http://{chosen.serve.host}:{chosen.serve.port} (documentation: /docs); Ctrl-C stops it")
    serve_http(chosen, config)


def check_free(host: str, port: int) -> None:
    """SettingsError when nobody can listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; --port takes another one") from None

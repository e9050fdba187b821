"""Connections to checked addresses only: a name is resolved and checked here, and connected to by number."""

import socket
from collections.abc import Iterable
from typing import Any

import httpcore

from serving.push.addresses import Resolve, resolved


class Checked(httpcore.SyncBackend):
    """Connects to checked addresses only: resolved and checked here, and connected to by number."""

    def __init__(self, *, allow_private: bool, resolve: Resolve = socket.getaddrinfo):
        super().__init__()
        self._allow_private, self._resolve = allow_private, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that answers. The name stays the one TLS is checked against."""
        fault: Exception | None = None
        for address in resolved(host, port, allow_private=self._allow_private, resolve=self._resolve):
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault or httpcore.ConnectError(f"{host} has no address")

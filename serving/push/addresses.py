"""Which addresses of a network may be asked for: those of the open internet, unless a setting allows others.

A service that sends where settings say could otherwise be made to ask what only this machine can reach: its own ports,
the neighbours', a cloud's metadata service (OWASP, "Server-Side Request Forgery Prevention Cheat Sheet").
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from features.errors import TerminalError, TransientError

Resolve = Callable[..., list[Any]]
"""What finds the addresses of a host, as socket.getaddrinfo does."""

NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a translator turns into the IPv4 address in their last four bytes (RFC 6052)."""


def resolved(host: str, port: int, *, allow_private: bool, resolve: Resolve = socket.getaddrinfo) -> list[str]:
    """The addresses of a host, every one of them checked. Connect to these, never to the name: it may be resolved
    otherwise the next moment. Raises TransientError when there are none, TerminalError at one that is not allowed.
    """
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransientError(f"{host} cannot be resolved: {error.strerror or error}") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise TerminalError(
                f"{host} is {address}, an address of a private network; allow_private = true would allow it"
            )
    return addresses


def is_safe(url: str) -> bool:
    """Whether what is sent to an address cannot be read on its way: https, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost")


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, also behind the ways of writing IPv4 in IPv6."""
    found = ip_address(address.partition("%")[0])
    inner = _inner(found)
    return (
        (found if inner is None else inner).is_global
        and not found.is_multicast
        and (inner is None or not inner.is_multicast)
    )


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (None if teredo is None else teredo[1])

"""The pages' own files, and Vega for the browser out of its Python package: cached for good under their digest."""

import hashlib
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FILES: Final = {"ebb.css": "text/css", "ebb.js": "text/javascript", "ebb.svg": "image/svg+xml"}
VEGA: Final = "vega.js"


@cache
def content(name: str) -> bytes | None:
    """What a file holds; None where there is none of that name."""
    if name == VEGA:
        import vl_convert

        return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode()
    return Path(__file__).with_name(name).read_bytes() if name in FILES else None


@cache
def version(name: str) -> str:
    """The address of a file, which changes whenever it does."""
    mark = installed("vl-convert-python") if name == VEGA else hashlib.sha256(content(name) or b"").hexdigest()[:12]
    return f"/app/assets/{name}?{mark}"


def asset(request: Request) -> Response:
    """One file."""
    name = request.path_params["name"]
    found = content(name)
    if found is None:
        return Response("no such file", 404, media_type="text/html")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(found, media_type=FILES.get(name, "text/javascript"), headers=headers)

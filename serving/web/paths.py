"""Where the pages live."""

from typing import Final
from urllib.parse import quote

ROOT: Final = "/app"


def is_page(path: str) -> bool:
    """Whether a path belongs to the pages, which sign people in themselves.

    >>> is_page("/app"), is_page("/app/book"), is_page("/application")
    (True, True, False)
    """
    return path == ROOT or path.startswith(f"{ROOT}/")


def inside(path: str | None) -> str:
    r"""A path to go on to: within the pages, whatever a link said.

    >>> inside("/app/book?n=5"), inside("//elsewhere/app"), inside("/app/\\elsewhere"), inside(None)
    ('/app/book?n=5', '/app', '/app', '/app')
    """
    known = path is not None and path.isprintable() and is_page(path.split("?")[0]) and "\\" not in path
    return path if known and path is not None else ROOT


def account(account_id: str) -> str:
    """The page of an account, whatever its id holds."""
    return f"{ROOT}/accounts/{quote(account_id, safe='')}"

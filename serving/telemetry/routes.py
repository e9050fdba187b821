"""Which route a path belongs to: few names for any number of paths, so that no stranger can make new ones."""

from collections.abc import Collection
from typing import Final

OTHER: Final = "other"
"""Whatever is not there."""

FRAMEWORK: Final = ("/v1/score", "/livez", "/metrics")
"""What is answered beside the app's own routes."""


class Routes:
    """The routes of a service, by their paths as they are declared.

    >>> routes = Routes(["/v1/worklist", "/v1/accounts/{account_id:path}"])
    >>> routes.of("/v1/accounts/a/b"), routes.of("/v1/worklist"), routes.of("/v1/worklist/x")
    ('/v1/accounts/{account_id}', '/v1/worklist', 'other')
    """

    def __init__(self, declared: Collection[str]):
        plain = [path.replace(":path}", "}") for path in (*declared, *FRAMEWORK)]
        self._whole = frozenset(path for path in plain if "{" not in path)
        self._begins = tuple((path.partition("{")[0], path) for path in plain if "{" in path)

    def of(self, path: str) -> str:
        """The route of a path."""
        if path in self._whole:
            return path
        if path.startswith("/static_content/"):
            return "/static_content/"
        return next((route for start, route in self._begins if path.startswith(start)), OTHER)

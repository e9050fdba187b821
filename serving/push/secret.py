"""Secrets: read from the environment, never from a file, and masked wherever a text could hold one."""

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from features.errors import SettingsError

MASK: Final = "***"


class Secrets:
    """The secrets of one destination by the names of their settings, without showing them by accident."""

    def __init__(self, values: Mapping[str, str]):
        self._values = dict(values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def masked(self, text: str) -> str:
        """The text on one line, with every secret covered, however it is written: plain, quoted or in base64."""
        for secret in sorted(self._values.values(), key=len, reverse=True):
            encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
            for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encoded):
                text = text.replace(form, MASK)
        return " ".join(text.split())


def secrets_of(section: str, variables: Mapping[str, str], environment: Mapping[str, str]) -> Secrets:
    """The values of variables (setting -> the variable's name; empty: not asked for). Raises SettingsError."""
    values = {}
    for setting, variable in variables.items():
        if not variable:
            continue
        value = environment.get(variable, "")
        if not value:
            raise SettingsError(f"the environment variable {variable} of {section}.{setting} is not set")
        values[setting] = value
    return Secrets(values)

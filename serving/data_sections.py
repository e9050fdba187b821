"""Sections that hold names of their own, most of [data]: checked, and their paths placed, before a source is needed."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from features.domain import TABLES
from features.errors import SettingsError
from serving.config import KINDS
from serving.push import settings as destinations

NAMES: Final = tuple(table.name for table in TABLES)


def nested(name: str, value: object, where: str) -> dict[str, Any]:
    """A checked section that holds names of its own: places, database, also, options, destinations."""
    if not isinstance(value, dict):
        section = {"options": "engine.options", "destinations": "destinations.NAME"}.get(name, f"data.{name}")
        raise SettingsError(f"{where} is a section, written [{section}]")
    CHECKS[name](value, where)
    return value


def beside(name: str, value: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The section with its relative paths taken from a folder: that of the file they stand in."""
    if name == "places":
        return {table: place if "://" in place else str(folder.absolute() / place) for table, place in value.items()}
    if name == "destinations":
        return destinations.beside(value, folder.absolute())
    if name != "also":
        return dict(value)
    return {
        part: {key: folder / given if key in ("folder", "ids") else given for key, given in also.items()}
        for part, also in value.items()
    }


def _check_places(value: Mapping[str, Any], where: str) -> None:
    for table, place in value.items():
        _known(table, NAMES, f"{where}: no table")
        _text(place, f"{where}.{table}")


def _check_database(value: Mapping[str, Any], where: str) -> None:
    for key, given in value.items():
        _known(key, ("url_env", "schema", "queries"), f"{where} has no")
        if key != "queries":
            _text(given, f"{where}.{key}")
            continue
        if not isinstance(given, dict):
            raise SettingsError(f"{where}.queries is a section, written [data.database.queries]")
        for table, query in given.items():
            _known(table, NAMES, f"{where}.queries: no table")
            _text(query, f"{where}.queries.{table}")
    if "://" in value.get("url_env", ""):
        raise SettingsError(
            f"{where}.url_env holds an address; set it in an environment variable and give that variable's name"
        )


def _check_also(value: Mapping[str, Any], where: str) -> None:
    for name, part in value.items():
        if not isinstance(part, dict):
            raise SettingsError(f"{where}.{name} is a section, written [data.also.{name}]")
        for key, given in part.items():
            _known(key, ("kind", "folder", "tables", "ids"), f"{where}.{name} has no")
            if key == "tables":
                if not isinstance(given, list):
                    raise SettingsError(f"{where}.{name}.tables is {given!r}, but should be a list of tables")
                for table in given:
                    _known(table, NAMES, f"{where}.{name}: no table")
            else:
                _text(given, f"{where}.{name}.{key}")
        if "kind" not in part:
            raise SettingsError(f"{where}.{name} has no kind; there are {', '.join(KINDS)}")
        _known(part["kind"], KINDS, f"{where}.{name}: no kind")


def _check_options(value: Mapping[str, Any], where: str) -> None:
    for key, given in value.items():
        if not key.startswith("spark."):
            raise SettingsError(f"{where} has {key}; Spark's own settings begin with spark.")
        _text(given, f"{where}.{key}")
        if any(word in key.lower() for word in ("secret", "password", "token", "access.key")):
            raise SettingsError(f"{where}.{key} is a secret; take it out of the file and set it where Spark runs")


CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any], str], None]]] = {
    "places": _check_places,
    "database": _check_database,
    "also": _check_also,
    "options": _check_options,
    "destinations": destinations.check,
}


def _known(name: object, names: tuple[str, ...], what: str) -> None:
    if name not in names:
        near = get_close_matches(str(name), names, n=1)
        raise SettingsError(f"{what} {name}; {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(names)}")


def _text(value: object, where: str) -> None:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{where} is {value!r}, but should be a text in quotes")

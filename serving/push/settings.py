"""The sections [destinations.NAME]: checked against what each kind declares, and made into destinations."""

import re
from collections.abc import Mapping
from dataclasses import Field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from features.errors import SettingsError
from serving.destinations import DESTINATIONS, Place

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE_ENDING: Final = "_env"
"""A setting of this ending names the environment variable that holds a secret."""


def declared(kind: type[Place]) -> dict[str, "Field[Any]"]:
    """The settings of a kind by name."""
    return {item.name: item for item in fields(kind) if "meaning" in item.metadata}


def check(value: Mapping[str, Any], where: str) -> None:
    """Whether every section can be made into a destination. Raises SettingsError."""
    file = where.rpartition(": ")[0]
    for name, section in value.items():
        begun = f"{file}: [destinations.{name}]"
        if not isinstance(section, dict):
            raise SettingsError(f"{file}: destinations.{name} is a section, written [destinations.{name}]")
        if not NAME.fullmatch(name):
            raise SettingsError(f"{begun}: a name has small letters, digits, - and _")
        kind = kind_of(section.get("kind"), begun)
        for key, given in section.items():
            if key != "kind":
                _valid(declared(kind), key, given, begun)
        try:
            _made(kind, name, section)
        except SettingsError as error:
            raise SettingsError(f"{file}: {error}") from None


def made(sections: Mapping[str, Any], name: str) -> Place:
    """One destination by its name; SettingsError saying which there are."""
    if name not in sections:
        there = f"there are {', '.join(sections)}" if sections else "[destinations.NAME] in ebb.toml sets one up"
        raise SettingsError(f"no destination {name}; {there}")
    section = sections[name]
    return _made(kind_of(section.get("kind"), f"[destinations.{name}]"), name, section)


def beside(sections: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The sections with relative paths taken from a folder: that of the file they stand in."""
    return {
        name: {key: folder / given if key == "path" else given for key, given in section.items()}
        for name, section in sections.items()
    }


def variables(destination: Place) -> dict[str, str]:
    """Setting -> the environment variable it names; empty where none is asked for."""
    names = [name for name in declared(type(destination)) if name.endswith(VARIABLE_ENDING)]
    return {name: getattr(destination, name) for name in names}


def kind_of(kind: object, where: str) -> type[Place]:
    """The kind of that name; SettingsError saying which there are."""
    kinds = {one.kind: one for one in DESTINATIONS}
    if kind is None:
        raise SettingsError(f"{where} has no kind; there are {', '.join(kinds)}")
    if kind not in kinds:
        raise SettingsError(f"{where}: no kind {kind}; {_nearest(str(kind), list(kinds))}")
    return kinds[str(kind)]


def _made(kind: type[Place], name: str, section: Mapping[str, Any]) -> Place:
    values: dict[str, Any] = {
        key: _in_kind(declared(kind)[key], given) for key, given in section.items() if key != "kind"
    }
    return kind(name=name, **values)


def _in_kind(item: "Field[Any]", given: object) -> object:
    if isinstance(item.default, Path):
        return Path(str(given))
    return tuple(given) if isinstance(given, list) else given


def _valid(settings: Mapping[str, "Field[Any]"], key: str, given: object, where: str) -> None:
    """The value in the declared kind. A value is not repeated: it might be a secret in the wrong place."""
    if key not in settings:
        raise SettingsError(f"{where} has no {key}; {_nearest(key, list(settings))}")
    item = settings[key]
    default, said = item.default, f"{where} {key}"
    if isinstance(default, bool):
        _that(isinstance(given, bool), f"{said} should be true or false")
    elif isinstance(default, int):
        _that(isinstance(given, int) and not isinstance(given, bool), f"{said} should be a whole number")
        _that(given >= (item.metadata["least"] or 0), f"{said} should be at least {item.metadata['least']}")  # type: ignore[operator]
        _that(
            item.metadata["most"] is None or given <= item.metadata["most"],
            f"{said} should be at most {item.metadata['most']}",
        )
    elif isinstance(default, tuple):
        _that(
            isinstance(given, list) and all(isinstance(one, str) for one in given), f"{said} should be a list of texts"
        )
    elif isinstance(default, (str, Path)):
        _that((isinstance(given, str) and bool(given)) or isinstance(given, Path), f"{said} should be a text in quotes")
        choices = item.metadata["one_of"]
        _that(not choices or given in choices, f"{said} should be one of {', '.join(choices)}")
    else:
        texts = isinstance(given, dict) and all(isinstance(one, str) for one in given.values())
        _that(texts, f"{said} is a section of texts, written {where.rpartition(': ')[2][:-1]}.{key}]")
    if key.endswith(VARIABLE_ENDING):
        fits = VARIABLE.fullmatch(str(given)) is not None
        _that(
            fits,
            f"{said} should be the name of an environment variable, which holds the secret; never the secret itself",
        )


def _that(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SettingsError(otherwise)


def _nearest(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"

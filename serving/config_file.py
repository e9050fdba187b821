"""ebb.toml: read into settings, with every fault named by file and line; written with comments for a new project."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from features.domain import TABLES
from features.errors import SettingsError
from serving.config import FILE, Declared, Settings, check_secret, sections
from serving.data_sections import beside, nested


def load(
    config: Path | None = None, *, data: Path | None = None, home: Path | None = None, **options: object
) -> Settings:
    """Settings from ``config`` (default: ebb.toml here, if there is one), beaten by the options that are not None.

    ``options`` are named ``section__name``: ``serve__port=3001``. Raises SettingsError.
    """
    path = config if config is not None else Path(FILE)
    given: dict[str, dict[str, object]] = {}
    if config is not None or path.is_file():
        given = _checked(_File(path))
        for section, folders in _folders(path).items():
            given[section] = folders | given.get(section, {})
    for key, value in {"data__folder": data, "__home": home, **options}.items():
        if value is not None:
            section, _, name = key.partition("__")
            declared = next(item for item in sections()[section][1] if item.name == name)
            given.setdefault(section, {})[name] = _valid(declared, value, f"option {name.replace('_', '-')}")
    settings = replace(Settings(), **given.pop("", {}))  # type: ignore[arg-type]
    for section, values in given.items():
        settings = replace(settings, **{section: replace(getattr(settings, section), **values)})
    return settings


def write(path: Path) -> None:
    """Write a commented ebb.toml of all defaults; SettingsError when there is one already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(commented())
    except FileExistsError:
        raise SettingsError(f"{path} exists already; it was left as it is") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None


def commented() -> str:
    """The text of an ebb.toml in which every setting stands with its meaning, commented out at its default."""
    lines = [
        "# Settings of Ebb, each at its default: take the # away to change it. Options of the command beat this file."
    ]
    for section, (meaning, settings) in sections().items():
        lines.append("")
        if section:
            lines += [f"# {meaning}", f"[{section}]"]
        for declared in settings:
            lines.append(f"# {declared.meaning}")
            if declared.default != {}:
                lines.append(f"#{declared.name} = {toml(declared.default)}")
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """A default as TOML writes it."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, (str, Path)):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


class _File:
    """One ebb.toml: its values and, for messages, where each of them stands."""

    def __init__(self, path: Path):
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            self.values: Mapping[str, Any] = tomllib.loads(text)
        except FileNotFoundError:
            raise SettingsError(f"{path} does not exist; `ebb init` writes one") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: {error}") from None
        self._lines = text.splitlines()

    def at(self, section: str, name: str = "") -> str:
        """``ebb.toml line 12``: where a section or a setting stands; the file alone when it cannot be told."""
        inside = section == ""
        for number, line in enumerate(self._lines, start=1):
            bare = line.strip()
            if bare.startswith("["):
                inside = bare.strip("[] ").split("]")[0].strip() == section
                if inside and not name:
                    return f"{self.path} line {number}"
            elif inside and name and bare.split("=")[0].strip() == name:
                return f"{self.path} line {number}"
        return str(self.path)


def _folders(path: Path) -> dict[str, dict[str, object]]:
    """The default folders, taken from the folder of the file as the file's own are."""
    return {"": {"home": path.parent / Settings().home}, "data": {"folder": path.parent / Settings().data.folder}}


def _checked(file: _File) -> dict[str, dict[str, object]]:
    declared = sections()
    top = {item.name: item for item in declared[""][1]}
    given: dict[str, dict[str, object]] = {}
    for section, values in file.values.items():
        if section in top:
            given.setdefault("", {})[section] = _placed(file, top[section], values)
        elif section not in declared:
            names = [*top, *(f"[{name}]" for name in declared if name)]
            where = file.at("", section) if not isinstance(values, dict) else file.at(section)
            raise SettingsError(f"{where}: no setting {section}; {_nearest(section, names)}")
        elif not isinstance(values, dict):
            raise SettingsError(f"{file.at('', section)}: {section} is a section, written [{section}]")
        else:
            given[section] = _section(file, section, values, {item.name: item for item in declared[section][1]})
    return given


def _section(
    file: _File, section: str, values: Mapping[str, object], declared: Mapping[str, Declared]
) -> dict[str, object]:
    checked = {}
    for name, value in values.items():
        if name not in declared:
            raise SettingsError(
                f"{file.at(section, name)}: [{section}] has no {name}; {_nearest(name, list(declared))}"
            )
        checked[name] = _placed(file, declared[name], value)
    return checked


def _placed(file: _File, declared: Declared, value: object) -> object:
    valid = _valid(declared, value, f"{file.at(declared.section, declared.name)}: {declared.key}")
    if declared.key == "store.url":
        return check_secret(f"{file.at('store', 'url')}: store.url", str(valid))
    if isinstance(valid, dict):
        return beside(declared.name, valid, file.path.parent)
    return file.path.parent / valid if isinstance(valid, Path) else valid


def _nearest(name: str, names: list[str]) -> str:
    plain = {candidate.strip("[]"): candidate for candidate in names}
    near = get_close_matches(name, plain, n=1)
    return f"did you mean {plain[near[0]]}?" if near else f"there are {', '.join(names)}"


def _valid(declared: Declared, value: object, where: str) -> object:
    """The value in the declared kind; SettingsError saying what was expected."""
    default = declared.default
    if isinstance(default, Path):
        if isinstance(value, (str, Path)) and str(value):
            return Path(value)
        raise SettingsError(f"{where} is {value!r}, but should be a path in quotes")
    if isinstance(default, tuple):
        items = value if isinstance(value, (list, tuple)) else [value]
        if declared.kind == tuple[str, ...]:
            return tuple(_text(declared, item, where) for item in items)
        return tuple(_number(declared, item, where, whole=True) for item in items)
    if isinstance(default, Mapping):
        return _columns(value, where) if declared.name == "columns" else nested(declared.name, value, where)
    if isinstance(default, str):
        return _text(declared, value, where)
    return _number(declared, value, where, whole=isinstance(default, int))


def _number(declared: Declared, value: object, where: str, *, whole: bool) -> float:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise SettingsError(f"{where} is {value!r}, but should be a {'whole ' if whole else ''}number")
    if declared.least is not None and not value >= declared.least:
        raise SettingsError(f"{where} is {value}, but should be at least {declared.least:g}")
    if declared.most is not None and not value <= declared.most:
        raise SettingsError(f"{where} is {value}, but should be at most {declared.most:g}")
    return value if whole else float(value)


def _text(declared: Declared, value: object, where: str) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{where} is {value!r}, but should be a text in quotes")
    if declared.one_of and value not in declared.one_of:
        raise SettingsError(f"{where} is {value!r}, but should be one of {', '.join(declared.one_of)}")
    return value


def _columns(value: object, where: str) -> dict[str, dict[str, str]]:
    tables = {table.name: table for table in TABLES}
    if not isinstance(value, dict):
        raise SettingsError(f"{where} should be tables: [data.columns.events]")
    for name, mapping in value.items():
        if name not in tables:
            raise SettingsError(f"{where}: no table {name}; {_nearest(name, list(tables))}")
        if not isinstance(mapping, dict) or not all(isinstance(ours, str) for ours in mapping.values()):
            raise SettingsError(f'{where}.{name} should map your names to Ebb\'s: customer = "account_id"')
        ours = [column.name for column in tables[name].columns]
        for theirs, own in mapping.items():
            if own not in ours and not tables[name].open_columns:
                raise SettingsError(
                    f"{where}.{name}: {theirs} is mapped to {own}, which {name} has not; {_nearest(own, ours)}"
                )
    return value

"""The generated parts of the documentation: the command's help and the settings, from their declarations."""

from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Final

import typer.main
from typer.core import TyperOption

from serving.cli import app
from serving.config import STORE_URL, Declared, sections
from serving.config_file import toml
from serving.destinations import DESTINATIONS
from serving.push.settings import declared

COMMON: Final = ("config", "data", "home")
"""Options of nearly every command, said once."""


def cli() -> str:
    """Every command with what it does and its options, as Markdown."""
    group = typer.main.get_command(app)
    lines = ["| command | what it does | options |", "|---|---|---|"]
    for name, command in _commands(group):
        arguments = "".join(f" {p.metavar}" for p in command.params if p.param_type_name == "argument")
        options = [_option(p) for p in command.params if p.param_type_name == "option" and p.name not in COMMON]
        lines.append(f"| `ebb {name}{arguments}` | {_line(command.help)} | {'; '.join(options) or '–'} |")
    lines += [
        "",
        "Common options: `--config FILE` (default `ebb.toml` here), `--data FOLDER`, `--home FOLDER` (all state); "
        "or `EBB_CONFIG`, `EBB_DATA`, `EBB_HOME`. Options beat `ebb.toml`, `ebb.toml` beats defaults. stdout is for "
        "results (`--format table`, `csv` or `json`), stderr for progress. Exit 0: fine; 1: a fault in the data or "
        "model, said in one line; 2: wrong usage; of `ebb monitor` also 3: retrain now, 4: mend the data first. "
        "`EBB_DEBUG=1` shows the trace of a fault.",
    ]
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Every setting with its default and meaning, as Markdown."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for _, items in sections().values():
        lines += [f"| `{item.key}` | {_default(item)} | {_line(item.meaning)} |" for item in items]
    lines += ["", f"`{STORE_URL}` in the environment beats `store.url`: an address with a password belongs there."]
    return "\n".join(lines) + "\n"


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name; ``ebb keys list`` is within ``ebb keys``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def destinations() -> str:
    """Every kind of destination, and the settings of each, as Markdown."""
    lines = ["| kind | what it writes | limits that are kept | what is safe to repeat, and why |", "|---|---|---|---|"]
    lines += [f"| `{one.kind}` | {one.writes} | {one.limits} | {one.idempotent} |" for one in DESTINATIONS]
    for one in DESTINATIONS:
        lines += ["", f'`kind = "{one.kind}"`: {_first(one)}', "", "| setting | default | meaning |", "|---|---|---|"]
        lines += [
            f"| `{item.name}` | {_shown(item.default)} | {_line(item.metadata['meaning'])} |"
            for item in declared(one).values()
        ]
    return "\n".join(lines) + "\n"


def _first(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "–" if default in ("", (), Path()) or default is MISSING else f"`{toml(default)}`"


def _option(parameter: TyperOption) -> str:
    return f"`{parameter.opts[0]}` {_line(getattr(parameter, 'help', '') or '').rstrip('.')}"


def _default(declared: Declared) -> str:
    return "–" if declared.default in ({}, "", ()) else f"`{toml(declared.default)}`"


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")

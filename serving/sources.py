"""Where the facts come from, from the settings of [data]."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from features.combined import Combined, Part
from features.errors import SettingsError
from features.raw import Source
from features.sources import AGREEMENTS, EXPORTS, Database, Files, Simulated
from serving.config import DataSettings


def source_of(data: DataSettings, *, elsewhere: tuple[str, ...] = ()) -> Source:
    """The source of the settings; several are combined. ``elsewhere`` names tables that another engine reads.

    Raises SettingsError when a database's address is not set.
    """
    first = _made(data.kind, data.folder, data)
    parts = [Part(source=replace(first, elsewhere=elsewhere) if isinstance(first, Files) else first)]
    for name, also in data.also.items():
        kind, folder = str(also["kind"]), Path(str(also.get("folder", data.folder)))
        if kind in [part.source.name for part in parts]:
            raise SettingsError(f"data.also.{name} is a second source of kind {kind}; bring both into one folder")
        tables: Any = also.get("tables", ())
        ids = also.get("ids")
        made = _made(kind, folder, data)
        parts.append(Part(source=made, tables=tuple(tables), ids=None if ids is None else Path(str(ids))))
    return Combined(parts=tuple(parts), elsewhere=elsewhere)


def _made(kind: str, folder: Path, data: DataSettings) -> Source:
    if kind == "files":
        return Files(folder=folder, places=data.places, columns=data.columns)
    if kind == "simulated":
        return Simulated()
    if kind == "database":
        return _database(data)
    for agreements in AGREEMENTS:
        if agreements.name == kind:
            return agreements(folder=folder, grace_days=data.grace_days)
    return next(export for export in EXPORTS if export.name == kind)(folder=folder)


def _database(data: DataSettings) -> Database:
    variable = data.database.get("url_env")
    if variable is None:
        raise SettingsError(
            'data.database.url_env is not set: url_env = "FACTS_URL" names the variable with the address'
        )
    url = os.environ.get(str(variable))
    if not url:
        raise SettingsError(f"the environment variable {variable} of data.database.url_env is not set")
    queries: Any = data.database.get("queries", {})
    schema = data.database.get("schema")
    return Database(url=url, queries=queries, columns=data.columns, schema=None if schema is None else str(schema))

"""Files at an address (`s3://bucket/events/*.parquet`), by DuckDB's httpfs where the user has it: never fetched."""

import os
from typing import Final

import duckdb

from features.engines.duckdb import DuckEngine, quoted
from features.errors import SourceError
from features.raw import Raw
from features.reading.names import Renaming, renamed
from features.sources.files.folder import FORMATS

KEYS: Final = {
    "KEY_ID": "AWS_ACCESS_KEY_ID",
    "SECRET": "AWS_SECRET_ACCESS_KEY",
    "SESSION_TOKEN": "AWS_SESSION_TOKEN",
    "REGION": "AWS_REGION",
    "ENDPOINT": "AWS_ENDPOINT",
}
"""What opens a bucket, and the environment variable that holds it."""


def read(place: str, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table at an address or a pattern of them. Raises SourceError when httpfs or the files are not there."""
    if not engine.load("httpfs"):
        raise SourceError(
            f"{place} needs DuckDB's extension httpfs, which is not installed here and is never fetched by itself: "
            "install it once with INSTALL httpfs in DuckDB, or the package duckdb-extension-httpfs of its version, "
            "or copy the files to a folder"
        )
    given = {key: os.environ[name] for key, name in KEYS.items() if os.environ.get(name)}
    if place.startswith("s3://") and given:
        cells = ", ".join(f"{key} {quoted(value)}" for key, value in given.items())
        engine.execute(f"CREATE OR REPLACE TEMPORARY SECRET ebb_s3 (TYPE s3, {cells})")
    try:
        return scan(place, renaming, engine)
    except duckdb.Error as fault:
        raise SourceError(f"{place} cannot be read: {str(fault).strip().splitlines()[0]}") from None


def scan(place: str, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table in files that DuckDB opens itself, in one pass; a line of CSV that is broken stops it."""
    ending = next((ending for ending in FORMATS if place.lower().endswith(ending)), None)
    if ending is None:
        raise SourceError(f"{place} does not say what it is; it should end in one of {', '.join(FORMATS)}")
    held = f"_remote_{renaming.table.name}"
    options = "union_by_name = true, filename = true, hive_partitioning = true, hive_types_autocast = false"
    reader = {
        "Parquet": f"read_parquet({quoted(place)}, {options})",
        "CSV": f"read_csv({quoted(place)}, all_varchar = true, header = true, {options})",
        "JSON Lines": f"read_json({quoted(place)}, format = 'newline_delimited', maximum_depth = 1, {options})",
    }[FORMATS[ending]]
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {held} AS SELECT * FROM {reader}")
    theirs = tuple(str(row[0]) for row in engine.rows(f"DESCRIBE {held}") if row[0] != "filename")
    names = renaming.names(theirs, place)
    cells = renamed(names)
    row = "(rowid + 1 - min(rowid) OVER (PARTITION BY filename))::BIGINT"
    sql = f"SELECT {cells}, filename AS _file, {row} AS _row FROM {held}"
    return Raw(sql=sql, columns=tuple(names.values()), scratch=(held,))

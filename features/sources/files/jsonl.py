"""JSON Lines files of one table: one object per line, every value read as text."""

from collections.abc import Mapping

from features.engines.duckdb import DuckEngine, identifier, quoted
from features.raw import Raw
from features.reading import jsonl
from features.reading.names import Renaming
from features.reading.text import TextTable
from features.sources.files.folder import TableFiles


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table as text; `_row` is the line. Raises SourceError when a file is not UTF-8 or lacks a required column."""
    text = TextTable(table=files.table.name, engine=engine)
    lines = f"_lines_{files.table.name}"
    jsonl.create(lines, engine)
    for path in files.paths:
        jsonl.load(path, files.called(path), lines, engine)
    keys = f"SELECT unnest(json_keys(line)) AS key, _row FROM {lines} WHERE good"
    theirs = tuple(str(row[0]) for row in engine.rows(f"SELECT key FROM ({keys}) GROUP BY key ORDER BY min(_row), key"))
    parts = {path: {k: v for k, v in files.partitions(path).items() if k not in theirs} for path in files.paths}
    keys_of_folders = tuple(dict.fromkeys(key for values in parts.values() for key in values))
    names = renaming.names((*theirs, *keys_of_folders), files.label)
    columns = tuple(names.values())
    text.create(columns)
    engine.execute(f"INSERT INTO {text.cells} BY NAME SELECT {_cells(names)}, _file, _row FROM {lines} WHERE good")
    engine.execute(
        f"INSERT INTO {text.lines} BY NAME SELECT _file, _row, line AS _line, 'it is not a JSON object' AS reason "
        f"FROM {lines} WHERE NOT good"
    )
    engine.execute(f"DROP TABLE {lines}")
    for path, values in parts.items():
        text.fill(files.called(path), {names[key]: value for key, value in values.items() if key in names})
    return text.raw(columns)


def _cells(names: Mapping[str, str]) -> str:
    """Each value by its JSON pointer (RFC 6901), as text."""
    pointers = {their: "/" + their.replace("~", "~0").replace("/", "~1") for their in names}
    return ", ".join(
        f"nullif(json_extract_string(line, {quoted(pointers[their])}), '') AS {identifier(ours)}"
        for their, ours in names.items()
    )

"""CSV files of one table, every cell as text."""

from features.engines.duckdb import DuckEngine
from features.raw import Raw
from features.reading import csv
from features.reading.names import Renaming
from features.reading.text import TextTable
from features.sources.files.folder import TableFiles


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """The table as text. Raises SourceError when a header is missing or lacks a column, or a file is not UTF-8."""
    heads = {path: csv.head(path, files.called(path)) for path in files.paths}
    parts = {path: {k: v for k, v in files.partitions(path).items() if k not in heads[path].names} for path in heads}
    names = {path: renaming.names((*head.names, *parts[path]), files.called(path)) for path, head in heads.items()}
    columns = tuple(dict.fromkeys(ours for renamed_to in names.values() for ours in renamed_to.values()))
    text = TextTable(table=files.table.name, engine=engine)
    text.create(columns)
    for path, head in heads.items():
        ours = {their: name for their, name in names[path].items() if their not in parts[path]}
        csv.load(text, path, files.called(path), head, ours)
        text.fill(
            files.called(path), {names[path][key]: value for key, value in parts[path].items() if key in names[path]}
        )
    return text.raw(columns)

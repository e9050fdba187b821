"""CSV files."""

from features.engines.duckdb import DuckEngine
from features.raw import Raw
from features.sources.files.folder import TableFiles
from features.sources.files.names import Renaming


def read(files: TableFiles, renaming: Renaming, engine: DuckEngine) -> Raw:
    """TODO."""
    raise NotImplementedError

"""Where the plan runs: DuckDB in this process, or Spark on a cluster.

The SQL of this package is written once, in DuckDB's dialect; an engine runs it as it is or carries it to its own.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pandas as pd


class Engine(Protocol):
    """What runs SQL in DuckDB's dialect over tables of its own."""

    in_parts: bool
    """Whether a large book is better worked off some accounts at a time."""

    def unordered(self) -> AbstractContextManager[None]:
        """Let statements give their rows in any order, unless they say one."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement for its effect: a table made, filled or dropped."""
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run one query; its rows as plain tuples."""
        ...

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Run one query; its rows as a data frame."""
        ...

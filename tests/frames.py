"""Facts in data frames as a source, and a small market in them: what exports are written from and compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from features.domain import table
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.facts import Facts
from features.intake import take_in
from features.raw import Raw, Source
from features.sources.market import MarketSettings, simulate


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Tables in memory."""

    tables: Mapping[str, pd.DataFrame]
    name: str = "frames"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Each table with its cells in the declared types."""
        return {name: self._raw(engine, name, frame) for name, frame in self.tables.items()}

    def _raw(self, engine: DuckEngine, name: str, frame: pd.DataFrame) -> Raw:
        engine.register(f"frames_{name}", frame)
        kinds = {column.name: column.sql_type for column in table(name).columns}
        cells = ", ".join(
            f"{identifier(column)}::{kinds[column]} AS {identifier(column)}" if column in kinds else identifier(column)
            for column in map(str, frame)
        )
        sql = f"SELECT {cells}, {quoted(name)} AS _file, rowid + 1 AS _row FROM frames_{name}"
        return Raw(sql=sql, columns=tuple(frame.columns))


@cache
def market(accounts: int, months: int, every: str = "D") -> Mapping[str, pd.DataFrame]:
    """A market with the first event of each user in every day (or week: ``W``); only events of users."""
    tables = dict(simulate(MarketSettings(accounts=accounts, months=months, seed=1)).tables)
    events = tables["events"][tables["events"]["user_id"].notna()]
    period = events["occurred_at"].dt.to_period(every).astype(str)
    tables["events"] = events.groupby(["account_id", "user_id", period]).head(1).reset_index(drop=True)
    return tables


def facts(source: Source) -> Facts:
    """What intake makes of a source."""
    return take_in(source, DuckEngine(threads=2), None)

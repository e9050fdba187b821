"""The simulated market as a source, and written to a folder with its truth apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from features import domain
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.raw import Raw
from features.sources.market import Market, MarketSettings, simulate

__all__ = ["Market", "MarketSettings", "Simulated", "simulate", "write"]


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A source that simulates its facts instead of reading them."""

    settings: MarketSettings = field(default_factory=MarketSettings)
    name: str = "simulated"

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Every table but `traits`, as tables ``simulated_…`` of the engine."""
        market = simulate(self.settings)
        return {name: _registered(engine, name, frame) for name, frame in market.tables.items()}


def _registered(engine: DuckEngine, name: str, frame: pd.DataFrame) -> Raw:
    held = f"simulated_{name}"
    engine.register(held, frame)
    columns = ", ".join(_typed(name, frame, column) for column in frame.columns)
    sql = f"SELECT {columns}, {quoted(f'simulated/{name}')} AS _file, (rowid + 1)::BIGINT AS _row FROM {held}"
    return Raw(sql=sql, columns=tuple(frame.columns))


def _typed(name: str, frame: pd.DataFrame, column: str) -> str:
    """One column in its declared SQL type; texts stay texts, so that a spoilt time arrives as it was spoilt."""
    kinds = {c.name: c.sql_type for c in domain.table(name).columns}
    text = frame[column].dtype == object or isinstance(frame[column].dtype, pd.CategoricalDtype | pd.StringDtype)
    sql_type = "VARCHAR" if text else kinds.get(column)
    field = identifier(column)
    return f"{field}::{sql_type} AS {field}" if sql_type else field


def write(market: Market, folder: Path) -> None:
    """Write one Parquet file for each table, and the truth, which the product never reads, to ``truth/``."""
    apart = folder / "truth"
    apart.mkdir(parents=True, exist_ok=True)
    with DuckEngine() as engine:
        for name, frame in market.tables.items():
            columns = ", ".join(_typed(name, frame, column) for column in frame.columns)
            engine.register("writing", frame)
            _copy(engine, f"SELECT {columns} FROM writing", folder / f"{name}.parquet")
        for name, frame in (("snapshots", market.snapshots), ("causes", market.causes)):
            engine.register("writing", frame)
            _copy(engine, "SELECT * FROM writing", apart / f"{name}.parquet")
    (apart / "facts.json").write_text(json.dumps(market.facts, indent=2) + "\n", encoding="utf-8")


def _copy(engine: DuckEngine, query: str, path: Path) -> None:
    engine.execute(f"COPY ({query}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")

"""Spark: the engine for events that one machine cannot hold; DuckDB's SQL, carried to a cluster or to this process."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from features.engines.spark.carried import carried, parsed
from features.engines.spark.starting import session
from features.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TYPES: Final[Mapping[str, str]] = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP",
}
"""Spark's types by the names DuckDB has for them; others keep their own."""

TABLE: Final = "table://"
"""How an address names a table of Spark's catalog rather than files."""


CHECKPOINTS: Final = "spark.checkpoint.dir"
"""Where it is set, tables are kept there and outlive a worker that is lost; else on the workers themselves."""


class SparkEngine:
    """Tables of one book in Spark, computed once and kept by its workers until they are dropped.

    ``master`` is a Spark master (`local[*]`, `yarn`, `spark://host:7077`), ``options`` are Spark's own settings.
    Raises SettingsError when Spark is not there. Errors of Spark pass through unchanged.
    """

    in_parts = False
    """Spark divides its work by itself."""

    def __init__(self, *, master: str = "local[*]", options: Mapping[str, str] | None = None):
        self._session = session(master, options or {})
        self._reliable = CHECKPOINTS in (options or {})
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give what is kept back. Spark itself runs on until the process ends: to start it takes seconds."""
        for name in list(self._names):
            self._drop(name)

    def unordered(self) -> AbstractContextManager[None]:
        """Rows have no order here but the one a query says."""
        return nullcontext()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Make a table or view, add to a table, or drop one; nothing else is a statement here."""
        tree = parsed(sql)
        match tree:
            case exp.Create(expression=exp.Query() as query):
                # How rows lie matters to DuckDB's storage; here it would cost a sort of everything.
                if not query.args.get("limit"):
                    query.set("order", None)
                frame = self._query(query, parameters)
                self._name(tree.this.name, frame, keep=tree.kind == "TABLE")
            case exp.Insert():
                before, more = self._session.table(tree.this.name), self._query(tree.expression, parameters)
                by_name = bool(tree.args.get("by_name"))
                frame = before.unionByName(more, allowMissingColumns=True) if by_name else before.union(more)
                self._name(tree.this.name, frame, keep=True)
            case exp.Drop():
                for table in tree.args.get("tables") or [tree.this]:
                    self._drop(table.name)
            case _:
                raise ValueError(f"Spark makes, fills and drops tables; it does not run: {sql}")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run one query; its rows as plain tuples."""
        tree = parsed(sql)
        if isinstance(tree, exp.Describe):
            return list(self.types(tree.this.name).items())
        return [tuple(row) for row in self._query(tree, parameters).collect()]

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Run one query; its rows as a data frame with the types DuckDB's would have."""
        found = self._query(parsed(sql), parameters).toArrow()
        fields = [pa.field(field.name, _plain(field.type)) for field in found.schema]
        frame: pd.DataFrame = found.cast(pa.schema(fields)).to_pandas()
        for field in fields:
            if pa.types.is_string(field.type):
                frame[field.name] = found[field.name].to_numpy(zero_copy_only=False)
            elif pa.types.is_integer(field.type) and found[field.name].null_count:
                frame[field.name] = found[field.name].to_pandas(types_mapper=lambda _: pd.Int64Dtype())
        return frame

    def types(self, table: str) -> Mapping[str, str]:
        """The columns of a table, each with its type by DuckDB's name."""
        return {name: TYPES.get(kind, kind) for name, kind in self._session.table(table).dtypes}

    def take(self, name: str, rows: pa.Table) -> None:
        """Make a table of rows from this machine."""
        self._name(name, self._session.createDataFrame(rows), keep=True)

    def scan(self, name: str, places: Sequence[str]) -> None:
        """Make a view of Parquet files (any address Hadoop knows), or of one table of the catalog (`table://…`).

        It has the columns that are there, times in UTC, ``_file`` and ``_row`` (from 1; NULL in a table of the
        catalog). Raises SourceError when they cannot be read.
        """
        from pyspark.errors import PySparkException
        from pyspark.sql import functions

        try:
            if places[0].startswith(TABLE):
                raw = self._session.table(places[0].removeprefix(TABLE))
                file, row = functions.lit(places[0].removeprefix(TABLE)), functions.lit(None).cast("bigint")
            else:
                raw = self._session.read.parquet(*places)
                file, row = functions.col("_metadata.file_path"), functions.col("_metadata.row_index") + 1
            cells = [
                functions.col(f"`{name}`").cast("timestamp_ntz").alias(name) if kind == "timestamp" else f"`{name}`"
                for name, kind in raw.dtypes
            ]
            self._name(name, raw.select(*cells, file.alias("_file"), row.alias("_row")), keep=False)
        except PySparkException as fault:
            told = str(fault).strip().splitlines()[0]
            raise SourceError(f"{', '.join(places)} cannot be read by Spark: {told}") from None

    def write(self, sql: str, place: str) -> None:
        """Write the rows of one query as a folder of Parquet files at any address Hadoop knows, replacing it."""
        self._query(parsed(sql)).write.mode("overwrite").parquet(place)

    def _query(self, tree: exp.Expr, parameters: Sequence[object] = ()) -> "DataFrame":
        return self._session.sql(carried(tree), args=list(parameters))

    def _name(self, name: str, frame: "DataFrame", *, keep: bool) -> None:
        if keep:
            # A table is its rows and forgets how they were made: else every plan would hold all plans before it.
            frame = frame.checkpoint() if self._reliable else frame.localCheckpoint()
        frame.createOrReplaceTempView(name)
        self._names.add(name)

    def _drop(self, name: str) -> None:
        # Spark gives the memory back once nothing names the rows any more.
        self._names.discard(name)
        self._session.catalog.dropTempView(name)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The Arrow type of what a data frame of DuckDB holds."""
    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_date(kind):
        return pa.timestamp("us")
    return kind

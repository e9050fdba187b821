"""What SQLGlot does not carry to Spark is carried here: each construct says the same in both engines."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from features.engines.duckdb import DuckEngine
from features.engines.spark import SparkEngine
from tests.sparks import needs_spark, small_spark

pytestmark = needs_spark

ROWS = pa.table(
    {
        "k": pa.array([1, 1, 1, 2, 2, 3]),
        "n": pa.array([7, -7, None, 3, 12, 0]),
        "x": pa.array([0.00005, 1.00005, None, -0.12345, 2.5, 1e13]),
        "m": pa.array([Decimal("1.2345"), None, Decimal("7.0000"), Decimal("0.0001"), Decimal("3.3333"), Decimal(0)]),
        "s": pa.array(["a", None, "c", "B", "b", ""]),
        "f": pa.array([True, False, None, True, True, False]),
        "d": pa.array([date(2026, 1, day) for day in (3, 4, 5, 10, 11, 31)]),
        "t": pa.array(
            [datetime.combine(date(2026, 1, 4), time(hour, 59)) for hour in (0, 1, 12, 22, 23, 23)], pa.timestamp("us")
        ),
    }
)

CONSTRUCTS = {
    "arg_max passes unknown values over": "k, arg_max(n, d), arg_min(n, d) FROM r GROUP BY k",
    "arg_max_null does not": "k, arg_max_null(n, x) FROM r WHERE x IS NOT NULL GROUP BY k",
    "arg_max with a filter of its own": "k, arg_max(n, d) FILTER (WHERE f) FROM r GROUP BY k",
    "the order of structs": "arg_max(n, (d, s)), min((d, k, n)) FROM r",
    "division is in floating point": "k, m / 3, n / 2, sum(m) OVER (PARTITION BY k) / 7 FROM r",
    "whole division": "n // 2, n // 7, n % 5 FROM r",
    "small decimals of floats": "CAST(x AS DECIMAL(18, 4)), CAST(greatest(x, -1e13) AS DECIMAL(18, 4)) FROM r",
    "sums of decimals": "k, CAST(sum(CAST(x AS DECIMAL(18, 4))) AS DECIMAL(38, 4)), sum(m) FROM r GROUP BY ALL",
    "large decimals": "CAST(n * ln(greatest(n, 1)) AS DECIMAL(38, 12)) FROM r",
    "weekdays": "isodow(d), extract(isodow FROM d), dayofweek(d) FROM r",
    "days between": "date_diff('day', d, t), date_diff('day', t, DATE '2026-02-01'), d - 3, d + 1 FROM r",
    "bits": "bit_or(n & 5), bit_count(bit_or(n | 8)), CAST(1 AS BIGINT) << CAST(k + 40 AS BIGINT) FROM r GROUP BY k",
    "shifts of shifts": "(k << 3) & ~(k << 1), 1 << (k // 2), ~k FROM r",
    "filters": "count(*) FILTER (WHERE n > 0), sum(n) FILTER (f), bool_or(f) FROM r",
    "medians and quantiles": "k, median(x), quantile_cont(n, 0.25) FROM r GROUP BY k",
    "unknown is passed over by greatest and least": "greatest(n, 1), least(x, 2.0), coalesce(n, 0) FROM r",
    "replaced and excluded columns": "k, n, s FROM (SELECT * REPLACE (n + 1 AS n) FROM (SELECT * EXCLUDE (t) FROM r))",
    "lists unnested": "k, c FROM r, (SELECT unnest(CAST(['2026-01-01', '2026-02-01'] AS DATE[])) AS c) u",
    "ranges": "step FROM range(-2, 3) AS steps(step)",
    "semi and anti joins": "k FROM r SEMI JOIN (SELECT 2 AS k) q USING (k)",
    "named windows": "lead(d) OVER w, last_value(n IGNORE NULLS) OVER w FROM r WINDOW w AS (PARTITION BY k ORDER BY d)",
    "unknown values sort last": "n, row_number() OVER (ORDER BY n, d), row_number() OVER (ORDER BY s DESC, d) FROM r",
    "not finite": "isinf(x), isnan(x), trunc(x / 3) FROM r WHERE x IS NOT NULL",
    "times compared with days": "t < d, t >= DATE '2026-01-04', CAST(t AS DATE) = d, hour(t) * 60 + minute(t) FROM r",
    "texts": "lower(s), s || '…', left(s, 1), nullif(s, ''), trim(s) <> '' FROM r",
    "casts that may fail": "TRY_CAST(s AS DOUBLE), CAST(f AS INTEGER), CAST(n AS VARCHAR) FROM r",
}


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[DuckEngine, SparkEngine]]:
    """The same rows in both."""
    with DuckEngine() as duck, small_spark() as spark:
        duck.register("r", ROWS.to_pandas(types_mapper=pd.ArrowDtype))
        spark.take("r", duck.arrow("SELECT * FROM r"))
        yield duck, spark


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_says_the_same_in_spark(engines: tuple[DuckEngine, SparkEngine], name: str) -> None:
    """One construct over rows with unknown values, negative numbers and ties."""
    duck, spark = engines
    sql = f"SELECT {CONSTRUCTS[name]}"
    expected, found = (sorted(map(_plain, engine.rows(sql)), key=str) for engine in (duck, spark))
    assert len(found) == len(expected)
    for theirs, ours in zip(expected, found, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12) if _numbers(theirs) else ours == theirs


def _plain(row: tuple[object, ...]) -> tuple[object, ...]:
    """Decimals as floats, structs as tuples: what a signal reads of them."""
    return tuple(_value(cell) for cell in row)


def _value(cell: object) -> object:
    if isinstance(cell, Decimal):
        return float(cell)
    return tuple(cell) if isinstance(cell, tuple) else cell


def _numbers(row: tuple[object, ...]) -> bool:
    return all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in row)

"""The plain window signals as others would compute them: one naive SQL, Polars by hand, pandas by hand.

Each answers a data frame of account_id, cutoff and 21 columns: events, days of use, users and features in 7, 14, 28, 56
and 84 days, and the days since the last use.
"""

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

WINDOWS = (7, 14, 28, 56, 84)
NEVER = 731
DISTINCT = {"active_days": "day", "active_users": "user_id", "features": "event"}


def naive_sql(folder: Path, cutoffs: tuple[date, ...]) -> pd.DataFrame:
    """What one would write first: events joined with cutoffs, and a filtered aggregate for each signal."""
    dates = ", ".join(f"(DATE '{cutoff}')" for cutoff in cutoffs)
    values = [f"count(*) FILTER (WHERE age <= {w}) AS events_{w}d" for w in WINDOWS]
    values += [
        f"count(DISTINCT {of}) FILTER (WHERE age <= {w}) AS {name}_{w}d"
        for name, of in DISTINCT.items()
        for w in WINDOWS
    ]
    events = f"(SELECT *, CAST(occurred_at AS DATE) AS day FROM '{folder / 'events.parquet'}')"
    with duckdb.connect(config={"threads": 2}) as connection:
        return connection.execute(
            f"""SELECT account_id, cutoff, {", ".join(values)}, min(age) AS recency
            FROM (SELECT e.*, c.cutoff, c.cutoff - e.day AS age
                  FROM {events} e JOIN (VALUES {dates}) AS c(cutoff) ON e.day < c.cutoff AND e.day >= c.cutoff - 730)
            GROUP BY account_id, cutoff"""
        ).df()


def polars_by_hand(folder: Path, cutoffs: tuple[date, ...]) -> pd.DataFrame:
    """A careful Polars user: roll up to days once, then one group-by for each cutoff."""
    import polars as pl

    day = pl.col("occurred_at").dt.date().alias("day")
    daily = (
        pl.scan_parquet(folder / "events.parquet")
        .group_by("account_id", "user_id", "event", day)
        .agg(pl.len().alias("n"))
    ).collect()
    found = []
    for cutoff in cutoffs:
        age = (pl.lit(cutoff) - pl.col("day")).dt.total_days()
        values = [pl.col("n").filter(pl.col("age") <= w).sum().alias(f"events_{w}d") for w in WINDOWS]
        values += [
            pl.col(of).filter(pl.col("age") <= w).n_unique().alias(f"{name}_{w}d")
            for name, of in DISTINCT.items()
            for w in WINDOWS
        ]
        looked = daily.lazy().with_columns(age.alias("age")).filter(pl.col("age").is_between(1, 730))
        each = looked.group_by("account_id").agg(*values, pl.col("age").min().alias("recency"))
        found.append(each.with_columns(pl.lit(cutoff).alias("cutoff")).collect())
    return pd.DataFrame(pl.concat(found).to_dict(as_series=False))


def pandas_by_hand(folder: Path, cutoffs: tuple[date, ...]) -> pd.DataFrame:
    """A pandas user: one filter and group-by for each window and cutoff."""
    events = pd.read_parquet(folder / "events.parquet", columns=["account_id", "user_id", "event", "occurred_at"])
    events["day"] = events["occurred_at"].dt.normalize()
    found = []
    for cutoff in map(pd.Timestamp, cutoffs):
        past = events[(events["day"] < cutoff) & (events["day"] >= cutoff - pd.Timedelta(days=730))]
        each = {"recency": (cutoff - past.groupby("account_id")["day"].max()).dt.days}
        for window in WINDOWS:
            inside = past[past["day"] >= cutoff - pd.Timedelta(days=window)].groupby("account_id")
            each[f"events_{window}d"] = inside.size()
            each |= {f"{name}_{window}d": inside[of].nunique() for name, of in DISTINCT.items()}
        found.append(pd.DataFrame(each).fillna(0).rename_axis("account_id").reset_index().assign(cutoff=cutoff))
    return pd.concat(found)


RIVALS = {"naive SQL": naive_sql, "Polars by hand": polars_by_hand, "pandas by hand": pandas_by_hand}

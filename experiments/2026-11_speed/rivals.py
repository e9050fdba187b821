"""The plain window signals as others would compute them: by naive SQL, Polars, pandas, featuretools and tsfresh.

The first three answer a data frame of account_id, cutoff and 21 columns: events, days of use, users and features in 7,
14, 28, 56 and 84 days, and the days since the last use. The last two answer what they have: the counts of events, users
and features, or of events and days. `rivals.py NAME FOLDER CUTOFF ... ` runs one and prints its seconds as JSON.
"""

import json
import sys
import time
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


def _events(folder: Path) -> pd.DataFrame:
    events = pd.read_parquet(folder / "events.parquet", columns=["account_id", "user_id", "event", "occurred_at"])
    return events.assign(day=events["occurred_at"].dt.normalize())


def by_featuretools(folder: Path, cutoffs: tuple[date, ...]) -> pd.DataFrame:
    """Deep feature synthesis at a cutoff time, once for each training window."""
    import featuretools

    events = _events(folder).drop(columns="day").reset_index(names="number")
    entities = featuretools.EntitySet("use")
    entities.add_dataframe(dataframe=events, dataframe_name="events", index="number", time_index="occurred_at")
    entities.normalize_dataframe(base_dataframe_name="events", new_dataframe_name="accounts", index="account_id")
    found = []
    for cutoff in cutoffs:
        at = pd.DataFrame({"account_id": events["account_id"].unique(), "time": pd.Timestamp(cutoff)})
        for window in WINDOWS:
            counted, _ = featuretools.dfs(
                entityset=entities,
                target_dataframe_name="accounts",
                agg_primitives=["count", "num_unique"],
                trans_primitives=[],
                cutoff_time=at,
                training_window=f"{window} days",
            )
            found.append(counted.add_suffix(f"_{window}d"))
    return pd.concat(found, axis=1).reset_index()


def by_tsfresh(folder: Path, cutoffs: tuple[date, ...]) -> pd.DataFrame:
    """Series of events a day, one for each account and window, and two numbers of each."""
    import tsfresh

    events, found = _events(folder), []
    daily = events.groupby(["account_id", "day"]).size().rename("events").astype(float).reset_index()
    for cutoff in map(pd.Timestamp, cutoffs):
        series = []
        for window in WINDOWS:
            inside = daily[(daily["day"] < cutoff) & (daily["day"] >= cutoff - pd.Timedelta(days=window))]
            series.append(inside.assign(series=inside["account_id"] + f" {window}"))
        wanted: dict[str, None] = {"sum_values": None, "length": None}
        told = pd.concat(series)[["series", "day", "events"]]
        found.append(
            tsfresh.extract_features(
                told, column_id="series", column_sort="day", default_fc_parameters=wanted, disable_progressbar=True
            )
        )
    return pd.concat(found)


RIVALS = {"naive SQL": naive_sql, "Polars by hand": polars_by_hand, "pandas by hand": pandas_by_hand}
"""Those who answer the same bits."""

OTHERS = {"featuretools": by_featuretools, "tsfresh": by_tsfresh}
"""Those who answer something comparable."""


def main() -> None:
    name, folder, cutoffs = sys.argv[1], Path(sys.argv[2]), tuple(map(date.fromisoformat, sys.argv[3:]))
    started = time.perf_counter()
    (RIVALS | OTHERS)[name](folder, cutoffs)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()

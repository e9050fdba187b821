"""Usage kept between runs: the daily rollup in one file a month, of which a new day rewrites only its own days.

What changed is told by the footers of the Parquet files that events are read from: each row group is known by its size
and its columns' extremes. A row group that came or went opens the days it holds; every other day stays as it was rolled
up. So a refresh is cheap where files are in order of time, whole new files are added, or a file grows at its end by
the same writer; rows in no order, or a file written anew in another layout, are rolled up again as a whole.

The manifest is written last and by one rename, and files are never changed in place: a run that is killed at any moment
leaves what was there before, and the next one ends with the same bits.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted

VERSION: Final = 1
"""Of the layout; another one is rolled up anew."""

NARROW: Final = timedelta(days=62)
"""A row group that spans no more is taken to hold all days between its extremes; else its days are looked up."""

EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is kept: the days of each row group read (as days since 1970), and the file of each month."""

    rollup: str = ""
    pieces: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    months: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One row group of one file."""

    key: str
    file: str
    first_row: int
    rows: int
    days: tuple[date | None, date | None]


def _nobody(_: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class KeptUsage:
    """The folder of what is kept of events that are read in place from Parquet files.

    ``reads`` says what is read of the files: another reading is rolled up anew. ``say`` is told of waiting.
    """

    folder: Path
    files: tuple[Path, ...]
    reads: str
    say: Callable[[str], None] = _nobody

    def refresh(self, engine: DuckEngine, rollup: str) -> tuple[date, ...]:
        """Bring what is kept up to the files and make it the table ``usage``; the days that were rolled up.

        ``rollup`` is the SQL of the rollup, with ``{where}`` for the rows it shall read.
        """
        with self._locked():
            version = hashlib.sha256(f"{VERSION} {self.reads} {rollup}".encode()).hexdigest()
            old, pieces = self._manifest(version), _pieces(engine, self.files)
            now = {piece.key: old.pieces.get(piece.key) or _days(engine, piece) for piece in pieces}
            changed = old.pieces.keys() ^ now.keys()
            opened = {day for key in changed for day in (*old.pieces.get(key, ()), *now.get(key, ()))}
            if changed:
                months = self._rolled(engine, rollup, opened, old.months)
                self._keep(Manifest(rollup=version, pieces=now, months=months))
            kept = [quoted(str(self.folder / name)) for name in self._manifest(version).months.values()]
            held = f"read_parquet([{', '.join(kept)}])" if kept else f"({rollup.replace('{where}', 'WHERE false')})"
            engine.execute(f"CREATE OR REPLACE TABLE usage AS SELECT * FROM {held}")
        return tuple(_date(day) for day in sorted(opened))

    def _manifest(self, version: str) -> Manifest:
        """What is kept by that rollup; nothing when there is no whole manifest of it."""
        try:
            read = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return Manifest()
        if read["rollup"] != version or not all((self.folder / name).exists() for name in read["months"].values()):
            return Manifest()
        pieces = {key: tuple(days) for key, days in read["pieces"].items()}
        return Manifest(rollup=version, pieces=pieces, months=read["months"])

    def _rolled(self, engine: DuckEngine, rollup: str, opened: set[int], old: Mapping[str, str]) -> dict[str, str]:
        """Roll the opened days up and write the months they lie in; every month's file."""
        empty = rollup.replace("{where}", "WHERE false")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE opened_usage AS {empty}")
        for first, last in _runs(opened):
            where = f"WHERE occurred_at >= DATE '{_date(first)}' AND occurred_at < DATE '{_date(last + 1)}'"
            engine.execute(f"INSERT INTO opened_usage {rollup.replace('{where}', where)}")
        months = dict(old)
        for month in sorted({f"{_date(day):%Y-%m}" for day in opened}):
            name = self._written(engine, month, sorted(day for day in opened if f"{_date(day):%Y-%m}" == month), old)
            months.pop(month, None)
            if name is not None:
                months[month] = name
        engine.execute("DROP TABLE opened_usage")
        return dict(sorted(months.items()))

    def _written(self, engine: DuckEngine, month: str, opened: list[int], old: Mapping[str, str]) -> str | None:
        """One month's file, named by what it holds; None when nothing is left of the month."""
        days = ", ".join(f"DATE '{_date(day)}'" for day in opened)
        rows = f"SELECT * FROM opened_usage WHERE day IN ({days})"
        if month in old:
            rows += f" UNION ALL SELECT * FROM {quoted(str(self.folder / old[month]))} WHERE day NOT IN ({days})"
        fresh = self.folder / f"fresh-{os.getpid()}.parquet"
        engine.execute(f"COPY (SELECT * FROM ({rows}) ORDER BY ALL) TO {quoted(str(fresh))} (FORMAT parquet)")
        if engine.rows(f"SELECT count(*) FROM {quoted(str(fresh))}") == [(0,)]:
            fresh.unlink()
            return None
        name = f"{month}.{hashlib.sha256(fresh.read_bytes()).hexdigest()[:16]}.parquet"
        _settle(fresh, self.folder / name)
        return name

    def _keep(self, manifest: Manifest) -> None:
        """Make the manifest the one that holds, then forget the files it does not name."""
        fresh = self.folder / "manifest.fresh"
        fresh.write_text(json.dumps(vars(manifest), sort_keys=True), encoding="utf-8")
        _settle(fresh, self.folder / "manifest.json")
        for path in self.folder.glob("*.parquet"):
            if path.name not in manifest.months.values():
                path.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; who must wait says for whom. The system lets go of the lock of one that was killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                self.say(f"waiting for process {lock.read().strip() or '?'}, which is refreshing {self.folder}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def _pieces(engine: DuckEngine, files: tuple[Path, ...]) -> list[Piece]:
    """Every row group of the files, known by its size and its columns' extremes."""
    paths = ", ".join(quoted(str(path)) for path in files)
    found = engine.rows(
        f"""SELECT file_name, row_group_id, any_value(row_group_num_rows),
          md5(string_agg(concat_ws('|', path_in_schema, num_values, stats_min_value, stats_max_value,
            coalesce(stats_null_count, -1), total_compressed_size, total_uncompressed_size), '/' ORDER BY column_id)),
          CAST(max(TRY_CAST(stats_min_value AS TIMESTAMP)) FILTER (path_in_schema = 'occurred_at') AS DATE),
          CAST(max(TRY_CAST(stats_max_value AS TIMESTAMP)) FILTER (path_in_schema = 'occurred_at') AS DATE)
        FROM parquet_metadata([{paths}]) GROUP BY file_name, row_group_id ORDER BY file_name, row_group_id"""
    )
    pieces: list[Piece] = []
    for file, group, rows, print_, least, most in found:
        before = pieces[-1] if pieces and pieces[-1].file == file else None
        pieces.append(
            Piece(
                key=f"{Path(str(file)).name} {group} {rows} {print_}",
                file=str(file),
                first_row=before.first_row + before.rows if before else 0,
                rows=int(str(rows)),
                days=(least if isinstance(least, date) else None, most if isinstance(most, date) else None),
            )
        )
    return pieces


def _days(engine: DuckEngine, piece: Piece) -> tuple[int, ...]:
    """The days a row group holds, and perhaps some between them."""
    least, most = piece.days
    if least is not None and most is not None and most - least <= NARROW:
        return tuple(range(_number(least), _number(most) + 1))
    scan = f"read_parquet({quoted(piece.file)}, file_row_number = true)"
    within = f"file_row_number >= {piece.first_row} AND file_row_number < {piece.first_row + piece.rows}"
    found = engine.rows(f"SELECT DISTINCT CAST(occurred_at AS DATE) FROM {scan} WHERE {within}")
    return tuple(sorted(_number(day) for (day,) in found if isinstance(day, date)))


def _runs(days: set[int]) -> Iterator[tuple[int, int]]:
    """Days that follow each other, as first and last."""
    ordered = sorted(days)
    for place, day in enumerate(ordered):
        if place == 0 or ordered[place - 1] != day - 1:
            first = day
        if place == len(ordered) - 1 or ordered[place + 1] != day + 1:
            yield first, day


def _settle(fresh: Path, path: Path) -> None:
    """Give a file its name once its bytes are on the disk."""
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    fresh.replace(path)


def _number(day: date) -> int:
    return (day - EPOCH).days


def _date(number: int) -> date:
    return EPOCH + timedelta(days=number)

"""What checking events found, kept for each row group: only those that are new are read and checked.

A row group is checked again when what it was checked against has changed: the types the columns have in all files
together, the accounts it names, or the day up to which a time is not in the future.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from features.checked import Checked, final
from features.engines.duckdb import DuckEngine, identifier, quoted
from features.faults import faults
from features.keeping.days import Runs, number, runs
from features.keeping.folder import forget, locked, read_manifest, write_manifest, written
from features.keeping.pieces import pieces
from features.keeping.stretches import Stretch, stretches
from features.tally import Tally, tallies

VERSION: Final = 1
"""Of the layout; another one is checked anew."""

MANIFEST: Final = "checks.json"

OF_PIECE: Final = identifier("the piece it lies in")
"""A column of the kept rows set aside, by a name no source has."""

ASIDE: Final = "_aside_events"
IDS: Final = "_ids_events"

NARROW: Final = 62
"""A piece that spans no more days is taken to hold all between its first and last; else they are looked up."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What checking one piece found: the days of its usable rows, and the last day that could have happened then."""

    tally: Tally
    days: Runs
    today: str

    def holds(self, today: date) -> bool:
        """Whether no time in it has moved into the future or out of it."""
        limit = str(min(today, date.fromisoformat(self.today)) + timedelta(days=1))
        return self.today == str(today) or self.tally.latest < limit


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is found in every row group, by its key; ``version`` changes with how rows are read and checked."""

    version: str
    seen: Mapping[str, Seen]

    @property
    def days(self) -> Mapping[str, Runs]:
        """The days of each row group, by a key that changes with its content and with which of its rows are usable."""
        return {f"{key} {one.tally.aside}": one.days for key, one in self.seen.items()}


@dataclass(frozen=True, kw_only=True)
class KeptChecks:
    """The folder where it is kept; ``say`` is told of waiting for another process."""

    folder: Path
    say: Callable[[str], None]

    def check(self, checked: Checked, engine: DuckEngine, today: date) -> Found:
        """What is found in every row group of the events.

        The rows set aside are then in the table `ASIDE`, each with the row group it lies in.
        """
        with locked(self.folder, self.say):
            version = _version(checked, engine)
            old = read_manifest(self.folder / MANIFEST)
            every, prints = pieces(engine, checked.raw.in_place, old.get("files", {}))
            seen = self._still_true(old, version, {piece.key for piece in every}, engine, today)
            if not seen:
                _create(checked, engine)
            missing = [piece for piece in every if piece.key not in seen]
            for stretch in stretches(missing, every):
                seen |= _checked(checked, engine, stretch, today)
            told = {key: asdict(one) for key, one in sorted(seen.items())}
            if missing or (told.keys(), prints) != (old["pieces"].keys(), old["files"]):
                self._keep(engine, {"version": version, "files": prints, "pieces": told})
        return Found(version=version, seen=seen)

    def _still_true(
        self, old: Mapping[str, Any], version: str, there: set[str], engine: DuckEngine, today: date
    ) -> dict[str, Seen]:
        """What is kept of the row groups that are still there; `ASIDE` and `IDS` then hold the rest of it."""
        if old.get("version") != version or not all((self.folder / old[name]).exists() for name in (ASIDE, IDS)):
            return {}
        seen = {key: _seen(told) for key, told in old["pieces"].items() if key in there}
        seen = {key: one for key, one in seen.items() if one.holds(today)}
        for table in (ASIDE, IDS):
            kept = quoted(str(self.folder / old[table]))
            engine.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {kept}")
        gone, found = engine.rows(
            f"SELECT bool_or(known AND a.account_id IS NULL), bool_or(NOT known AND a.account_id IS NOT NULL) "
            f"FROM {IDS} LEFT JOIN accounts a USING (account_id)"
        )[0]
        if gone:
            return {}
        if found:
            seen = {key: one for key, one in seen.items() if not one.tally.strangers}
        engine.execute(f"DELETE FROM {ASIDE} WHERE NOT list_contains(?, {OF_PIECE})", [sorted(seen)])
        return seen

    def _keep(self, engine: DuckEngine, manifest: Mapping[str, object]) -> None:
        names = {
            ASIDE: written(self.folder, "aside", f"SELECT * FROM {ASIDE}", engine),
            IDS: written(
                self.folder,
                "accounts",
                f"SELECT DISTINCT account_id, account_id IN (SELECT account_id FROM accounts) AS known FROM {IDS}",
                engine,
            ),
        }
        write_manifest(self.folder / MANIFEST, {**manifest, **names})
        for kind in ("aside", "accounts"):
            forget(self.folder, f"{kind}.*.parquet", set(names.values()), engine)


def _version(checked: Checked, engine: DuckEngine) -> str:
    """Changes with anything that checking depends on but the rows, the accounts and the day."""
    accounts = any(fault.kind == "unknown account" for fault in checked.faults)
    rules = faults(checked.table, frozenset(checked.types), date(2000, 1, 1), accounts)
    cells = checked.cells().replace(checked.raw.sql, checked.raw.reads)
    told = (VERSION, engine.rows("SELECT version()"), cells, final(checked.table, checked.further), rules)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _create(checked: Checked, engine: DuckEngine) -> None:
    none = checked.reasons(f"SELECT * FROM ({checked.rows()}) WHERE false")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {ASIDE} AS SELECT *, NULL::VARCHAR AS {OF_PIECE} FROM ({none})")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {IDS} (account_id VARCHAR, known BOOLEAN)")


def _checked(checked: Checked, engine: DuckEngine, stretch: Stretch, today: date) -> dict[str, Seen]:
    """What checking finds in a stretch; its rows set aside and its accounts are added to the tables."""
    told = tallies(checked, engine, stretch.where, stretch.part)
    by_place = {(piece.label, piece.first_row): piece for piece in stretch.pieces}
    tally_of = {piece.key: told.get(place, Tally()) for place, piece in by_place.items()}
    exact = _exact_days(checked, engine, stretch) if any(_is_wide(tally) for tally in tally_of.values()) else {}
    if any(tally.aside for tally in tally_of.values()):
        _set_aside(checked, engine, stretch)
    if any(fault.kind == "unknown account" for fault in checked.faults):
        ids = f"SELECT DISTINCT account_id FROM ({checked.cells(stretch.where)}) WHERE account_id IS NOT NULL"
        engine.execute(f"INSERT INTO {IDS} SELECT account_id, NULL FROM ({ids})")
    return {
        piece.key: Seen(
            tally=tally_of[piece.key], days=exact.get(place) or _days(tally_of[piece.key]), today=str(today)
        )
        for place, piece in by_place.items()
    }


def _set_aside(checked: Checked, engine: DuckEngine, stretch: Stretch) -> None:
    unusable = f"SELECT * FROM ({checked.rows(stretch.where)}) WHERE _fault IS NOT NULL"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE _new_aside AS {checked.reasons(unusable)}")
    engine.execute("CREATE OR REPLACE TEMP TABLE _piece_keys (label VARCHAR, first BIGINT, key VARCHAR)")
    for piece in stretch.pieces:
        engine.execute("INSERT INTO _piece_keys VALUES (?, ?, ?)", [piece.label, piece.first_row, piece.key])
    engine.execute(
        f"INSERT INTO {ASIDE} SELECT n.*, p.key FROM _new_aside n "
        f"JOIN _piece_keys p ON p.label = n._file AND p.first = ({stretch.part})"
    )
    engine.execute("DROP TABLE _new_aside")
    engine.execute("DROP TABLE _piece_keys")


def _exact_days(checked: Checked, engine: DuckEngine, stretch: Stretch) -> dict[tuple[str, int], Runs]:
    """The days of the usable rows of each piece."""
    rows = f"SELECT *, {stretch.part} AS part FROM ({checked.rows(stretch.where)}) WHERE _fault IS NULL"
    found = engine.rows(f"SELECT _file, part, list(DISTINCT CAST(occurred_at AS DATE)) FROM ({rows}) GROUP BY 1, 2")
    return {
        (str(file), int(str(part))): runs(number(day) for day in days)
        for file, part, days in found
        if isinstance(days, list)
    }


def _is_wide(tally: Tally) -> bool:
    return any(last - first > NARROW for first, last in _days(tally))


def _days(tally: Tally) -> Runs:
    first, last = tally.days
    return ((number(date.fromisoformat(first)), number(date.fromisoformat(last))),) if first else ()


def _seen(told: Mapping[str, Any]) -> Seen:
    tally = {**told["tally"], "given": tuple(told["tally"]["given"]), "days": tuple(told["tally"]["days"])}
    days = tuple((first, last) for first, last in told["days"])
    return Seen(tally=Tally(**tally), days=days, today=told["today"])

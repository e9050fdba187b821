"""Several sources as one: product events from one export, contracts from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.conform import as_text
from features.domain import TABLES
from features.engines.duckdb import DuckEngine, identifier
from features.errors import SourceError
from features.raw import ORDER, Raw, Source, sharing
from features.reading import csv
from features.reading.names import listed
from features.reading.text import TextTable

PLACE = ("_file", "_row")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One source among several: ``tables`` limits what is taken from it (none: all).

    ``ids`` is a CSV file of two columns, `theirs` and `account_id`: what an account is called there and by the others.
    """

    source: Source
    tables: tuple[str, ...] = ()
    ids: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Sources one after the other: of each table the last one's rows count; accounts are those of all of them.

    Where two tell of the same account, the later one's values win and the earlier one's fill what it leaves empty.
    ``elsewhere`` names tables that another engine reads.
    """

    parts: Sequence[Part]
    elsewhere: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: `segment + stripe`."""
        return " + ".join(part.source.name for part in self.parts)

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """The tables of all. Raises SourceError when none of them has events."""
        found: dict[str, Raw] = {}
        accounts: list[Raw] = []
        listed_somewhere = False
        scratch: list[str] = []
        for number, part in enumerate(self.parts):
            own = dict(part.source.raw(engine))
            scratch += [name for raw in own.values() for name in raw.scratch]
            own = {
                name: replace(raw, scratch=()) for name, raw in own.items() if not part.tables or name in part.tables
            }
            if part.ids is not None:
                mapped = f"_ids_{number}"
                _load_ids(part.ids, mapped, engine)
                scratch.append(mapped)
                own = {name: _renamed(raw, mapped, engine) for name, raw in own.items()}
            listed_somewhere |= "accounts" in own
            accounts.append(own.pop("accounts") if "accounts" in own else _named(own))
            found |= own
        if listed_somewhere:
            found["accounts"] = _merged(accounts, engine)
        self._complain(found)
        return sharing(found, tuple(dict.fromkeys(scratch)))

    def _complain(self, found: Mapping[str, Raw]) -> None:
        missing = [table.name for table in TABLES if table.required and table.name not in (*found, *self.elsewhere)]
        if missing:
            there = listed([name for name in ORDER if name in found])
            raise SourceError(
                f"{self.name} tells of no {missing[0]}; it has {there}. Add a source of {missing[0]} in ebb.toml under "
                "[data.also.NAME]"
            )


def _named(raws: Mapping[str, Raw]) -> Raw:
    """The accounts that a source without a table of accounts names."""
    queries = [
        f"SELECT account_id::VARCHAR AS account_id, _file, _row FROM ({raws[name].sql})"
        for name in ("events", "contracts")
        if name in raws
    ] or ["SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS _file, NULL::BIGINT AS _row WHERE false"]
    sql = (
        "SELECT account_id, min((_file, _row))[1] AS _file, min((_file, _row))[2] AS _row "
        f"FROM ({' UNION ALL '.join(queries)}) WHERE account_id <> '' GROUP BY account_id"
    )
    return Raw(sql=sql, columns=("account_id",))


def _merged(accounts: Sequence[Raw], engine: DuckEngine) -> Raw:
    """Accounts of all sources, the later ones' values first."""
    merged = accounts[0] if len(accounts) == 1 else _as_texts(accounts[0], engine)
    for later in (_as_texts(raw, engine) for raw in accounts[1:]):
        columns = tuple(dict.fromkeys((*merged.columns, *later.columns)))
        cells = ", ".join(
            f"{_either(name, merged, later)} AS {identifier(name)}" for name in (*columns, "_file", "_row")
        )
        sql = f"SELECT {cells} FROM ({merged.sql}) e FULL JOIN ({later.sql}) l ON e.account_id = l.account_id"
        unmapped = [raw.unmapped for raw in (merged, later) if raw.unmapped]
        broken = [raw.broken for raw in (merged, later) if raw.broken]
        merged = Raw(
            sql=sql,
            columns=columns,
            broken=" UNION ALL ".join(broken) or None,
            unmapped=" UNION ALL ".join(unmapped) or None,
        )
    return merged


def _either(name: str, earlier: Raw, later: Raw) -> str:
    """The later source's value, else the earlier one's."""
    sides = [
        f"{side}.{identifier(name)}" for side, raw in (("l", later), ("e", earlier)) if name in (*raw.columns, *PLACE)
    ]
    return f"coalesce({', '.join(sides)})"


def _as_texts(raw: Raw, engine: DuckEngine) -> Raw:
    """The same rows with every cell as text, so that sources with different types can be merged."""
    types = {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE {raw.sql}")}
    cells = ", ".join(f"{as_text(name, types[name])} AS {identifier(name)}" for name in raw.columns)
    return replace(raw, in_place={}, sql=f"SELECT {cells}, _file, _row FROM ({raw.sql})")


def _load_ids(path: Path, name: str, engine: DuckEngine) -> None:
    if not path.is_file():
        raise SourceError(f"{path} is not there; it should be a CSV file of theirs and account_id")
    head = csv.head(path, path.name)
    missing = [column for column in ("theirs", "account_id") if column not in head.names]
    if missing:
        raise SourceError(f"{path.name} has no column {missing[0]}; it has {listed(head.names)}")
    text = TextTable(table=name.strip("_"), engine=engine)
    text.create(head.names)
    csv.load(text, path, path.name, head, {column: column for column in head.names})
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT theirs, any_value(account_id) AS account_id FROM {text.cells} "
        "WHERE theirs IS NOT NULL AND account_id IS NOT NULL GROUP BY theirs"
    )
    engine.execute(f"DROP TABLE {text.cells}")
    engine.execute(f"DROP TABLE {text.lines}")


def _renamed(raw: Raw, ids: str, engine: DuckEngine) -> Raw:
    """The same rows with accounts called as the other sources call them; one that is not in the list keeps its id."""
    types = {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE {raw.sql}")}
    own = as_text("account_id", types["account_id"])
    sql = (
        f"SELECT r.* REPLACE (coalesce(i.account_id, r.account_id) AS account_id) FROM "
        f"(SELECT * REPLACE ({own} AS account_id) FROM ({raw.sql})) r LEFT JOIN {ids} i ON i.theirs = r.account_id"
    )
    return replace(raw, in_place={}, sql=sql)

"""Rows set aside: kept whole, with file, row and reason, and told as findings."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from features.domain import Table
from features.engines import Engine
from features.engines.duckdb import DuckEngine, quoted
from features.facts import Finding
from features.raw import Raw
from features.sift import Sifted

BROKEN = "broken line"
"""The kind of a line that could not be split into columns."""

NO_ACCOUNT = "no account"
"""The kind of a record that no account could be found for."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """The folder of rejected rows, written whole: the old one stays until every table has been taken in."""

    folder: Path | None
    engine: DuckEngine

    def __enter__(self) -> Self:
        if self.folder is not None:
            shutil.rmtree(self._fresh, ignore_errors=True)
            self._fresh.mkdir(parents=True)
        return self

    def __exit__(self, fault: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if self.folder is None:
            return
        if fault is not None:
            shutil.rmtree(self._fresh, ignore_errors=True)
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._fresh.rename(self.folder)

    def take(self, table: Table, raw: Raw, sifted: Sifted) -> list[Finding]:
        """Write the unusable rows and broken lines of one table; one finding per kind of fault, the commonest first."""
        queries = []
        if sifted.accepted < sifted.read:
            queries.append(sifted.aside)
        for kind, query in ((BROKEN, raw.broken), (NO_ACCOUNT, raw.unmapped)):
            if query is not None:
                queries.append(f"SELECT _file, _row, _line, {quoted(kind)} AS kind, reason FROM ({query})")
        if not queries:
            return []
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE _rejected AS {' UNION ALL BY NAME '.join(queries)}")
        if self.folder is not None:
            path = self._fresh / f"{table.name}.parquet"
            self.engine.execute(f"COPY (FROM _rejected ORDER BY _file, _row) TO {quoted(str(path))} (FORMAT parquet)")
        found = findings_of(table, self.engine)
        self.engine.execute("DROP TABLE _rejected")
        return found

    @property
    def _fresh(self) -> Path:
        assert self.folder is not None
        return self.folder.with_name(self.folder.name + ".fresh")


def findings_of(table: Table, engine: Engine) -> list[Finding]:
    """One finding for each kind of fault in the table `_rejected`, the commonest first."""
    found = engine.rows(
        "SELECT kind, count(*), arg_min((_file, _row, reason), (_file, _row)) "
        "FROM _rejected GROUP BY kind ORDER BY count(*) DESC, kind"
    )
    return [_finding(table, str(kind), int(str(count)), first) for kind, count, first in found]


def _finding(table: Table, kind: str, count: int, first: object) -> Finding:
    assert isinstance(first, tuple)
    file, row, reason = first
    noun = "line" if kind == BROKEN else "row"
    rows = f"1 {noun} was" if count == 1 else f"{count} {noun}s were"
    return Finding(
        kind=kind,
        table=table.name,
        count=count,
        sentence=f"{rows} set aside; {file}{'' if row is None else f' row {row}'}: {reason}",
        file=str(file),
        row=None if row is None else int(row),
        set_aside=True,
    )

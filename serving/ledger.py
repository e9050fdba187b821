"""The tables of the score store. Rows are only ever added, and the database itself sees to it."""

from typing import Final

from sqlalchemy import (
    DDL,
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    event,
)

METADATA: Final = MetaData()

SCORE_RUNS: Final = Table(
    "score_runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("cutoff", Date, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("signals", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("base", Double, nullable=False),
    Column("usable", Boolean, nullable=False),
    # SQLite would otherwise give the number of a run that failed to the next one.
    sqlite_autoincrement=True,
)

SCORES: Final = Table(
    "scores",
    METADATA,
    Column("run", Integer, ForeignKey("score_runs.number"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("contract_id", Text),
    Column("name", Text),
    Column("owner", Text),
    Column("segment", Text),
    Column("risk", Double, nullable=False),
    Column("base", Double, nullable=False),
    Column("band", Text, nullable=False),
    Column("arr", Double),
    Column("arr_at_risk", Double),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("days_to_renewal", Integer),
    Column("reasons", JSON, nullable=False),
    Index("scores_of_account", "account_id", "run"),
)

BACKTEST_RUNS: Final = Table(
    "backtest_runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("cutoff", Date, nullable=False),
    Column("mode", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("origins", JSON, nullable=False),
    Column("figures", JSON, nullable=False),
    sqlite_autoincrement=True,
)

BACKTEST_SCORES: Final = Table(
    "backtest_scores",
    METADATA,
    Column("run", Integer, ForeignKey("backtest_runs.number"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("contract_id", Text),
    Column("name", Text),
    Column("owner", Text),
    Column("segment", Text),
    Column("origin", Date, nullable=False),
    Column("cutoff", Date, nullable=False),
    Column("lead_days", Integer, nullable=False),
    Column("ends_on", Date),
    Column("decided_on", Date),
    Column("arr", Double),
    Column("outcome", Integer, nullable=False),
    Column("risk", Double, nullable=False),
    Column("rank", Integer),
    Column("among", Integer),
    Column("band", Text, nullable=False),
    Column("sentence", Text),
)

APPEND_ONLY: Final[tuple[tuple[Table, str], ...]] = (
    (SCORE_RUNS, "number = NEW.number"),
    (SCORES, "run = NEW.run AND account_id = NEW.account_id"),
    (BACKTEST_RUNS, "number = NEW.number"),
    (BACKTEST_SCORES, "run = NEW.run AND place = NEW.place"),
)
"""Each table that only grows, and what says that a new row is already there."""

SAID: Final = "is append-only: what was said stays as it was said"


def _guard_sqlite(table: Table, same: str) -> None:
    """UPDATE and DELETE fail; so does INSERT OR REPLACE, which would delete without firing the DELETE trigger."""
    conditions = {"UPDATE": "", "DELETE": "", "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {same})"}
    for action, condition in conditions.items():
        statement = (
            f"CREATE TRIGGER IF NOT EXISTS {table.name}_no_{action.lower()} "
            f"BEFORE {action} ON {table.name} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} {SAID}'); END"
        )
        event.listen(table, "after_create", DDL(statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]


def _guard_postgresql(table: Table) -> None:
    """UPDATE, DELETE and TRUNCATE fail."""
    function = f"{table.name}_append_only"
    statements = (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table.name} {SAID}'; END $$",
        f"CREATE TRIGGER {function} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    )
    for statement in statements:
        event.listen(table, "after_create", DDL(statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


def only_grows(table: Table, same: str) -> None:
    """See to it that rows are only ever added; ``same`` is the SQL that says that a new row is already there."""
    _guard_sqlite(table, same)
    _guard_postgresql(table)


for _table, _same in APPEND_ONLY:
    only_grows(_table, _same)

"""The tables of scores, backtests and what people did. Rows are only ever added, and the database itself sees to it.

What is declared here is what queries are written with; the tables themselves are made by the steps of
`serving.migrations`, and a test sees to it that both say the same.
"""

from typing import Final

from sqlalchemy import (
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
    UniqueConstraint,
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
    Column("plan", Text),
    Column("place", Integer),
    Index("scores_of_account", "account_id", "run"),
    Index("scores_by_place", "run", "place"),
)

WARMTHS: Final = Table(
    "warmths",
    METADATA,
    Column("run", Integer, ForeignKey("score_runs.number"), primary_key=True),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("usable", Boolean, nullable=False),
    Column("verdict", Text, nullable=False),
)

TEMPERATURES: Final = Table(
    "temperatures",
    METADATA,
    Column("run", Integer, ForeignKey("score_runs.number"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("value", Double, nullable=False),
    Column("base", Double, nullable=False),
    Column("reasons", JSON, nullable=False),
)

DRAWS: Final = Table(
    "draws",
    METADATA,
    Column("play", Text, primary_key=True),
    Column("contract_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("run", Integer, ForeignKey("score_runs.number"), nullable=False),
    Column("segment", Text),
    Column("band", Text, nullable=False),
    Column("risk", Double, nullable=False),
    Column("arr", Double),
    Column("drawn_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("arm", Text, nullable=False),
)

ACTS: Final = Table(
    "acts",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("contract_id", Text),
    # Counts the acts of an account: two people who saw the same page cannot both add the next one.
    Column("version", Integer, nullable=False),
    Column("once", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("told", JSON, nullable=False),
    UniqueConstraint("account_id", "version", name="acts_in_order"),
    sqlite_autoincrement=True,
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

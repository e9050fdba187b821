"""Scores and backtests: the first tables. Stores from before steps were counted have them already."""

import sqlalchemy as sa
from alembic import op

from serving.migrations.guard import only_grows

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for make in (_runs, _scores, _backtest_runs, _backtest_scores):
        make(there)


def _runs(there: set[str]) -> None:
    if "score_runs" in there:
        return
    op.create_table(
        "score_runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cutoff", sa.Date, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("signals", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("base", sa.Double, nullable=False),
        sa.Column("usable", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    only_grows("score_runs", "number = NEW.number")


def _scores(there: set[str]) -> None:
    if "scores" in there:
        return
    op.create_table(
        "scores",
        sa.Column("run", sa.Integer, sa.ForeignKey("score_runs.number"), primary_key=True),
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("contract_id", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("segment", sa.Text),
        sa.Column("risk", sa.Double, nullable=False),
        sa.Column("base", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("arr", sa.Double),
        sa.Column("arr_at_risk", sa.Double),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("days_to_renewal", sa.Integer),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    op.create_index("scores_of_account", "scores", ["account_id", "run"])
    only_grows("scores", "run = NEW.run AND account_id = NEW.account_id")


def _backtest_runs(there: set[str]) -> None:
    if "backtest_runs" in there:
        return
    op.create_table(
        "backtest_runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cutoff", sa.Date, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("origins", sa.JSON, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    only_grows("backtest_runs", "number = NEW.number")


def _backtest_scores(there: set[str]) -> None:
    if "backtest_scores" in there:
        return
    op.create_table(
        "backtest_scores",
        sa.Column("run", sa.Integer, sa.ForeignKey("backtest_runs.number"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("contract_id", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("segment", sa.Text),
        sa.Column("origin", sa.Date, nullable=False),
        sa.Column("cutoff", sa.Date, nullable=False),
        sa.Column("lead_days", sa.Integer, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("decided_on", sa.Date),
        sa.Column("arr", sa.Double),
        sa.Column("outcome", sa.Integer, nullable=False),
        sa.Column("risk", sa.Double, nullable=False),
        sa.Column("rank", sa.Integer),
        sa.Column("among", sa.Integer),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text),
    )
    only_grows("backtest_scores", "run = NEW.run AND place = NEW.place")

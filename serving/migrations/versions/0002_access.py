"""Keys, the record of calls, outcomes and feedback sent in, and each score's plan and place in the ranking."""

import sqlalchemy as sa
from alembic import op

from serving.migrations.guard import only_grows

revision = "0002"
down_revision = "0001"

RANKS = """
UPDATE scores SET place = ranked.place FROM (
  SELECT s.run, s.account_id, row_number() OVER (
    PARTITION BY s.run
    ORDER BY (CASE WHEN r.usable THEN s.arr_at_risk ELSE s.arr END) IS NULL,
             (CASE WHEN r.usable THEN s.arr_at_risk ELSE s.arr END) DESC,
             (CASE WHEN r.usable THEN s.risk END) DESC, s.ends_on IS NULL, s.ends_on, s.account_id) AS place
  FROM scores s JOIN score_runs r ON r.number = s.run) ranked
WHERE ranked.run = scores.run AND ranked.account_id = scores.account_id
"""
"""The places that the old rows always had by their values: nothing that was said is changed."""


def upgrade() -> None:
    """Make the tables, and number the scores there are."""
    _keys()
    _calls()
    _sent()
    op.add_column("scores", sa.Column("plan", sa.Text))
    op.add_column("scores", sa.Column("place", sa.Integer))
    _unguarded("scores")
    op.execute(RANKS)
    only_grows("scores", "run = NEW.run AND account_id = NEW.account_id")
    op.create_index("scores_by_place", "scores", ["run", "place"])


def _unguarded(table: str) -> None:
    """Take the guard away for the length of this step: it runs in one transaction, nobody else writes meanwhile."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {table}_no_update")
    else:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("used_at", sa.DateTime(timezone=True)),
    )


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("account_ids", sa.JSON, nullable=False),
        sa.Column("model_version", sa.Text),
        sa.Column("cutoff", sa.Date),
        sa.Column("milliseconds", sa.Double, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("calls_by_key", "calls", ["key", "at"])
    only_grows("calls", "number = NEW.number")


def _sent() -> None:
    op.create_table(
        "sent",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("rows", sa.JSON, nullable=False),
        sa.UniqueConstraint("kind", "idempotency_key", name="sent_once"),
        sqlite_autoincrement=True,
    )
    only_grows("sent", "number = NEW.number")

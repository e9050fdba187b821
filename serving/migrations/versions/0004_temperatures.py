"""How likely each account is to buy more, and what says so."""

import sqlalchemy as sa
from alembic import op

from serving.migrations.guard import only_grows

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables; runs of before have no temperatures."""
    op.create_table(
        "warmths",
        sa.Column("run", sa.Integer, sa.ForeignKey("score_runs.number"), primary_key=True),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("horizon_days", sa.Integer, nullable=False),
        sa.Column("usable", sa.Boolean, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
    )
    op.create_table(
        "temperatures",
        sa.Column("run", sa.Integer, sa.ForeignKey("score_runs.number"), primary_key=True),
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("base", sa.Double, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    only_grows("warmths", "run = NEW.run")
    only_grows("temperatures", "run = NEW.run AND account_id = NEW.account_id")

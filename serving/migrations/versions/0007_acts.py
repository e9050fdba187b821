"""What people did about accounts."""

import sqlalchemy as sa
from alembic import op

from serving.migrations.guard import only_grows

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; nobody did anything before."""
    op.create_table(
        "acts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("contract_id", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("once", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.UniqueConstraint("account_id", "version", name="acts_in_order"),
        sqlite_autoincrement=True,
    )
    only_grows(
        "acts", "number = NEW.number OR once = NEW.once OR (account_id = NEW.account_id AND version = NEW.version)"
    )

"""Where scores were sent: every push, and what each destination was last told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables. They hold the present state, so rows are changed."""
    op.create_table(
        "pushes",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("destination", sa.Text, nullable=False, index=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("anew_since", sa.Integer),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("fault", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "delivered",
        sa.Column("destination", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("push", sa.Integer),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("trying", sa.Text),
        sa.Column("refused", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("letter", sa.JSON),
    )

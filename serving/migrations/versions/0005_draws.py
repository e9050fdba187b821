"""Which terms were drawn for a play, and which were left out of it by chance."""

import sqlalchemy as sa
from alembic import op

from serving.migrations.guard import only_grows

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; nobody was drawn for anything before."""
    op.create_table(
        "draws",
        sa.Column("play", sa.Text, primary_key=True),
        sa.Column("contract_id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("score_runs.number"), nullable=False),
        sa.Column("segment", sa.Text),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("risk", sa.Double, nullable=False),
        sa.Column("arr", sa.Double),
        sa.Column("drawn_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
    )
    only_grows("draws", "play = NEW.play AND contract_id = NEW.contract_id")

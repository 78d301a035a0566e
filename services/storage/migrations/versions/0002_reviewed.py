"""What people have looked at"""

import sqlalchemy as sa
from alembic import op

from services.storage.tables.columns import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    op.create_table(
        "reviewed",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("review", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["receipts.id"]),
        sa.PrimaryKeyConstraint("message_id", "review"),
    )

"""An index for the retention of published records"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    op.create_index(
        "outbox_published",
        "outbox",
        ["created_at"],
        sqlite_where=sa.text("published_at IS NOT NULL"),
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )

"""The date of an action as exactly as it is given, a timestamp too"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    with op.batch_alter_table("acknowledgements") as table:
        table.alter_column(
            "action_on", existing_type=sa.String(length=10), type_=sa.String(length=40), existing_nullable=True
        )

"""${message}"""

import sqlalchemy as sa
from alembic import op

from services.storage.tables.columns import Instant

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}

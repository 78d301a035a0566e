"""In which town a sighting was, and what its product was like"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    # What is there already says of neither: it is compared by its subdivision, as it was.
    op.add_column("sightings", sa.Column("locality", sa.Text(), server_default="", nullable=False))
    op.add_column("sightings", sa.Column("traits", sa.Text(), server_default="", nullable=False))

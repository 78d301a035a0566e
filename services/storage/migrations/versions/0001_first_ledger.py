"""The first ledger"""

from services.storage.migrations.first_ledger import alone, referring

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    alone.create()
    referring.create()

"""The tables of the first ledger that refer to others."""

import sqlalchemy as sa
from alembic import op

from services.storage.tables.columns import Instant


def create() -> None:
    """Create them with their indexes, after those that they refer to."""
    op.create_table(
        "held",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("sender_id", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("national_ref", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("deadline", Instant(), nullable=False),
        sa.Column("opens_thread", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["receipts.id"],
        ),
        sa.PrimaryKeyConstraint("message_id"),
    )
    with op.batch_alter_table("held", schema=None) as batch_op:
        batch_op.create_index("held_deadline", ["deadline"], unique=False)
        batch_op.create_index("held_for", ["national_ref"], unique=False)

    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("occasion", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("thread_version", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("endpoint_id", sa.String(length=80), nullable=False),
        sa.Column("message_type", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("waits_for", sa.String(length=36), nullable=True),
        sa.Column("supersedes", sa.Boolean(), nullable=False),
        sa.Column("needs_original", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("claim_token", sa.String(length=36), nullable=True),
        sa.Column("claimed_until", Instant(), nullable=True),
        sa.Column("received", sa.Boolean(), nullable=False),
        sa.Column("first_attempt_at", Instant(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("awaits_answer", sa.Boolean(), nullable=False),
        sa.Column("reminded_at", Instant(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["receipts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index(
            "notifications_claimed",
            ["claimed_until"],
            unique=False,
            sqlite_where=sa.text("state = 'claimed'"),
            postgresql_where=sa.text("state = 'claimed'"),
        )
        batch_op.create_index(
            "notifications_endpoint",
            ["endpoint_id", "urgency", "next_at"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(
            "notifications_failed",
            ["settled_at"],
            unique=False,
            sqlite_where=sa.text("state = 'failed'"),
            postgresql_where=sa.text("state = 'failed'"),
        )
        batch_op.create_index("notifications_message", ["message_id"], unique=False)
        batch_op.create_index("notifications_recipient", ["recipient_id", "cursor"], unique=False)
        batch_op.create_index("notifications_thread", ["thread_id", "recipient_id"], unique=False)
        batch_op.create_index(
            "notifications_unanswered",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("awaits_answer IS 1"),
            postgresql_where=sa.text("awaits_answer IS true"),
        )
        batch_op.create_index(
            "notifications_unplanned",
            ["waits_for"],
            unique=False,
            sqlite_where=sa.text("state = 'pending' AND next_at IS NULL"),
            postgresql_where=sa.text("state = 'pending' AND next_at IS NULL"),
        )
        batch_op.create_index(
            "notifications_waiting",
            ["waits_for"],
            unique=False,
            sqlite_where=sa.text("waits_for IS NOT NULL"),
            postgresql_where=sa.text("waits_for IS NOT NULL"),
        )

    op.create_table(
        "routings",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("occasion", sa.String(length=32), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("directory_version", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("routed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["receipts.id"],
        ),
        sa.PrimaryKeyConstraint("message_id", "occasion"),
    )
    with op.batch_alter_table("routings", schema=None) as batch_op:
        batch_op.create_index("routings_routed", ["routed_at"], unique=False)

    op.create_table(
        "verdicts",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.String(length=36), nullable=False),
        sa.Column("thread_version", sa.Integer(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.String(length=16), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("classification", sa.Text(), nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("decision", sa.BigInteger(), nullable=False),
        sa.Column("routed_at", Instant(), nullable=True),
        sa.Column("review", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["receipts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.id"],
        ),
        sa.PrimaryKeyConstraint("message_id", "revision"),
    )
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.create_index("verdicts_decision", ["decision"], unique=False)
        batch_op.create_index(
            "verdicts_review",
            ["decision"],
            unique=False,
            sqlite_where=sa.text("review IS 1"),
            postgresql_where=sa.text("review IS true"),
        )
        batch_op.create_index("verdicts_thread", ["thread_id", "thread_version", "revision"], unique=False)
        batch_op.create_index(
            "verdicts_unrouted",
            ["decided_at"],
            unique=False,
            sqlite_where=sa.text("routed_at IS NULL"),
            postgresql_where=sa.text("routed_at IS NULL"),
        )

    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("institution_id", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institutions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "attempts",
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
        ),
        sa.PrimaryKeyConstraint("notification_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resolutions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("finding", sa.Integer(), nullable=False),
        sa.Column("substance", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["receipts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "finding", "substance", "number", name="resolutions_number"),
    )

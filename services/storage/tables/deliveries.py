"""Tables of who is told: routings, notifications, attempts, acknowledgements."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from services.storage.tables.columns import CLUSTERED, Instant, metadata

routings = Table(
    "routings",  # routing is a fact: once per message and occasion
    metadata,
    Column("message_id", String(36), ForeignKey("receipts.id"), primary_key=True),
    Column("occasion", String(32), primary_key=True),  # issue, reassessed n
    Column("thread_id", String(36), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("directory_version", BigInteger, nullable=False),
    Column(
        "reasons", Text, nullable=False
    ),  # JSON: recipient -> [reason codes], of everybody in the directory
    Column("planned", Integer, nullable=False),  # rows written with it: the auditor counts them again
    Column("routed_at", Instant, nullable=False),
)
Index("routings_routed", routings.c.routed_at)

notifications = Table(
    "notifications",  # id derives from (message, occasion, recipient, channel): the same on every try
    metadata,
    Column("id", String(36), primary_key=True),
    Column("message_id", String(36), ForeignKey("receipts.id"), nullable=False),
    Column("occasion", String(32), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("thread_id", String(36), nullable=False),
    Column("thread_version", Integer, nullable=False),
    Column("recipient_id", String(64), nullable=False),
    Column("channel", String(16), nullable=False),  # email, webhook, feed
    Column("endpoint_id", String(80), nullable=False),  # recipient, channel and address: what backs off
    Column("message_type", String(16), nullable=False),
    Column(
        "urgency", Integer, nullable=False
    ),  # 0 critical, 1 high, 2 moderate, 3 info: sorts first things first
    Column("content", String(16), nullable=False),  # full, findings, notice, gone
    Column("why", Text, nullable=False),  # JSON list of codes
    Column("state", String(16), nullable=False),  # pending, claimed, delivered, failed, superseded, withheld
    Column("reason", String(64)),
    Column("waits_for", String(36)),  # an older notification to the same recipient that is being tried now
    Column("supersedes", Boolean, nullable=False),  # an older one that failed need not be tried any more
    Column(
        "needs_original", Boolean, nullable=False
    ),  # means nothing to who certainly never had the older one
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant),
    Column("claim_token", String(36)),
    Column("claimed_until", Instant),
    # Delivered, or an attempt whose outcome nobody knows: for a correction both count as "had it".
    Column("received", Boolean, nullable=False),
    Column("first_attempt_at", Instant),
    Column("settled_at", Instant),
    Column("due_at", Instant),  # when the acknowledgement is asked for
    Column(
        "awaits_answer", Boolean, nullable=False
    ),  # until somebody answers, or a newer version replaces it
    Column("reminded_at", Instant),
    Column("cursor", BigInteger, nullable=False),  # given in order of commit: catch-up feeds read by it
)
_pending = notifications.c.state == "pending"
Index(
    "notifications_endpoint",
    notifications.c.endpoint_id,
    notifications.c.urgency,
    notifications.c.next_at,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
_claimed = notifications.c.state == "claimed"
Index(
    "notifications_claimed", notifications.c.claimed_until, sqlite_where=_claimed, postgresql_where=_claimed
)
Index("notifications_thread", notifications.c.thread_id, notifications.c.recipient_id)
Index("notifications_message", notifications.c.message_id)
Index("notifications_recipient", notifications.c.recipient_id, notifications.c.cursor)
_awaits = notifications.c.awaits_answer.is_(True)
Index("notifications_unanswered", notifications.c.due_at, sqlite_where=_awaits, postgresql_where=_awaits)
_unplanned = _pending & notifications.c.next_at.is_(None)
Index(
    "notifications_unplanned",  # what the auditor looks at: pending, but nothing will make it move
    notifications.c.waits_for,
    sqlite_where=_unplanned,
    postgresql_where=_unplanned,
)
_failed = notifications.c.state == "failed"
Index("notifications_failed", notifications.c.settled_at, sqlite_where=_failed, postgresql_where=_failed)
Index(
    "notifications_waiting",
    notifications.c.waits_for,
    sqlite_where=notifications.c.waits_for.is_not(None),
    postgresql_where=notifications.c.waits_for.is_not(None),
)

attempts = Table(
    "attempts",  # one try to send; unique(notification, number)
    metadata,
    Column("notification_id", String(36), ForeignKey("notifications.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("outcome", String(16), nullable=False),  # delivered, deferred, rejected, unknown
    Column("reason", String(64), nullable=False),
    Column("status_code", Integer),
    **CLUSTERED,
)

endpoints = Table(
    "endpoints",  # what backs off is the endpoint, never the message
    metadata,
    Column("id", String(80), primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", Instant),
    Column("next_probe_at", Instant),
    Column("disabled_reason", String(64)),  # 410: nothing is tried until the directory changes it
    Column("changed_at", Instant, nullable=False),
)

acknowledgements = Table(
    "acknowledgements",  # every answer is kept; the newest of a recipient and message counts
    metadata,
    Column("id", String(36), primary_key=True),
    Column("message_id", String(36), nullable=False),
    Column("recipient_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("note", Text),
    Column("action_on", String(40)),  # as exactly as it was given, up to a timestamp with offset
    Column("via", String(16), nullable=False),  # link, page, api
    Column("answered_at", Instant, nullable=False),
)
Index(
    "acknowledgements_message",
    acknowledgements.c.message_id,
    acknowledgements.c.recipient_id,
    acknowledgements.c.answered_at,
)

"""Tables of the transport: outbox, positions, dead letters, leases, counters, audit."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from services.storage.tables.columns import SERIAL_OPTIONS, Instant, Serial, metadata

outbox = Table(
    "outbox",  # unique(topic, event_id): a stage that runs twice appends once
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("topic", String(64), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("traceparent", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("published_at", Instant),
    UniqueConstraint("topic", "event_id", name="outbox_event"),
    **SERIAL_OPTIONS,
)
Index(
    "outbox_unpublished",
    outbox.c.created_at,
    sqlite_where=outbox.c.published_at.is_not(None),  # there the table is the transport: an empty index
    postgresql_where=outbox.c.published_at.is_(None),
)
Index(
    "outbox_published",  # what retention prunes, where the rows are published
    outbox.c.created_at,
    sqlite_where=outbox.c.published_at.is_not(None),
    postgresql_where=outbox.c.published_at.is_not(None),
)

positions = Table(
    "positions",  # how far each group has read the outbox
    metadata,
    Column("group_name", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

dead_letters = Table(
    "dead_letters",  # id = hash of (group, topic, event_id): a record dies once
    metadata,
    Column("id", String(64), primary_key=True),
    Column("group_name", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("died_at", Instant, nullable=False),
    Column("replayed_at", Instant),
)

leases = Table(
    "leases",  # one holder at a time for each of the loops that must not run twice
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Instant, nullable=False),
)

counters = Table(
    "counters",  # serials that people read, the directory's version, the oldest code that may run
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


audit = Table(
    "audit",  # written in the act's transaction; chained afterwards by one lease holder
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("act", String(64), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("detail", Text, nullable=False),  # JSON, no personal data
    Column("previous", String(64), unique=True),
    Column("hash", String(64), unique=True),
    **SERIAL_OPTIONS,
)
Index(
    "audit_unchained",
    audit.c.id,
    sqlite_where=audit.c.hash.is_(None),
    postgresql_where=audit.c.hash.is_(None),
)

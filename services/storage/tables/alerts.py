"""Tables of what was sent and what it was taken for: receipts, threads, verdicts, sightings."""

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
    UniqueConstraint,
    text,
)

from services.storage.tables.columns import CLUSTERED, Instant, SubdivisionText, metadata

receipts = Table(
    "receipts",  # id derives from (sender, status, national_ref, version)
    metadata,
    Column("id", String(36), primary_key=True),
    Column("sender_id", String(64), nullable=False),
    Column("country", String(2), nullable=False),  # of the sender: references are looked up by it
    Column("status", String(16), nullable=False),
    Column("national_ref", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("message_type", String(16), nullable=False),
    Column("tlp", String(16), nullable=False),
    Column("reference_key", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the alert's JSON, defaults left out
    Column("can_amend", Boolean, nullable=False),  # the key had the scope `amend` when it sent this
    Column("state", String(16), nullable=False),  # pending, held, classified, dead, draft
    Column("state_reason", String(64)),
    Column(
        "published_at", Instant, nullable=False
    ),  # when last put on alerts.v1: the reconciler counts from it
    Column("attempt", Integer, nullable=False, server_default=text("0")),  # how often put there again
)
Index(  # by the rarest first: one index for what a sender means and for what a state means
    "receipts_reference", receipts.c.national_ref, receipts.c.status, receipts.c.sender_id, receipts.c.version
)
Index("receipts_state", receipts.c.state, receipts.c.published_at)
Index("receipts_received", receipts.c.received_at, receipts.c.id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("sender_id", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_sha256", String(64), nullable=False),
    Column("receipt_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("idempotency_keys_age", idempotency_keys.c.created_at)

held = Table(
    "held",  # what a held message waits for
    metadata,
    Column("message_id", String(36), ForeignKey("receipts.id"), primary_key=True),
    Column("reference", String(80), nullable=False),  # as written by the sender
    Column("sender_id", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("status", String(16), nullable=False),
    Column("national_ref", String(64), nullable=False),  # of what it waits for, or its relay id
    Column("since", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("opens_thread", Boolean, nullable=False),  # at the deadline it stands alone instead of dying
)
Index("held_for", held.c.national_ref)
Index("held_deadline", held.c.deadline)


citations = Table(
    "citations",  # references to what the relay did not have yet, and which link whenever it arrives
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("reference", String(80), primary_key=True),  # as written by the sender
    Column("relation", String(24), primary_key=True),
    Column("thread_id", String(36), nullable=False),  # of the message that cites
    Column("sender_id", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("status", String(16), nullable=False),
    Column("national_ref", String(64), nullable=False),  # what is cited, without its country, or a relay id
)
Index("citations_of", citations.c.national_ref, citations.c.status)

threads = Table(
    "threads",  # id derives from (sender, status, national_ref) of the message that opened it
    metadata,
    Column("id", String(36), primary_key=True),
    Column("relay_id", String(32), nullable=False, unique=True),  # SATA-UY-2026-000007
    Column("opaque_id", String(16), nullable=False, unique=True),  # N-7F3K-92QD: names nothing
    Column("sender_id", String(64), nullable=False),
    Column("sender_country", String(2), nullable=False),  # whose institutions with `amend` may change it
    Column("country", String(2), nullable=False),  # where: a territory keeps its own code
    Column("status", String(16), nullable=False),
    Column("message_id", String(36), nullable=False),  # whose content is the thread's now
    Column("state", String(16), nullable=False),  # open, closed, retracted
    Column("disputed", Boolean, nullable=False),
    Column("version", Integer, nullable=False),  # the newest thread_version
    Column("level", String(16), nullable=False),  # severity_assessed as it now stands
    Column("strictest_tlp", String(16), nullable=False),
    Column("incident_id", String(36), nullable=False),
    Column("orphan", Boolean, nullable=False),  # opened by an update whose original never came
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
Index("threads_incident", threads.c.incident_id)

verdicts = Table(
    "verdicts",  # one per message and revision; only a new cause makes one: a repeat reads what was decided
    metadata,
    Column("message_id", String(36), ForeignKey("receipts.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column(
        "cause", String(64), nullable=False
    ),  # issue, catalogue:<version>, resolution:<id>, separation:<id>
    Column("thread_id", String(36), ForeignKey("threads.id"), nullable=False),
    Column("thread_version", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),  # a lower version than one already there: kept, tells nobody
    Column("country", String(2), nullable=False),  # location.country: lists filter by it
    Column("level", String(16), nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("categories", Text, nullable=False),  # " NPS SYN ": codes between blanks, for lists
    Column("classification", Text, nullable=False),  # JSON
    Column("correlation", Text, nullable=False),  # JSON, of all the relay knows: filtered for each reader
    Column("decided_at", Instant, nullable=False),
    Column("decision", BigInteger, nullable=False),  # number taken under the locks: the order of decisions
    Column("routed_at", Instant),
    Column("review", Boolean, nullable=False, server_default=text("false")),  # a person should look at it
)
Index("verdicts_thread", verdicts.c.thread_id, verdicts.c.thread_version, verdicts.c.revision)
Index(
    "verdicts_unrouted",
    verdicts.c.decided_at,
    sqlite_where=verdicts.c.routed_at.is_(None),
    postgresql_where=verdicts.c.routed_at.is_(None),
)
Index("verdicts_decision", verdicts.c.decision)
_review = verdicts.c.review.is_(True)
Index("verdicts_review", verdicts.c.decision, sqlite_where=_review, postgresql_where=_review)

resolutions = Table(
    "resolutions",  # id = (message, position, number): what a person said that a reported substance is
    metadata,
    Column("id", String(36), primary_key=True),
    Column("message_id", String(36), ForeignKey("receipts.id"), nullable=False),
    Column("finding", Integer, nullable=False),
    Column("substance", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # of the resolutions of one position the highest holds
    Column("name", String(200), nullable=False),  # as reported
    Column("outcome", String(120), nullable=False),  # key of the catalogue, or not_a_substance
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("message_id", "finding", "substance", "number", name="resolutions_number"),
)

reviewed = Table(
    "reviewed",  # id = (message, review): a person has looked at what concerns the alert as a whole
    metadata,
    Column("message_id", String(36), ForeignKey("receipts.id"), primary_key=True),
    Column("review", String(64), primary_key=True),  # the code of the reason to look
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

sightings = Table(
    "sightings",  # one per message, finding and key: a substance, a family, a product or a text
    metadata,
    Column("message_id", String(36), primary_key=True),
    Column("finding", Integer, primary_key=True),
    Column(
        "key", String(120), primary_key=True
    ),  # substance:..., family:..., and of product, offer, text the hash
    Column("thread_id", String(36), nullable=False),
    Column("sender_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("market", String(24), nullable=False),
    Column("country", String(2), nullable=False),
    Column("admin1", Text, nullable=False),  # codes between blanks; "" = the whole country or not stated
    Column("role", String(16), nullable=False),  # of the substance; "" for a product or a text
    Column("confirmation", String(24), nullable=False),  # ruled_out too: it keeps reports apart
    Column("presence", String(24), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column(
        "detail", Text, nullable=False
    ),  # product: its principals; family: its member; text: hash of facts
    Column("counted", Boolean, nullable=False),  # found here, at least presumptively: it makes a first
    Column("current", Boolean, nullable=False),  # false once a newer version or a retraction replaces it
    Column("locality", Text, nullable=False, server_default=""),  # as it is compared; "" = not stated
    Column("traits", Text, nullable=False, server_default=""),  # of the product: kind=value between blanks
    **CLUSTERED,
)
# Every read is of one country and a few days, so that it costs the same however much is stored.
Index("sightings_key", sightings.c.key, sightings.c.status, sightings.c.country, sightings.c.ended_at)

spread = Table(
    "spread",  # where each key has been seen: derived from sightings, so that firsts are one short read
    metadata,
    Column("key", String(120), primary_key=True),
    Column("status", String(16), primary_key=True),
    # '' = the country: its rows stand together, before all subdivisions, which stand by country
    Column("admin1", SubdivisionText, primary_key=True),
    Column("country", String(2), primary_key=True),
    Column("market", String(24), primary_key=True),
    Column("first_thread_id", String(36), nullable=False),
    Column("last_thread_id", String(36), nullable=False),
    Column("last_at", Instant, nullable=False),
    **CLUSTERED,
)

links = Table(
    "links",  # id = (thread, other, level): what belongs together, why, and whether a person took it back
    metadata,
    Column("id", String(36), primary_key=True),
    Column("thread_id", String(36), nullable=False),
    Column("other_thread_id", String(36), nullable=False),
    Column("level", String(24), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("linked_at", Instant, nullable=False),
    Column("undone_at", Instant),
)
Index("links_thread", links.c.thread_id)
Index("links_other", links.c.other_thread_id)

baselines = Table(
    "baselines",  # what a state already knows: without it an empty register makes everything a first
    metadata,
    Column("country", String(2), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("admin1", String(8), primary_key=True),  # '' = the whole country
    Column("common", Boolean, nullable=False),
)
Index("baselines_key", baselines.c.key)  # a first in the region is one that no state knows

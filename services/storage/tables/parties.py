"""Tables of the directory and of who may call: institutions, secrets, keys, sessions."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from services.storage.tables.columns import Instant, metadata

institutions = Table(
    "institutions",  # the directory: who sends, who is told
    metadata,
    Column("id", String(64), primary_key=True),
    Column("country", String(2), nullable=False),
    Column("organisation", String(200), nullable=False),
    Column("kind", String(32), nullable=False),  # focal_point, network, observer, private_sector, secretariat
    Column("language", String(2), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("audiences", Text, nullable=False),  # JSON list
    Column("categories", Text, nullable=False),  # JSON list; empty = every category
    Column("active", Boolean, nullable=False),
    Column("document", Text, nullable=False),  # JSON of the whole directory entry (channels, deputies)
    Column("updated_at", Instant, nullable=False),
)

participations = Table(
    "participations",  # of a state: active, observer, not_participating, withdrawn, disputed
    metadata,
    Column("country", String(2), primary_key=True),
    Column("participation", String(32), nullable=False),
)

webhook_secrets = Table(
    "webhook_secrets",  # encrypted at rest; two overlap while one is rotated
    metadata,
    Column("id", String(64), primary_key=True),
    Column("institution_id", String(64), ForeignKey("institutions.id"), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
)

api_keys = Table(
    "api_keys",  # prefix + SHA-256 of 256 random bits: the key itself is shown once
    metadata,
    Column("id", String(64), primary_key=True),
    Column("prefix", String(16), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("institution_id", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("organisation", String(200), nullable=False),
    Column("role", String(32), nullable=False),
    Column("contact", String(200)),
    Column("countries", Text, nullable=False),  # JSON list: what it may report for
    Column("scopes", Text, nullable=False),  # JSON list: send, amend, read, acknowledge, secretariat
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)


sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("recipient_id", String(64), primary_key=True),
    Column("address_sha256", String(64), primary_key=True),
    Column("code_sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
)

sessions = Table(
    "sessions",  # id = SHA-256 of the cookie's token
    metadata,
    Column("id", String(64), primary_key=True),
    Column("recipient_id", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

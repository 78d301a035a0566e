"""The tables of the ledger, one `MetaData` for SQLite and PostgreSQL.

A fact is never updated; what changes (states, claims, positions) stands in columns of its own. The comment on
each table says what makes a repeat harmless.
"""

from services.storage.tables.alerts import (
    baselines,
    citations,
    held,
    idempotency_keys,
    links,
    receipts,
    resolutions,
    reviewed,
    sightings,
    spread,
    threads,
    verdicts,
)
from services.storage.tables.columns import Instant, metadata
from services.storage.tables.deliveries import acknowledgements, attempts, endpoints, notifications, routings
from services.storage.tables.parties import (
    api_keys,
    institutions,
    participations,
    sessions,
    sign_in_codes,
    webhook_secrets,
)
from services.storage.tables.transport import audit, counters, dead_letters, leases, outbox, positions

__all__ = [
    "Instant",
    "acknowledgements",
    "api_keys",
    "attempts",
    "audit",
    "baselines",
    "citations",
    "counters",
    "dead_letters",
    "endpoints",
    "held",
    "idempotency_keys",
    "institutions",
    "leases",
    "links",
    "metadata",
    "notifications",
    "outbox",
    "participations",
    "positions",
    "receipts",
    "resolutions",
    "reviewed",
    "routings",
    "sessions",
    "sightings",
    "sign_in_codes",
    "spread",
    "threads",
    "verdicts",
    "webhook_secrets",
]

"""API keys: 256 random bits, of which the ledger keeps a prefix and the SHA-256.

A slow password hash would add nothing: nobody guesses 256 bits, and a key is checked for every request.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, or_, select, update
from sqlalchemy.engine import Row

from services.storage import audit
from services.storage.driver import run
from services.storage.records import ApiKey
from services.storage.repeating import one_statement
from services.storage.tables import api_keys

PREFIX_LENGTH = 12
SCOPES = frozenset({"send", "amend", "read", "acknowledge", "secretariat"})


_usable = select(api_keys).where(
    api_keys.c.prefix == bindparam("named"),
    api_keys.c.revoked_at.is_(None),
    or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > bindparam("at")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be stored: the secret itself is shown once and never kept."""

    key: ApiKey
    secret: str


def digest(secret: str) -> str:
    """Return what the ledger keeps of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(connection: Connection, new: NewKey, *, actor: str) -> None:
    """Store a new key."""
    key = new.key
    connection.execute(
        insert(api_keys),
        {
            "id": key.id,
            "prefix": new.secret[:PREFIX_LENGTH],
            "sha256": digest(new.secret),
            "institution_id": key.institution_id,
            "country": key.country,
            "organisation": key.organisation,
            "role": key.role,
            "contact": key.contact,
            "countries": json.dumps(sorted(key.countries)),
            "scopes": json.dumps(sorted(key.scopes)),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        },
    )
    detail = {
        "institution": key.institution_id,
        "scopes": sorted(key.scopes),
        "countries": sorted(key.countries),
    }
    audit.record(
        connection, actor=actor, act="key.created", subject=key.id, detail=detail, now=key.created_at
    )


@one_statement
def find(connection: Connection, secret: str, *, now: datetime) -> ApiKey | None:
    """Return the key that `secret` is, unless it has expired or was revoked."""
    if "\x00" in secret:  # PostgreSQL holds no such text, and refuses to look for it
        return None
    row = run(connection, _usable, {"named": secret[:PREFIX_LENGTH], "at": now}).first()
    if row is None or not hmac.compare_digest(row.sha256, digest(secret)):
        return None
    return _to_key(row)


def listed(connection: Connection) -> list[ApiKey]:
    """Return all keys, oldest first, the revoked ones too."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [_to_key(row) for row in rows]


def revoke(connection: Connection, key_id: str, *, at: datetime, actor: str) -> bool:
    """End a key at `at`; return whether there was one to end."""
    ended = connection.execute(
        update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=at)
    )
    if ended.rowcount:
        audit.record(connection, actor=actor, act="key.revoked", subject=key_id, detail={}, now=at)
    return ended.rowcount == 1


def rotate(connection: Connection, key_id: str, new: NewKey, *, overlap_until: datetime, actor: str) -> bool:
    """Store `new` with the rights of `key_id`, which ends at `overlap_until`; return whether it was there."""
    row = connection.execute(
        select(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    ).first()
    if row is None:
        return False
    old = _to_key(row)
    successor = replace(old, id=new.key.id, created_at=new.key.created_at, expires_at=new.key.expires_at)
    create(connection, NewKey(key=successor, secret=new.secret), actor=actor)
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(expires_at=overlap_until))
    audit.record(
        connection,
        actor=actor,
        act="key.rotated",
        subject=key_id,
        detail={"successor": new.key.id},
        now=new.key.created_at,
    )
    return True


def _to_key(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        institution_id=row.institution_id,
        country=row.country,
        organisation=row.organisation,
        role=row.role,
        contact=row.contact,
        countries=frozenset(json.loads(row.countries)),
        scopes=frozenset(json.loads(row.scopes)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )

"""Evidence of acts: written in the act's own transaction, chained by hashes afterwards.

Chaining inside the act would make every act wait for the one before; one lease holder does it a moment later.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from services.storage.locks import lock_unless_held, share
from services.storage.tables import audit

_GENESIS = "0" * 64
# Who writes an act shares this lock, who chains holds it alone: on PostgreSQL an id is given before its commit, and a
# lower one that comes later would never follow from the one before.
_WRITING = "audit"


def record(
    connection: Connection, *, actor: str, act: str, subject: str, detail: Mapping[str, object], now: datetime
) -> None:
    """Write down one act; `detail` holds no personal data and no content of an alert."""
    share(connection, _WRITING)
    connection.execute(
        insert(audit),
        {
            "at": now,
            "actor": actor,
            "act": act,
            "subject": subject,
            "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False),
        },
    )


def chain(connection: Connection, *, most: int) -> int:
    """Chain what is not chained yet, oldest first; return how many records. For one lease holder.

    While an act is being written nothing is chained: the next round does it.
    """
    if not lock_unless_held(connection, _WRITING):
        return 0
    last = connection.execute(
        select(audit.c.hash).where(audit.c.hash.is_not(None)).order_by(audit.c.id.desc()).limit(1)
    ).scalar()
    previous = last or _GENESIS
    open_rows = connection.execute(
        select(audit).where(audit.c.hash.is_(None)).order_by(audit.c.id).limit(most)
    ).all()
    for row in open_rows:
        digest = _digest(previous, row)
        connection.execute(update(audit).where(audit.c.id == row.id).values(previous=previous, hash=digest))
        previous = digest
    return len(open_rows)


def broken(connection: Connection) -> int | None:
    """Return the id of the first record that does not follow from the one before, or None."""
    previous = _GENESIS
    for row in connection.execute(select(audit).where(audit.c.hash.is_not(None)).order_by(audit.c.id)):
        if row.previous != previous or row.hash != _digest(previous, row):
            found: int = row.id
            return found
        previous = row.hash
    return None


def _digest(previous: str, row: object) -> str:
    content = [getattr(row, name) for name in ("id", "actor", "act", "subject", "detail")]
    at: datetime = row.at  # type: ignore[attr-defined]  # a row of `audit`
    return hashlib.sha256(json.dumps([previous, at.isoformat(), *content]).encode()).hexdigest()

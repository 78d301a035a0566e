"""Records that can never succeed, kept with their reason until a person looks."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from services.errors import Invalid
from services.storage import outbox
from services.storage.records import Event, Record
from services.storage.repeating import repeatable
from services.storage.statements import insert_once
from services.storage.tables import dead_letters, receipts

_ID: Final = re.compile(r"[0-9A-Za-z-]{1,36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that died, and why."""

    id: str
    group: str
    topic: str
    event_id: str
    reason: str
    detail: str
    died_at: datetime
    replayed_at: datetime | None
    message_id: str | None  # what its record is about, where that can be read
    sender_id: str | None
    national_ref: str | None
    version: int | None


@repeatable
def keep(connection: Connection, record: Record, fault: Invalid, *, group: str, now: datetime) -> None:
    """Keep `record` with its reason; a second time changes nothing."""
    connection.execute(
        insert_once(connection, dead_letters),
        {
            "id": _identify(group, record),
            "group_name": group,
            "topic": record.topic,
            "event_id": record.event_id,
            "key": record.key,
            "payload": record.payload,
            "reason": fault.reason,
            "detail": fault.detail,
            "died_at": now,
        },
    )


def listed(connection: Connection, *, most: int) -> list[DeadLetter]:
    """Return the newest dead letters, newest first."""
    rows = connection.execute(select(dead_letters).order_by(dead_letters.c.died_at.desc()).limit(most)).all()
    stated = {row.id: _stated(row.payload) for row in rows}
    messages = _messages(connection, [message for message in stated.values() if message is not None])
    return [_letter(row, stated[row.id], messages) for row in rows]


def _letter(row: Any, message_id: str | None, messages: Mapping[str, Any]) -> DeadLetter:
    message = messages.get(message_id or "")
    return DeadLetter(
        id=row.id,
        group=row.group_name,
        topic=row.topic,
        event_id=row.event_id,
        reason=row.reason,
        detail=row.detail,
        died_at=row.died_at,
        replayed_at=row.replayed_at,
        message_id=message_id,
        sender_id=None if message is None else message.sender_id,
        national_ref=None if message is None else message.national_ref,
        version=None if message is None else message.version,
    )


def _stated(payload: str) -> str | None:
    """Return the message that a record says it is about; a record of another's hand may say anything."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    named = found.get("message_id") if isinstance(found, dict) else None
    return named if isinstance(named, str) and _ID.fullmatch(named) else None


def _messages(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    query = select(receipts.c.id, receipts.c.sender_id, receipts.c.national_ref, receipts.c.version)
    return {row.id: row for row in connection.execute(query.where(receipts.c.id.in_(ids)))}


def replay(connection: Connection, letter_id: str, *, now: datetime) -> bool:
    """Put a dead letter on its topic again under a new event id; return whether there is such a letter."""
    row = connection.execute(select(dead_letters).where(dead_letters.c.id == letter_id)).first()
    if row is None:
        return False
    replayed = Event(
        topic=row.topic, event_id=_replay_id(row.event_id, now), key=row.key, payload=row.payload
    )
    outbox.append(connection, replayed, now=now)
    connection.execute(update(dead_letters).where(dead_letters.c.id == letter_id).values(replayed_at=now))
    return True


def count(connection: Connection) -> int:
    """Return how many dead letters nobody has replayed."""
    waiting = select(func.count()).select_from(dead_letters).where(dead_letters.c.replayed_at.is_(None))
    return connection.execute(waiting).scalar_one()


def _identify(group: str, record: Record) -> str:
    return hashlib.sha256(json.dumps([group, record.topic, record.event_id]).encode()).hexdigest()


def _replay_id(event_id: str, now: datetime) -> str:
    return hashlib.sha256(f"{event_id} {now.isoformat()}".encode()).hexdigest()

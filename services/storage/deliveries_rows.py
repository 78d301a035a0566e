"""Rows of the deliveries tables as values, and the numbers that order them."""

import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from schemas.classifications import Classification, Correlation
from schemas.vocabularies import MessageType
from services.storage import receipts as receipt_rows
from services.storage import thread_rows
from services.storage.delivery_records import Told
from services.storage.records import ChannelKind, Notification, NotificationState, Version
from services.storage.tables import notifications, receipts, verdicts

CURSOR: Final = "notifications"

NOTIFICATION_COLUMNS: Final = tuple(
    notifications.c[name]
    for name in (
        "id",
        "message_id",
        "occasion",
        "revision",
        "thread_id",
        "thread_version",
        "recipient_id",
        "channel",
        "endpoint_id",
        "message_type",
        "urgency",
        "content",
        "why",
        "state",
        "reason",
        "attempts",
        "created_at",
        "next_at",
        "first_attempt_at",
        "settled_at",
        "due_at",
        "cursor",
        "claim_token",
    )
)

_version = (
    select(
        receipts,
        verdicts.c.thread_version,
        verdicts.c.revision,
        verdicts.c.cause,
        verdicts.c.silent,
        verdicts.c.classification,
        verdicts.c.correlation,
        verdicts.c.decided_at,
        verdicts.c.thread_id,
    )
    .select_from(receipts)
    .join(verdicts, verdicts.c.message_id == receipts.c.id)
    .where(receipts.c.id == bindparam("message"), verdicts.c.revision == bindparam("revised"))
)


def load_version(connection: Connection, *, message_id: str, revision: int) -> Version | None:
    """Return one verdict of a message, any revision, with the thread as it now stands."""
    row = connection.execute(_version, {"message": message_id, "revised": revision}).one_or_none()
    thread = None if row is None else thread_rows.get(connection, row.thread_id)
    if row is None or thread is None:
        return None
    return Version(
        message=receipt_rows.to_message(row),
        thread=thread,
        thread_version=row.thread_version,
        revision=row.revision,
        cause=row.cause,
        silent=row.silent,
        classification=Classification.model_validate_json(row.classification),
        correlation=Correlation.model_validate_json(row.correlation),
        decided_at=row.decided_at,
    )


def to_notification(row: Any) -> Notification:
    """Return a row selected with `NOTIFICATION_COLUMNS`."""
    return Notification(
        id=row.id,
        message_id=row.message_id,
        occasion=row.occasion,
        revision=row.revision,
        thread_id=row.thread_id,
        thread_version=row.thread_version,
        recipient_id=row.recipient_id,
        channel=ChannelKind(row.channel),
        endpoint_id=row.endpoint_id,
        message_type=MessageType(row.message_type),
        urgency=row.urgency,
        content=row.content,
        why=tuple(json.loads(row.why)),
        state=NotificationState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        first_attempt_at=row.first_attempt_at,
        settled_at=row.settled_at,
        due_at=row.due_at,
        cursor=row.cursor,
        claim_token=row.claim_token,
    )


def to_told(row: Any) -> Told:
    """Return a notification as routing sees it."""
    return Told(
        id=row.id,
        message_id=row.message_id,
        occasion=row.occasion,
        thread_id=row.thread_id,
        thread_version=row.thread_version,
        recipient_id=row.recipient_id,
        channel=ChannelKind(row.channel),
        endpoint_id=row.endpoint_id,
        message_type=row.message_type,
        content=row.content,
        state=row.state,
        reason=row.reason,
        received=row.received,
    )


def instant_or_none(value: Any) -> datetime | None:
    """Return an aggregate over an `Instant` column, which may have no rows."""
    return value if isinstance(value, datetime) else None

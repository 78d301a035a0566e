"""Rows of the deliveries tables as values, and the numbers that order them."""

import json
from collections import namedtuple
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from schemas.vocabularies import MessageType, Tlp
from services.storage import documents, thread_rows
from services.storage.delivery_records import ThreadLabel, Told
from services.storage.driver import run
from services.storage.records import ChannelKind, Message, Notification, NotificationState, Version
from services.storage.repeating import one_statement
from services.storage.statements import padded
from services.storage.tables import notifications, receipts, threads, verdicts

RANKS: Final = {"critical": 0, "high": 1, "moderate": 2, "info": 3}  # of urgencies, as they are kept
CURSOR: Final = "notifications"
# An enum finds its member by a slow call; these are asked with every row.
_CHANNELS: Final = {one.value: one for one in ChannelKind}
_STATES: Final = {one.value: one for one in NotificationState}
_TYPES: Final = {one.value: one for one in MessageType}

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

VERSIONS: Final = (
    select(
        receipts.c.id,
        receipts.c.sender_id,
        receipts.c.country,
        receipts.c.can_amend,
        receipts.c.reference_key,
        receipts.c.received_at,
        receipts.c.content_sha256,
        receipts.c.body,
        receipts.c.state,
        receipts.c.state_reason,
        verdicts.c.thread_version,
        verdicts.c.revision,
        verdicts.c.cause,
        verdicts.c.silent,
        verdicts.c.classification,
        verdicts.c.correlation,
        verdicts.c.decided_at,
        *(column.label(f"thread__{column.name}") for column in threads.c),
    )
    .select_from(verdicts)
    .join(receipts, receipts.c.id == verdicts.c.message_id)
    .join(threads, threads.c.id == verdicts.c.thread_id)
)
_version = VERSIONS.where(
    verdicts.c.message_id == bindparam("message"), verdicts.c.revision == bindparam("revised")
)
_labels = select(threads.c.id, threads.c.version, threads.c.strictest_tlp).where(
    threads.c.id.in_(bindparam("ids", expanding=True))
)
_ThreadRow = namedtuple("_ThreadRow", [column.name for column in threads.c])  # type: ignore[misc]  # from the table


@one_statement
def load_version(connection: Connection, *, message_id: str, revision: int) -> Version | None:
    """Return one verdict of a message, any revision, with the thread as it now stands."""
    row = run(connection, _version, {"message": message_id, "revised": revision}).one_or_none()
    return None if row is None else to_version(row)


@one_statement
def thread_labels(connection: Connection, *, ids: Iterable[str]) -> Mapping[str, ThreadLabel]:
    """Return what closes older versions of these threads, as they now stand, by id."""
    rows = run(connection, _labels, {"ids": padded(sorted(set(ids)))})
    return {row.id: ThreadLabel(version=row.version, strictest_tlp=Tlp(row.strictest_tlp)) for row in rows}


def to_version(row: Any) -> Version:
    """Return a row selected with `VERSIONS`."""
    return Version(
        message=Message(
            id=row.id,
            sender_id=row.sender_id,
            sender_country=row.country,
            can_amend=row.can_amend,
            reference_key=row.reference_key,
            received_at=row.received_at,
            content_sha256=row.content_sha256,
            alert=documents.alerts.read(row.body),
            state=row.state,
            state_reason=row.state_reason,
        ),
        thread=thread_rows.to_thread(_ThreadRow._make(row[-len(_ThreadRow._fields) :])),
        thread_version=row.thread_version,
        revision=row.revision,
        cause=row.cause,
        silent=row.silent,
        classification=documents.classifications.read(row.classification),
        correlation=documents.correlations.read(row.correlation),
        decided_at=row.decided_at,
        alert_size=len(row.body),
    )


def to_notification(row: Any) -> Notification:
    """Return a row selected with `NOTIFICATION_COLUMNS`."""
    return _made(
        row,
        state=_STATES[row.state],
        attempts=row.attempts,
        next_at=row.next_at,
        first_attempt_at=row.first_attempt_at,
        claim_token=row.claim_token,
    )


def to_claimed(row: Any, *, token: str, now: datetime) -> Notification:
    """Return a pending row selected with `NOTIFICATION_COLUMNS` as it stands once it is claimed."""
    return _made(
        row,
        state=NotificationState.CLAIMED,
        attempts=row.attempts + 1,
        next_at=None,
        first_attempt_at=row.first_attempt_at or now,
        claim_token=token,
    )


def _codes(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def to_told(row: Any) -> Told:
    """Return a notification as routing sees it."""
    return Told(
        id=row.id,
        message_id=row.message_id,
        occasion=row.occasion,
        thread_id=row.thread_id,
        thread_version=row.thread_version,
        recipient_id=row.recipient_id,
        channel=_CHANNELS[row.channel],
        endpoint_id=row.endpoint_id,
        message_type=row.message_type,
        content=row.content,
        state=row.state,
        reason=row.reason,
        received=row.received,
    )


def _made(
    row: Any,
    *,
    state: NotificationState,
    attempts: int,
    next_at: datetime | None,
    first_attempt_at: datetime | None,
    claim_token: str | None,
) -> Notification:
    """Return a row, with what a claim changes given apart."""
    return Notification(
        id=row.id,
        message_id=row.message_id,
        occasion=row.occasion,
        revision=row.revision,
        thread_id=row.thread_id,
        thread_version=row.thread_version,
        recipient_id=row.recipient_id,
        channel=_CHANNELS[row.channel],
        endpoint_id=row.endpoint_id,
        message_type=_TYPES[row.message_type],
        urgency=row.urgency,
        content=row.content,
        why=_codes(row.why),
        reason=row.reason,
        created_at=row.created_at,
        settled_at=row.settled_at,
        due_at=row.due_at,
        cursor=row.cursor,
        state=state,
        attempts=attempts,
        next_at=next_at,
        first_attempt_at=first_attempt_at,
        claim_token=claim_token,
    )

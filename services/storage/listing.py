"""What an operator's lists show: messages and notifications, newest first; no content, no addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select

from services.storage.deliveries_rows import RANKS
from services.storage.tables import acknowledgements, notifications, receipts, threads, verdicts

_URGENCIES = {rank: word for word, rank in RANKS.items()}
_newest_revision = (
    select(func.max(verdicts.c.revision))
    .where(verdicts.c.message_id == receipts.c.id)
    .correlate(receipts)
    .scalar_subquery()
)
_messages = select(
    receipts.c.id,
    receipts.c.received_at,
    receipts.c.country,
    receipts.c.sender_id,
    receipts.c.national_ref,
    receipts.c.version,
    receipts.c.status,
    receipts.c.message_type,
    receipts.c.tlp,
    receipts.c.state,
    receipts.c.state_reason,
    threads.c.relay_id,
    verdicts.c.thread_version,
    verdicts.c.level,
    verdicts.c.urgency,
    verdicts.c.categories,
).select_from(
    receipts.outerjoin(
        verdicts, (verdicts.c.message_id == receipts.c.id) & (verdicts.c.revision == _newest_revision)
    ).outerjoin(threads, threads.c.id == verdicts.c.thread_id)
)
_said = (
    select(acknowledgements.c.state)
    .where(
        acknowledgements.c.message_id == notifications.c.message_id,
        acknowledgements.c.recipient_id == notifications.c.recipient_id,
    )
    .order_by(  # the answer that counts: the newest; having seen it only until there is another
        case((acknowledgements.c.state == "seen", 1), else_=0),
        acknowledgements.c.answered_at.desc(),
        acknowledgements.c.id.desc(),
    )
    .limit(1)
    .correlate(notifications)
    .scalar_subquery()
)
_notifications = select(
    notifications.c.id,
    notifications.c.message_id,
    threads.c.relay_id,
    notifications.c.thread_version,
    notifications.c.occasion,
    notifications.c.recipient_id,
    notifications.c.channel,
    notifications.c.message_type,
    notifications.c.urgency,
    notifications.c.content,
    notifications.c.state,
    notifications.c.reason,
    notifications.c.attempts,
    notifications.c.created_at,
    notifications.c.next_at,
    notifications.c.settled_at,
    notifications.c.due_at,
    _said.label("answer"),
).select_from(notifications.outerjoin(threads, threads.c.id == notifications.c.thread_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is narrowed to; None = everything. Messages know no recipient and no channel."""

    state: str | None = None
    country: str | None = None
    status: str | None = None
    recipient_id: str | None = None
    channel: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    unacknowledged: bool = False


def messages(connection: Connection, wanted: Wanted, *, most: int) -> list[Mapping[str, Any]]:
    """Return accepted messages, newest first, each with its newest verdict if there is one."""
    query = _narrowed(
        _messages,
        (receipts.c.state, wanted.state),
        (receipts.c.country, wanted.country),
        (receipts.c.status, wanted.status),
    )
    if wanted.since is not None:
        query = query.where(receipts.c.received_at >= wanted.since)
    rows = connection.execute(query.order_by(receipts.c.received_at.desc(), receipts.c.id.desc()).limit(most))
    return [dict(row) for row in rows.mappings()]


def deliveries(connection: Connection, wanted: Wanted, *, most: int) -> list[Mapping[str, Any]]:
    """Return notifications, newest first, each with the state of its recipient's answer.

    With `unacknowledged` those that were delivered and whose answer is still asked for, the longest due first.
    """
    query = _narrowed(
        _notifications,
        (notifications.c.state, wanted.state),
        (notifications.c.recipient_id, wanted.recipient_id),
        (notifications.c.channel, wanted.channel),
        (notifications.c.message_id, wanted.message_id),
    )
    if wanted.since is not None:
        query = query.where(notifications.c.created_at >= wanted.since)
    order = [notifications.c.cursor.desc()]
    if wanted.unacknowledged:
        query = query.where(notifications.c.awaits_answer.is_(True), notifications.c.state == "delivered")
        order = [notifications.c.due_at.asc(), notifications.c.cursor.asc()]
    rows = connection.execute(query.order_by(*order).limit(most))
    return [dict(row) | {"urgency": _URGENCIES[row["urgency"]]} for row in rows.mappings()]


def message_ids(connection: Connection, name: str) -> list[str]:
    """Return the messages that `name` means: a message id, or a relay id (all of its thread, oldest first)."""
    query = (
        select(receipts.c.id)
        .select_from(
            receipts.outerjoin(verdicts, verdicts.c.message_id == receipts.c.id).outerjoin(
                threads, threads.c.id == verdicts.c.thread_id
            )
        )
        .where(or_(receipts.c.id == name, threads.c.relay_id == name))
        .order_by(receipts.c.received_at, receipts.c.id)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


def _narrowed(query: Select[Any], *conditions: tuple[Any, str | None]) -> Select[Any]:
    for column, value in conditions:
        if value is not None:
            query = query.where(column == value)
    return query

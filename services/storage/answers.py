"""Answers of recipients: every one is kept, the newest counts, and the first stops what is still on its way."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from schemas.ids import derived_id
from services.storage import outbox
from services.storage.deliveries_events import answer_event
from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_notification
from services.storage.deliveries_settling import ACKNOWLEDGED
from services.storage.deliveries_states import CLAIMED, PENDING
from services.storage.deliveries_waiting import release_waiters
from services.storage.delivery_records import NewAnswer
from services.storage.records import Answer, Directory, Notification
from services.storage.statements import insert_once
from services.storage.tables import Instant, acknowledgements, notifications

SEEN: Final = "seen"  # it was looked at: no answer yet, so nothing stops
_NAMESPACE: Final = UUID("9f1c2c7e-7a0e-5b5b-8a55-0c7d3b1f6e02")

_of_recipient = (
    select(*NOTIFICATION_COLUMNS, notifications.c.received)
    .where(
        notifications.c.message_id == bindparam("message"),
        notifications.c.recipient_id == bindparam("recipient"),
    )
    .order_by(notifications.c.cursor)
    .with_for_update()  # what is pending here must not be claimed before it is stopped
)
_stop = (
    notifications.update()
    .where(notifications.c.id == bindparam("row"), notifications.c.state == PENDING)
    .values(
        state="withheld",
        reason=ACKNOWLEDGED,
        next_at=None,
        waits_for=None,
        settled_at=bindparam("at", type_=Instant),
        awaits_answer=False,
    )
)
_answered = (
    notifications.update()
    .where(
        notifications.c.message_id == bindparam("message"),
        notifications.c.recipient_id == bindparam("recipient"),
        notifications.c.awaits_answer.is_(True),
    )
    .values(awaits_answer=False)
)
_stop_when_settled = (
    notifications.update()
    .where(notifications.c.id == bindparam("row"), notifications.c.state == CLAIMED)
    .values(reason=ACKNOWLEDGED)
)
_answers = (
    select(acknowledgements)
    .where(acknowledgements.c.message_id == bindparam("message"))
    .order_by(acknowledgements.c.answered_at, acknowledgements.c.id)
)


def acknowledge(
    connection: Connection, new: NewAnswer, *, directory: Callable[[Connection], Directory], now: datetime
) -> Answer | None:
    """Keep an answer and stop what is still pending of this message for its recipient; None: it was not told.

    `seen` stops nothing. The same answer at the same instant is the same row.
    """
    wanted = {"message": new.message_id, "recipient": new.recipient_id}
    rows = connection.execute(_of_recipient, wanted).all()
    if not rows:
        return None
    answer = Answer(
        id=derived_id(_NAMESPACE, f"{new.message_id}\n{new.recipient_id}\n{new.state}\n{now.isoformat()}"),
        message_id=new.message_id,
        recipient_id=new.recipient_id,
        state=new.state,
        note=new.note,
        action_on=new.action_on,
        via=new.via,
        answered_at=now,
    )
    connection.execute(insert_once(connection, acknowledgements), _values(answer))
    if new.state != SEEN:
        _stop_pending(connection, rows, wanted, now=now)
    delivered = [row.settled_at for row in rows if row.received and row.settled_at is not None]
    event = answer_event(
        answer,
        to_notification(rows[0]),
        country=directory(connection).country_of(new.recipient_id),
        delivered_at=min(delivered, default=None),
    )
    outbox.append(connection, event, now=now)
    return answer


def answers_of(connection: Connection, message_id: str) -> list[Answer]:
    """Return every answer to a message, oldest first."""
    return [_answer(row) for row in connection.execute(_answers, {"message": message_id})]


def recipients_of(connection: Connection, message_id: str) -> list[str]:
    """Return the recipients that a message was routed to: an acknowledgement link is for one of them."""
    found = select(notifications.c.recipient_id).where(notifications.c.message_id == message_id).distinct()
    return list(connection.execute(found).scalars())


def routed_at(connection: Connection, message_id: str, recipient_id: str) -> datetime | None:
    """Return when a message was routed to a recipient: its link's days are counted from then."""
    found = select(func.min(notifications.c.created_at)).where(
        notifications.c.message_id == message_id, notifications.c.recipient_id == recipient_id
    )
    at: datetime | None = connection.execute(found).scalar()
    return at


def _stop_pending(connection: Connection, rows: Any, wanted: dict[str, str], *, now: datetime) -> None:
    stopped: dict[str, bool] = {}
    for row in rows:
        if row.state == "pending":
            connection.execute(_stop, {"row": row.id, "at": now})
            stopped[row.id] = True  # who answered has it, however it came
        elif row.state == "claimed":
            connection.execute(_stop_when_settled, {"row": row.id})
    connection.execute(_answered, wanted)
    if stopped:
        release_waiters(connection, stopped, now=now)


def _values(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "message_id": answer.message_id,
        "recipient_id": answer.recipient_id,
        "state": answer.state,
        "note": answer.note,
        "action_on": answer.action_on,
        "via": answer.via,
        "answered_at": answer.answered_at,
    }


def _answer(row: Any) -> Answer:
    return Answer(
        id=row.id,
        message_id=row.message_id,
        recipient_id=row.recipient_id,
        state=row.state,
        note=row.note,
        action_on=row.action_on,
        via=row.via,
        answered_at=row.answered_at,
    )


def to_one(connection: Connection, notification_id: str) -> Notification | None:
    """Return one notification."""
    row = connection.execute(
        select(*NOTIFICATION_COLUMNS).where(notifications.c.id == notification_id)
    ).one_or_none()
    return None if row is None else to_notification(row)

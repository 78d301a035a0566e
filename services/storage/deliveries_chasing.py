"""Chasing: reminders and deputies where nobody answered, another way where a webhook stays silent.

A critical alert is chased at any hour, others in the recipient's working time: who is not at work is not looked
at, so that a weekend's reminders hold up nobody. What nobody ever answers is left alone in the end.

What to write is decided by a pure function that goes in as an argument; here is only what is due.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, bindparam, exists, or_, select, true

from services.storage.deliveries_routing import insert_rows
from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_notification
from services.storage.deliveries_settling import like_notification
from services.storage.deliveries_states import PENDING
from services.storage.delivery_records import Chased, Overdue, Remind, Rules
from services.storage.records import Directory
from services.storage.tables import Instant, endpoints, notifications

_URGENT: Final = 1  # critical and high; the others are seen on the page, not chased
_CRITICAL: Final = 0
_MAIL: Final = "email"
_AGAIN_CRITICAL: Final = timedelta(hours=4)  # between two reminders: as long as the answer was given
_AGAIN: Final = timedelta(hours=24)
_CHASED_FOR: Final = timedelta(days=14)  # from when the answer was due: bounds what is looked at

_last = notifications.alias("last_reminder")
_overdue = (
    select(
        notifications.c.message_id,
        notifications.c.recipient_id,
        notifications.c.thread_id,
        notifications.c.thread_version,
        notifications.c.urgency,
        notifications.c.due_at,
    )
    .where(
        notifications.c.awaits_answer.is_(True),
        notifications.c.due_at <= bindparam("at", type_=Instant),
        notifications.c.due_at > bindparam("oldest", type_=Instant),
        or_(
            and_(
                notifications.c.urgency == _CRITICAL,
                or_(
                    notifications.c.reminded_at.is_(None),
                    notifications.c.reminded_at <= bindparam("critical_before", type_=Instant),
                ),
            ),
            and_(
                notifications.c.urgency > _CRITICAL,
                notifications.c.urgency <= _URGENT,
                notifications.c.recipient_id.in_(bindparam("at_work", expanding=True)),
                or_(
                    notifications.c.reminded_at.is_(None),
                    notifications.c.reminded_at <= bindparam("others_before", type_=Instant),
                ),
            ),
        ),
        ~exists(
            select(true()).where(
                _last.c.message_id == notifications.c.message_id,
                _last.c.recipient_id == notifications.c.recipient_id,
                _last.c.occasion == bindparam("last"),
            )
        ),
        notifications.c.received.is_(True) | (notifications.c.state == PENDING),
    )
    .order_by(notifications.c.urgency, notifications.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=notifications)  # two that chase at once share the work
)
_of_recipient = select(*NOTIFICATION_COLUMNS).where(
    notifications.c.message_id == bindparam("message"), notifications.c.recipient_id == bindparam("recipient")
)
_reminded = (
    notifications.update()
    .where(
        notifications.c.message_id == bindparam("message"),
        notifications.c.recipient_id == bindparam("recipient"),
    )
    .values(reminded_at=bindparam("at", type_=Instant))
)
_mailed = notifications.alias("mailed")
_silent = (
    select(*NOTIFICATION_COLUMNS)
    .select_from(notifications.join(endpoints, endpoints.c.id == notifications.c.endpoint_id))
    .where(
        endpoints.c.next_probe_at.is_not(None),
        notifications.c.state == PENDING,
        notifications.c.urgency <= _URGENT,
        notifications.c.channel == "webhook",
        notifications.c.created_at <= bindparam("before", type_=Instant),
        ~exists(
            select(true()).where(
                and_(
                    _mailed.c.message_id == notifications.c.message_id,
                    _mailed.c.recipient_id == notifications.c.recipient_id,
                    _mailed.c.channel == _MAIL,
                )
            )
        ),
    )
    .order_by(notifications.c.urgency, notifications.c.created_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=notifications)  # two that chase at once share the work
)


def chase(
    connection: Connection,
    *,
    remind: Remind,
    rules: Rules,
    directory: Callable[[Connection], Directory],
    silent_after: timedelta,
    now: datetime,
    most: int,
) -> Chased:
    """Write the reminders that are due, and email where a webhook has been silent for ``silent_after``."""
    people = directory(connection)
    reminders = 0
    seen: set[tuple[str, str]] = set()
    wanted = {
        "at": now,
        "oldest": now - _CHASED_FOR,
        "critical_before": now - _AGAIN_CRITICAL,
        "others_before": now - _AGAIN,
        "at_work": [one.id for one in people.recipients.values() if rules.at_work(one, now=now)],
        "last": rules.last_reminder(),
        "most": most,
    }
    for row in connection.execute(_overdue, wanted).all():
        who = (row.message_id, row.recipient_id)
        if who in seen:
            continue
        seen.add(who)
        overdue = Overdue(
            message_id=row.message_id,
            recipient_id=row.recipient_id,
            thread_id=row.thread_id,
            thread_version=row.thread_version,
            urgency=row.urgency,
            due_at=row.due_at,
        )
        reminders += _remind(connection, overdue, remind=remind, people=people, now=now)
    fallbacks = 0
    for row in connection.execute(_silent, {"before": now - silent_after, "most": most}).all():
        one = to_notification(row)
        planned = rules.fallback(one, others=(one,), directory=people)
        if planned is not None:
            insert_rows(connection, (planned,), like=like_notification(one), now=now)
            fallbacks += 1
    return Chased(reminders=reminders, fallbacks=fallbacks)


def _remind(
    connection: Connection, overdue: Overdue, *, remind: Remind, people: Directory, now: datetime
) -> int:
    wanted = {"message": overdue.message_id, "recipient": overdue.recipient_id}
    rows = [to_notification(row) for row in connection.execute(_of_recipient, wanted)]
    recipient = people.recipients.get(overdue.recipient_id)
    planned = () if recipient is None else remind(overdue, recipient=recipient, rows=rows, now=now)
    insert_rows(connection, planned, like=like_notification(rows[0]), now=now)
    connection.execute(_reminded, wanted | {"at": now})
    return len(planned)

"""A person sends a notification again: the same row, the same id, a new beginning of its attempts."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from services.storage import audit, deliveries_reading
from services.storage.tables import notifications

_newer = notifications.alias("newer")
_OVERTAKEN: Final = (
    select(_newer.c.id)
    .select_from(
        notifications.join(
            _newer,
            (_newer.c.thread_id == notifications.c.thread_id)
            & (_newer.c.recipient_id == notifications.c.recipient_id)
            & (_newer.c.channel == notifications.c.channel)
            & (_newer.c.thread_version > notifications.c.thread_version),
        )
    )
    .limit(1)
)


def replay(connection: Connection, notification_id: str, *, actor: str, now: datetime) -> bool:
    """Make a failed or delivered notification due now; return whether it was one that may be sent again.

    Not where a newer version was planned for the same recipient and channel: an older one never follows it.
    """
    if connection.execute(_OVERTAKEN.where(notifications.c.id == notification_id)).first() is not None:
        return False
    if not deliveries_reading.replay(connection, notification_id, now=now):
        return False
    audit.record(
        connection, actor=actor, act="notification.replayed", subject=notification_id, detail={}, now=now
    )
    return True

"""Reading what was told: catch-up feeds, reach, what is late, and whether promise P8 holds.

Everything asked often goes by an index whose size does not grow with what is done with.
"""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, exists, func, literal, select, true, union_all

from services.storage import endpoints
from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_notification
from services.storage.deliveries_states import CLAIMED, FAILED, PENDING
from services.storage.delivery_records import Attempt, Standing
from services.storage.records import Notification, NotificationState, Reach
from services.storage.tables import (
    Instant,
    acknowledgements,
    attempts,
    notifications,
    routings,
    verdicts,
)

_AUDITED: Final = timedelta(hours=1)  # routings of this long are counted again; older ones were, many times
_TOO_LATE: Final = timedelta(minutes=5)  # a due row that nobody claims for this long is stuck, not waiting
_SENT: Final = ("issue",)

_feed = (
    select(*NOTIFICATION_COLUMNS)
    .where(
        notifications.c.recipient_id == bindparam("recipient"), notifications.c.cursor > bindparam("after")
    )
    .order_by(notifications.c.cursor)
    .limit(bindparam("most"))
)
_of_message = (
    select(*NOTIFICATION_COLUMNS)
    .where(notifications.c.message_id == bindparam("message"))
    .order_by(notifications.c.cursor)
)
_attempts_of = (
    select(attempts)
    .where(attempts.c.notification_id == bindparam("notification"))
    .order_by(attempts.c.number)
)
_reasons = select(routings.c.reasons).where(
    routings.c.message_id == bindparam("message"), routings.c.occasion == "issue"
)
_answered = select(func.count(acknowledgements.c.recipient_id.distinct())).where(
    acknowledgements.c.message_id == bindparam("message"), acknowledgements.c.state != "seen"
)
_replay = (
    notifications.update()
    .where(
        notifications.c.id == bindparam("row"),
        notifications.c.state.in_(("failed", "delivered")),
        notifications.c.channel != "feed",
    )
    .values(
        state="pending",
        reason=None,
        next_at=bindparam("at", type_=Instant),
        settled_at=None,
        first_attempt_at=None,
    )
)


def feed(connection: Connection, recipient_id: str, *, after: int, most: int) -> list[Notification]:
    """Return what a recipient was sent or should have been, behind cursor ``after`` (0 = from the first)."""
    rows = connection.execute(_feed, {"recipient": recipient_id, "after": after, "most": most})
    return [to_notification(row) for row in rows]


def of_message(connection: Connection, message_id: str) -> list[Notification]:
    """Return every notification of a message, in the order in which they were routed."""
    return [to_notification(row) for row in connection.execute(_of_message, {"message": message_id})]


def reasons_of(connection: Connection, message_id: str) -> dict[str, tuple[str, ...]]:
    """Return why each recipient of the directory was told of a message or not; `*` stands for all of them."""
    found = connection.execute(_reasons, {"message": message_id}).scalar()
    return {} if found is None else {one: tuple(codes) for one, codes in json.loads(found).items()}


def reach(connection: Connection, message_id: str) -> Reach:
    """Return how far a message got: recipients are counted, not channels.

    `recipients`: who was to be told; `held_back`: how many were not, by reason.
    """
    states: dict[str, set[str]] = {}
    received: set[str] = set()
    held_back: Counter[str] = Counter()
    for one in of_message(connection, message_id):
        if one.state is NotificationState.WITHHELD and one.reason != "acknowledged_elsewhere":
            continue
        states.setdefault(one.recipient_id, set()).add(one.state.value)
        if one.state is NotificationState.DELIVERED:
            received.add(one.recipient_id)
    for recipient_id, codes in reasons_of(connection, message_id).items():
        if recipient_id not in states and codes:
            held_back[codes[0]] += 1
    failed = [one for one, of in states.items() if of <= {"failed"}]
    return Reach(
        recipients=len(states),
        notified=len([one for one, of in states.items() if of & {"delivered", "claimed", "failed"}]),
        delivered=len(received),
        acknowledged=connection.execute(_answered, {"message": message_id}).scalar() or 0,
        failed=len(failed),
        held_back=dict(held_back),
    )


def listed(connection: Connection, *, state: NotificationState, after: int, most: int) -> list[Notification]:
    """Return notifications in a state behind cursor ``after``, in the order of their cursors."""
    rows = connection.execute(
        select(*NOTIFICATION_COLUMNS)
        .where(notifications.c.state == state.value, notifications.c.cursor > after)
        .order_by(notifications.c.cursor)
        .limit(most)
    )
    return [to_notification(row) for row in rows]


def attempts_of(connection: Connection, notification_id: str) -> list[Attempt]:
    """Return every try to send a notification, first one first."""
    return [
        Attempt(
            number=row.number,
            began_at=row.began_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            reason=row.reason,
            status_code=row.status_code,
        )
        for row in connection.execute(_attempts_of, {"notification": notification_id})
    ]


def replay(connection: Connection, notification_id: str, *, now: datetime) -> bool:
    """Make a failed or delivered notification due again, under its own id; return whether there was one.

    A receiver that has it already recognises the id: it is the same notification, not another.
    """
    return connection.execute(_replay, {"row": notification_id, "at": now}).rowcount == 1


def standing(connection: Connection) -> Standing:
    """Return how many notifications are in each open or failed state, and what is late.

    Those delivered, superseded or withheld are counted as they happen: counting them here would take longer
    with every alert.
    """
    states = {
        name: connection.execute(select(func.count()).where(notifications.c.state == state)).scalar_one()
        for name, state in (("pending", PENDING), ("claimed", CLAIMED), ("failed", FAILED))
    }
    pending = notifications.c.state == PENDING
    oldest = connection.execute(select(func.min(notifications.c.created_at)).where(pending)).scalar()
    unanswered = connection.execute(
        select(func.min(notifications.c.settled_at)).where(
            notifications.c.awaits_answer.is_(True), notifications.c.state == "delivered"
        )
    ).scalar()
    failing, disabled = endpoints.unwell(connection)
    return Standing(
        states=states,
        oldest_undelivered_at=oldest,
        oldest_unacknowledged_at=unanswered,
        failing_endpoints=failing,
        disabled_endpoints=disabled,
    )


def violations(connection: Connection, *, now: datetime, patience: timedelta = timedelta(minutes=1)) -> int:
    """Return how often P8 is broken: 0, unless there is a fault in the relay.

    Each part is answered by a partial index of what is open, so it stays as quick with a million alerts:
    pending with nothing that will move it; waiting for what has ended; claimed past its lease; classified and
    not routed, with no record of it on its way; routed with rows missing.
    """
    return sum(connection.execute(_violations(now=now, patience=patience)).scalars())


def _violations(*, now: datetime, patience: timedelta):  # type: ignore[no-untyped-def]  # a compound select
    older = notifications.alias("older")
    pending = notifications.c.state == PENDING
    unmoved = select(func.count()).where(
        pending, notifications.c.next_at.is_(None), notifications.c.waits_for.is_(None)
    )
    orphaned = select(func.count()).where(
        pending,
        notifications.c.next_at.is_(None),
        notifications.c.waits_for.is_not(None),
        ~exists(
            select(true()).where(
                older.c.id == notifications.c.waits_for, older.c.state.in_(("pending", "claimed"))
            )
        ),
    )
    lapsed = select(func.count()).where(
        notifications.c.state == CLAIMED,
        notifications.c.claimed_until < _at(now - patience),
    )
    unrouted = select(func.count()).where(
        verdicts.c.routed_at.is_(None), verdicts.c.decided_at < _at(now - patience)
    )
    counted = (
        select(func.count())
        .where(notifications.c.message_id == routings.c.message_id)
        .correlate(routings)
        .scalar_subquery()
    )
    missing = select(func.count()).where(
        routings.c.routed_at > _at(now - _AUDITED), routings.c.planned > counted
    )
    return union_all(unmoved, orphaned, lapsed, unrouted, missing)


def _at(instant: datetime):  # type: ignore[no-untyped-def]  # a typed bind parameter
    return literal(instant, Instant)

"""Notifications that wait for an older one of the same recipient: kept in order, released when it settles."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from services.storage.deliveries_states import PENDING
from services.storage.driver import run
from services.storage.statements import among, padded
from services.storage.tables import notifications

_superseding = select(notifications.c.waits_for).where(
    notifications.c.waits_for.in_(bindparam("rows", expanding=True)),
    notifications.c.supersedes.is_(True),
    among(notifications.c.state) == PENDING,
)
_waiters = select(
    notifications.c.id,
    notifications.c.waits_for,
    notifications.c.thread_id,
    notifications.c.thread_version,
    notifications.c.recipient_id,
    notifications.c.needs_original,
).where(
    notifications.c.waits_for.in_(bindparam("rows", expanding=True)), among(notifications.c.state) == PENDING
)
_had = (
    select(notifications.c.id)
    .where(
        notifications.c.thread_id == bindparam("thread"),
        notifications.c.recipient_id == bindparam("recipient"),
        notifications.c.thread_version < bindparam("version"),
        notifications.c.received.is_(True),
    )
    .limit(1)
)
_release = (
    notifications.update()
    .where(notifications.c.id == bindparam("row"))
    .values(waits_for=None, next_at=bindparam("at"))
)
_withhold = (
    notifications.update()
    .where(notifications.c.id == bindparam("row"))
    .values(
        state="withheld",
        reason="never_had_original",
        waits_for=None,
        next_at=None,
        settled_at=bindparam("at"),
        awaits_answer=False,
    )
)


def superseding_waiters(connection: Connection, rows: Sequence[str]) -> set[str]:
    """Return which of ``rows`` a newer, complete version waits for: a failed one is not tried again."""
    if not rows:
        return set()
    found = run(connection, _superseding, {"rows": padded(rows)})
    return {one for one in found.scalars() if one is not None}


def release_waiters(connection: Connection, ended: Mapping[str, bool], *, now: datetime) -> bool:
    """Let go what waited for the rows of ``ended`` (id -> was received); return whether something is due now.

    What only makes sense to who had the original is withheld from who certainly never had it.
    """
    due = False
    queue = dict(ended)
    while queue:
        waiters = run(connection, _waiters, {"rows": padded(list(queue))}).all()
        finished: dict[str, bool] = {}
        for row in waiters:
            wanted = {"thread": row.thread_id, "recipient": row.recipient_id, "version": row.thread_version}
            had = queue[row.waits_for] or run(connection, _had, wanted).scalar() is not None
            if row.needs_original and not had:
                run(connection, _withhold, {"row": row.id, "at": now})
                finished[row.id] = False
            else:
                run(connection, _release, {"row": row.id, "at": now})
                due = True
        queue = finished
    return due

"""The outbox: what a stage hands on, written in the stage's own transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select, update

from services.storage.driver import run
from services.storage.records import Event, Record
from services.storage.statements import insert_once
from services.storage.tables import outbox, positions

_read = (
    select(
        outbox.c.id, outbox.c.topic, outbox.c.event_id, outbox.c.key, outbox.c.payload, outbox.c.traceparent
    )
    .where(outbox.c.id > bindparam("after"), outbox.c.topic.in_(bindparam("topics", expanding=True)))
    .order_by(outbox.c.id)
    .limit(bindparam("most"))
)
APPENDED: Final = "appended"  # in a connection's info: topics appended to since its executor last looked

_position = select(positions.c.position).where(positions.c.group_name == bindparam("group"))
_move = (
    update(positions)
    .where(positions.c.group_name == bindparam("group"), positions.c.position < bindparam("to"))
    .values(position=bindparam("to"))
)


def append(connection: Connection, event: Event, *, now: datetime) -> None:
    """Append one event; the same event a second time changes nothing."""
    append_all(connection, (event,), now=now)


def append_all(connection: Connection, events: Iterable[Event], *, now: datetime) -> None:
    """Append events in the order given."""
    rows = [
        {
            "topic": event.topic,
            "event_id": event.event_id,
            "key": event.key,
            "payload": event.payload,
            "traceparent": event.traceparent,
            "created_at": now,
        }
        for event in events
    ]
    if rows:
        connection.info.setdefault(APPENDED, set()).update(row["topic"] for row in rows)
        run(connection, insert_once(connection, outbox), rows if len(rows) > 1 else rows[0])


def read(connection: Connection, *, topics: Sequence[str], after: int, most: int) -> list[Record]:
    """Return the next records of `topics` behind position `after`, oldest first."""
    rows = run(connection, _read, {"after": after, "topics": list(topics), "most": most})
    return [
        Record(
            topic=row.topic,
            event_id=row.event_id,
            key=row.key,
            payload=row.payload,
            position=row.id,
            traceparent=row.traceparent,
        )
        for row in rows
    ]


def position(connection: Connection, group: str) -> int:
    """Return how far `group` has read; 0 before its first record."""
    return run(connection, _position, {"group": group}).scalar() or 0


def move(connection: Connection, group: str, *, to: int) -> None:
    """Remember that `group` is done with everything up to `to`; never moves backwards."""
    connection.execute(insert_once(connection, positions), {"group_name": group, "position": to})
    connection.execute(
        positions.update()
        .where(positions.c.group_name == group, positions.c.position < to)
        .values(position=to)
    )


def prune(connection: Connection, *, groups: Sequence[str], before: datetime, most: int) -> int:
    """Delete old records that every group has read; return how many. Nothing else is ever pruned."""
    read_by = {row.group_name: row.position for row in connection.execute(select(positions))}
    done = min((read_by.get(group, 0) for group in groups), default=0)
    old = (
        select(outbox.c.id)
        .where(outbox.c.id <= done, outbox.c.created_at < before)
        .order_by(outbox.c.id)
        .limit(most)
    )
    return connection.execute(delete(outbox).where(outbox.c.id.in_(old))).rowcount


def backlog(connection: Connection, *, group: str, topics: Sequence[str]) -> tuple[int, datetime | None]:
    """Return how many records `group` has still to read, and when the oldest of them was written."""
    waiting = select(func.count(), func.min(outbox.c.created_at)).where(
        outbox.c.id > position(connection, group), outbox.c.topic.in_(topics)
    )
    count, oldest = connection.execute(waiting).one()
    return count, oldest

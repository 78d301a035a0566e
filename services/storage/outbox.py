"""The outbox: what a stage hands on, written in the stage's own transaction."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.sql.dml import Insert

from services.storage.driver import Write, run, run_together
from services.storage.records import Event, Record
from services.storage.statements import insert_all, insert_once
from services.storage.tables import outbox, positions

_RECORD: Final = (
    outbox.c.id,
    outbox.c.topic,
    outbox.c.event_id,
    outbox.c.key,
    outbox.c.payload,
    outbox.c.traceparent,
    outbox.c.created_at,
)
# Not by the index of topics, which is read whole: by the position, behind which there are few.
_of_topics = (outbox.c.topic + "").in_(bindparam("topics", expanding=True))
_read = (
    select(*_RECORD)
    .where(outbox.c.id > bindparam("after"), _of_topics)
    .order_by(outbox.c.id)
    .limit(bindparam("most"))
)
# In a connection's info, since its executor last looked: topics appended to, and what was: the events themselves
# (SQLite), or their records (PostgreSQL).
APPENDED: Final = "appended"
EVENTS: Final = "events"
RECORDS: Final = "records"

_position = select(positions.c.position).where(positions.c.group_name == bindparam("group"))
_move = (
    update(positions)
    .where(positions.c.group_name == bindparam("group"), positions.c.position < bindparam("to"))
    .values(position=bindparam("to"))
)


def append(connection: Connection, event: Event, *, now: datetime, beside: Sequence[Write] = ()) -> None:
    """Append one event; the same event a second time changes nothing.

    ``beside`` is written in the same round trip; none of it may read what another write of it changes.
    """
    append_all(connection, (event,), now=now, beside=beside)


def append_all(
    connection: Connection, events: Sequence[Event], *, now: datetime, beside: Sequence[Write] = ()
) -> None:
    """Append events in the order given, and do what is ``beside`` as `append` does."""
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
    if not rows:
        return
    connection.info.setdefault(APPENDED, set()).update(row["topic"] for row in rows)
    returns = connection.dialect.name == "postgresql"
    statement = _append_and_return() if returns else insert_once(connection, outbox)
    kept = run_together(connection, (*beside, insert_all(connection, statement, rows)))
    if returns:
        new = sorted([to_record(row) for row in kept], key=lambda one: one.position)
        connection.info.setdefault(RECORDS, []).extend(new)
    else:
        connection.info.setdefault(EVENTS, []).extend(events)


def read(connection: Connection, *, topics: Sequence[str], after: int, most: int) -> list[Record]:
    """Return the next records of `topics` behind position `after`, oldest first."""
    rows = run(connection, _read, {"after": after, "topics": list(topics), "most": most})
    return [to_record(row) for row in rows]


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
    """Delete old records that are done with; return how many. Nothing else is ever pruned.

    Done with is what every group has read; on PostgreSQL, where no group reads the table, what is published.
    """
    old = select(outbox.c.id).where(outbox.c.created_at < before).limit(most)
    if connection.dialect.name == "postgresql":
        old = old.where(outbox.c.published_at.is_not(None)).order_by(outbox.c.created_at)
    else:
        read_by = {row.group_name: row.position for row in connection.execute(select(positions))}
        done = min((read_by.get(group, 0) for group in groups), default=0)
        old = old.where(outbox.c.id <= done).order_by(outbox.c.id)
    return connection.execute(delete(outbox).where(outbox.c.id.in_(old))).rowcount


def backlog(connection: Connection, *, group: str, topics: Sequence[str]) -> tuple[int, datetime | None]:
    """Return how many records `group` has still to read, and when the oldest of them was written.

    On PostgreSQL that is what is not published yet, for every group the same: the rest waits in the transport.
    """
    if connection.dialect.name == "postgresql":
        waits: ColumnElement[bool] = outbox.c.published_at.is_(None)
    else:
        waits = outbox.c.id > position(connection, group)
    waiting = select(func.count(), func.min(outbox.c.created_at)).where(waits, outbox.c.topic.in_(topics))
    count, oldest = connection.execute(waiting).one()
    return count, oldest


def to_record(row: Any) -> Record:
    """Return the record that a row of the outbox holds."""
    return Record(
        topic=row.topic,
        event_id=row.event_id,
        key=row.key,
        payload=row.payload,
        position=row.id,
        traceparent=row.traceparent,
        created_at=row.created_at,
    )


@cache
def _append_and_return() -> Insert:
    """Return the insert that gives back what it wrote: not what another transaction had appended before."""
    return pg_insert(outbox).on_conflict_do_nothing().returning(*_RECORD)

"""What of the outbox is not on its topic yet, as plain functions of a connection: for the scale-out runtime."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from services.storage.driver import run
from services.storage.outbox import to_record
from services.storage.records import Record
from services.storage.repeating import repeatable
from services.storage.statements import among, padded
from services.storage.tables import outbox

_mark = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), among(outbox.c.published_at).is_(None))
    .values(published_at=bindparam("at"))
)


def unpublished(
    connection: Connection, *, before: datetime, most: int, after: Record | None = None
) -> list[Record]:
    """Return records appended before `before` that are not on their topic yet, oldest first, behind `after`.

    By time, and not by id alone: on PostgreSQL commits are not in the order of ids, so nothing may be read by
    `id >` and then taken for complete.
    """
    waiting = (
        select(outbox)
        .where(outbox.c.published_at.is_(None), outbox.c.created_at < before)
        .order_by(outbox.c.created_at, outbox.c.id)
        .limit(most)
    )
    if after is not None:
        same_moment = and_(outbox.c.created_at == after.created_at, outbox.c.id > after.position)
        waiting = waiting.where(or_(outbox.c.created_at > after.created_at, same_moment))
    return [to_record(row) for row in connection.execute(waiting)]


def first_of_topics(connection: Connection, *, before: datetime) -> list[Record]:
    """Return of each topic the first record, by id, that was appended before `before` and is not there yet.

    Oldest first. Reads all that is unpublished: for when publishing stands still.
    """
    firsts = (
        select(func.min(outbox.c.id))
        .where(outbox.c.published_at.is_(None), outbox.c.created_at < before)
        .group_by(outbox.c.topic)
    )
    wanted = select(outbox).where(outbox.c.id.in_(firsts)).order_by(outbox.c.created_at, outbox.c.id)
    return [to_record(row) for row in connection.execute(wanted)]


@repeatable
def mark_published(connection: Connection, positions: Iterable[int], *, now: datetime) -> None:
    """Remember that the rows of these ids, at least one, are on their topics; a repeat changes nothing."""
    ids = sorted(positions)  # two processes that mark the same rows take their locks in one order
    run(connection, _mark, {"ids": padded(ids), "at": now})

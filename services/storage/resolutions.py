"""What people said: of a reported substance, and that a reason to look at an alert is dealt with.

An answer holds for its message and for the later versions of the thread that report the same name, as long as
these bring no identifier that the person did not see. That a reason is dealt with holds for its message alone:
the next version may give another ground for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from services.storage import joining, verdicts
from services.storage.driver import run
from services.storage.records import Message
from services.storage.review_records import Resolution, nothing_new, reported_name, same_name
from services.storage.statements import insert_once
from services.storage.tables import resolutions, reviewed
from services.storage.tables import verdicts as verdicts_table
from services.storage.thread_records import MaySee

_of_message = (
    select(resolutions)
    .where(resolutions.c.message_id == bindparam("message_id"))
    .order_by(resolutions.c.at, resolutions.c.number)
)
_of_thread = (
    select(resolutions)
    .where(
        resolutions.c.message_id.in_(
            select(verdicts_table.c.message_id).where(
                verdicts_table.c.thread_id == bindparam("thread_id"), verdicts_table.c.revision == 0
            )
        )
    )
    .order_by(resolutions.c.at, resolutions.c.number)
)
_by_id = select(resolutions).where(resolutions.c.id == bindparam("id"))
_reviewed = select(reviewed.c.review).where(reviewed.c.message_id == bindparam("message_id"))


def by_id(connection: Connection, resolution_id: str) -> Resolution | None:
    """Return one resolution."""
    row = run(connection, _by_id, {"id": resolution_id}).first()
    return None if row is None else _to_resolution(row)


def of_message(connection: Connection, message_id: str) -> list[Resolution]:
    """Return what was said of the substances of one message, oldest first: of one position the last holds."""
    return [_to_resolution(row) for row in run(connection, _of_message, {"message_id": message_id})]


def expected(connection: Connection, message: Message, *, may_see: MaySee) -> list[Resolution]:
    """Return what holds for a message that is not decided yet, because it was said in the thread it joins."""
    thread_id = joining.thread_of(connection, message, may_see=may_see)
    return [] if thread_id is None else holding(connection, message, thread_id=thread_id)


def holding(connection: Connection, message: Message, *, thread_id: str) -> list[Resolution]:
    """Return what holds for the substances of a message, by its own positions; its own answers come last."""
    said = [_to_resolution(row) for row in run(connection, _of_thread, {"thread_id": thread_id})]
    own = [one for one in said if one.message_id == message.id]
    elsewhere = [one for one in said if one.message_id != message.id]
    if not elsewhere:
        return own
    return [*_carried(message, elsewhere, told=_told(connection, elsewhere)), *own]


def keep(connection: Connection, one: Resolution, *, number: int) -> None:
    """Write the `number`-th answer on one reported substance."""
    connection.execute(
        insert(resolutions),
        {
            "id": one.id,
            "message_id": one.message_id,
            "finding": one.finding,
            "substance": one.substance,
            "number": number,
            "name": one.name,
            "outcome": one.outcome,
            "reason": one.reason,
            "actor": one.actor,
            "at": one.at,
        },
    )


def dealt_with(connection: Connection, message_id: str) -> frozenset[str]:
    """Return the reasons to look at a message that people have dealt with."""
    return frozenset(run(connection, _reviewed, {"message_id": message_id}).scalars())


def deal_with(
    connection: Connection, message_id: str, review: str, *, reason: str, actor: str, now: datetime
) -> None:
    """Remember that one reason to look at a message is dealt with; the first word on it stays."""
    row = {"message_id": message_id, "review": review, "reason": reason, "actor": actor, "at": now}
    connection.execute(insert_once(connection, reviewed), row)


def _told(connection: Connection, said: Sequence[Resolution]) -> dict[str, Message]:
    found = (verdicts.version(connection, one) for one in dict.fromkeys(each.message_id for each in said))
    return {one.message.id: one.message for one in found if one is not None}


def _carried(
    message: Message, said: Sequence[Resolution], *, told: dict[str, Message]
) -> Iterator[Resolution]:
    for index, finding in enumerate(message.alert.findings):
        for position, substance in enumerate(finding.substances):
            for one in said:
                seen = told[one.message_id].alert.findings[one.finding].substances[one.substance]
                if same_name(one.name, reported_name(substance)) and nothing_new(substance, seen):
                    yield replace(one, message_id=message.id, finding=index, substance=position)


def _to_resolution(row: Any) -> Resolution:
    return Resolution(
        id=row.id,
        message_id=row.message_id,
        finding=row.finding,
        substance=row.substance,
        name=row.name,
        outcome=row.outcome,
        reason=row.reason,
        actor=row.actor,
        at=row.at,
    )

"""Rows of threads and links: read, opened, changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, or_, select, update

from schemas.vocabularies import Severity, Status, Tlp
from services.storage.driver import run
from services.storage.records import Thread
from services.storage.repeating import one_statement
from services.storage.serials import Naming, link_id_of, opaque_id
from services.storage.statements import insert_once, padded
from services.storage.tables import links, threads
from services.storage.thread_records import Link, Other

_DRAWS: Final = 20

_by_id = select(threads).where(threads.c.id == bindparam("id"))
_locked = _by_id.with_for_update()
_by_ids = select(threads).where(threads.c.id.in_(bindparam("ids", expanding=True)))
_others = select(
    threads.c.id,
    threads.c.relay_id,
    threads.c.message_id,
    threads.c.incident_id,
    threads.c.state,
    threads.c.opened_at,
    threads.c.updated_at,
).where(threads.c.id.in_(bindparam("ids", expanding=True)))
_by_relay_id = select(threads).where(threads.c.relay_id == bindparam("relay_id"))
_by_opaque_id = select(threads).where(threads.c.opaque_id == bindparam("opaque_id"))
_neighbour = (
    select(threads.c.id)
    .where(threads.c.incident_id == bindparam("incident_id"), threads.c.id != bindparam("id"))
    .limit(1)
)
_of_incident = (
    select(threads).where(threads.c.incident_id == bindparam("incident_id")).order_by(threads.c.opened_at)
)
_change = (
    update(threads)
    .where(threads.c.id == bindparam("of"))
    .values(
        message_id=bindparam("to_message_id"),
        state=bindparam("to_state"),
        disputed=bindparam("to_disputed"),
        version=bindparam("to_version"),
        level=bindparam("to_level"),
        strictest_tlp=bindparam("to_strictest_tlp"),
        incident_id=bindparam("to_incident_id"),
        orphan=bindparam("to_orphan"),
        updated_at=bindparam("to_updated_at"),
    )
)
_undone = links.c.undone_at.is_not(None)
_apart = threads.alias("apart")
# With whom it was taken apart stand others: to join these would join that one again.
_separated = select(threads.c.id).where(
    threads.c.incident_id.in_(
        select(_apart.c.incident_id).where(
            or_(
                _apart.c.id.in_(
                    select(links.c.other_thread_id).where(links.c.thread_id == bindparam("id"), _undone)
                ),
                _apart.c.id.in_(
                    select(links.c.thread_id).where(links.c.other_thread_id == bindparam("id"), _undone)
                ),
            )
        )
    )
)


def get(connection: Connection, thread_id: str, *, for_update: bool = False) -> Thread | None:
    """Return one thread; `for_update` keeps it from others until the transaction ends."""
    row = run(connection, _locked if for_update else _by_id, {"id": thread_id}).first()
    return None if row is None else to_thread(row)


def by_relay_id(connection: Connection, relay_id: str) -> Thread | None:
    """Return the thread that people call `relay_id`."""
    row = run(connection, _by_relay_id, {"relay_id": relay_id}).first()
    return None if row is None else to_thread(row)


def by_opaque_id(connection: Connection, opaque_id: str) -> Thread | None:
    """Return the thread that notices call `opaque_id`."""
    row = run(connection, _by_opaque_id, {"opaque_id": opaque_id}).first()
    return None if row is None else to_thread(row)


@one_statement
def many(connection: Connection, ids: Iterable[str]) -> Mapping[str, Thread]:
    """Return these threads by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row.id: to_thread(row) for row in run(connection, _by_ids, {"ids": padded(wanted)})}


def others(connection: Connection, ids: Iterable[str]) -> Mapping[str, Other]:
    """Return these threads by id, as far as a decision asks."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = run(connection, _others, {"ids": padded(wanted)})
    return {row.id: Other._make(row) for row in rows}


def of_incident(connection: Connection, incident_id: str) -> list[Thread]:
    """Return the threads that report one event, in the order in which they were opened."""
    return [to_thread(row) for row in run(connection, _of_incident, {"incident_id": incident_id})]


def is_alone(connection: Connection, thread: Thread) -> bool:
    """Return whether no other thread is in its incident."""
    query = {"incident_id": thread.incident_id, "id": thread.id}
    return run(connection, _neighbour, query).first() is None


def separated(connection: Connection, thread_id: str) -> frozenset[str]:
    """Return the threads that a person took apart from this one, each with its incident."""
    return frozenset(run(connection, _separated, {"id": thread_id}).scalars()) - {thread_id}


def create(connection: Connection, thread: Thread, *, naming: Naming) -> str:
    """Write a new thread; return the opaque id that it got."""
    row = _to_row(thread)
    for draw in range(_DRAWS):
        row["opaque_id"] = opaque_id(thread.id, secret=naming.secret, draw=draw)
        if run(connection, insert_once(connection, threads), row).rowcount:
            return str(row["opaque_id"])
    raise LookupError(f"no free opaque id for {thread.id}")


def change(connection: Connection, thread: Thread) -> None:
    """Write down how a thread stands now."""
    run(
        connection,
        _change,
        {
            "of": thread.id,
            "to_message_id": thread.message_id,
            "to_state": thread.state,
            "to_disputed": thread.disputed,
            "to_version": thread.version,
            "to_level": thread.level,
            "to_strictest_tlp": thread.strictest_tlp,
            "to_incident_id": thread.incident_id,
            "to_orphan": thread.orphan,
            "to_updated_at": thread.updated_at,
        },
    )


def link(connection: Connection, thread_id: str, found: Iterable[Link], *, now: datetime) -> None:
    """Write down what belongs together; said twice, or undone since, it stays as it is."""
    rows = [
        {
            "id": link_id_of(thread_id, one.other_thread_id, one.level),
            "thread_id": thread_id,
            "other_thread_id": one.other_thread_id,
            "level": one.level,
            "reason": one.reason,
            "linked_at": now,
        }
        for one in found
    ]
    if rows:
        run(connection, insert_once(connection, links), rows)


def to_thread(row: Any) -> Thread:
    """Return the thread that a row of `threads` holds."""
    return Thread(
        id=row.id,
        relay_id=row.relay_id,
        opaque_id=row.opaque_id,
        sender_id=row.sender_id,
        sender_country=row.sender_country,
        country=row.country,
        status=Status(row.status),
        message_id=row.message_id,
        state=row.state,
        disputed=row.disputed,
        version=row.version,
        level=Severity(row.level),
        strictest_tlp=Tlp(row.strictest_tlp),
        incident_id=row.incident_id,
        orphan=row.orphan,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
    )


def _to_row(thread: Thread) -> dict[str, object]:
    return {
        "id": thread.id,
        "relay_id": thread.relay_id,
        "sender_id": thread.sender_id,
        "sender_country": thread.sender_country,
        "country": thread.country,
        "status": thread.status,
        "message_id": thread.message_id,
        "state": thread.state,
        "disputed": thread.disputed,
        "version": thread.version,
        "level": thread.level,
        "strictest_tlp": thread.strictest_tlp,
        "incident_id": thread.incident_id,
        "orphan": thread.orphan,
        "opened_at": thread.opened_at,
        "updated_at": thread.updated_at,
    }

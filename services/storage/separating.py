"""Taking a merge back: a person says that two threads do not report one event.

The thread that had joined leaves the incident. What it says is not decided again but for its correlation: a
new revision, caused by the separation, goes out to whom the merge had kept it from.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select, update

from schemas.classifications import Correlation
from schemas.vocabularies import CorrelationLevel
from services.storage import announcing, audit, outbox, thread_rows, verdicts
from services.storage.incidents import incident_id_of
from services.storage.locks import lock, thread_key
from services.storage.records import Version
from services.storage.tables import links, threads
from services.storage.thread_records import StoredLink

_MERGES: Final = frozenset({CorrelationLevel.CONTENT_COPY.value, CorrelationLevel.SAME_EVENT.value})
_NEAREST: Final = (
    CorrelationLevel.POSSIBLE_SAME_EVENT,
    CorrelationLevel.ECHO,
    CorrelationLevel.SAME_THREAT,
)

_by_id = select(links).where(links.c.id == bindparam("id"))
_of_thread = (
    select(links)
    .where(or_(links.c.thread_id == bindparam("id"), links.c.other_thread_id == bindparam("id")))
    .order_by(links.c.linked_at, links.c.id)
)


def of_thread(connection: Connection, thread_id: str) -> list[StoredLink]:
    """Return the links of a thread in either direction, oldest first, undone ones included."""
    return [
        StoredLink(
            id=row.id,
            thread_id=row.thread_id,
            other_thread_id=row.other_thread_id,
            level=row.level,
            reason=row.reason,
            linked_at=row.linked_at,
            undone_at=row.undone_at,
        )
        for row in connection.execute(_of_thread, {"id": thread_id})
    ]


def undo(connection: Connection, link_id: str, *, actor: str, now: datetime) -> bool:
    """Take one merge back, with its audit record; False for no merge, or one that was taken back before."""
    row = connection.execute(_by_id, {"id": link_id}).first()
    if row is None or row.level not in _MERGES or row.undone_at is not None:
        return False
    lock(connection, (thread_key(one) for one in (row.thread_id, row.other_thread_id)))
    undone = update(links).where(links.c.id == link_id, links.c.undone_at.is_(None)).values(undone_at=now)
    if connection.execute(undone).rowcount == 0:
        return False
    thread = thread_rows.get(connection, row.thread_id, for_update=True)
    other = thread_rows.get(connection, row.other_thread_id, for_update=True)
    if thread is None or other is None:
        raise LookupError(link_id)
    detail: dict[str, object] = {"thread": thread.relay_id, "other": other.relay_id}
    audit.record(connection, actor=actor, act="link_undone", subject=link_id, detail=detail, now=now)
    if thread.incident_id != other.incident_id:
        return True
    alone = incident_id_of(thread.id, after=link_id)
    connection.execute(update(threads).where(threads.c.id == thread.id).values(incident_id=alone))
    current = verdicts.current(connection, thread.id)
    if current is not None:
        _revise(connection, current, link_id=link_id, without=other.relay_id, now=now)
    return True


def _revise(connection: Connection, current: Version, *, link_id: str, without: str, now: datetime) -> None:
    related = tuple(
        one
        for one in current.correlation.related
        if one.relay_id != without and one.level.value not in _MERGES
    )
    levels = {one.level for one in related}
    level = next((one for one in _NEAREST if one in levels), CorrelationLevel.NEW)
    correlation = Correlation(
        level=level,
        incident_id=current.thread.incident_id,
        related=related,
        firsts=current.correlation.firsts,
        states_in_window=current.correlation.states_in_window,
    )
    verdict = verdicts.NewVerdict(
        message_id=current.message.id,
        thread_id=current.thread.id,
        thread_version=current.thread_version,
        silent=False,
        country=current.alert.location.country,
        classification=current.classification,
        correlation=correlation,
        revision=current.revision + 1,
        cause=f"separation:{link_id}",
    )
    event = announcing.classified(current.message, verdict, thread=current.thread, now=now)
    outbox.append(connection, event, now=now)
    verdicts.write(connection, verdict, now=now)

"""Taking a merge back: a person says that two threads do not report one event.

The younger of the two leaves the incident, and with it what came to the incident through it alone. What the threads
say is not decided again but for their correlation: a new revision, caused by the separation, goes out to whom the
merge had kept it from. That may be on either side: who was told of the one was spared the other.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from schemas.classifications import Correlation
from schemas.vocabularies import CorrelationLevel
from services.errors import Invalid, Transient
from services.storage import announcing, audit, merged, outbox, settling, thread_rows, verdicts
from services.storage.incidents import incident_id_of
from services.storage.locks import incident_key, lock, thread_key
from services.storage.merge_records import Merge, Undone
from services.storage.records import SEPARATION, Thread, Version
from services.storage.repeating import repeatable
from services.storage.tables import links, notifications
from services.storage.thread_records import Proposal

_NEAREST: Final = (
    CorrelationLevel.CONTENT_COPY,
    CorrelationLevel.SAME_EVENT,
    CorrelationLevel.POSSIBLE_SAME_EVENT,
    CorrelationLevel.ECHO,
    CorrelationLevel.SAME_THREAT,
)
_MERGES: Final = sorted(merged.MERGES)

_standing = select(links.c.id, links.c.thread_id, links.c.other_thread_id).where(
    links.c.thread_id.in_(bindparam("ids", expanding=True)),
    links.c.level.in_(_MERGES),
    links.c.undone_at.is_(None),
)
_undo = (
    update(links)
    .where(links.c.id == bindparam("link"), links.c.undone_at.is_(None))
    .values(undone_at=bindparam("at"))
)
_kept_back = select(notifications.c.id).where(merged.kept_back(bindparam("thread"))).limit(1)


@repeatable
def undo(connection: Connection, merge_id: str, *, reason: str, actor: str, now: datetime) -> Undone:
    """Take one merge back, with its audit record; a repeat does nothing.

    Raises `Invalid`, no_such_merge; `Transient` where another decision came between.
    """
    known = _merge(connection, merge_id)
    versions = _members(connection, known)
    lock(connection, _lock_keys(versions))
    merge = _merge(connection, merge_id)
    if merge.undone_at is not None:
        return Undone(merge=merge, again=True)
    members = _held(connection, merge)
    if [one.id for one in members] != [one.thread.id for one in versions]:
        raise Transient("another decision came between")
    edges = _edges(connection, members)
    left = _leaving(merge, {pair for _, pair in edges})
    cut = [link for link, pair in edges if len(left & set(pair)) == 1]
    for link in {merge.id, *cut}:
        connection.execute(_undo, {"link": link, "at": now})
    alone = _own_incident(connection, merge)
    together = merge.joined.incident_id == merge.other.incident_id
    after = [replace(one, incident_id=alone) if together and one.id in left else one for one in members]
    for one in after:
        if together and one.id in left:
            thread_rows.change(connection, one)
    detail: dict[str, object] = {
        "left": [one.relay_id for one in after if one.id in left],
        "other": merge.other.relay_id,
        "reason": reason,
    }
    audit.record(connection, actor=actor, act="merge.undone", subject=merge.id, detail=detail, now=now)
    for one in sorted(after, key=lambda one: one.id not in left):
        apart = frozenset(other.relay_id for other in after if (other.id in left) != (one.id in left))
        _look_again(connection, one, apart=apart, moved=together and one.id in left, cause=merge.id, now=now)
    return Undone(merge=_merge(connection, merge_id), again=False)


def _merge(connection: Connection, merge_id: str) -> Merge:
    found = merged.by_id(connection, merge_id)
    if found is None:
        raise Invalid("no_such_merge")
    return found


def _threads(connection: Connection, merge: Merge) -> list[str]:
    """Return the threads that a separation concerns, in the order of their ids."""
    if merge.joined.incident_id != merge.other.incident_id:  # taken apart before, by another merge
        return sorted((merge.joined.id, merge.other.id))
    return sorted(one.id for one in thread_rows.of_incident(connection, merge.joined.incident_id))


def _members(connection: Connection, merge: Merge) -> list[Version]:
    """Return the content that stands in each of these threads."""
    found = (thread_rows.get(connection, one) for one in _threads(connection, merge))
    versions = (verdicts.version(connection, one.message_id) for one in found if one is not None)
    return [one for one in versions if one is not None]


def _held(connection: Connection, merge: Merge) -> list[Thread]:
    found = (thread_rows.get(connection, one, for_update=True) for one in _threads(connection, merge))
    return [one for one in found if one is not None]


def _lock_keys(versions: Sequence[Version]) -> Iterator[str]:
    """Yield what whoever routes these threads, or decides what may join them, holds."""
    for one in versions:
        yield thread_key(one.thread.id)
        yield incident_key(one.thread.incident_id)
        yield from settling.lock_keys(Proposal(message=one.message, sightings=()))


def _own_incident(connection: Connection, merge: Merge) -> str:
    """Return the incident of the thread that had joined: the one that it opened, unless another was taken in there."""
    own = incident_id_of(merge.joined.id)
    return (
        incident_id_of(merge.joined.id, after=merge.id) if thread_rows.of_incident(connection, own) else own
    )


def _edges(connection: Connection, members: Sequence[Thread]) -> list[tuple[str, tuple[str, str]]]:
    """Return the merges that stand between these threads, as (link, (thread, other))."""
    ids = [one.id for one in members]
    rows = connection.execute(_standing, {"ids": ids})
    return [(row.id, (row.thread_id, row.other_thread_id)) for row in rows if row.other_thread_id in set(ids)]


def _leaving(merge: Merge, pairs: Collection[tuple[str, str]]) -> set[str]:
    """Return the thread that had joined, with all that stands with the other thread only through it."""
    without = [pair for pair in pairs if merge.joined.id not in pair]
    staying = _reached(merge.other.id, without)
    return _reached(merge.joined.id, [pair for pair in pairs if not staying & set(pair)])


def _reached(start: str, pairs: Collection[tuple[str, str]]) -> set[str]:
    found, before = {start}, 0
    while len(found) > before:
        before = len(found)
        found |= {one for pair in pairs if found & set(pair) for one in pair}
    return found


def _look_again(
    connection: Connection, thread: Thread, *, apart: frozenset[str], moved: bool, cause: str, now: datetime
) -> None:
    """Write what the thread's content, and what came after it without content, is related to now."""
    if thread.state == "retracted":
        return
    kept_back = connection.execute(_kept_back, {"thread": thread.id}).first() is not None
    standing = verdicts.version(connection, thread.message_id)
    current = verdicts.current(connection, thread.id)
    for version in {one.message.id: one for one in (standing, current) if one is not None}.values():
        correlation = _without(version.correlation, apart, incident_id=thread.incident_id)
        if moved or kept_back or correlation != version.correlation:
            _revise(connection, version, correlation, thread=thread, cause=SEPARATION + cause, now=now)


def _without(correlation: Correlation, apart: frozenset[str], *, incident_id: str) -> Correlation:
    """Return a correlation without the merges with the threads of `apart`, given by their relay ids."""
    related = tuple(
        one
        for one in correlation.related
        if one.relay_id not in apart or one.level.value not in merged.MERGES
    )
    level = correlation.level
    if related != correlation.related:
        levels = {one.level for one in related}
        level = next((one for one in _NEAREST if one in levels), CorrelationLevel.NEW)
    return correlation.model_copy(update={"level": level, "incident_id": incident_id, "related": related})


def _revise(
    connection: Connection,
    version: Version,
    correlation: Correlation,
    *,
    thread: Thread,
    cause: str,
    now: datetime,
) -> None:
    verdict = verdicts.NewVerdict(
        message_id=version.message.id,
        thread_id=thread.id,
        thread_version=version.thread_version,
        silent=version.silent,
        country=version.alert.location.country,
        classification=version.classification,
        correlation=correlation,
        revision=version.revision + 1,
        cause=cause,
    )
    event = announcing.classified(version.message, verdict, thread=thread, now=now)
    outbox.append(connection, event, now=now)
    verdicts.write(connection, verdict, now=now)

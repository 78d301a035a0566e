"""Routing as a fact: who is told of a version is decided once, in the transaction that writes the rows.

Every lower version of the thread is routed first, under the locks of the thread and its incident, so that no
correction ever overtakes what it corrects; every higher one that is decided already follows, so that nobody is
sent what has been replaced. A repeat finds the fact and decides nothing.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, select

from schemas.vocabularies import MessageType
from services.errors import Invalid
from services.storage.deliveries_rows import CURSOR, RANKS, VERSIONS, load_version, to_told, to_version
from services.storage.deliveries_states import PENDING
from services.storage.delivery_records import Background, Decide, Planned, Routed, Routing, Told
from services.storage.driver import run
from services.storage.locks import incident_key, lock, thread_key
from services.storage.records import SEPARATION, Directory, Version
from services.storage.repeating import one_statement, repeatable
from services.storage.statements import among, insert_once, next_number, padded
from services.storage.tables import Instant, notifications, receipts, routings, threads, verdicts

_told_columns = (
    notifications.c.id,
    notifications.c.message_id,
    notifications.c.occasion,
    notifications.c.thread_id,
    notifications.c.thread_version,
    notifications.c.recipient_id,
    notifications.c.channel,
    notifications.c.endpoint_id,
    notifications.c.message_type,
    notifications.c.content,
    notifications.c.state,
    notifications.c.reason,
    notifications.c.received,
)
_places = (
    select(verdicts.c.message_id, verdicts.c.thread_id, verdicts.c.thread_version, threads.c.incident_id)
    .join(threads, threads.c.id == verdicts.c.thread_id)
    .where(verdicts.c.message_id.in_(bindparam("messages", expanding=True)))
    .order_by(verdicts.c.revision)
)
_unrouted = VERSIONS.where(
    verdicts.c.thread_id.in_(bindparam("threads", expanding=True)), among(verdicts.c.routed_at).is_(None)
).order_by(verdicts.c.thread_version, verdicts.c.revision)
_thread_told = (
    select(*_told_columns)
    .where(notifications.c.thread_id == bindparam("thread"))
    .order_by(notifications.c.thread_version, notifications.c.cursor)
)
# Claims and settlements of the thread's rows are waited for in a statement of its own, so that the next one sees what
# they committed: what is being sent now is waited for, not superseded.
_hold_told = (
    select(notifications.c.id)
    .where(notifications.c.thread_id == bindparam("thread"))
    .order_by(notifications.c.cursor)
    .with_for_update()
)
_incident_told = (
    select(*_told_columns)
    .join(threads, threads.c.id == notifications.c.thread_id)
    .where(
        threads.c.incident_id == bindparam("incident"),
        threads.c.id != bindparam("thread"),
        threads.c.state != "retracted",
    )
    .order_by(notifications.c.cursor)
)
_authors = (
    select(receipts.c.sender_id)
    .join(verdicts, verdicts.c.message_id == receipts.c.id)
    .where(verdicts.c.thread_id == bindparam("thread"), verdicts.c.thread_version < bindparam("version"))
    .distinct()
)
_supersede = (
    notifications.update()
    .where(
        notifications.c.thread_id == bindparam("thread"),
        notifications.c.thread_version < bindparam("version"),
        notifications.c.state == PENDING,
    )
    .values(
        state="superseded",
        reason="newer_version",
        next_at=None,
        waits_for=None,
        settled_at=bindparam("at"),
        awaits_answer=False,
    )
)
_answered_by_newer = (
    notifications.update()
    .where(
        notifications.c.thread_id == bindparam("thread"),
        notifications.c.thread_version < bindparam("version"),
        notifications.c.awaits_answer.is_(True),
    )
    .values(awaits_answer=False)
)
_again = bindparam("at", type_=Instant)
# What was kept back is told now: it is as old as that, and its answer is due as long after it.
_told_now = {
    "reason": None,
    "created_at": _again,
    "due_at": notifications.c.due_at - notifications.c.created_at + _again,
    "awaits_answer": notifications.c.due_at.is_not(None),
    "revision": case(
        (notifications.c.message_id == bindparam("message"), bindparam("revised")),
        else_=notifications.c.revision,
    ),
}
_kept_back = notifications.update().where(
    notifications.c.id == bindparam("row"), notifications.c.state == "withheld"
)
_reopen = _kept_back.where(notifications.c.channel != "feed").values(
    state="pending", next_at=_again, settled_at=None, **_told_now
)
_show = _kept_back.where(notifications.c.channel == "feed").values(
    state="delivered", received=True, settled_at=_again, **_told_now
)
_mark = (
    verdicts.update()
    .where(verdicts.c.message_id == bindparam("message"), verdicts.c.revision == bindparam("revised"))
    .values(routed_at=bindparam("at"))
)


@repeatable
def route_all(
    connection: Connection,
    *,
    wanted: Sequence[tuple[str, datetime]],
    decide: Decide,
    directory: Callable[[Connection], Directory],
) -> list[Routed | Invalid]:
    """Route classified messages, one after the other, each with every version of its thread that is not routed yet.

    Safe to repeat: what is routed stays as it was decided. `Invalid` in the place of what is not classified.
    """
    places = _places_of(connection, wanted)
    waiting = _waiting(connection, places.values())
    pen = _Pen(connection)
    answers: list[Routed | Invalid] = []
    for message_id, now in wanted:
        place = places.get(message_id)
        if place is None:
            answers.append(Invalid("not_classified", f"no classified message {message_id}"))
            continue
        versions = waiting[place.thread_id]
        waiting[place.thread_id] = []
        answers.append(_route(connection, versions, pen=pen, decide=decide, directory=directory, now=now))
    pen.write()
    return answers


def _route(
    connection: Connection,
    versions: Sequence[Version],
    *,
    pen: "_Pen",
    decide: Decide,
    directory: Callable[[Connection], Directory],
    now: datetime,
) -> Routed:
    rows = 0
    ready = False
    for version in versions:
        if is_later(version) or _asks_for_incident(version):
            pen.write()  # what was decided just now is part of what this one rests on
        people = pen.directory or directory(connection)
        pen.directory = people
        routing = decide(version, _background(connection, version), people, now=now)
        _supersede_older(connection, version, routing, now=now)
        pen.take(version, routing, directory_version=people.version, now=now)
        rows += len(routing.rows)
        ready = ready or bool(routing.reopened) or any(row.state == "pending" for row in routing.rows)
    return Routed(versions=tuple(versions), rows=rows, ready=ready)


def _places_of(connection: Connection, wanted: Sequence[tuple[str, datetime]]) -> dict[str, Any]:
    """Return where each message stands; of that only its incident ever changes."""
    found = run(connection, _places, {"messages": padded([message_id for message_id, _ in wanted])})
    return {row.message_id: row for row in found}


def _waiting(connection: Connection, places: Collection[Any]) -> dict[str, list[Version]]:
    """Return what is not routed yet of the threads of these places, each of them held with its incident."""
    waiting: dict[str, list[Version]] = {row.thread_id: [] for row in places}
    keys = _lock_keys((row.thread_id, row.incident_id) for row in places)
    while waiting:
        waited = lock(connection, keys)
        rows = run(connection, _unrouted, {"threads": padded(list(waiting))})
        found = [to_version(row) for row in rows]
        held, keys = keys, _lock_keys((one.thread.id, one.thread.incident_id) for one in found)
        if not waited or keys <= held:  # else a thread joined another incident while we waited
            for one in found:
                waiting[one.thread.id].append(one)
            break
    return waiting


def _lock_keys(places: Iterable[tuple[str, str]]) -> set[str]:
    """Return the keys of threads and their incidents, given as (thread, incident)."""
    return {key for thread, incident in places for key in (thread_key(thread), incident_key(incident))}


class _Pen:
    """Keeps what was decided until it is written, for many versions at once."""

    def __init__(self, connection: Connection) -> None:
        self.directory: Directory | None = None  # one transaction sees one
        self._connection = connection
        self._rows: list[dict[str, Any]] = []
        self._routings: list[dict[str, Any]] = []
        self._marks: list[dict[str, Any]] = []

    def take(self, version: Version, routing: Routing, *, directory_version: int, now: datetime) -> None:
        """Keep one decision."""
        like = like_version(version)
        self._rows.extend(_row(row, like=like, now=now) for row in routing.rows)
        self._routings.append(
            {
                "message_id": version.message.id,
                "occasion": routing.occasion,
                "thread_id": version.thread.id,
                "revision": version.revision,
                "directory_version": directory_version,
                "reasons": json.dumps({one: list(codes) for one, codes in routing.reasons.items()}),
                "planned": len(routing.rows),
                "routed_at": now,
            }
        )
        self._marks.append({"message": version.message.id, "revised": version.revision, "at": now})

    def write(self) -> None:
        """Write down what was kept."""
        if self._routings:
            _insert(self._connection, self._rows)
            run(self._connection, insert_once(self._connection, routings), self._routings)
            run(self._connection, _mark, self._marks)
        self._rows, self._routings, self._marks = [], [], []


@one_statement
def thread_told(connection: Connection, *, thread_id: str) -> list[Told]:
    """Return everything that was routed in a thread, oldest version first."""
    return [to_told(row) for row in run(connection, _thread_told, {"thread": thread_id})]


def insert_rows(
    connection: Connection, planned: Sequence[Planned], *, like: dict[str, Any], now: datetime
) -> None:
    """Write planned notifications; ``like`` names the message, its thread and its urgency."""
    _insert(connection, [_row(row, like=like, now=now) for row in planned])


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    last = next_number(connection, CURSOR, step=len(rows))
    numbered = [row | {"cursor": number} for number, row in enumerate(rows, start=last - len(rows) + 1)]
    run(connection, insert_once(connection, notifications), numbered)


def like_version(version: Version) -> dict[str, Any]:
    """Return what all notifications of one version share."""
    return {
        "message_id": version.message.id,
        "revision": version.revision,
        "thread_id": version.thread.id,
        "thread_version": version.thread_version,
        "message_type": version.message_type.value,
        "urgency": RANKS[version.urgency.value],
    }


def _background(connection: Connection, version: Version) -> Background:
    thread = version.thread
    later = is_later(version)
    if later and connection.dialect.name == "postgresql":
        run(connection, _hold_told, {"thread": thread.id})
    told = thread_told(connection, thread_id=thread.id) if later else []
    incident = _incident(connection, version) if _asks_for_incident(version) else []
    known: dict[str, Version] = {}
    for one in incident:
        if one.message_id not in known and (one.received or one.open):
            loaded = load_version(connection, message_id=one.message_id, revision=0)
            if loaded is not None:
                known[one.message_id] = loaded
    authors: frozenset[str] = frozenset()
    if later:
        found = run(connection, _authors, {"thread": thread.id, "version": version.thread_version})
        authors = frozenset(found.scalars())
    return Background(thread=told, incident=incident, known=known, authors=authors)


def is_later(version: Version) -> bool:
    """Return whether something of its thread may have been told before."""
    return version.thread_version > 1 or version.revision > 0


def _asks_for_incident(version: Version) -> bool:
    """Return whether what others of the incident were told can matter: most versions are spared that read."""
    corroborates = version.correlation.level in ("content_copy", "same_event")
    retracts = version.message_type is MessageType.RETRACTION
    return corroborates or retracts or version.cause.startswith(SEPARATION)


def _incident(connection: Connection, version: Version) -> list[Told]:
    wanted = {"incident": version.thread.incident_id, "thread": version.thread.id}
    return [to_told(row) for row in run(connection, _incident_told, wanted)]


def _supersede_older(connection: Connection, version: Version, routing: Routing, *, now: datetime) -> None:
    newer = {"thread": version.thread.id, "version": version.thread_version}
    if routing.supersedes and version.thread_version > 1:
        run(connection, _supersede, newer | {"at": now})
        run(connection, _answered_by_newer, newer)
    revised = {"message": version.message.id, "revised": version.revision, "at": now}
    for row in routing.reopened:
        run(connection, _reopen, revised | {"row": row})
        run(connection, _show, revised | {"row": row})


def _row(row: Planned, *, like: dict[str, Any], now: datetime) -> dict[str, Any]:
    pending = row.state == "pending"
    return like | {
        "id": row.id,
        "occasion": row.occasion,
        "recipient_id": row.recipient_id,
        "channel": row.channel.value,
        "endpoint_id": row.endpoint_id,
        "content": row.content,
        "why": json.dumps(row.why),
        "state": row.state,
        "reason": row.reason,
        "waits_for": row.waits_for,
        "supersedes": row.supersedes,
        "needs_original": row.needs_original,
        "attempts": 0,
        "created_at": now,
        "next_at": now if pending and row.waits_for is None else None,
        "received": row.state == "delivered",
        "settled_at": None if pending else now,
        "due_at": row.due_at,
        "awaits_answer": row.due_at is not None and row.state != "withheld",
    }

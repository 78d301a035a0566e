"""What a message refers to, what it waits for, and what waited for it.

A reference is the national reference of one of the sender's own alerts, else of another institution of its
state; or `CC:ref`; or a relay id. One to an alert that the sender may not see counts as unknown, so that
nobody learns from an answer what exists.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, insert, literal, select, union_all, update

from schemas.vocabularies import MessageType, ReferenceRelation
from services.storage import outbox, receipt_records, receipts
from services.storage.driver import run
from services.storage.records import Event, Message
from services.storage.statements import insert_once
from services.storage.tables import citations, held, threads, verdicts
from services.storage.tables import receipts as receipts_table
from services.storage.thread_records import Citation, MaySee

OPENS_AFTER: Final = timedelta(minutes=10)
DIES_AFTER: Final = timedelta(days=7)

DEFINING: Final = {
    MessageType.UPDATE: ReferenceRelation.UPDATE_OF,
    MessageType.CORRECTION: ReferenceRelation.CORRECTS,
    MessageType.RETRACTION: ReferenceRelation.RETRACTS,
    MessageType.CLOSURE: ReferenceRelation.CLOSES,
    MessageType.DISPUTE: ReferenceRelation.DISPUTES,
}
_MOST_STEPS: Final = 100  # of a chain of held messages; a longer one dies at its deadline anyway
_NAMED: Final = re.compile(r"[A-Z]{2}:[^:]{1,64}")
_RELAY_ID: Final = re.compile(r"[A-Z][A-Z0-9]*-[A-Z]{2}-\d{4}-\d{6,}")

_first_verdict = and_(verdicts.c.message_id == receipts_table.c.id, verdicts.c.revision == 0)
_of_reference = (
    select(
        receipts_table.c.id,
        receipts_table.c.sender_id,
        receipts_table.c.version,
        receipts_table.c.state,
        verdicts.c.thread_id,
    )
    .select_from(receipts_table.outerjoin(verdicts, _first_verdict))
    .where(
        receipts_table.c.country == bindparam("country"),
        receipts_table.c.national_ref == bindparam("national_ref"),
        receipts_table.c.status == bindparam("status"),
    )
    .order_by(receipts_table.c.version)
)
_of_relay_id = select(threads.c.id, threads.c.sender_id, threads.c.message_id).where(
    threads.c.relay_id == bindparam("relay_id"), threads.c.status == bindparam("status")
)
_let_go = delete(held).where(held.c.message_id == bindparam("message_id"))
_hold = insert(held)
_held_row = select(held).where(held.c.message_id == bindparam("message_id"))
_waits = select(
    held.c.message_id,
    held.c.reference,
    held.c.sender_id,
    held.c.country,
    literal("").label("thread_id"),
    literal("").label("relation"),
).where(held.c.status == bindparam("status"))
_cites = select(
    citations.c.message_id,
    citations.c.reference,
    citations.c.sender_id,
    citations.c.country,
    citations.c.thread_id,
    citations.c.relation,
).where(citations.c.status == bindparam("status"))
# One statement of four look-ups: every alert asks, and hardly any is answered.
_named_before = union_all(
    _waits.where(held.c.national_ref == bindparam("name")),
    _waits.where(held.c.national_ref == bindparam("relay_id")),
    _cites.where(citations.c.national_ref == bindparam("name")),
    _cites.where(citations.c.national_ref == bindparam("relay_id")),
)
_overdue = (
    select(held.c.message_id)
    .join(receipts_table, receipts_table.c.id == held.c.message_id)
    .where(held.c.deadline <= bindparam("now"), receipts_table.c.state == "held")
    .order_by(held.c.deadline)
    .limit(bindparam("most"))
)
_publish = (
    update(receipts_table)
    .where(receipts_table.c.id == bindparam("message_id"), receipts_table.c.state == "held")
    .values(
        state="pending",
        state_reason=None,
        published_at=bindparam("at"),
        attempt=receipts_table.c.attempt + 1,
    )
    .returning(receipts_table)
)


@dataclass(frozen=True, slots=True)
class Target:
    """The thread that a message joins."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The reference that nothing here answers to (yet)."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a held message waits, and what then."""

    deadline: datetime
    opens_thread: bool


def resolve(connection: Connection, message: Message, *, may_see: MaySee) -> Target | Unknown:
    """Return the thread that an update, correction, retraction, closure or dispute joins."""
    relation = DEFINING[message.alert.message_type]
    named = [one.ref for one in message.alert.references if one.relation == relation]
    unknown = message.alert.national_ref  # without a reference it means its own lower version
    for reference in named:
        found = find(connection, message, reference, may_see=may_see)
        if found is not None:
            return Target(found)
    return Unknown(named[0] if named else unknown)


def find(connection: Connection, message: Message, reference: str, *, may_see: MaySee) -> str | None:
    """Return the thread that `reference` of this message names; None if unknown, ambiguous or not for it."""
    rows = _receipts_named(connection, message, reference)
    if rows:
        if len({row.sender_id for row in rows}) > 1:
            return None
        seen = [row for row in rows if row.thread_id is not None]
        if not seen:
            return None
        newest = seen[-1]
        return newest.thread_id if _visible(connection, message, newest, may_see=may_see) else None
    if not _RELAY_ID.fullmatch(reference):
        return None
    row = run(connection, _of_relay_id, {"relay_id": reference, "status": message.alert.status}).first()
    if row is None or not _may_see(connection, message, row.sender_id, row.message_id, may_see=may_see):
        return None
    found: str = row.id
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedBefore:
    """Who named a message before it came: those that wait for it, and threads with a relation to it."""

    waiting: tuple[str, ...]
    citations: tuple[Citation, ...]


def named_before(connection: Connection, message: Message, *, relay_id: str) -> NamedBefore:
    """Return who named this message, or the thread with this relay id, before it came."""
    wanted = {"name": message.alert.national_ref, "relay_id": relay_id, "status": message.alert.status}
    rows = [row for row in run(connection, _named_before, wanted) if _means(row, message, relay_id)]
    return NamedBefore(
        waiting=tuple(row.message_id for row in rows if not row.relation),
        citations=tuple(
            Citation(thread_id=row.thread_id, relation=row.relation, back=True)
            for row in rows
            if row.relation
        ),
    )


def cited(
    connection: Connection, message: Message, *, may_see: MaySee
) -> tuple[tuple[Citation, ...], tuple[str, ...]]:
    """Return what this message says outright of other threads, and the references that nothing answers to yet."""
    found: list[Citation] = []
    unknown: list[str] = []
    for reference, relation in _relations(message):
        other = find(connection, message, reference, may_see=may_see)
        if other is None:
            unknown.append(reference)
        else:
            found.append(Citation(thread_id=other, relation=relation))
    return tuple(found), tuple(unknown)


def remember(
    connection: Connection, message: Message, *, unknown: tuple[str, ...], thread_id: str, orphan: bool
) -> None:
    """Keep the references that nothing answers to, so that they link whenever the other side arrives."""
    defining = DEFINING.get(message.alert.message_type)
    missing = [one for one in _relations(message) if one[0] in unknown]
    if orphan:
        missing += [(one.ref, one.relation) for one in message.alert.references if one.relation == defining]
    rows = [
        {
            "message_id": message.id,
            "reference": reference,
            "relation": relation,
            "thread_id": thread_id,
            "sender_id": message.sender_id,
            "country": message.sender_country,
            "status": message.alert.status,
            "national_ref": bare(reference),
        }
        for reference, relation in missing
    ]
    if rows:
        run(connection, insert_once(connection, citations), rows)


def hold(connection: Connection, message: Message, reference: str, *, now: datetime) -> Patience:
    """Let a message wait for `reference`; return until when, and what is then due.

    A message that is held again keeps its first deadline.
    """
    row = run(connection, _held_row, {"message_id": message.id}).first()
    if row is not None:
        return Patience(deadline=row.deadline, opens_thread=row.opens_thread)
    opens = message.alert.message_type in {MessageType.UPDATE, MessageType.CORRECTION} and bool(
        message.alert.findings
    )
    deadline = now + (OPENS_AFTER if opens else DIES_AFTER)
    run(
        connection,
        _hold,
        {
            "message_id": message.id,
            "reference": reference,
            "sender_id": message.sender_id,
            "country": message.sender_country,
            "status": message.alert.status,
            "national_ref": bare(reference),
            "since": now,
            "deadline": deadline,
            "opens_thread": opens,
        },
    )
    return Patience(deadline=deadline, opens_thread=opens)


def let_go(connection: Connection, message_id: str) -> None:
    """Forget what a message waited for: it was decided."""
    run(connection, _let_go, {"message_id": message_id})


def release(connection: Connection, waiting: Iterable[str], *, now: datetime) -> int:
    """Put held messages on their topic again, each exactly once; return how many."""
    return sum(publish(connection, message_id, now=now) for message_id in waiting)


def publish(connection: Connection, message_id: str, *, now: datetime) -> bool:
    """Make a held message pending again, with a new record on its topic; False if it is not held."""
    row = run(connection, _publish, {"message_id": message_id, "at": now}).first()
    if row is None:
        return False
    message = receipts.to_message(row)
    event = Event(
        topic=receipt_records.TOPIC,
        event_id=f"{message_id}:{row.attempt}",
        key=row.reference_key[:64],
        payload=receipt_records.event_payload(message, body=row.body),
    )
    outbox.append(connection, event, now=now)
    return True


def overdue(connection: Connection, *, now: datetime, most: int) -> list[str]:
    """Return held messages whose deadline has passed, the longest waiting first."""
    return list(run(connection, _overdue, {"now": now, "most": most}).scalars())


def circle(connection: Connection, message: Message, reference: str) -> tuple[str, ...]:
    """Return the held messages that wait, one for the next, from `reference` back to this one; () if none."""
    met: list[str] = []
    for _ in range(_MOST_STEPS):
        waiting = [row for row in _receipts_named(connection, message, reference) if row.thread_id is None]
        rows = [
            row
            for candidate in waiting
            if (row := run(connection, _held_row, {"message_id": candidate.id}).first()) is not None
        ]
        if any(candidate.id == message.id for candidate in waiting):
            return tuple(met)
        if not rows or rows[0].message_id in met:
            return ()
        met.append(rows[0].message_id)
        if _means(rows[0], message, None):
            return tuple(met)
        reference = rows[0].reference
    return ()


def bare(reference: str) -> str:
    """Return a reference without the country that it may name."""
    country, colon, national_ref = reference.partition(":")
    return national_ref if colon and len(country) == len("CC") else reference


def _relations(message: Message) -> Iterator[tuple[str, str]]:
    """Yield what the message says outright of other alerts, but for the one that it changes.

    The origin of a finding that it only passes on is said as `CC:ref` or in words; words name nothing here.
    """
    defining = DEFINING.get(message.alert.message_type)
    for one in message.alert.references:
        if one.relation != defining:
            yield one.ref, one.relation
    for finding in message.alert.findings:
        if finding.origin is not None and finding.origin.ref and _NAMED.fullmatch(finding.origin.ref):
            yield finding.origin.ref, ReferenceRelation.ECHO_OF


def _receipts_named(connection: Connection, message: Message, reference: str) -> list[Any]:
    """Return the messages that `reference` names, lowest version first; the sender's own hide all others."""
    country, colon, national_ref = reference.partition(":")
    place = {"country": country if colon else message.sender_country}
    query = {"national_ref": national_ref if colon else reference, "status": message.alert.status}
    rows = list(run(connection, _of_reference, {**place, **query}))
    own = [row for row in rows if row.sender_id == message.sender_id]
    return own or rows


def _visible(connection: Connection, message: Message, row: Any, *, may_see: MaySee) -> bool:
    return _may_see(connection, message, row.sender_id, row.id, may_see=may_see)


def _may_see(
    connection: Connection, message: Message, sender_id: str, message_id: str, *, may_see: MaySee
) -> bool:
    if sender_id == message.sender_id:
        return True
    other = receipts.get(connection, message_id)
    return other is not None and may_see(message.sender_id, other)


def _means(row: Any, message: Message, relay_id: str | None) -> bool:
    """Return whether what `row` names, written by its sender, is this message or its thread."""
    if row.reference == relay_id:
        return True
    country, colon, national_ref = str(row.reference).partition(":")
    if colon:
        return country == message.sender_country and national_ref == message.alert.national_ref
    same_state = row.sender_id == message.sender_id or row.country == message.sender_country
    return bool(same_state and row.reference == message.alert.national_ref)

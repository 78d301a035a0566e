"""Receipts: what was accepted, written together with its outgoing record."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.engine import Row

from schemas.alerts import Alert
from schemas.vocabularies import Status
from services.storage import documents, outbox
from services.storage.driver import run
from services.storage.locks import lock
from services.storage.receipt_records import (
    TOPIC,
    Accepted,
    Answer,
    Refused,
    Repeated,
    Submission,
    event_payload,
)
from services.storage.records import Event, Message
from services.storage.repeating import one_statement, repeatable
from services.storage.statements import insert_once
from services.storage.tables import idempotency_keys, receipts, threads

_by_id = select(receipts).where(receipts.c.id == bindparam("id"))
_by_key = select(idempotency_keys).where(
    idempotency_keys.c.sender_id == bindparam("sender_id"), idempotency_keys.c.key == bindparam("key")
)


@repeatable
def accept(connection: Connection, submission: Submission) -> Answer:
    """Keep one message and its record in one transaction, or say why not. Safe to repeat."""
    message = submission.message
    if submission.idempotency_key is not None:
        # in line before it is read: of two messages under one key at once the second must see the first
        lock(connection, (f"idempotency {message.sender_id} {submission.idempotency_key}",))
        earlier = run(
            connection, _by_key, {"sender_id": message.sender_id, "key": submission.idempotency_key}
        ).first()
        if earlier is not None:
            if earlier.body_sha256 != submission.request_sha256:
                return Refused("idempotency_key_reused")
            return Repeated(_require(connection, earlier.receipt_id))
    answer = _keep(connection, submission)
    if submission.idempotency_key is not None and not isinstance(answer, Refused):
        run(
            connection,
            insert_once(connection, idempotency_keys),
            {
                "sender_id": message.sender_id,
                "key": submission.idempotency_key,
                "body_sha256": submission.request_sha256,
                "receipt_id": message.id,
                "created_at": message.received_at,
            },
        )
    return answer


@one_statement
def get(connection: Connection, message_id: str) -> Message | None:
    """Return an accepted message, whatever its state."""
    row = run(connection, _by_id, {"id": message_id}).first()
    return None if row is None else to_message(row)


def fits(
    connection: Connection, *, country: str, sender_id: str, status: str, reference: str
) -> frozenset[tuple[str, str]]:
    """Return the alerts, as (sender, national reference), that `reference` of this sender could mean.

    Its own come first: one of its own hides the others of its state. `CC:ref` names a country; a relay id
    names one thread. Empty = unknown, more than one = ambiguous.
    """
    named = reference.partition(":")
    if named[1]:
        return _national(connection, country=named[0], status=status, national_ref=named[2])
    own = select(receipts.c.sender_id, receipts.c.national_ref).where(
        receipts.c.sender_id == sender_id, receipts.c.status == status, receipts.c.national_ref == reference
    )
    if found := _pairs(connection, own.limit(1)):
        return found
    if found := _national(connection, country=country, status=status, national_ref=reference):
        return found
    relay = select(threads.c.sender_id, threads.c.id).where(
        threads.c.relay_id == reference, threads.c.status == status
    )
    return _pairs(connection, relay)


def counts(connection: Connection) -> dict[str, int]:
    """Return how many messages are in each state: accepted is their sum."""
    rows = connection.execute(
        select(receipts.c.state, func.count().label("messages")).group_by(receipts.c.state)
    )
    return {row.state: row.messages for row in rows}


def stale(connection: Connection, *, before: datetime, most: int) -> list[Message]:
    """Return messages still pending that were last put on the topic before `before`, oldest first."""
    late = select(receipts).where(receipts.c.state == "pending", receipts.c.published_at < before)
    return [to_message(row) for row in connection.execute(late.order_by(receipts.c.published_at).limit(most))]


def publish_again(connection: Connection, message: Message, *, now: datetime) -> bool:
    """Put a message that is still pending on its topic again; the stage absorbs what was done before."""
    row = connection.execute(_by_id, {"id": message.id}).first()
    if row is None or row.state != "pending":
        return False
    connection.execute(
        update(receipts).where(receipts.c.id == message.id).values(published_at=now, attempt=row.attempt + 1)
    )
    payload = event_payload(to_message(row), body=row.body)
    again = Event(
        topic=TOPIC, event_id=f"{message.id}:{row.attempt + 1}", key=row.reference_key[:64], payload=payload
    )
    outbox.append(connection, again, now=now)
    return True


def page(
    connection: Connection, *, sender_id: str | None, after: tuple[datetime, str] | None, most: int
) -> list[Message]:
    """Return messages in order of receipt, behind the place `after`; of one sender, or of all."""
    query = select(receipts)
    if sender_id is not None:
        query = query.where(receipts.c.sender_id == sender_id)
    if after is not None:
        at, message_id = after
        later = and_(receipts.c.received_at == at, receipts.c.id > message_id)
        query = query.where(or_(receipts.c.received_at > at, later))
    rows = connection.execute(query.order_by(receipts.c.received_at, receipts.c.id).limit(most))
    return [to_message(row) for row in rows]


def forget_keys(connection: Connection, *, before: datetime, most: int) -> int:
    """Delete idempotency keys older than the retention that the API states; return how many."""
    old = (
        select(idempotency_keys.c.sender_id, idempotency_keys.c.key)
        .where(idempotency_keys.c.created_at < before)
        .limit(most)
    )
    rows = connection.execute(old).all()
    for row in rows:
        connection.execute(
            delete(idempotency_keys).where(
                idempotency_keys.c.sender_id == row.sender_id, idempotency_keys.c.key == row.key
            )
        )
    return len(rows)


def to_message(row: Row[tuple[object, ...]]) -> Message:
    """Return the message that a row of `receipts` holds."""
    return Message(
        id=row.id,
        sender_id=row.sender_id,
        sender_country=row.country,
        can_amend=row.can_amend,
        reference_key=row.reference_key,
        received_at=row.received_at,
        content_sha256=row.content_sha256,
        alert=Alert.model_validate_json(row.body),
        state=row.state,
        state_reason=row.state_reason,
    )


def _keep(connection: Connection, submission: Submission) -> Answer:
    message = submission.message
    alert = message.alert
    draft = alert.status == Status.DRAFT
    kept = run(
        connection,
        insert_once(connection, receipts),
        {
            "id": message.id,
            "sender_id": message.sender_id,
            "country": message.sender_country,
            "status": alert.status,
            "national_ref": alert.national_ref,
            "version": alert.version,
            "message_type": alert.message_type,
            "tlp": alert.tlp,
            "reference_key": message.reference_key,
            "received_at": message.received_at,
            "content_sha256": message.content_sha256,
            "body": submission.body,
            "can_amend": message.can_amend,
            "state": "draft" if draft else "pending",
            "published_at": message.received_at,
        },
    )
    if kept.rowcount == 0:
        return _compare(connection, submission)
    if not draft:
        outbox.append(connection, submission.event, now=message.received_at)
        documents.messages.keep(submission.event.payload, message)
        documents.alerts.keep(submission.body, message.alert)
    return Accepted(message)


def _compare(connection: Connection, submission: Submission) -> Answer:
    message = submission.message
    first = _require(connection, message.id)
    if first.content_sha256 == message.content_sha256:
        return Repeated(first)
    if first.state != "draft":
        return Refused("reference_taken", "/version")
    connection.execute(  # a draft is replaceable until it is sent
        update(receipts)
        .where(receipts.c.id == message.id)
        .values(
            body=submission.body,
            content_sha256=message.content_sha256,
            tlp=message.alert.tlp,
            message_type=message.alert.message_type,
            received_at=message.received_at,
        )
    )
    return Accepted(message)


def _national(
    connection: Connection, *, country: str, status: str, national_ref: str
) -> frozenset[tuple[str, str]]:
    of_state = select(receipts.c.sender_id, receipts.c.national_ref).where(
        receipts.c.country == country, receipts.c.status == status, receipts.c.national_ref == national_ref
    )
    return _pairs(connection, of_state.distinct().limit(3))


def _pairs(connection: Connection, query: Select[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((row[0], row[1]) for row in connection.execute(query))


def _require(connection: Connection, message_id: str) -> Message:
    message = get(connection, message_id)
    if message is None:
        raise LookupError(message_id)
    return message


RETENTION_OF_KEYS = timedelta(days=7)  # stated in the API: how long an Idempotency-Key is remembered

"""The record on classified.v1 that tells the next stages of a verdict."""

from datetime import datetime

from schemas.events import CLASSIFIED, AlertClassified
from services.storage.records import Event, Message, Thread
from services.storage.serials import verdict_id_of
from services.storage.verdicts import NewVerdict


def classified(message: Message, verdict: NewVerdict, *, thread: Thread, now: datetime) -> Event:
    """Return the record of one verdict; its id is the verdict's, so that it is handed on once."""
    alert, severity = message.alert, verdict.classification.severity
    payload = AlertClassified(
        message_id=message.id,
        thread_id=thread.id,
        relay_id=thread.relay_id,
        thread_version=verdict.thread_version,
        revision=verdict.revision,
        cause=verdict.cause,
        silent=verdict.silent,
        status=alert.status,
        tlp=alert.tlp,
        country=alert.location.country,
        message_type=alert.message_type,
        level=severity.level,
        urgency=severity.urgency,
        categories=tuple(sorted({label.code for label in verdict.classification.categories})),
        correlation=verdict.correlation.level,
        received_at=message.received_at,
        sent_at=alert.sent_at,
        classified_at=now,
    )
    event_id = verdict_id_of(message.id, revision=verdict.revision, cause=verdict.cause)
    key = message.reference_key[:64]
    return Event(topic=CLASSIFIED, event_id=event_id, key=key, payload=payload.model_dump_json())

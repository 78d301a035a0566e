"""What the rest of the relay hears of deliveries: one event for each attempt and each answer, no addresses."""

import json
from datetime import datetime
from typing import Any

from schemas.events import DELIVERIES
from schemas.vocabularies import Severity
from services.storage.delivery_records import Deferred, Delivered, Moved, Rejected, Settlement, Withheld
from services.storage.records import Answer, Event, Notification, NotificationState

_SEVERITIES = tuple(Severity)


def attempt_event(
    before: Notification,
    settlement: Settlement,
    state: NotificationState,
    reason: str | None,
) -> Event:
    """Return the event of one settled claim, a `DeliveryRecorded`; its id repeats with the settlement."""
    outcome = settlement.outcome
    untried = isinstance(outcome, Moved | Withheld)
    suffix = state.value if untried else str(before.attempts)
    payload: dict[str, Any] = {
        "kind": "delivery",
        "payload_version": "0.1",
        "notification_id": before.id,
        "message_id": before.message_id,
        "thread_id": before.thread_id,
        "thread_version": before.thread_version,
        "occasion": before.occasion,
        "recipient_id": before.recipient_id,
        "recipient_country": settlement.country,
        "channel": before.channel.value,
        "message_type": before.message_type.value,
        "urgency": _SEVERITIES[before.urgency].value,
        "content": settlement.content,
        "state": state.value,
        "outcome": _name(settlement),
        "reason": reason or getattr(outcome, "reason", None),
        "status_code": getattr(outcome, "status_code", None),
        "attempt": before.attempts,
        "routed_at": _text(before.created_at),
        "first_attempt_at": _text(before.first_attempt_at),
        "began_at": _text(settlement.began_at),
        "at": _text(settlement.ended_at),
    }
    return Event(
        topic=DELIVERIES,
        event_id=f"{before.id}:{suffix}",
        key=before.thread_id,
        payload=json.dumps(payload, separators=(",", ":")),
    )


def answer_event(answer: Answer, of: Notification, *, country: str, delivered_at: datetime | None) -> Event:
    """Return the event of one answer, an `Acknowledged`; a note stays in the ledger."""
    payload = {
        "kind": "acknowledgement",
        "payload_version": "0.1",
        "message_id": answer.message_id,
        "notification_id": of.id,
        "thread_id": of.thread_id,
        "recipient_id": answer.recipient_id,
        "recipient_country": country,
        "urgency": _SEVERITIES[of.urgency].value,
        "state": answer.state,
        "via": answer.via,
        "action_on": answer.action_on,
        "delivered_at": _text(delivered_at),
        "at": _text(answer.answered_at),
    }
    return Event(
        topic=DELIVERIES,
        event_id=answer.id,
        key=of.thread_id,
        payload=json.dumps(payload, separators=(",", ":")),
    )


def _name(settlement: Settlement) -> str:
    match settlement.outcome:
        case Delivered():
            return "delivered"
        case Deferred(maybe=True):
            return "unknown"
        case Deferred():
            return "deferred"
        case Rejected():
            return "rejected"
        case Withheld():
            return "withheld"
        case Moved():
            return "moved"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()

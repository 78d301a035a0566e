"""What the metrics need of each record, and nothing else: no title, no substance, no name.

Pure. Fields that a newer writer adds are ignored; a record without what is needed is `Invalid`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schemas.dates import PartialDate
from schemas.vocabularies import AckState, Category, CorrelationLevel, MessageType, Severity, Status
from services.errors import Invalid
from services.metrics.measures import Stated, stated
from services.storage.records import ChannelKind, NotificationState, Record

ALERTS = "alerts.v1"
CLASSIFIED = "classified.v1"
DELIVERIES = "deliveries.v1"
TOPICS = (ALERTS, CLASSIFIED, DELIVERIES)


class AttemptOutcome(StrEnum):
    """How one try to send ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"  # nobody knows whether it arrived
    REJECTED = "rejected"
    WITHHELD = "withheld"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message was accepted."""

    message_id: str
    status: Status
    message_type: MessageType
    event: Stated | None
    detected: Stated | None
    lab_confirmed: Stated | None
    sent: datetime
    received: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """A message was classified; `first` is false for a later revision or a version that tells nobody."""

    message_id: str
    thread_id: str
    first: bool
    severity: Severity
    correlation: CorrelationLevel | None
    categories: tuple[Category, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A notification was tried, or ended without a try."""

    message_id: str
    message_type: MessageType
    severity: Severity
    channel: ChannelKind
    outcome: AttemptOutcome
    state: NotificationState
    routed: datetime
    first_attempt: datetime | None
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A recipient answered."""

    message_id: str
    recipient_id: str
    severity: Severity
    state: AckState
    delivered: datetime | None
    answered: datetime
    acted: Stated | None


Read = Accepted | Classified | Attempted | Answered


def read(record: Record) -> Read:
    """Return what a record of the three topics says; raises `Invalid` for what cannot be read."""
    try:
        payload = json.loads(record.payload)
        match record.topic:
            case "alerts.v1":
                return _accepted(payload)
            case "classified.v1":
                return _classified(payload)
            case "deliveries.v1" if payload["kind"] == "acknowledgement":
                return _answered(payload)
            case "deliveries.v1":
                return _attempted(payload)
            case _:
                raise Invalid("unknown_topic", record.topic)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Invalid("unreadable", f"{record.topic}: {type(fault).__name__}") from fault


def accepted(message_id: str, alert: Mapping[str, Any], *, received: datetime) -> Accepted:
    """Return what the metrics need of an alert's JSON."""
    return Accepted(
        message_id=message_id,
        status=Status(alert.get("status", Status.ACTUAL)),
        message_type=MessageType(alert.get("message_type", MessageType.ALERT)),
        event=_stated(alert.get("event_start")),
        detected=_stated(alert.get("detected_at")),
        lab_confirmed=_stated(alert.get("lab_confirmed_at")),
        sent=_at(alert["sent_at"]),
        received=received,
    )


def _accepted(payload: Mapping[str, Any]) -> Accepted:
    return accepted(payload["message_id"], payload["alert"], received=_at(payload["received_at"]))


def _classified(payload: Mapping[str, Any]) -> Classified:
    level = payload.get("correlation")
    return Classified(
        message_id=payload["message_id"],
        thread_id=payload["thread_id"],
        first=payload["revision"] == 0 and not payload.get("silent", False),
        severity=Severity(payload["urgency"]),
        correlation=None if level is None else CorrelationLevel(level),
        categories=tuple(Category(code) for code in payload.get("categories", ())),
        at=_at(payload["classified_at"]),
    )


def _attempted(payload: Mapping[str, Any]) -> Attempted:
    return Attempted(
        message_id=payload["message_id"],
        message_type=MessageType(payload["message_type"]),
        severity=Severity(payload["urgency"]),
        channel=ChannelKind(payload["channel"]),
        outcome=AttemptOutcome(payload["outcome"]),
        state=NotificationState(payload["state"]),
        routed=_at(payload["routed_at"]),
        first_attempt=_at_or_none(payload.get("first_attempt_at")),
        began=_at(payload["began_at"]),
        ended=_at(payload["at"]),
    )


def _answered(payload: Mapping[str, Any]) -> Answered:
    return Answered(
        message_id=payload["message_id"],
        recipient_id=payload["recipient_id"],
        severity=Severity(payload["urgency"]),
        state=AckState(payload["state"]),
        delivered=_at_or_none(payload.get("delivered_at")),
        answered=_at(payload["at"]),
        acted=_stated(payload.get("action_on")),
    )


def _stated(text: str | None) -> Stated | None:
    return None if text is None else stated(PartialDate.parse(text))


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise ValueError("a time without offset")
    return at


def _at_or_none(text: str | None) -> datetime | None:
    return None if text is None else _at(text)

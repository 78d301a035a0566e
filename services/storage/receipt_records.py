"""What the receipts port takes and gives, and the record of a message on its topic."""

from dataclasses import dataclass

from pydantic_core import to_json

from schemas.events import ALERTS
from services.storage import documents
from services.storage.records import Event, Message

TOPIC = ALERTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A message ready to be accepted; `body` is the alert's stored JSON, `event` its record on alerts.v1."""

    message: Message
    body: str
    event: Event
    idempotency_key: str | None = None
    request_sha256: str = ""  # of the bytes as posted: the same key with another body is refused


@dataclass(frozen=True, slots=True)
class Accepted:
    """Kept now, with its outgoing record."""

    message: Message


@dataclass(frozen=True, slots=True)
class Repeated:
    """An exact copy of what is there: the first receipt again, nothing is sent."""

    message: Message


@dataclass(frozen=True, slots=True)
class Refused:
    """Not kept: `taken` (409, another content has this reference and version), `key_reused` (422), ..."""

    reason: str
    field: str | None = None


Answer = Accepted | Repeated | Refused


def event_payload(message: Message, *, body: str) -> str:
    """Return the `AlertAccepted` of a message for alerts.v1; `body` is the alert's stored JSON, taken as it is."""
    head = {
        "payload_version": "0.1",
        "message_id": message.id,
        "sender_id": message.sender_id,
        "sender_country": message.sender_country,
        "can_amend": message.can_amend,
        "national_ref": message.alert.national_ref,
        "version": message.alert.version,
        "reference_key": message.reference_key,
        "received_at": message.received_at.isoformat(),
        "content_sha256": message.content_sha256,
    }
    return f'{to_json(head)[:-1].decode()},"alert":{body}}}'


def message_of(payload: str) -> Message:
    """Return the message that `event_payload` wrote down; raises `pydantic.ValidationError` for anything else."""
    return documents.messages.read(payload)

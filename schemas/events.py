"""What crosses the topics between the services. Each payload says its version; fields are only added.

Readers ignore fields that they do not know: an older reader meets a newer writer while both are deployed.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.alerts import Alert
from schemas.dates import Timestamp
from schemas.vocabularies import AckState, CorrelationLevel, MessageType, Severity, Status, Tlp

ALERTS = "alerts.v1"
CLASSIFIED = "classified.v1"
DELIVERIES = "deliveries.v1"
TOPICS = (ALERTS, CLASSIFIED, DELIVERIES)


class Payload(BaseModel):
    """A record of a topic."""

    model_config = ConfigDict(frozen=True, extra="ignore", serialize_by_alias=True)


class AlertAccepted(Payload):
    """An alert was accepted: what its receipt says, its sender's institution and itself."""

    payload_version: Literal["0.1"] = "0.1"
    message_id: str
    sender_id: str
    sender_country: str
    can_amend: bool = False
    national_ref: str
    version: int = Field(ge=1)
    reference_key: str
    received_at: Timestamp
    content_sha256: str
    alert: Alert


class AlertClassified(Payload):
    """A message has its place in its thread and its level; `cause` is why this revision was made."""

    payload_version: Literal["0.1"] = "0.1"
    message_id: str
    thread_id: str
    relay_id: str
    thread_version: int = Field(ge=0)  # 0 for a silent one: it was late, and readers do not count it
    revision: int = Field(ge=0)
    cause: str
    silent: bool = False
    status: Status
    tlp: Tlp
    country: str
    message_type: MessageType
    level: Severity
    urgency: Severity
    categories: tuple[str, ...] = ()
    correlation: CorrelationLevel | None = None
    received_at: Timestamp
    sent_at: Timestamp
    classified_at: Timestamp


class DeliveryRecorded(Payload):
    """One attempt to send, or a terminal state without one; `outcome` is a code, never an address."""

    payload_version: Literal["0.1"] = "0.1"
    notification_id: str
    message_id: str
    occasion: str
    recipient_country: str
    channel: str
    outcome: str
    urgency: Severity
    attempt: int = Field(ge=0)
    at: Timestamp


class Acknowledged(Payload):
    """A recipient answered."""

    payload_version: Literal["0.1"] = "0.1"
    message_id: str
    notification_id: str | None = None
    recipient_id: str
    recipient_country: str
    state: AckState
    urgency: Severity
    at: Timestamp

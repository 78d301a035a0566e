"""What the ports take and give: plain values, no SQL, no JSON text.

Shapes that several services share stand here; each port's own are beside it in `ports.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.vocabularies import Audience, MessageType, Severity, Status, Tlp

# --- the directory ---------------------------------------------------------------------------------------


class RecipientKind(StrEnum):
    """What a recipient is to the table of who may see what."""

    FOCAL_POINT = "focal_point"
    NETWORK = "network"  # another institution of the state's early-warning network
    OBSERVER = "observer"
    PRIVATE_SECTOR = "private_sector"
    SECRETARIAT = "secretariat"


class Participation(StrEnum):
    """How a state takes part; only `active` and `observer` are ever told anything."""

    ACTIVE = "active"
    OBSERVER = "observer"
    NOT_PARTICIPATING = "not_participating"
    WITHDRAWN = "withdrawn"
    DISPUTED = "disputed"


class ChannelKind(StrEnum):
    """How a notification travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    FEED = "feed"  # catch-up only: nothing is pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to reach a recipient; `personal` is a mailbox of one person (TLP:RED goes to no other)."""

    kind: ChannelKind
    address: str
    personal: bool = False
    withheld: bool = False  # webhook: its owner wants no content above TLP:GREEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An institution of the directory, with the participation of its state."""

    id: str
    country: str
    organisation: str
    kind: RecipientKind
    language: str
    timezone: str
    audiences: frozenset[Audience]
    channels: tuple[Channel, ...]
    deputies: tuple[Channel, ...] = ()
    categories: frozenset[str] = frozenset()  # follows only these; empty = every category
    active: bool = True
    participation: Participation = Participation.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All recipients at one version of the directory."""

    version: int
    recipients: Mapping[str, Recipient]

    def country_of(self, recipient_id: str) -> str:
        """Return a recipient's country; empty where it is in the directory no more."""
        recipient = self.recipients.get(recipient_id)
        return "" if recipient is None else recipient.country


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Who calls: an institution of the directory and what it may do."""

    id: str
    institution_id: str
    country: str
    organisation: str
    role: str
    contact: str | None
    countries: frozenset[str]
    scopes: frozenset[str]  # send, amend, read, acknowledge, secretariat
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


# --- the transport ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a stage hands on: written to the outbox in the stage's own transaction."""

    topic: str
    event_id: str
    key: str
    payload: str  # JSON
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event as a service reads it, or on its way to its topic.

    `position` is the feed's own; in the outbox, the row's id. `created_at` is when it was appended, where that is
    known. `fault` is why the transport could not read it (a code): then `payload` is only for a person to look at.
    """

    topic: str
    event_id: str
    key: str
    payload: str
    position: int
    traceparent: str | None = None
    created_at: datetime | None = None
    fault: str | None = None


# --- messages and threads --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An accepted alert as received: what a receipt stands for."""

    id: str
    sender_id: str  # institution of the API key
    sender_country: str
    can_amend: bool
    reference_key: str
    received_at: datetime
    content_sha256: str
    alert: Alert
    state: str = "pending"
    state_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One sender's alert with all its versions."""

    id: str
    relay_id: str
    opaque_id: str
    sender_id: str
    country: str
    status: Status
    state: str
    disputed: bool
    version: int
    level: Severity
    strictest_tlp: Tlp
    incident_id: str
    orphan: bool
    opened_at: datetime
    updated_at: datetime
    sender_country: str = ""  # of the institution, where `country` may be its territory
    message_id: str = ""  # whose content is the thread's now


SEPARATION = "separation:"  # how the cause of a verdict begins that came of a merge taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A classified message: its place in its thread, and what it was taken for."""

    message: Message
    thread: Thread
    thread_version: int
    revision: int
    cause: str
    silent: bool
    classification: Classification
    correlation: Correlation
    decided_at: datetime
    alert_size: int  # characters of the alert as the ledger has it, in JSON

    @property
    def alert(self) -> Alert:
        """The alert as the sender wrote it."""
        return self.message.alert

    @property
    def message_type(self) -> MessageType:
        """What the message does to its thread."""
        return self.message.alert.message_type

    @property
    def urgency(self) -> Severity:
        """By which it is sent and shown."""
        return self.classification.severity.urgency


# --- notifications ---------------------------------------------------------------------------------------


class NotificationState(StrEnum):
    """Where a notification stands; the last four are terminal."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One version and occasion for one recipient through one channel."""

    id: str
    message_id: str
    occasion: str  # issue, reassessed 1, reminder 1
    revision: int
    thread_id: str
    thread_version: int
    recipient_id: str
    channel: ChannelKind
    endpoint_id: str
    message_type: MessageType
    urgency: int  # 0 critical to 3 info
    content: str  # Content of services.disclosure, or "gone": may no longer see it
    why: tuple[str, ...]
    state: NotificationState
    reason: str | None
    attempts: int
    created_at: datetime
    next_at: datetime | None
    first_attempt_at: datetime | None
    settled_at: datetime | None
    due_at: datetime | None
    cursor: int
    claim_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person's answer to one message."""

    id: str
    message_id: str
    recipient_id: str
    state: str  # AckState
    note: str | None
    action_on: str | None
    via: str
    answered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one message got: counts only, no names."""

    recipients: int
    notified: int
    delivered: int
    acknowledged: int
    failed: int
    held_back: Mapping[str, int] = field(default_factory=dict)

"""What senders and readers are answered about alerts."""

from pydantic import Field

from schemas.alerts import Alert
from schemas.base import Answer
from schemas.classifications import Classification, Correlation
from schemas.dates import PartialDate, Timestamp
from schemas.problems import Problem
from schemas.vocabularies import (
    AckState,
    MessageState,
    MessageType,
    Severity,
    Status,
    ThreadState,
    Tlp,
    UpdateReason,
)


class Receipt(Answer):
    """That an alert is kept: written before the answer 202."""

    id: str
    national_ref: str
    version: int
    received_at: Timestamp
    content_sha256: str
    status_url: str


class Reach(Answer):
    """How far a message got: counts only. `held_back` counts by reason."""

    recipients: int = Field(ge=0)
    notified: int = Field(ge=0)
    delivered: int = Field(ge=0)
    acknowledged: int = Field(ge=0)
    failed: int = Field(ge=0)
    held_back: dict[str, int] = Field(default_factory=dict)


class AnswerEntry(Answer):
    """What one institution answered to this message: the answer that counts, its newest.

    `country` and `organisation` are None for one that has left the directory.
    """

    recipient_id: str
    country: str | None = None
    organisation: str | None = None
    state: AckState
    note: str | None = None
    action_on: PartialDate | None = None
    via: str
    answered_at: Timestamp


class HistoryEntry(Answer):
    """One message of the thread; the thread's own version is None for what has none yet."""

    id: str
    national_ref: str
    version: int
    thread_version: int | None = None
    message_type: MessageType
    update_reason: UpdateReason | None = None
    tlp: Tlp
    severity: Severity | None = None
    sent_at: Timestamp
    received_at: Timestamp


class AlertView(Answer):
    """One alert as its reader may see it; `reach` and `answers` are for the sender and the secretariat."""

    receipt: Receipt
    alert: Alert | None = None
    state: MessageState
    state_reason: str | None = None
    thread_id: str | None = None
    thread_version: int | None = None
    relay_id: str | None = None
    thread_state: ThreadState | None = None
    disputed: bool = False
    classification: Classification | None = None
    correlation: Correlation | None = None
    history: tuple[HistoryEntry, ...] = ()
    reach: Reach | None = None
    answers: tuple[AnswerEntry, ...] | None = None


class AlertSummary(Answer):
    """One line of a page of alerts."""

    id: str
    relay_id: str | None = None
    national_ref: str
    version: int
    thread_version: int | None = None
    message_type: MessageType
    status: Status
    state: MessageState
    tlp: Tlp
    country: str
    title: str
    severity: Severity | None = None
    categories: tuple[str, ...] = ()
    sent_at: Timestamp
    received_at: Timestamp
    url: str


class Page(Answer):
    """A page of alerts; `next` is the cursor of the following one, None at the end."""

    items: tuple[AlertSummary, ...] = ()
    next: str | None = None


class Batch(Answer):
    """Alerts posted together; each is validated and answered by itself."""

    alerts: tuple[Alert, ...] = Field(min_length=1, max_length=500)


class BatchEntry(Answer):
    """What became of one alert of a batch."""

    status: int
    receipt: Receipt | None = None
    problem: Problem | None = None


class BatchResults(Answer):
    """What became of each alert of a batch, in the order given."""

    results: tuple[BatchEntry, ...] = ()

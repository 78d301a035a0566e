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
    """The same for every repeat of the message."""
    national_ref: str
    """As posted."""
    version: int
    """As posted."""
    received_at: Timestamp
    """When it was kept."""
    content_sha256: str
    """Of what the relay keeps."""
    status_url: str
    """Where its fate is read."""


class Reach(Answer):
    """How far a message got: counts only. `held_back` counts by reason."""

    recipients: int = Field(ge=0)
    """Institutions that were to be told."""
    notified: int = Field(ge=0)
    """Of these, those to whom something was sent."""
    delivered: int = Field(ge=0)
    """Whose channel took it."""
    acknowledged: int = Field(ge=0)
    """Who answered; having only looked is no answer."""
    failed: int = Field(ge=0)
    """Who could not be reached at all."""
    held_back: dict[str, int] = Field(default_factory=dict)
    """Institutions that were not told, by reason."""


class AnswerEntry(Answer):
    """What one institution answered to this message: the answer that counts, its newest.

    `country` and `organisation` are None for one that has left the directory.
    """

    recipient_id: str
    """Of the directory."""
    country: str | None = None
    """Of the institution."""
    organisation: str | None = None
    """Its name."""
    state: AckState
    """What it answered."""
    note: str | None = None
    """Its own words."""
    action_on: PartialDate | None = None
    """When it acted."""
    via: str
    """Link, page or api."""
    answered_at: Timestamp
    """When it answered."""


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
    """That it is kept."""
    alert: Alert | None = None
    """As this reader may see it."""
    state: MessageState
    """What became of the message."""
    state_reason: str | None = None
    """Why it waits or cannot be processed."""
    thread_id: str | None = None
    """The alert with all its versions."""
    thread_version: int | None = None
    """Which version of the thread this message is."""
    relay_id: str | None = None
    """The thread's public reference."""
    thread_state: ThreadState | None = None
    """Open, closed or retracted."""
    disputed: bool = False
    """Whether another sender disputes it."""
    classification: Classification | None = None
    """What the relay took it for, with reasons."""
    correlation: Correlation | None = None
    """What it has to do with other alerts that this reader may see."""
    history: tuple[HistoryEntry, ...] = ()
    """The messages of the thread that this reader may see."""
    reach: Reach | None = None
    """For the sender and the secretariat."""
    answers: tuple[AnswerEntry, ...] | None = None
    """Who answered what; for the sender and the secretariat."""


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

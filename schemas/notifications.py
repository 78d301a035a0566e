"""What recipients are sent by machine, and what they answer.

Fields are only ever added; a receiver ignores those that it does not know. `alert`, `classification` and
`correlation` are open objects here, for each reader gets what it may see of them.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from schemas.base import Answer, Contract, Prose2000
from schemas.dates import PartialDate, Timestamp
from schemas.vocabularies import AckState, Language, MessageType, Severity, Status, Tlp, UpdateReason

WebhookType = Literal[
    "alert.issued",
    "alert.updated",
    "alert.corrected",
    "alert.retracted",
    "alert.closed",
    "alert.disputed",
    "alert.reassessed",
    "signal.raised",
    "endpoint.test",
]
ContentWord = Literal["full", "summary", "findings", "notice", "withheld", "gone"]


class Change(Answer):
    """One fact that changed. A side that the fact did not have, or the reader may not see, is left out."""

    pointer: str
    before: Any = None
    after: Any = None


class WebhookText(Answer):
    """The subject in the reader's language, the title in the sender's or a translation."""

    language: Language
    subject: str
    title: str | None = None
    title_language: Language | None = None
    machine_translation: bool = False


class WebhookAcknowledge(Answer):
    """Whether, by when and where to acknowledge; by API key, there is no token here."""

    required: bool
    due_at: Timestamp | None = None
    api: str


class WebhookData(Answer):
    """The notification of one alert to one reader."""

    notification_id: str
    relay_id: str | None = None
    thread_id: str | None = None
    opaque_id: str | None = None
    version: int
    replaces: int | None = None
    message_type: MessageType
    update_reason: UpdateReason | None = None
    occasion: str
    status: Status
    tlp: Tlp
    content: ContentWord
    unconfirmed: bool = False
    under_review: bool = False
    why_you: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    links: dict[str, str] = Field(default_factory=dict)
    text: WebhookText | None = None
    changes: tuple[Change, ...] = ()
    classification: dict[str, Any] | None = None
    correlation: dict[str, Any] | None = None
    alert: dict[str, Any] | None = None
    acknowledge: WebhookAcknowledge | None = None


class WebhookMessage(Answer):
    """One webhook body. `timestamp` is of the event, the same on every try.

    `data` is a `WebhookData` for the types that begin with alert, an open object for the others.
    """

    type: WebhookType
    timestamp: datetime
    data: WebhookData | dict[str, Any] = Field(union_mode="left_to_right")


class Acknowledgement(Contract):
    """A recipient's answer; `action_on` is when it acted."""

    state: AckState
    note: Prose2000 | None = None
    action_on: PartialDate | None = None


class NotificationView(Answer):
    """One entry of a recipient's catch-up feed: what it was sent or should have been."""

    id: str
    message_id: str
    occasion: str
    relay_id: str | None = None
    thread_version: int
    message_type: MessageType
    status: Status
    tlp: Tlp
    urgency: Severity
    content: ContentWord
    state: str
    why_you: tuple[str, ...] = ()
    created_at: Timestamp
    due_at: Timestamp | None = None
    acknowledged: AckState | None = None
    text: WebhookText | None = None
    alert: dict[str, Any] | None = None
    classification: dict[str, Any] | None = None
    correlation: dict[str, Any] | None = None
    page: str | None = None


class NotificationPage(Answer):
    """A page of the catch-up feed; `next` is the cursor to ask from."""

    items: tuple[NotificationView, ...] = ()
    next: str | None = None

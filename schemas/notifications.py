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
    """Place of the fact in `alert`, now or, if it is gone, before."""
    before: Any = None
    """What was said."""
    after: Any = None
    """What is right now; a text of more than 200 characters is cut and stands whole in `alert`."""


class WebhookText(Answer):
    """The subject in the reader's language, the title in the sender's or a translation."""

    language: Language
    """Of the reader."""
    subject: str
    """As in the email."""
    title: str | None = None
    """Of the sender."""
    title_language: Language | None = None
    """Of the title."""
    machine_translation: bool = False
    """Whether the title is a machine's translation."""


class WebhookAcknowledge(Answer):
    """Whether, by when and where to acknowledge; by API key, there is no token here."""

    required: bool
    """Whether an answer is asked for."""
    due_at: Timestamp | None = None
    """By when."""
    api: str
    """Where to post it, with an API key."""


class WebhookData(Answer):
    """The notification of one alert to one reader."""

    notification_id: str
    """The same on every try, as the header webhook-id: by it a repeat is recognised."""
    relay_id: str | None = None
    """Public reference of the thread; absent where the content is withheld: it names the country."""
    thread_id: str | None = None
    """The alert with all its versions."""
    opaque_id: str | None = None
    """Reference that tells nothing; for what is or was above TLP:GREEN."""
    version: int
    """Of the thread."""
    replaces: int | None = None
    """Version that this reader was sent before."""
    message_type: MessageType
    """What the message does."""
    update_reason: UpdateReason | None = None
    """Why there is an update."""
    occasion: str
    """Issue; reassessed n: the level rose without a new version; reminder n."""
    status: Status
    """Actual, exercise or test: handle only actual as real."""
    tlp: Tlp
    """Label of what is shown."""
    content: ContentWord
    """Full; summary: cut to stay below 20 kB; findings; withheld: sign in to read; gone: do not use what you had."""
    unconfirmed: bool = False
    """Whether the first substance is below confirmed."""
    under_review: bool = False
    """Whether a person still looks at it."""
    why_you: tuple[str, ...] = ()
    """Codes of why this reader is told."""
    truncated: tuple[str, ...] = ()
    """Names of what was left out to stay below 20 kB."""
    links: dict[str, str] = Field(default_factory=dict)
    """`page`: where people read it."""
    text: WebhookText | None = None
    """For people."""
    changes: tuple[Change, ...] = ()
    """Facts that changed; of a correction what was wrong."""
    classification: dict[str, Any] | None = None
    """Substances, categories and severity, with reasons."""
    correlation: dict[str, Any] | None = None
    """Other alerts that this reader may see."""
    alert: dict[str, Any] | None = None
    """The sender's, without what this reader may not see."""
    acknowledge: WebhookAcknowledge | None = None
    """Whether, by when and where to answer."""


class WebhookMessage(Answer):
    """One webhook body. `timestamp` is of the event, the same on every try.

    `data` is a `WebhookData` for the types that begin with alert, an open object for the others.
    """

    type: WebhookType
    """What happened."""
    timestamp: datetime
    """Of the event, the same on every try."""
    data: WebhookData | dict[str, Any] = Field(union_mode="left_to_right")
    """The notification."""


class Acknowledgement(Contract):
    """A recipient's answer; `action_on` is when it acted."""

    state: AckState
    """Seen, acknowledged, acting, action_taken or not_relevant."""
    note: Prose2000 | None = None
    """For the sender and the secretariat; no personal data."""
    action_on: PartialDate | None = None
    """When the institution acted, as exactly as is known; not in the future."""


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

"""What is rendered: one letter is all that an email, a webhook or a page says to one reader.

The dispatcher and the pages fill it from the ledger; the renderers are pure functions of it, so that what
leaves is decided in one place (`services.disclosure`) and written in another.
"""

from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.vocabularies import MessageType, Severity, Status, Tlp
from services.disclosure import Content
from services.notify.changes import Change
from services.storage.records import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The version that this reader was last sent; `alert` is None where it was stricter than this one."""

    thread_version: int
    sent_at: datetime
    alert: Alert | None
    classification: Classification | None
    withheld: Alert | None = (
        None  # where `alert` is None: to find which facts of now differ, never to be told
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where to read and to answer; `acknowledge` is personal and never part of a webhook."""

    page: str
    acknowledge: str
    acknowledge_api: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message for one reader through one channel, already cut down to what the reader may see."""

    content: Content  # FULL, FINDINGS, NOTICE; GONE: a correction or retraction to who may no longer see it
    recipient: Recipient
    notification_id: str
    thread_id: str
    relay_id: str
    opaque_id: str
    thread_version: int
    replaces: int | None
    ever_restricted: bool  # the thread was above TLP:GREEN at some time: its opaque reference is shown beside
    message_type: MessageType
    status: Status
    tlp: Tlp
    occasion: str  # issue, reassessed n, reminder n
    why: tuple[str, ...]  # codes of why_you
    alert: Alert | None  # None for NOTICE and GONE
    classification: Classification | None  # None for NOTICE and GONE
    correlation: Correlation | None
    level: Severity  # the thread's severity as it now stands
    urgency: Severity
    under_review: bool
    disputed_by: str | None  # country, only where the reader may know it
    earlier: Earlier | None
    received_at: datetime
    decided_at: datetime
    due_at: datetime | None
    links: Links
    changes: tuple[Change, ...] = ()  # since `earlier`; without `before` where the reader may not see that
    accepted_late: bool = False  # delivery was delayed by us: says so
    by_secretariat: bool = False  # a retraction that its sender did not write

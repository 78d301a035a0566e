"""What was taken for one event, as the secretariat sees it, and how it takes that back."""

from pydantic import Field

from schemas.base import Answer, Contract, Prose2000
from schemas.dates import Timestamp
from schemas.vocabularies import CorrelationLevel, Severity


class MergeItem(Answer):
    """A merge that stands: one alert was taken for a report of another's event, for `reason`, a stable code.

    `message_id` is the alert that joined, the younger of the two; `severity_assessed` is its thread's.
    """

    id: str
    level: CorrelationLevel
    reason: str
    since: Timestamp
    incident_id: str
    relay_id: str
    message_id: str
    severity_assessed: Severity
    other_relay_id: str
    other_message_id: str
    kept_back: int = Field(description="recipients who were not told of it, because they knew of the event")


class MergePage(Answer):
    """Some of the merges that stand, newest first; `next` is absent where there is no more."""

    items: tuple[MergeItem, ...] = ()
    next: str | None = None


class MergeUndo(Contract):
    """That two alerts do not report one event, and why; it is kept in the audit."""

    reason: Prose2000


class MergeUndone(Answer):
    """A merge that was taken back; `relay_id` is the alert that left, `incident_id` the one that it is in now."""

    id: str
    relay_id: str
    other_relay_id: str
    incident_id: str
    undone_at: Timestamp

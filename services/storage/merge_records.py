"""What the port of merges takes and gives: a merge as kept, and a merge that was taken back."""

from dataclasses import dataclass
from datetime import datetime

from schemas.vocabularies import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedThread:
    """One of the two threads, as it stands now."""

    id: str
    relay_id: str
    message_id: str  # whose content is the thread's now
    level: Severity
    incident_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge of two threads, the younger of which `joined`; `undone_at`: a person took it back.

    `kept_back`: recipients who were not told of the one that joined, because they knew of the incident.
    """

    id: str
    level: str
    reason: str
    linked_at: datetime
    undone_at: datetime | None
    joined: MergedThread
    other: MergedThread
    kept_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMerges:
    """What a list of merges is narrowed to; `behind` is the last merge of the page before, None for the first."""

    behind: str | None = None
    relay_id: str | None = None  # merges of this thread, as either of the two
    kept_back: bool = False  # only those of which somebody was not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A merge that is taken back. `again`: it was before, and nothing was written."""

    merge: Merge
    again: bool

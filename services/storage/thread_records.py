"""What the port of threads takes and gives: evidence, the situation of a message, what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from schemas.classifications import Classification, Correlation
from schemas.vocabularies import Severity
from services.storage.incidents import incident_id_of
from services.storage.records import Message, Thread, Version


class Sighting(NamedTuple):
    """What one message says under one key: a substance, family or product in one finding, or its text.

    `admin1` empty = the whole country or not stated. `counted`: found here, at least presumptively, so that
    the next one is no first. `detail` of a product or an offer: its principal substances; of a family: its member;
    of a text: a hash of all facts. `locality` is "" where none is stated, else as it is compared. `traits` say of
    the product what must not differ, as kind=value between blanks.
    """

    finding: int
    key: str
    market: str
    country: str
    admin1: tuple[str, ...]
    role: str  # of the substance; "" for a product or a text
    confirmation: str
    presence: str
    began_at: datetime
    ended_at: datetime
    detail: str = ""
    counted: bool = False
    locality: str = ""
    traits: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting of another thread, as it stands now."""

    thread_id: str
    message_id: str
    sender_id: str
    sighting: Sighting


class Spread(NamedTuple):
    """Where a key has been seen: one row per market and place, `admin1` "" for the country."""

    key: str
    market: str
    country: str
    admin1: str
    first_thread_id: str
    last_thread_id: str
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One key that a state said it knows already; `admin1` "" for the country."""

    country: str
    key: str
    admin1: str
    common: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """An explicit reference between the message and another thread; `back`: the other one made it."""

    thread_id: str
    relation: str
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A message as prepared before the transaction: what it will be looked up and remembered by."""

    message: Message
    sightings: tuple[Sighting, ...]


class Other(NamedTuple):
    """Another thread, as far as a decision asks."""

    id: str
    relay_id: str
    message_id: str  # whose content is the thread's now
    incident_id: str
    state: str
    opened_at: datetime
    updated_at: datetime

    @property
    def founder(self) -> bool:
        """Whether the incident that it is in is the one that it opened."""
        return self.incident_id == incident_id_of(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision on a message may rest on, read under the locks.

    `thread` is None where the message opens one; then `thread_id` is the one it will get. `standing` is the
    classification of the content that the thread has. `threads` holds every thread that the other fields name.
    """

    message: Message
    thread_id: str
    incident_id: str  # that it is in now, alone where it opens a thread
    own_incident_id: str  # that it opened, or would: where it is alone
    thread: Thread | None
    standing: Classification | None
    silent: bool  # a lower version than one already there
    seen: tuple[Seen, ...]
    spread: tuple[Spread, ...]
    known: tuple[Known, ...]
    baseline: bool  # this state has said what it knows
    region_speaks: bool  # and so have most states, so that what none of them knows is a first in the region
    citations: tuple[Citation, ...]
    separated: frozenset[str]  # threads that a person took apart from this one
    alone: bool  # no other thread is in its incident
    threads: Mapping[str, Other]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the relay says of two threads, and why."""

    other_thread_id: str
    level: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a message: the pure function's answer, written in the same transaction."""

    classification: Classification
    correlation: Correlation
    thread_state: str
    disputed: bool
    carries: bool  # its content is the thread's from now on
    incident_id: str | None  # that it moves to: of another thread, or its own
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Classified. `again`: it was before, and nothing was written; then `decision` is None."""

    message_id: str
    again: bool
    released: int = 0  # held messages that waited for this one
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Held: it refers to something unknown."""

    reference: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Died:
    """It can never be classified; `reason` is a code."""

    reason: str


Outcome = Settled | Waits | Died


class NotTheirs(StrEnum):
    """Why a sender may not change the alert of another institution."""

    WITHOUT_SCOPE = "without_scope"
    OF_ANOTHER_STATE = "of_another_state"


Decide = Callable[[Situation], Decision]
MaySee = Callable[[str, Message], bool]
"""Whether the institution with this id may see this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of classified messages is narrowed to; None = everything."""

    sender_id: str | None = None
    country: str | None = None  # of the event
    category: str | None = None
    severity: Severity | None = None  # as this message left its thread
    thread_state: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some classified messages in the order in which they were decided; `cursor` reads on behind them."""

    versions: tuple[Version, ...]
    cursor: int

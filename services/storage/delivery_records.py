"""What the deliveries port takes and gives: routings, claims, outcomes, and the rules that decide over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from schemas.vocabularies import Tlp
from services.storage.records import ChannelKind, Directory, Notification, Recipient, Version

URGENT: Final = 1  # of urgency 0 (critical) to 3 (info): critical and high; the rest is patient

# --- routing ---------------------------------------------------------------------------------------------


class ThreadLabel(NamedTuple):
    """What closes the older versions of a thread: its newest version, and the strictest label it ever had."""

    version: int
    strictest_tlp: Tlp


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notification of the same thread or incident: what a recipient got, or is about to get."""

    id: str
    message_id: str
    occasion: str
    thread_id: str
    thread_version: int
    recipient_id: str
    channel: ChannelKind
    endpoint_id: str
    message_type: str
    content: str
    state: str
    reason: str | None
    received: bool

    @property
    def open(self) -> bool:
        """Whether it may still be delivered."""
        return self.state in ("pending", "claimed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A notification that routing decided on: to send, to wait, or withheld with its reason."""

    id: str
    occasion: str
    recipient_id: str
    channel: ChannelKind
    endpoint_id: str
    content: str
    why: tuple[str, ...]
    state: str  # pending, delivered (feed: there is nothing to push), withheld
    reason: str | None = None
    waits_for: str | None = None
    due_at: datetime | None = None
    supersedes: bool = False
    needs_original: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who is told of one version, and why each one is or is not: a fact once it is written."""

    occasion: str
    rows: tuple[Planned, ...]
    reasons: Mapping[str, tuple[str, ...]]  # of every recipient in the directory
    supersedes: bool  # older pending rows of the thread end `superseded`
    reopened: tuple[str, ...] = ()  # rows that were withheld as already told, and are not any longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What a routing decision rests on, beside the version itself."""

    thread: Sequence[Told]
    incident: Sequence[Told]  # of the other threads of the incident that are not retracted
    known: Mapping[str, Version]  # versions named in `incident`, by message id
    authors: frozenset[str]  # institutions that wrote a lower version of the thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What routing wrote: `versions` in order, `rows` in all, whether there is something to send now."""

    versions: tuple[Version, ...]
    rows: int
    ready: bool


# --- sending ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A notification to try now; `later_tlps`: of versions of its thread that came after its own.

    It is its holder's until `until`: then somebody else may send it, or a newer version in its place.
    """

    notification: Notification
    token: str
    probe: bool
    disabled: bool  # its endpoint takes nothing any more: settle it as rejected
    later_tlps: tuple[str, ...] = ()
    until: datetime | None = None


NOT_WRITTEN: Final = "not_written"
INTERNAL_ERROR: Final = "internal_error"
OUR_FAULTS: Final = frozenset(
    {NOT_WRITTEN, INTERNAL_ERROR}
)  # the next try comes later, as after a failure of theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The channel took it."""

    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Try again; `maybe`: nobody knows whether it arrived, so it counts as received."""

    reason: str
    status_code: int | None = None
    retry_after: timedelta | None = None
    maybe: bool = False
    blames_endpoint: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Never again by this way; `disables`: nor anything else to this endpoint."""

    reason: str
    status_code: int | None = None
    disables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Not sent: what was allowed when it was routed is not allowed now."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Not tried: back to the queue, for the address that the directory has now."""

    endpoint_id: str


Outcome = Delivered | Deferred | Rejected | Withheld | Moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one claimed notification ended; `content` is what was really sent."""

    notification_id: str
    token: str
    outcome: Outcome
    content: str
    began_at: datetime
    ended_at: datetime
    draw: float  # in [0, 1): spreads the next try
    country: str  # of the recipient; empty where the directory has it no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a batch: `next_at` is the earliest new attempt.

    `ready`: some row became due now, or more is due at the endpoints of the batch, where several write.
    """

    states: Mapping[str, str]  # by notification id; a lost claim is not among them
    next_at: datetime | None
    ready: bool
    claims: Sequence[Claim] | None = None  # claimed in the same transaction; None: nobody looked


@dataclass(frozen=True, slots=True)
class Appetite:
    """How many notifications a dispatcher would take now, and how many of them may be patient; None: all.

    ``mail`` says the same of what goes by email, beside the others; None: it is one of them.
    """

    most: int
    most_patient: int | None = None
    mail: "Appetite | None" = None

    @property
    def patient(self) -> int:
        """How many may be patient."""
        return self.most if self.most_patient is None else min(self.most, self.most_patient)

    @property
    def is_short(self) -> bool:
        """Whether something that is due may have to wait for room."""
        return self.patient < 1 or (self.mail is not None and self.mail.is_short)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What was routed and claimed in one transaction.

    It is the one that classified where one writer runs everything, and the one that routed where several write.
    """

    event_ids: tuple[str, ...]  # of their records on classified.v1; none where several write
    routed: tuple[Routed, ...]
    claims: Sequence[Claim]
    directory: Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint does; it is backing off while `next_probe_at` is set."""

    id: str
    failures: int
    failing_since: datetime | None
    next_probe_at: datetime | None
    disabled_reason: str | None


class Rules(Protocol):
    """The pure decisions that settling and chasing need; `services.notify.retry` has them."""

    def retry_at(
        self, *, failures: int, began_at: datetime, now: datetime, draw: float, retry_after: timedelta | None
    ) -> datetime | None:
        """Return when to try a notification again; None: it is time to give up."""
        ...

    def after_failure(
        self, health: Health, *, now: datetime, draw: float, retry_after: timedelta | None
    ) -> Health:
        """Return an endpoint's health after one more failure."""
        ...

    def fallback(
        self, notification: Notification, *, others: Sequence[Notification], directory: Directory
    ) -> Planned | None:
        """Return another way to the same recipient, where this one fails for too long or for good."""
        ...

    def at_work(self, recipient: Recipient, *, now: datetime) -> bool:
        """Return whether a recipient may be reminded now of what is not critical."""
        ...

    def last_reminder(self) -> str:
        """Return the occasion after which nobody is reminded again."""
        ...


class Decide(Protocol):
    """The pure routing decision; `services.notify.routing.route` is it."""

    def __call__(
        self, version: Version, background: Background, directory: Directory, *, now: datetime
    ) -> Routing:
        """Return who is told of `version`, why, and what becomes of older notifications."""
        ...


# --- reading ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A message that a recipient was asked to acknowledge and has not."""

    message_id: str
    recipient_id: str
    thread_id: str
    thread_version: int
    urgency: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is late and how much there is: for gauges and for the secretariat."""

    states: Mapping[str, int]
    oldest_undelivered_at: datetime | None
    oldest_unacknowledged_at: datetime | None
    failing_endpoints: int
    disabled_endpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to send a notification."""

    number: int
    began_at: datetime
    ended_at: datetime
    outcome: str  # delivered, deferred, rejected, unknown
    reason: str
    status_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnswer:
    """What a recipient says: ``state`` of AckState, ``via`` link, page or api, ``action_on`` a partial date."""

    message_id: str
    recipient_id: str
    state: str
    note: str | None = None
    action_on: str | None = None
    via: str


class Remind(Protocol):
    """The pure decision: what goes out to whom, when an answer is overdue."""

    def __call__(
        self, overdue: Overdue, *, recipient: Recipient, rows: Sequence[Notification], now: datetime
    ) -> Sequence[Planned]:
        """Return reminders on the recipient's channels and what its deputies get."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chased:
    """How many reminders and fallbacks were written."""

    reminders: int
    fallbacks: int

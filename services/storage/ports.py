"""What the services see of the ledger: ports that speak the domain, never SQL.

Each port has a contract suite in `tests/contract` that runs over every adapter. All of them raise `Transient`
where the ledger is out of reach; then nothing was kept, and the call may be repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from services.errors import Invalid
from services.storage.dead_letters import DeadLetter
from services.storage.delivery_records import (
    Appetite,
    Claim,
    NewAnswer,
    Routed,
    Settled,
    Settlement,
    Standing,
)
from services.storage.keys import NewKey
from services.storage.receipt_records import Answer, Submission
from services.storage.records import Answer as RecipientAnswer
from services.storage.records import (
    ApiKey,
    Event,
    Message,
    Notification,
    NotificationState,
    Reach,
    Record,
    Thread,
    Version,
)
from services.storage.review_records import Reconsider, Resolution
from services.storage.thread_records import Decide, Filters, Outcome, Page, Proposal

T = TypeVar("T")


class Executor(Protocol):
    """Runs units of work: plain functions of a connection, each one transaction."""

    async def write(self, unit: Callable[[Connection], T], *, first: bool = False, durable: bool = True) -> T:
        """Run a unit and return its answer once it is durable; with `first` before those that can wait.

        Without `durable` it need not outlive a power cut yet, only the process: for what is then done again.
        """
        ...

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a short query over what is committed."""
        ...

    async def read_slowly(self, query: Callable[[Connection], T]) -> T:
        """Run a long query without holding up others."""
        ...


class Receipts(Protocol):
    """What was accepted."""

    async def accept(self, submission: Submission) -> Answer:
        """Keep a message with its outgoing record, once; see `services.storage.receipts`."""
        ...

    async def get(self, message_id: str) -> Message | None:
        """Return an accepted message, whatever its state."""
        ...

    async def fits(
        self, *, country: str, sender_id: str, status: str, reference: str
    ) -> frozenset[tuple[str, str]]:
        """Return the alerts that a reference of this sender could mean."""
        ...

    async def page(
        self, *, sender_id: str | None, after: tuple[datetime, str] | None, most: int
    ) -> list[Message]:
        """Return messages in order of receipt, behind the place `after`."""
        ...

    async def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        ...

    async def stale(self, *, before: datetime, most: int) -> list[Message]:
        """Return messages still pending that were last published before `before`."""
        ...

    async def publish_again(self, message: Message, *, now: datetime) -> bool:
        """Put a pending message on its topic again."""
        ...

    async def forget_keys(self, *, before: datetime, most: int) -> int:
        """Delete idempotency keys past their retention; return how many."""
        ...


class Keys(Protocol):
    """Who may call."""

    async def find(self, secret: str, *, now: datetime) -> ApiKey | None:
        """Return the usable key that `secret` is."""
        ...

    async def listed(self) -> list[ApiKey]:
        """Return all keys, oldest first."""
        ...

    async def create(self, new: NewKey, *, actor: str) -> None:
        """Store a new key."""
        ...

    async def revoke(self, key_id: str, *, at: datetime, actor: str) -> bool:
        """End a key; return whether there was one to end."""
        ...

    async def rotate(self, key_id: str, new: NewKey, *, overlap_until: datetime, actor: str) -> bool:
        """Replace a key, both valid until `overlap_until`."""
        ...


class Feed(Protocol):
    """How a service reads its topics: in order, at least once."""

    def read(self, topics: Sequence[str], *, group: str, stop: asyncio.Event) -> AsyncIterator[list[Record]]:
        """Yield the next records, oldest first, until `stop` is set; waits where there are none."""
        ...

    async def acknowledge(self, records: Sequence[Record], *, group: str) -> None:
        """Say that every record of a batch is done with, batch after batch; a crash before repeats them."""
        ...


class DeadLetters(Protocol):
    """Records that can never succeed."""

    async def keep(self, record: Record, fault: Invalid, *, group: str, now: datetime) -> None:
        """Keep a record with its reason, once."""
        ...

    async def listed(self, *, most: int) -> list[DeadLetter]:
        """Return the newest, newest first."""
        ...

    async def replay(self, letter_id: str, *, now: datetime) -> bool:
        """Put one on its topic again; return whether there is such a letter."""
        ...

    async def count(self) -> int:
        """Return how many wait for a person."""
        ...


class Audit(Protocol):
    """Evidence of acts."""

    async def record(
        self, *, actor: str, act: str, subject: str, detail: dict[str, object], now: datetime
    ) -> None:
        """Write down one act."""
        ...

    async def chain(self, *, most: int) -> int:
        """Chain what is not chained yet, oldest first; return how many. For one lease holder."""
        ...

    async def broken(self) -> int | None:
        """Return the first record that does not follow from the one before, or None."""
        ...


class Leases(Protocol):
    """One holder at a time."""

    async def acquire(self, name: str, *, holder: str, now: datetime, until: datetime) -> bool:
        """Take or renew a lease; return whether `holder` has it."""
        ...

    async def held(self) -> dict[str, datetime]:
        """Return until when each lease is held; one that has ended is among them."""
        ...


class Outbox(Protocol):
    """What is on its way between the services."""

    async def prune(self, *, groups: Sequence[str], now: datetime, keep_for: timedelta, most: int) -> int:
        """Delete old records that every group has read; return how many."""
        ...

    async def backlog(self, *, group: str, topics: Sequence[str]) -> tuple[int, datetime | None]:
        """Return how many records a group has still to read, and the time of the oldest."""
        ...


class SignIns(Protocol):
    """Codes and sessions of the pages; see `services.storage.sign_ins`."""

    async def put_code(
        self, recipient_id: str, *, address_sha256: str, code_sha256: str, now: datetime, expires_at: datetime
    ) -> None:
        """Keep a code; an earlier one of this address is void."""
        ...

    async def take_code(self, *, address_sha256: str, code_sha256: str, now: datetime) -> str | None:
        """Return whose code this is and spend it, or count a wrong one."""
        ...

    async def check_code(self, *, address_sha256: str, code_sha256: str, now: datetime) -> bool:
        """Return whether this is the code, which stays good, or count a wrong one."""
        ...

    async def open_session(
        self, session_id: str, *, recipient_id: str, now: datetime, expires_at: datetime
    ) -> None:
        """Keep a session."""
        ...

    async def session(self, session_id: str, *, now: datetime) -> str | None:
        """Return the recipient of a session that lives."""
        ...

    async def close_session(self, session_id: str) -> None:
        """End a session."""
        ...


class Threads(Protocol):
    """What messages were taken for: decided once each, and read as versions of threads."""

    async def settle(
        self,
        proposal: Proposal,
        *,
        decide: Decide,
        now: datetime,
        revive: bool = False,
        reconsider: Reconsider | None = None,
    ) -> Outcome:
        """Decide one message, once; a repeat changes nothing. `revive` looks again at one that died.

        With `reconsider`, which prepares a message, what waited for it is decided in the same transaction.
        """
        ...

    def follow(
        self,
        propose: Callable[[Event], tuple[Proposal, Decide] | None],
        then: Callable[[Sequence[str]], None],
        *,
        reconsider: Reconsider,
        clock: Callable[[], datetime],
    ) -> Callable[[], None]:
        """Decide a message in the transaction that accepts it, where the ledger can and nobody waits for it.

        `propose` may decline. `then` is told the ids of the events that are done with. Return how to end it.
        """
        ...

    async def expected(self, message: Message) -> list[Resolution]:
        """Return what people said in the thread that a message will join, by the message's own positions."""
        ...

    async def expire_held(self, *, now: datetime, most: int) -> int:
        """Put held messages whose deadline has passed on their topic again, to be ended; return how many."""
        ...

    async def unrouted(self, *, before: datetime, most: int) -> list[tuple[str, int]]:
        """Return verdicts, as (message, revision), decided before `before` and not routed, oldest first."""
        ...

    async def announce_again(self, message_id: str, revision: int, *, attempt: str, now: datetime) -> bool:
        """Put an unrouted verdict on its topic again; `attempt` names this try. False if it is routed."""
        ...

    async def thread(self, thread_id: str) -> Thread | None:
        """Return one thread as it stands."""
        ...

    async def by_relay_id(self, relay_id: str) -> Thread | None:
        """Return the thread with this relay id."""
        ...

    async def by_opaque_id(self, opaque_id: str) -> Thread | None:
        """Return the thread with this opaque id."""
        ...

    async def incident(self, incident_id: str) -> list[Thread]:
        """Return the threads that report one event, oldest first."""
        ...

    async def version(self, message_id: str) -> Version | None:
        """Return a classified message with its newest verdict."""
        ...

    async def history(self, thread_id: str) -> list[Version]:
        """Return all versions of a thread: the silent ones first, then by `thread_version`."""
        ...

    async def current(self, thread_id: str) -> Version | None:
        """Return the newest version of a thread that was told."""
        ...

    async def newest(self, *, before: int, most: int) -> Page:
        """Return what was told, newest decision first, below the cursor `before`; its cursor 0: nothing older."""
        ...

    async def page(self, *, after: int, most: int, filters: Filters) -> Page:
        """Return classified messages decided behind the cursor `after`; who may see them is not asked."""
        ...


class Deliveries(Protocol):
    """Who is told of what, and whether it arrived."""

    async def route(self, message_id: str, *, now: datetime, event_id: str | None = None) -> Routed:
        """Route a classified message and every lower version of its thread, once; for this record, if named."""
        ...

    async def claim(
        self, *, now: datetime, limit: int, most_patient: int | None = None, mail: Appetite | None = None
    ) -> list[Claim]:
        """Claim due notifications, most urgent first, fair between endpoints; see `Appetite`."""
        ...

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime, appetite: Appetite | None = None
    ) -> Settled:
        """Write down how claimed notifications ended; a lost claim changes nothing. Perhaps claim the next."""
        ...

    async def expire(self, *, now: datetime, most: int = 500) -> int:
        """Take back claims whose lease has lapsed; return how many."""
        ...

    async def acknowledge(self, new: NewAnswer, *, now: datetime) -> RecipientAnswer | None:
        """Keep an answer and stop what is still pending for its recipient; None: it was not told."""
        ...

    async def answers_of(self, message_id: str) -> list[RecipientAnswer]:
        """Return every answer to a message, oldest first."""
        ...

    async def recipients_of(self, message_id: str) -> list[str]:
        """Return the recipients that a message was routed to."""
        ...

    async def routed_at(self, message_id: str, recipient_id: str) -> datetime | None:
        """Return when a message was routed to a recipient."""
        ...

    async def get(self, notification_id: str) -> Notification | None:
        """Return one notification."""
        ...

    async def feed(self, recipient_id: str, *, after: int, most: int) -> list[Notification]:
        """Return what a recipient was sent or should have been, behind a cursor."""
        ...

    async def of_message(self, message_id: str) -> list[Notification]:
        """Return every notification of a message."""
        ...

    async def reasons_of(self, message_id: str) -> dict[str, tuple[str, ...]]:
        """Return why each recipient was told of a message or not."""
        ...

    async def reach(self, message_id: str) -> Reach:
        """Return how far a message got."""
        ...

    async def listed(self, *, state: NotificationState, after: int, most: int) -> list[Notification]:
        """Return notifications in a state, behind a cursor."""
        ...

    async def replay(self, notification_id: str, *, now: datetime) -> bool:
        """Make a failed or delivered notification due again under its own id."""
        ...

    async def standing(self) -> Standing:
        """Return how many notifications are open or failed, and what is late."""
        ...

    async def violations(self, *, now: datetime) -> int:
        """Return how often promise P8 is broken."""
        ...

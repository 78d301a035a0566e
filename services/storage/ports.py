"""What the services see of the ledger: ports that speak the domain, never SQL.

Each port has a contract suite in `tests/contract` that runs over every adapter. All of them raise `Transient`
where the ledger is out of reach; then nothing was kept, and the call may be repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from services.errors import Invalid
from services.storage.dead_letters import DeadLetter
from services.storage.keys import NewKey
from services.storage.receipts import Answer, Submission
from services.storage.records import ApiKey, Message, Record

T = TypeVar("T")


class Executor(Protocol):
    """Runs units of work: plain functions of a connection, each one transaction."""

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit and return its answer once it is durable."""
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
        """Say that these, and all before them, are done with; a crash before repeats them."""
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


class Leases(Protocol):
    """One holder at a time."""

    async def acquire(self, name: str, *, holder: str, now: datetime, until: datetime) -> bool:
        """Take or renew a lease; return whether `holder` has it."""
        ...

"""How the runtime reads a feed for a service: read, handle, acknowledge.

A service never acknowledges. A crash before the acknowledgement repeats the record; its ids absorb that.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.errors import Invalid, Transient
from services.runtime.lifecycle import pause
from services.storage.ports import DeadLetters, Feed
from services.storage.records import Record

log = structlog.get_logger(__name__)

_FIRST_PAUSE = timedelta(milliseconds=100)
_LONGEST_PAUSE = timedelta(seconds=10)


class Service(Protocol):
    """A reader of topics; `handle` is one idempotent transaction of the ledger."""

    @property
    def name(self) -> str:
        """The group it reads as."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """What it reads."""
        ...

    async def handle(self, record: Record) -> None:
        """Take in one record; `Invalid`: it can never succeed, `Transient`: try again later."""
        ...


@dataclass(slots=True, eq=False)
class _InHand:
    """A record that is being taken in, with the monotonic times at which that and the present try began."""

    began_at: float = field(default_factory=time.monotonic)
    tried_at: float = field(default_factory=time.monotonic)


class Intake:
    """Takes single records in for a service, whatever becomes of them; told apart by what the fault asks for."""

    def __init__(
        self,
        service: Service,
        *,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        stop: asyncio.Event,
    ) -> None:
        """`stop` ends the waiting for a ledger that is out of reach."""
        self._service = service
        self._dead_letters = dead_letters
        self._clock = clock
        self._stop = stop
        self._in_hand: set[_InHand] = set()

    def held_up_for(self) -> timedelta:
        """Return for how long the oldest record in hand has been worked on, however often it was tried."""
        return _since(one.began_at for one in self._in_hand)

    def longest_try(self) -> timedelta:
        """Return for how long the longest of the tries under way has lasted: a call in it has not come back yet."""
        return _since(one.tried_at for one in self._in_hand)

    async def take(self, record: Record) -> None:
        """Take in one record: done with, or kept as a dead letter.

        `Transient` comes out only once `stop` is set: then the record is repeated after the next start.
        """
        in_hand = _InHand()
        self._in_hand.add(in_hand)
        try:
            await self._take_until_done(record, in_hand)
        finally:
            self._in_hand.discard(in_hand)

    async def _take_until_done(self, record: Record, in_hand: _InHand) -> None:
        wait = _FIRST_PAUSE
        while True:
            try:
                await self._take_once(record)
                return
            except Transient as fault:
                log.warning(
                    "trying again", service=self._service.name, event_id=record.event_id, reason=str(fault)
                )
                await pause(self._stop, wait)
                wait = min(wait * 2, _LONGEST_PAUSE)
                if self._stop.is_set():
                    raise
                in_hand.tried_at = time.monotonic()

    async def _take_once(self, record: Record) -> None:
        try:
            if record.fault is not None:
                raise Invalid(record.fault, "the transport could not read it")
            await self._service.handle(record)
        except Transient:
            raise
        except Invalid as fault:
            log.warning(
                "dead letter", service=self._service.name, event_id=record.event_id, reason=fault.reason
            )
            await self._keep(record, fault)
        except Exception as fault:
            # One record that trips over a fault of ours must not stop all the others for ever: its transaction
            # was undone, its dead letter says so, and the reconciler brings it again, ever more rarely.
            log.exception(
                "a record could not be handled", service=self._service.name, event_id=record.event_id
            )
            await self._keep(record, Invalid("internal_error", type(fault).__name__))

    async def _keep(self, record: Record, fault: Invalid) -> None:
        await self._dead_letters.keep(record, fault, group=self._service.name, now=self._clock())


async def consume(service: Service, *, feed: Feed, intake: Intake, stop: asyncio.Event) -> None:
    """Feed `service`, by its `intake`, until `stop` is set.

    The records of one batch are begun in order and finished together, so that they share commits: each does
    its pure work before it first waits, and the ledger takes units in the order in which they were handed in.
    """
    async for batch in feed.read(service.topics, group=service.name, stop=stop):
        if len(batch) == 1:
            await intake.take(batch[0])
        else:
            async with asyncio.TaskGroup() as group:
                for record in batch:
                    group.create_task(intake.take(record))
        await feed.acknowledge(batch, group=service.name)


def _since(moments: Iterable[float]) -> timedelta:
    now = time.monotonic()
    return timedelta(seconds=now - min(moments, default=now))

"""How the runtime reads a feed for a service: read, handle, acknowledge.

A service never acknowledges. A crash before the acknowledgement repeats the record; its ids absorb that.
"""

import asyncio
from collections.abc import Callable, Sequence
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


async def consume(
    service: Service,
    *,
    feed: Feed,
    dead_letters: DeadLetters,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
) -> None:
    """Feed `service` until `stop` is set.

    The records of one batch are begun in order and finished together, so that they share commits: each does
    its pure work before it first waits, and the ledger takes units in the order in which they were handed in.
    """

    async def handle(record: Record) -> None:
        wait = _FIRST_PAUSE
        while True:
            try:
                await service.handle(record)
            except Invalid as fault:
                log.warning(
                    "dead letter", service=service.name, event_id=record.event_id, reason=fault.reason
                )
                await dead_letters.keep(record, fault, group=service.name, now=clock())
            except Transient as fault:
                log.warning("trying again", service=service.name, event_id=record.event_id, reason=str(fault))
                await pause(stop, wait)
                wait = min(wait * 2, _LONGEST_PAUSE)
                if not stop.is_set():
                    continue
                raise
            except Exception as fault:
                # One record that trips over a fault of ours must not stop all the others for ever: its transaction
                # was undone, its dead letter says so, and the reconciler brings it again, ever more rarely.
                log.exception("a record could not be handled", service=service.name, event_id=record.event_id)
                broken = Invalid("internal_error", type(fault).__name__)
                await dead_letters.keep(record, broken, group=service.name, now=clock())
            return

    async for batch in feed.read(service.topics, group=service.name, stop=stop):
        if len(batch) == 1:
            await handle(batch[0])
        else:
            async with asyncio.TaskGroup() as group:
                for record in batch:
                    group.create_task(handle(record))
        await feed.acknowledge(batch, group=service.name)

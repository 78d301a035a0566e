"""The notifier as a service: it routes what was classified; the dispatcher sends it."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from schemas.events import CLASSIFIED
from services.errors import Invalid, Transient
from services.notify.instruments import Instruments
from services.notify.reminding import remind
from services.storage.delivery_records import Chased, Followed, Remind, Routed
from services.storage.records import Record


class Routes(Protocol):
    """What this service needs of the deliveries port."""

    async def route(self, message_id: str, *, now: datetime, event_id: str | None = None) -> Routed:
        """Route a classified message and every lower version of its thread, once; for this record, if named."""
        ...


class NotifyService:
    """Decides for each classified version who is told; ``routed`` is called after the commit."""

    name = "notify"
    topics = (CLASSIFIED,)

    def __init__(
        self,
        deliveries: Routes,
        *,
        clock: Callable[[], datetime],
        instruments: Instruments,
        routed: Callable[[Routed], None],
    ) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._instruments = instruments
        self._routed = routed

    def followed(self, followed: Followed) -> None:
        """Count what was routed in the transaction that looked for what is due."""
        for routed in followed.routed:
            self._count(routed)

    async def handle(self, record: Record) -> None:
        """Route one record of `classified.v1`; `Invalid` where it can never be routed. Safe to repeat."""
        message_id = _message_id(record)
        routed = await self._deliveries.route(message_id, now=self._clock(), event_id=record.event_id)
        self._count(routed)
        self._routed(routed)

    def _count(self, routed: Routed) -> None:
        self._instruments.routed.inc(len(routed.versions))
        self._instruments.planned.inc(routed.rows)


class Chases(Protocol):
    """What the chaser needs of the deliveries port."""

    async def chase(self, *, remind: Remind, now: datetime) -> Chased:
        """Write the reminders that are due, and email where a webhook stays silent."""
        ...


class Chaser:
    """A loop of the notifier: reminds who has not answered in time, and calls in the deputies."""

    name = "chaser"

    def __init__(
        self,
        deliveries: Chases,
        *,
        clock: Callable[[], datetime],
        instruments: Instruments,
        wake: Callable[[], None],
        every: timedelta = timedelta(seconds=15),
    ) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._instruments = instruments
        self._wake = wake
        self._every = every

    async def run(self, stop: asyncio.Event) -> None:
        """Look for what is overdue every so often, until ``stop`` is set."""
        while not stop.is_set():
            await self.once()
            try:
                async with asyncio.timeout(self._every.total_seconds()):
                    await stop.wait()
            except TimeoutError:
                continue

    async def once(self) -> None:
        """Look once; a ledger out of reach is asked again the next time."""
        try:
            chased = await self._deliveries.chase(remind=remind, now=self._clock())
        except Transient:
            return
        self._instruments.reminders.inc(chased.reminders)
        self._instruments.fallbacks.inc(chased.fallbacks)
        if chased.reminders or chased.fallbacks:
            self._wake()


def _message_id(record: Record) -> str:
    """Return the one field that routing needs: everything else is read from the ledger, where it is true."""
    try:
        payload = json.loads(record.payload)
    except ValueError as fault:
        raise Invalid("not_json", "the record is not JSON") from fault
    message_id = payload.get("message_id") if isinstance(payload, dict) else None
    if not isinstance(message_id, str):
        raise Invalid("no_message_id", "the record names no message")
    return message_id

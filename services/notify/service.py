"""The notifier as a service: it routes what was classified; the dispatcher sends it."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from schemas.events import CLASSIFIED
from services.errors import Invalid
from services.notify.instruments import Instruments
from services.storage.delivery_records import Routed
from services.storage.records import Record


class Routes(Protocol):
    """What this service needs of the deliveries port."""

    async def route(self, message_id: str, *, now: datetime) -> Routed:
        """Route a classified message and every lower version of its thread, once."""
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

    async def handle(self, record: Record) -> None:
        """Route one record of `classified.v1`; `Invalid` where it can never be routed. Safe to repeat."""
        routed = await self._deliveries.route(_message_id(record), now=self._clock())
        self._instruments.routed.inc(len(routed.versions))
        self._instruments.planned.inc(routed.rows)
        self._routed(routed)


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

"""Classify and routing over one ledger with a directory: what is accepted is handled when a test says so."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from schemas.alerts import Alert, canonical_json
from schemas.events import ALERTS, CLASSIFIED
from services.classify.service import ClassifyService
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import outbox, receipt_records, receipts
from services.storage.records import Event, Message, Record, Version
from services.storage.settling import Rules
from services.storage.threads import LedgerThreads
from tests.deliveries_rig import Rig
from tests.ledger import NAMING, START, everybody, message_of


class Stages:
    """The two stages; `rig` has the deliveries."""

    def __init__(self, rig: Rig, *, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> None:
        self.rig = rig
        self.threads = LedgerThreads(rig.ledger, rules=Rules(naming=NAMING, may_see=everybody))
        self.classify = ClassifyService(
            threads=self.threads, catalogue=catalogue, structures=None, plan=plan, clock=lambda: rig.now
        )

    async def accept(self, alert: Alert, *, sender_id: str = "uy-ndo") -> Record:
        """Keep one alert and return its record."""
        message = message_of(alert, sender_id=sender_id, country="UY", can_amend=False, at=START)
        body = canonical_json(alert).decode()
        payload = receipt_records.event_payload(message, body=body)
        event = Event(topic=ALERTS, event_id=message.id, key=message.reference_key, payload=payload)
        submission = receipt_records.Submission(message=message, body=body, event=event)
        await self.rig.ledger.write(partial(receipts.accept, submission=submission))
        return next(one for one in await self.records(ALERTS) if one.event_id == message.id)

    async def send(self, alert: Alert, *, sender_id: str = "uy-ndo") -> Version:
        """Accept, decide and route one alert; return its version."""
        self.rig.now += timedelta(seconds=1)
        record = await self.accept(alert, sender_id=sender_id)
        await self.classify.handle(record)
        await self.rig.deliveries.route(record.event_id, now=self.rig.now)
        return await self.version(record.event_id)

    async def version(self, message_id: str) -> Version:
        """Return a message as it is classified now."""
        found = await self.threads.version(message_id)
        assert found is not None
        return found

    async def route(self) -> None:
        """Route all that is not routed, in the order in which it was decided."""
        for record in await self.records(CLASSIFIED):
            await self.rig.deliveries.route(json.loads(record.payload)["message_id"], now=self.rig.now)

    async def records(self, topic: str) -> list[Record]:
        """Return what stands on a topic."""
        return await self.rig.ledger.read(partial(outbox.read, topics=(topic,), after=0, most=1000))

    async def state(self, record: Record) -> str:
        """Return where the message of a record stands."""
        found: Message | None = await self.rig.ledger.read(
            partial(receipts.get, message_id=record.event_id.partition(":")[0])
        )
        assert found is not None
        return found.state

    async def told(self) -> list[tuple[int, str, str | None]]:
        """Return (thread version, state, reason) of every notification."""
        return [(version, state, reason) for _, version, _, state, reason in await self.rig.states()]

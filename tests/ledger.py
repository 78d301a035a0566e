"""A relay up to its classify stage on one ledger, for tests that send messages and look what became of them."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from schemas.alerts import Alert, canonical_json, content_sha256, stored_json
from schemas.events import ALERTS
from services.classify.assess import prepare
from services.classify.decide import decide, propose
from services.classify.keys import common_keys
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import receipt_records, receipts, settling
from services.storage.records import Event, Message
from services.storage.serials import Naming
from services.storage.settling import Rules
from services.storage.tables import outbox
from services.storage.tables import receipts as receipts_table
from services.storage.tables import threads as threads_table
from services.storage.thread_records import Died, MaySee, Outcome, Settled, Waits
from tests.databases import Place

START = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
NAMING = Naming(prefix="SATA", secret=b"a key of the tests only")


def everybody(_viewer: str, _message: Message) -> bool:
    """Let every institution see every message."""
    return True


def message_of(alert: Alert, *, sender_id: str, country: str, can_amend: bool, at: datetime) -> Message:
    """Return `alert` as ingest accepts it from this sender."""
    identity = f"{sender_id} {alert.status} {alert.national_ref}"
    return Message(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{identity} {alert.version}")),
        sender_id=sender_id,
        sender_country=country,
        can_amend=can_amend,
        reference_key=uuid.uuid5(uuid.NAMESPACE_URL, identity).hex,
        received_at=at,
        content_sha256=content_sha256(stored_json(alert)),
        alert=alert,
    )


class Relay:
    """Accepts messages, and decides the records of its topic when told to, in any order."""

    def __init__(
        self,
        place: Place,
        *,
        catalogue: Catalogue,
        plan: Mapping[str, PlanBasis],
        may_see: MaySee = everybody,
    ) -> None:
        self._held = place.hold()
        self._catalogue = catalogue
        self._plan = plan
        self._common = common_keys(catalogue)
        self.rules = Rules(naming=NAMING, may_see=may_see)
        self.now = START
        self.connection = self._held.connection

    def close(self) -> None:
        self._held.close()

    def post(
        self, alert: Alert, *, sender_id: str = "uy-observatory", country: str = "UY", can_amend: bool = False
    ) -> Message:
        """Accept one alert; its record waits on the topic."""
        message = message_of(alert, sender_id=sender_id, country=country, can_amend=can_amend, at=self.now)
        body = canonical_json(alert).decode()
        submission = receipt_records.Submission(
            message=message,
            body=body,
            event=Event(
                topic=ALERTS,
                event_id=message.id,
                key=message.reference_key,
                payload=receipt_records.event_payload(message, body=body),
            ),
        )
        self.run(partial(receipts.accept, submission=submission))
        return message

    def settle(self, message: Message, *, revive: bool = False) -> Outcome:
        """Decide one message now."""
        return self._held.run(self.deciding(message, revive=revive))

    def deciding(self, message: Message, *, revive: bool = False) -> Callable[[Connection], Outcome]:
        """Return the unit of work that decides one message."""
        prepared = prepare(message.alert, catalogue=self._catalogue, structures=None, plan=self._plan)
        proposal = propose(message, prepared, common=self._common)
        decision = partial(decide, proposal=proposal, prepared=prepared, common=self._common)
        return partial(
            settling.settle, proposal=proposal, decide=decision, rules=self.rules, now=self.now, revive=revive
        )

    def send(self, alert: Alert, **sender: Any) -> Outcome:
        """Accept and decide one alert, and what that releases."""
        message = self.post(alert, **sender)
        outcome = self.settle(message)
        self.drain()
        return outcome

    def drain(self) -> None:
        """Decide what is pending until nothing is."""
        while rows := self.connection.execute(
            select(receipts_table)
            .where(receipts_table.c.state == "pending")
            .order_by(receipts_table.c.received_at)
        ).all():
            for row in rows:
                self.settle(receipts.to_message(row))

    def expire(self, *, after: timedelta) -> int:
        """Let time pass, and end the patience of what is held."""
        self.now += after
        ended: int = self.run(partial(settling.expire, now=self.now, most=100))
        self.drain()
        return ended

    def run(self, unit: Any) -> Any:
        """Run one unit of work and commit it."""
        return self._held.run(unit)

    def key_of(self, name: str) -> str:
        """Return how the relay calls a substance: the first block of its InChIKey."""
        (key,) = self._catalogue.with_name(name)
        return key[:14]

    def states(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        return receipts.counts(self.connection)

    def threads(self) -> dict[str, Any]:
        """Return the rows of all threads by the sender and, from their first message, their reference."""
        rows = self.connection.execute(
            select(threads_table, receipts_table.c.national_ref).join(
                receipts_table, receipts_table.c.id == threads_table.c.message_id
            )
        )
        return {row.id: row for row in rows}

    def records(self, topic: str) -> list[Any]:
        """Return what stands on a topic, payloads decoded."""
        rows = self.connection.execute(select(outbox).where(outbox.c.topic == topic).order_by(outbox.c.id))
        return [json.loads(row.payload) for row in rows]


__all__ = ["START", "Died", "Relay", "Settled", "Waits", "message_of"]


@pytest.fixture
def relay(place: Place, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Iterator[Relay]:
    """A relay on the empty ledger of a suite, up to its classify stage."""
    opened = Relay(place, catalogue=catalogue, plan=plan)
    yield opened
    opened.close()

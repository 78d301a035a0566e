"""The port over its executor: the same decisions, asked for by many at once."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, select

from schemas.alerts import canonical_json
from schemas.events import ALERTS, CLASSIFIED
from services.classify.assess import prepare
from services.classify.decide import decide, propose
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import outbox, receipts
from services.storage.records import Event, Message, Record
from services.storage.settling import Rules
from services.storage.tables import verdicts as verdicts_table
from services.storage.thread_records import Filters, Outcome, Settled
from services.storage.threads import LedgerThreads
from tests.builders import make_alert
from tests.databases import Ledger
from tests.ledger import NAMING, START, everybody, message_of


class Stage:
    """The stage of one test: accepts and decides through the port."""

    def __init__(self, ledger: Ledger, *, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> None:
        self.ledger = ledger
        self.threads = LedgerThreads(ledger, rules=Rules(naming=NAMING, may_see=everybody))
        self._prepare = partial(prepare, catalogue=catalogue, structures=None, plan=plan)

    async def accept(self, sender_id: str = "uy-observatory", **overrides: object) -> Message:
        alert = make_alert(**overrides)
        message = message_of(alert, sender_id=sender_id, country="UY", can_amend=False, at=START)
        body = canonical_json(alert).decode()
        payload = receipts.event_payload(message, body=body)
        event = Event(topic=ALERTS, event_id=message.id, key=message.reference_key, payload=payload)
        submission = receipts.Submission(message=message, body=body, event=event)
        await self.ledger.write(partial(receipts.accept, submission=submission))
        return message

    async def settle(self, message: Message) -> Outcome:
        prepared = self._prepare(message.alert)
        proposal = propose(message, prepared)
        return await self.threads.settle(
            proposal, decide=partial(decide, proposal=proposal, prepared=prepared), now=START
        )

    async def records(self, topic: str) -> list[Record]:
        return await self.ledger.read(partial(outbox.read, topics=(topic,), after=0, most=1000))


@pytest.fixture
def stage(ledger: Ledger, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Stage:
    """A stage over an empty ledger."""
    return Stage(ledger, catalogue=catalogue, plan=plan)


async def test_one_of_many_that_decide_the_same_message_at_once_writes(stage: Stage) -> None:
    message = await stage.accept()

    outcomes = await asyncio.gather(*(stage.settle(message) for _ in range(20)))

    assert sorted(one.again for one in outcomes if isinstance(one, Settled)) == [False] + [True] * 19
    assert len(await stage.records(CLASSIFIED)) == 1


async def test_copies_that_are_decided_at_once_become_one_incident(stage: Stage) -> None:
    senders = [f"sender-{number}" for number in range(8)]
    messages = [await stage.accept(one, national_ref=f"REF-{one}") for one in senders]

    outcomes = await asyncio.gather(*(stage.settle(one) for one in messages))

    decisions = [one.decision for one in outcomes if isinstance(one, Settled) and one.decision is not None]
    levels = sorted(one.correlation.level.value for one in decisions)
    assert levels == ["content_copy"] * 7 + ["new"]
    version = await stage.threads.version(messages[0].id)
    assert version is not None
    assert len(await stage.threads.incident(version.thread.incident_id)) == 8


async def test_decisions_are_numbered_without_a_gap(stage: Stage) -> None:
    messages = [await stage.accept(national_ref=f"REF-{number}") for number in range(10)]
    await asyncio.gather(*(stage.settle(one) for one in messages))

    def numbers(connection: Connection) -> list[int]:
        decided = select(verdicts_table.c.decision).order_by(verdicts_table.c.decision)
        return list(connection.execute(decided).scalars())

    assert await stage.ledger.read(numbers) == list(range(1, 11))


async def test_what_is_held_too_long_is_put_on_its_topic_again(stage: Stage) -> None:
    waiting = await stage.accept(
        message_type="update", references=[{"ref": "NOWHERE", "relation": "update_of"}]
    )
    await stage.settle(waiting)

    assert await stage.threads.expire_held(now=START + timedelta(minutes=9), most=10) == 0
    assert await stage.threads.expire_held(now=START + timedelta(minutes=10), most=10) == 1
    assert await stage.threads.expire_held(now=START + timedelta(minutes=10), most=10) == 0
    assert [one.event_id for one in await stage.records(ALERTS)] == [waiting.id, f"{waiting.id}:1"]


async def test_a_verdict_that_nobody_routed_is_announced_again_under_another_id(stage: Stage) -> None:
    message = await stage.accept()
    await stage.settle(message)
    ((message_id, revision),) = await stage.threads.unrouted(before=START + timedelta(minutes=1), most=10)

    announce = partial(stage.threads.announce_again, message_id, revision, now=START)
    assert await announce(attempt="1")
    assert await announce(attempt="1")

    first, second = await stage.records(CLASSIFIED)
    assert second.event_id == f"{first.event_id}:1"
    assert second.payload == first.payload
    assert not await stage.threads.announce_again(message_id, 7, attempt="1", now=START)


async def test_the_port_reads_what_it_wrote(stage: Stage) -> None:
    message = await stage.accept()
    await stage.settle(message)
    version = await stage.threads.version(message.id)
    assert version is not None
    thread = version.thread

    assert await stage.threads.thread(thread.id) == thread
    assert await stage.threads.by_relay_id(thread.relay_id) == thread
    assert await stage.threads.by_opaque_id(thread.opaque_id) == thread
    assert await stage.threads.history(thread.id) == [version]
    assert await stage.threads.current(thread.id) == version
    assert (await stage.threads.page(after=0, most=5, filters=Filters())).versions == (version,)

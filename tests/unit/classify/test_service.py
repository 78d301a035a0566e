"""The stage over a real ledger: a record in, a verdict and an outgoing record out."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from schemas.alerts import canonical_json
from schemas.events import ALERTS, CLASSIFIED
from services.classify.service import ClassifyService
from services.errors import Invalid
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import outbox, receipt_records, receipts
from services.storage.records import Event, Message, Record
from services.storage.review_records import Reconsider
from services.storage.settling import Rules
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from services.storage.tables import metadata
from services.storage.tables import receipts as receipts_table
from services.storage.thread_records import Decide, Died, Outcome, Proposal, Settled, Waits
from services.storage.threads import LedgerThreads
from tests.builders import make_alert
from tests.ledger import NAMING, everybody, message_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """An empty ledger."""
    engine = open_engine(tmp_path / "ledger.db")
    metadata.create_all(engine)
    engine.dispose()
    opened = SqliteLedger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


Outcomes = list[Outcome]


class Watched(LedgerThreads):
    """The port, with what came of each message that was read from its topic."""

    def __init__(self, ledger: SqliteLedger, outcomes: Outcomes) -> None:
        super().__init__(ledger, rules=Rules(naming=NAMING, may_see=everybody))
        self.outcomes = outcomes

    async def settle(
        self,
        proposal: Proposal,
        *,
        decide: Decide,
        now: datetime,
        revive: bool = False,
        reconsider: Reconsider | None = None,
    ) -> Outcome:
        outcome = await super().settle(proposal, decide=decide, now=now, revive=revive, reconsider=reconsider)
        self.outcomes.append(outcome)
        return outcome


@pytest.fixture
def outcomes() -> Outcomes:
    """What came of each message that was read from its topic."""
    return []


@pytest.fixture
def service(
    ledger: SqliteLedger, catalogue: Catalogue, plan: Mapping[str, PlanBasis], outcomes: Outcomes
) -> ClassifyService:
    """The stage with the shipped tables and a clock that stands still."""
    return ClassifyService(
        threads=Watched(ledger, outcomes),
        catalogue=catalogue,
        structures=None,
        plan=plan,
        clock=lambda: NOW,
    )


def message(**overrides: object) -> Message:
    """Return an accepted alert of the observatory."""
    return message_of(
        make_alert(**overrides), sender_id="uy-observatory", country="UY", can_amend=False, at=NOW
    )


async def accept(ledger: SqliteLedger, accepted: Message) -> Record:
    """Keep a message with its record, and return the record as the feed reads it."""
    body = canonical_json(accepted.alert).decode()
    payload = receipt_records.event_payload(accepted, body=body)
    event = Event(topic=ALERTS, event_id=accepted.id, key=accepted.reference_key, payload=payload)
    submission = receipt_records.Submission(message=accepted, body=body, event=event)
    await ledger.write(partial(receipts.accept, submission=submission))
    return next(one for one in await records(ledger, ALERTS) if one.event_id == accepted.id)


async def records(ledger: SqliteLedger, topic: str) -> list[Record]:
    return await ledger.read(partial(outbox.read, topics=(topic,), after=0, most=100))


async def state_of(ledger: SqliteLedger, message_id: str) -> tuple[str, str | None]:
    def query(connection: Connection) -> tuple[str, str | None]:
        row = connection.execute(select(receipts_table).where(receipts_table.c.id == message_id)).one()
        return row.state, row.state_reason

    return await ledger.read(query)


async def test_an_accepted_alert_becomes_a_verdict_and_a_record_for_the_next_stage(
    ledger: SqliteLedger, service: ClassifyService
) -> None:
    accepted = message()

    await service.handle(await accept(ledger, accepted))

    assert await state_of(ledger, accepted.id) == ("classified", None)
    (record,) = await records(ledger, CLASSIFIED)
    told = json.loads(record.payload)
    assert told["message_id"] == accepted.id
    assert told["relay_id"] == "SATA-UY-2026-000001"
    assert told["thread_version"] == 1
    assert told["categories"] == ["NPS", "SYN", "SYN.ATS"]


async def test_a_record_that_is_read_again_changes_nothing(
    ledger: SqliteLedger, service: ClassifyService, outcomes: Outcomes
) -> None:
    record = await accept(ledger, message())
    await service.handle(record)

    await service.handle(record)

    assert [one.again for one in outcomes if isinstance(one, Settled)] == [False, True]
    assert len(await records(ledger, CLASSIFIED)) == 1


async def test_an_alert_is_decided_by_the_commit_that_accepts_it_and_its_record_is_then_done_with(
    ledger: SqliteLedger, service: ClassifyService, outcomes: Outcomes
) -> None:
    service.follow()

    record = await accept(ledger, message())

    assert await state_of(ledger, record.event_id) == ("classified", None)
    assert len(await records(ledger, CLASSIFIED)) == 1
    await service.handle(record)
    assert outcomes == []
    await service.handle(record)  # as after a crash
    assert [one.again for one in outcomes if isinstance(one, Settled)] == [True]


async def test_a_sender_waits_for_no_decision_on_the_alert_of_another(
    ledger: SqliteLedger, service: ClassifyService
) -> None:
    service.follow()

    kept = await asyncio.gather(*(accept(ledger, message(national_ref=f"SAT-{n}")) for n in range(3)))

    assert [await state_of(ledger, one.event_id) for one in kept] == [("pending", None)] * 3


async def test_what_may_join_a_thread_is_read_from_its_topic_with_what_people_said_of_it(
    ledger: SqliteLedger, service: ClassifyService, outcomes: Outcomes
) -> None:
    service.follow()
    await accept(ledger, message())
    update = message(version=2, message_type="update")

    record = await accept(ledger, update)

    assert await state_of(ledger, update.id) == ("pending", None)
    await service.handle(record)
    assert isinstance(outcomes[0], Settled)


async def test_an_alert_that_cannot_be_decided_is_accepted_all_the_same(
    ledger: SqliteLedger, service: ClassifyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.follow()
    with monkeypatch.context() as broken:
        broken.setattr("services.classify.service.decide", _fails)
        record = await accept(ledger, message())
    assert await state_of(ledger, record.event_id) == ("pending", None)

    await service.handle(record)

    assert await state_of(ledger, record.event_id) == ("classified", None)


def _fails(*_: object, **__: object) -> None:
    raise ValueError


async def test_a_message_that_waits_is_no_fault(
    ledger: SqliteLedger, service: ClassifyService, outcomes: Outcomes
) -> None:
    update = message(message_type="update", references=[{"ref": "OTHER-1", "relation": "update_of"}])

    await service.handle(await accept(ledger, update))

    assert isinstance(outcomes[0], Waits)
    assert await state_of(ledger, update.id) == ("held", "OTHER-1")


async def test_what_can_never_be_classified_is_dead_and_says_why(
    ledger: SqliteLedger, service: ClassifyService, outcomes: Outcomes
) -> None:
    await service.handle(await accept(ledger, message()))
    foreign = message_of(
        make_alert(
            national_ref="X-1",
            message_type="retraction",
            references=[{"ref": "UY:SAT-UY-2026-014", "relation": "retracts"}],
            location={"country": "AR"},
        ),
        sender_id="ar-observatory",
        country="AR",
        can_amend=True,
        at=NOW,
    )

    with pytest.raises(Invalid) as fault:
        await service.handle(await accept(ledger, foreign))

    assert fault.value.reason == "not_allowed"
    assert outcomes[-1] == Died("not_allowed")
    assert await state_of(ledger, foreign.id) == ("dead", "not_allowed")


@pytest.mark.parametrize("payload", ["", "{}", "[1]", '{"id": 1}'])
async def test_a_record_that_is_no_alert_is_invalid(service: ClassifyService, payload: str) -> None:
    record = Record(topic=ALERTS, event_id="1", key="k", payload=payload, position=1)

    with pytest.raises(Invalid) as fault:
        await service.handle(record)

    assert fault.value.reason == "undecodable"


async def test_a_record_without_a_receipt_is_invalid(ledger: SqliteLedger, service: ClassifyService) -> None:
    unknown = message()
    payload = receipt_records.event_payload(unknown, body=canonical_json(unknown.alert).decode())

    with pytest.raises(Invalid) as fault:
        await service.handle(Record(topic=ALERTS, event_id="1", key="k", payload=payload, position=1))

    assert fault.value.reason == "unknown_message"

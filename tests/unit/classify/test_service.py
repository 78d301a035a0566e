"""The stage over a real ledger: a record in, a verdict and an outgoing record out."""

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
from services.storage.settling import Rules
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from services.storage.tables import metadata
from services.storage.tables import receipts as receipts_table
from services.storage.thread_records import Died, Outcome, Settled, Waits
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


@pytest.fixture
def outcomes() -> Outcomes:
    """What the service told its observer."""
    return []


@pytest.fixture
def service(
    ledger: SqliteLedger, catalogue: Catalogue, plan: Mapping[str, PlanBasis], outcomes: Outcomes
) -> ClassifyService:
    """The stage with the shipped tables and a clock that stands still."""
    return ClassifyService(
        threads=LedgerThreads(ledger, rules=Rules(naming=NAMING, may_see=everybody)),
        catalogue=catalogue,
        structures=None,
        plan=plan,
        clock=lambda: NOW,
        observe=lambda _message, outcome, _at: outcomes.append(outcome),
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

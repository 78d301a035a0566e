"""What every adapter of the receipts, the outbox and the feed promises."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from schemas.alerts import Alert, content_sha256, stored_json
from services.ingest import identifiers
from services.storage import outbox
from services.storage.adapters import LedgerReceipts
from services.storage.receipt_records import Accepted, Refused, Repeated, Submission, event_payload
from services.storage.records import Event, Message, Record
from tests.builders import NOW, make_alert
from tests.databases import Ledger

TOPIC = "alerts.v1"


def submission(alert: Alert, *, sender: str = "uy-ndo", key: str | None = None, body: str = "") -> Submission:
    message = Message(
        id=identifiers.message_id(
            sender_id=sender, status=alert.status, national_ref=alert.national_ref, version=alert.version
        ),
        sender_id=sender,
        sender_country=sender[:2].upper(),
        can_amend=True,
        reference_key=identifiers.reference_key(
            sender_id=sender, status=alert.status, national_ref=alert.national_ref
        ),
        received_at=NOW,
        content_sha256=content_sha256(stored_json(alert)),
        alert=alert,
    )
    text = alert.model_dump_json()
    event = Event(
        topic=TOPIC, event_id=message.id, key=message.reference_key, payload=event_payload(message, body=text)
    )
    return Submission(message=message, body=text, event=event, idempotency_key=key, request_sha256=body)


@pytest.fixture
def receipts(ledger: Ledger) -> LedgerReceipts:
    return LedgerReceipts(ledger)


async def published(ledger: Ledger) -> list[Record]:
    return await ledger.read(partial(outbox.read, topics=[TOPIC], after=0, most=1000))


async def test_an_accepted_message_is_kept_with_its_record(ledger: Ledger, receipts: LedgerReceipts) -> None:
    alert = make_alert()
    answer = await receipts.accept(submission(alert))
    assert isinstance(answer, Accepted)
    kept = await receipts.get(answer.message.id)
    assert kept is not None
    assert (kept.alert, kept.state) == (alert, "pending")
    assert [one.event_id for one in await published(ledger)] == [kept.id]


async def test_the_same_message_again_is_the_first_receipt_and_no_second_record(
    ledger: Ledger, receipts: LedgerReceipts
) -> None:
    answers = await asyncio.gather(*(receipts.accept(submission(make_alert())) for _ in range(20)))
    assert sum(isinstance(one, Accepted) for one in answers) == 1
    assert sum(isinstance(one, Repeated) for one in answers) == 19
    assert len(await published(ledger)) == 1


async def test_another_content_under_the_same_reference_and_version_is_refused(
    receipts: LedgerReceipts,
) -> None:
    await receipts.accept(submission(make_alert()))
    assert await receipts.accept(submission(make_alert(title="Another title"))) == Refused(
        "reference_taken", "/version"
    )


async def test_an_idempotency_key_repeats_its_answer_and_refuses_another_body(
    ledger: Ledger, receipts: LedgerReceipts
) -> None:
    first = await receipts.accept(submission(make_alert(), key="k", body="a"))
    again = await receipts.accept(submission(make_alert(), key="k", body="a"))
    other = await receipts.accept(submission(make_alert(national_ref="N-2"), key="k", body="b"))
    assert isinstance(first, Accepted)
    assert isinstance(again, Repeated)
    assert other == Refused("idempotency_key_reused")
    assert len(await published(ledger)) == 1
    assert await receipts.forget_keys(before=NOW + timedelta(seconds=1), most=10) == 1


async def test_a_draft_is_replaceable_and_published_to_nobody(
    ledger: Ledger, receipts: LedgerReceipts
) -> None:
    await receipts.accept(submission(make_alert(status="draft")))
    replaced = await receipts.accept(submission(make_alert(status="draft", title="A better title")))
    assert isinstance(replaced, Accepted)
    kept = await receipts.get(replaced.message.id)
    assert kept is not None
    assert (kept.alert.title, kept.state) == ("A better title", "draft")
    assert await published(ledger) == []


async def test_a_reference_means_the_senders_own_alert_before_those_of_its_state(
    receipts: LedgerReceipts,
) -> None:
    for sender in ("uy-ndo", "uy-police", "ar-ndo"):
        await receipts.accept(submission(make_alert(national_ref="N-1", status="actual"), sender=sender))
    ask: Any = partial(receipts.fits, status="actual", reference="N-1")
    assert await ask(country="UY", sender_id="uy-ndo") == {("uy-ndo", "N-1")}
    assert await ask(country="UY", sender_id="uy-lab") == {("uy-ndo", "N-1"), ("uy-police", "N-1")}
    assert await ask(country="BR", sender_id="br-ndo") == frozenset()
    named = await receipts.fits(country="BR", sender_id="br-ndo", status="actual", reference="AR:N-1")
    assert named == {("ar-ndo", "N-1")}
    assert (
        await receipts.fits(country="UY", sender_id="uy-ndo", status="exercise", reference="N-1")
        == frozenset()
    )


async def test_what_stays_pending_is_found_and_published_again_once_each_time(
    ledger: Ledger, receipts: LedgerReceipts
) -> None:
    await receipts.accept(submission(make_alert()))
    later = NOW + timedelta(minutes=1)
    (late,) = await receipts.stale(before=later, most=10)
    assert await receipts.publish_again(late, now=later)
    assert await receipts.stale(before=later, most=10) == []
    records = await published(ledger)
    assert [one.event_id for one in records] == [late.id, f"{late.id}:1"]
    assert records[0].payload == records[1].payload


async def test_messages_are_paged_in_the_order_of_receipt(receipts: LedgerReceipts) -> None:
    for number in range(5):
        await receipts.accept(submission(make_alert(national_ref=f"N-{number}")))
    seen: list[str] = []
    after: tuple[datetime, str] | None = None
    while page := await receipts.page(sender_id="uy-ndo", after=after, most=2):
        seen += [one.id for one in page]
        after = (page[-1].received_at, page[-1].id)
    assert len(seen) == len(set(seen)) == 5
    assert await receipts.counts() == {"pending": 5}

"""Records of the topics become counts and spans."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.alerts import Alert
from schemas.events import AlertClassified
from services.errors import Invalid
from services.metrics.instruments import EVENTS, Instruments
from services.metrics.service import Metrics
from services.storage.deliveries_events import answer_event, attempt_event
from services.storage.delivery_records import Deferred, Delivered, Outcome, Settlement
from services.storage.receipt_records import event_payload
from services.storage.records import (
    Answer,
    ChannelKind,
    Event,
    Message,
    Notification,
    NotificationState,
    Record,
)
from tests.builders import make_alert

RECEIVED = datetime(2026, 11, 14, 23, 30, 5, tzinfo=UTC)  # five seconds after it was sent
CLASSIFIED = RECEIVED + timedelta(milliseconds=20)
BEGAN = RECEIVED + timedelta(milliseconds=40)
DELIVERED = RECEIVED + timedelta(milliseconds=90)
ANSWERED = RECEIVED + timedelta(hours=2)

_positions = count(1)


class Stored:
    """The receipts of a ledger that was there before this process."""

    def __init__(self, *messages: Message) -> None:
        self._messages = {message.id: message for message in messages}

    async def get(self, message_id: str) -> Message | None:
        return self._messages.get(message_id)


def metrics(*stored: Message) -> tuple[Metrics, CollectorRegistry]:
    registry = CollectorRegistry()
    receipts: Any = Stored(*stored)  # of the port, only `get` is asked
    return Metrics(receipts=receipts, instruments=Instruments(registry)), registry


def message(alert: Alert | None = None, *, received: datetime = RECEIVED) -> Message:
    return Message(
        id="6f8e9c52-3c0f-5e6a-8d0e-52f4a9c0e311",
        sender_id="uy-observatory",
        sender_country="UY",
        can_amend=False,
        reference_key="0" * 64,
        received_at=received,
        content_sha256="0" * 64,
        alert=alert or make_alert(status="actual"),
    )


def as_record(topic: str, payload: str) -> Record:
    position = next(_positions)
    return Record(topic=topic, event_id=str(position), key="k", payload=payload, position=position)


def accepted(of: Message) -> Record:
    body = json.dumps(of.alert.model_dump(mode="json"))
    return as_record("alerts.v1", event_payload(of, body=body))


def classified(of: Message, **overrides: Any) -> Record:
    payload = AlertClassified(
        **{
            "message_id": of.id,
            "thread_id": "7b1d9c52-3c0f-5e6a-8d0e-52f4a9c0e311",
            "relay_id": "SATA-UY-2026-000001",
            "thread_version": 1,
            "revision": 0,
            "cause": "issue",
            "status": of.alert.status,
            "tlp": of.alert.tlp,
            "country": "UY",
            "message_type": of.alert.message_type,
            "level": "high",
            "urgency": "high",
            "categories": ("NPS", "X.ADU"),
            "correlation": "new",
            "received_at": of.received_at,
            "sent_at": of.alert.sent_at,
            "classified_at": of.received_at + (CLASSIFIED - RECEIVED),
        }
        | overrides
    )
    return as_record("classified.v1", payload.model_dump_json())


def notification(of: Message, *, attempts: int = 1) -> Notification:
    return Notification(
        id="0f6c2f0e-6a55-5a0e-9c55-1d6f3f1b7a10",
        message_id=of.id,
        occasion="issue",
        revision=0,
        thread_id="7b1d9c52-3c0f-5e6a-8d0e-52f4a9c0e311",
        thread_version=1,
        recipient_id="br-focal",
        channel=ChannelKind.WEBHOOK,
        endpoint_id="e",
        message_type=of.alert.message_type,
        urgency=1,
        content="full",
        why=("focal_point",),
        state=NotificationState.CLAIMED,
        reason=None,
        attempts=attempts,
        created_at=CLASSIFIED,
        next_at=None,
        first_attempt_at=BEGAN,
        settled_at=None,
        due_at=None,
        cursor=1,
    )


def as_read(event: Event) -> Record:
    return as_record(event.topic, event.payload)


def attempted(of: Message, outcome: Outcome, state: NotificationState) -> Record:
    settlement = Settlement(
        notification_id="n",
        token="t",
        outcome=outcome,
        content="full",
        began_at=BEGAN,
        ended_at=DELIVERED,
        draw=0.0,
        country="BR",
    )
    return as_read(attempt_event(notification(of), settlement, state, None))


def delivered(of: Message) -> Record:
    return attempted(of, Delivered(), NotificationState.DELIVERED)


def answered(of: Message, *, state: str = "acknowledged", action_on: str | None = None) -> Record:
    answer = Answer(
        id="a",
        message_id=of.id,
        recipient_id="br-focal",
        state=state,
        note=None,
        action_on=action_on,
        via="link",
        answered_at=ANSWERED,
    )
    return as_read(answer_event(answer, notification(of), country="BR", delivered_at=DELIVERED))


async def handle(service: Metrics, *records: Record) -> None:
    for record in records:
        await service.handle(record)


def counted(registry: CollectorRegistry, family: str, **labels: str) -> float:
    value = registry.get_sample_value(f"{family}_count", labels)
    assert value is not None
    return value


def summed(registry: CollectorRegistry, family: str, **labels: str) -> float:
    value = registry.get_sample_value(f"{family}_sum", labels)
    assert value is not None
    return value


async def test_an_alert_is_followed_from_its_detection_to_its_acknowledgement() -> None:
    of = message()
    service, registry = metrics()
    await handle(service, accepted(of), classified(of), delivered(of), answered(of))
    pipeline = {
        measure: summed(registry, "relay_pipeline_seconds", measure=measure, severity="high")
        for measure in ("transfer", "classification", "processing")
    }
    assert pipeline == pytest.approx({"transfer": 5.0, "classification": 0.02, "processing": 0.04})
    assert summed(registry, "relay_delivery_seconds", channel="webhook", severity="high") == pytest.approx(
        0.05
    )
    took = summed(registry, "relay_response_seconds", measure="acknowledgement", severity="high")
    assert took == pytest.approx((ANSWERED - DELIVERED).total_seconds())


async def test_a_detection_on_a_day_is_counted_in_days_and_never_in_seconds() -> None:
    of = message(make_alert(status="actual", detected_at="2026-11-12"))
    service, registry = metrics()
    await handle(service, accepted(of), classified(of), delivered(of), answered(of))
    for measure in ("notification", "end_to_end"):
        assert counted(registry, "relay_response_seconds", measure=measure, severity="high") == 0
        assert counted(registry, "relay_response_days", measure=measure, severity="high") == 1
    assert summed(registry, "relay_response_days", measure="notification", severity="high") == 2


async def test_an_exercise_is_counted_but_not_timed() -> None:
    of = message(make_alert(status="exercise"))
    service, registry = metrics()
    await handle(service, accepted(of), classified(of), delivered(of), answered(of))
    labels = {"status": "exercise", "message_type": "alert"}
    assert registry.get_sample_value("relay_alerts_accepted_total", labels) == 1
    assert registry.get_sample_value("relay_alerts_left_out_total", {"reason": "not_actual"}) == 1
    assert counted(registry, "relay_pipeline_seconds", measure="transfer", severity="high") == 0
    assert counted(registry, "relay_delivery_seconds", channel="webhook", severity="high") == 0
    assert counted(registry, "relay_response_seconds", measure="acknowledgement", severity="high") == 0


async def test_a_record_that_comes_twice_is_counted_once() -> None:
    of = message()
    service, registry = metrics()
    await handle(
        service, accepted(of), classified(of), answered(of), accepted(of), classified(of), answered(of)
    )
    labels = {"status": "actual", "message_type": "alert"}
    assert registry.get_sample_value("relay_alerts_accepted_total", labels) == 1
    assert registry.get_sample_value("relay_alert_categories_total", {"category": "X.ADU"}) == 1
    assert counted(registry, "relay_pipeline_seconds", measure="transfer", severity="high") == 1
    assert counted(registry, "relay_response_seconds", measure="acknowledgement", severity="high") == 1


async def test_only_the_first_attempt_to_anybody_ends_the_processing() -> None:
    of = message()
    service, registry = metrics()
    failed = attempted(of, Deferred(reason="timeout"), NotificationState.PENDING)
    await handle(service, accepted(of), classified(of), failed, delivered(of))
    assert counted(registry, "relay_pipeline_seconds", measure="processing", severity="high") == 1
    attempts = registry.get_sample_value(
        "relay_delivery_attempts_total", {"channel": "webhook", "outcome": "deferred"}
    )
    assert attempts == 1


async def test_a_page_that_was_opened_is_no_acknowledgement() -> None:
    of = message()
    service, registry = metrics()
    await handle(service, accepted(of), classified(of), answered(of, state="seen"))
    assert registry.get_sample_value("relay_acknowledgements_total", {"state": "seen"}) == 1
    assert counted(registry, "relay_response_seconds", measure="acknowledgement", severity="high") == 0


async def test_an_action_with_its_day_is_a_response_in_days() -> None:
    of = message()
    service, registry = metrics()
    taken = answered(of, state="action_taken", action_on="2026-11-17")
    await handle(service, accepted(of), classified(of), delivered(of), taken)
    assert summed(registry, "relay_response_days", measure="response", severity="high") == 3


async def test_a_correction_is_timed_from_its_routing_to_each_recipient() -> None:
    of = message(make_alert(status="actual", message_type="correction"))
    service, registry = metrics()
    await handle(service, accepted(of), classified(of), delivered(of))
    took = summed(registry, "relay_correction_seconds", channel="webhook", message_type="correction")
    assert took == pytest.approx((DELIVERED - CLASSIFIED).total_seconds())
    assert counted(registry, "relay_response_seconds", measure="notification", severity="high") == 0


async def test_a_confirmation_is_counted_once_in_a_thread() -> None:
    first = message(make_alert(status="actual", lab_confirmed_at="2026-11-14"))
    second = Message(**{name: getattr(first, name) for name in Message.__slots__} | {"id": "second"})
    service, registry = metrics()
    await handle(service, accepted(first), classified(first), accepted(second), classified(second))
    assert counted(registry, "relay_response_days", measure="confirmation", severity="high") == 1


async def test_a_closure_is_timed_from_the_first_message_of_its_thread() -> None:
    first = message()
    closing = make_alert(status="actual", message_type="closure")
    received = RECEIVED + timedelta(days=3)
    last = Message(
        **{name: getattr(first, name) for name in Message.__slots__}
        | {"id": "last", "alert": closing, "received_at": received}
    )
    service, registry = metrics()
    await handle(service, accepted(first), classified(first), accepted(last), classified(last))
    took = summed(registry, "relay_response_seconds", measure="closure", severity="high")
    assert took == pytest.approx(timedelta(days=3, milliseconds=20).total_seconds())


async def test_a_later_revision_is_not_counted_again() -> None:
    of = message()
    service, registry = metrics()
    await handle(service, accepted(of), classified(of, revision=1, cause="catalogue:2"))
    assert counted(registry, "relay_pipeline_seconds", measure="classification", severity="high") == 0


async def test_what_was_forgotten_is_looked_up_in_the_ledger() -> None:
    of = message()
    service, registry = metrics(of)
    await handle(service, answered(of), delivered(of))
    assert counted(registry, "relay_response_seconds", measure="acknowledgement", severity="high") == 1
    assert counted(registry, "relay_pipeline_seconds", measure="processing", severity="high") == 0


async def test_what_the_ledger_does_not_know_is_counted_and_not_timed() -> None:
    of = message()
    service, registry = metrics()
    await handle(service, delivered(of))
    assert counted(registry, "relay_delivery_seconds", channel="webhook", severity="high") == 0


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("alerts.v1", "no JSON"),
        ("alerts.v1", "[]"),
        ("alerts.v1", "{}"),
        ("alerts.v1", '{"message_id": "m", "received_at": "2026-11-14T00:00:00", "alert": {}}'),
        ("classified.v1", '{"urgency": "grave"}'),
        ("deliveries.v1", '{"kind": "acknowledgement"}'),
        ("deliveries.v1", "null"),
        ("signals.v1", "{}"),
    ],
)
async def test_a_record_that_cannot_be_read_is_invalid(topic: str, payload: str) -> None:
    service, _ = metrics()
    with pytest.raises(Invalid):
        await service.handle(as_record(topic, payload))


def test_every_series_is_there_before_anything_happened() -> None:
    _, registry = metrics()
    names = {family.name for family in registry.collect()}
    assert {described.name.removesuffix("_total") for described in EVENTS} == names
    assert all(family.samples for family in registry.collect())

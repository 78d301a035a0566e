"""A record goes to a topic and comes back the same; whatever else is read comes back as a dead letter can keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import TOPICS
from services.storage.kafka_records import headers, record_of, type_of
from services.storage.records import Record

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class Read:
    topic: str = "alerts.v1"
    partition: int = 3
    offset: int = 41
    key: bytes | None = b"k"
    value: bytes | None = b"{}"
    headers: Sequence[tuple[str, bytes]] = ()


def record(**changes: object) -> Record:
    values: dict[str, object] = {
        "topic": "alerts.v1",
        "event_id": "e-1",
        "key": "k",
        "payload": '{"title": "Tramadol à Québec"}',
        "position": 41,
        "traceparent": TRACE,
        "created_at": NOW,
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def good(**changes: bytes | None) -> list[tuple[str, bytes]]:
    named = dict(headers(record(), now=NOW))
    for name, value in changes.items():
        name = name.replace("content_type", "content-type")
        if value is None:
            named.pop(name)
        else:
            named[name] = value
    return list(named.items())


def test_a_record_comes_back_as_it_was() -> None:
    sent = record()
    read = Read(key=sent.key.encode(), value=sent.payload.encode(), headers=headers(sent, now=NOW))
    assert record_of(read) == sent


def test_the_headers_are_those_of_cloudevents() -> None:
    assert dict(headers(record(), now=NOW)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": b"/relay",
        "ce_type": b"relay.alert.accepted.v1",
        "ce_time": b"2026-03-01T12:00:00.250000Z",
        "ce_partitionkey": b"k",
        "content-type": b"application/json",
        "traceparent": TRACE.encode(),
    }


@pytest.mark.parametrize(
    ("topic", "payload", "named"),
    [
        ("classified.v1", "{}", "relay.alert.classified.v1"),
        ("deliveries.v1", '{"kind":"delivery"}', "relay.delivery.recorded.v1"),
        ("deliveries.v1", '{"kind":"acknowledgement"}', "relay.delivery.acknowledged.v1"),
        ("deliveries.v1", '{"note":"\\"kind\\":\\"acknowledgement\\""}', "relay.delivery.recorded.v1"),
    ],
)
def test_each_kind_of_event_has_its_type(topic: str, payload: str, named: str) -> None:
    assert type_of(record(topic=topic, payload=payload)) == named


def test_a_record_without_a_time_gets_that_of_its_sending() -> None:
    sent = dict(headers(record(created_at=None, traceparent=None), now=NOW))
    assert sent["ce_time"] == b"2026-03-01T12:00:00.250000Z"
    assert "traceparent" not in sent


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (Read(value=None, headers=good()), "tombstone"),
        (Read(), "not_an_event"),
        (Read(headers=good(ce_id=None)), "not_an_event"),
        (Read(headers=good(ce_id=b"")), "not_an_event"),
        (Read(headers=good(ce_id=b"x" * 65)), "not_an_event"),
        (Read(headers=good(ce_id=b"\xff")), "not_an_event"),
        (Read(headers=good(ce_type=None)), "not_an_event"),
        (Read(headers=good(ce_specversion=b"0.3")), "not_an_event"),
        (Read(headers=good(content_type=b"application/avro")), "not_json"),
        (Read(value=b"\xff{}", headers=good()), "not_utf8"),
        (Read(key=b"\xff", headers=good()), "not_utf8"),
        (Read(value=b'{"a": "\x00"}', headers=good()), "not_json"),
    ],
)
def test_what_is_no_event_says_why_and_has_its_place_for_an_id(read: Read, fault: str) -> None:
    found = record_of(read)
    assert (found.fault, found.event_id, found.position) == (fault, "alerts.v1@3:41", 41)


def test_another_media_type_of_json_is_read() -> None:
    assert record_of(Read(headers=good(content_type=b"application/vnd.x+json; charset=utf-8"))).fault is None


_texts = st.one_of(st.binary(max_size=80), st.sampled_from([b"1.0", b"application/json", b"", b"\x00"]))
_names = st.one_of(st.sampled_from([name for name, _ in good()]), st.text(max_size=8))


@given(
    st.builds(
        Read,
        topic=st.sampled_from([*TOPICS, "x" * 249]),
        partition=st.integers(0, 2**31 - 1),
        offset=st.integers(0, 2**63 - 1),
        key=st.none() | st.binary(max_size=200),
        value=st.none() | st.binary(max_size=200),
        headers=st.lists(st.tuples(_names, _texts), max_size=12),
    )
)
def test_whatever_is_read_can_be_kept(read: Read) -> None:
    found = record_of(read)
    assert len(found.event_id) <= 64
    assert len(found.key) <= 64
    kept = "".join((found.event_id, found.key, found.payload, found.traceparent or ""))
    assert "\0" not in kept
    kept.encode()

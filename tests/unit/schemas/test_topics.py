"""The AsyncAPI document says of the topics what crosses them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas.events import TOPICS
from schemas.topics import TYPES, asyncapi
from services.storage.kafka_records import headers, type_of
from services.storage.records import Record

DOCUMENT = asyncapi()
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SENT = {
    "classified.v1": {
        "message_id": "m",
        "thread_id": "t",
        "relay_id": "SATA-2026-CL-0001",
        "thread_version": 1,
        "revision": 0,
        "cause": "accepted",
        "status": "actual",
        "tlp": "TLP:GREEN",
        "country": "CL",
        "message_type": "alert",
        "level": "high",
        "urgency": "high",
        "received_at": "2026-03-01T00:00:00Z",
        "sent_at": "2026-03-01T00:00:00Z",
        "classified_at": "2026-03-01T00:00:00Z",
    }
}


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from refs(one)


def resolved(ref: str) -> Any:
    found: Any = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def test_every_topic_is_described() -> None:
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == set(TOPICS)
    assert {message["name"] for message in DOCUMENT["components"]["messages"].values()} == set(TYPES.values())


def test_every_reference_leads_somewhere() -> None:
    found = list(refs(DOCUMENT))
    assert len(found) > 20
    for ref in found:
        assert resolved(ref)
    assert "#/$defs/" not in json.dumps(DOCUMENT)


def test_the_headers_of_a_record_are_as_described() -> None:
    record = Record(
        topic="alerts.v1", event_id="e", key="k", payload="{}", position=1, traceparent="00-a-b-01"
    )
    sent = {name: value.decode() for name, value in headers(record, now=NOW)}
    described = DOCUMENT["components"]["messageTraits"]["cloudEvent"]["headers"]
    Draft202012Validator(described, format_checker=FormatChecker()).validate(sent)
    assert set(sent) == set(described["properties"])


@pytest.mark.parametrize(("topic", "payload"), SENT.items())
def test_a_payload_fits_the_message_of_its_type(topic: str, payload: dict[str, Any]) -> None:
    record = Record(topic=topic, event_id="e", key="k", payload=json.dumps(payload), position=1)
    channel = next(one for one in DOCUMENT["channels"].values() if one["address"] == topic)
    messages = [resolved(one["$ref"]) for one in channel["messages"].values()]
    (message,) = [one for one in messages if one["name"] == type_of(record)]
    schema = {"$ref": message["payload"]["$ref"], "components": DOCUMENT["components"]}
    validator = Draft202012Validator(schema)
    validator.validate(payload)
    assert not validator.is_valid(payload | {"level": "gravest"})

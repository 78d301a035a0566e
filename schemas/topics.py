"""What crosses the topics, as one AsyncAPI 3.0 document: made of the contracts, compared with its file in a test.

Source: AsyncAPI 3.0.0, its Kafka bindings 0.5.0, CloudEvents 1.0.2 (Kafka protocol binding §3.2).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from schemas.events import (
    ALERTS,
    CLASSIFIED,
    DELIVERIES,
    Acknowledged,
    AlertAccepted,
    AlertClassified,
    DeliveryRecorded,
)

_DEFINED: Final = "#/$defs/"
# topic, what it carries, and who writes and reads it
_CHANNELS: Final[tuple[tuple[str, str, tuple[type[BaseModel], ...], str, str], ...]] = (
    (ALERTS, "Messages that were accepted; key: hash of sender, status and reference.", (AlertAccepted,),
     "ingest", "classify, metrics"),
    (CLASSIFIED, "Messages that were classified; key: as in alerts.v1.", (AlertClassified,),
     "classify", "notify, metrics"),
    (DELIVERIES, "Attempts to deliver, and answers of recipients; key: the thread.",
     (DeliveryRecorded, Acknowledged), "notify", "metrics"),
)  # fmt: skip
TYPES: Final[Mapping[type[BaseModel], str]] = {
    AlertAccepted: "relay.alert.accepted.v1",
    AlertClassified: "relay.alert.classified.v1",
    DeliveryRecorded: "relay.delivery.recorded.v1",
    Acknowledged: "relay.delivery.acknowledged.v1",
}  # of CloudEvents


def asyncapi() -> dict[str, Any]:
    """Return the document."""
    schemas: dict[str, Any] = {}
    for model in TYPES:
        schemas.update(_schemas_of(model))
    channels = {_name(topic): _channel(topic, said, models) for topic, said, models, _, _ in _CHANNELS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Early-warning alert relay: topics",
            "version": "0.1",
            "description": "CloudEvents 1.0 in the binary Kafka binding. At least once; readers know a repeat by "
            "`ce_id`, and ignore fields that they do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": dict(_operations()),
        "components": {
            "messages": {model.__name__: _message(model) for model in TYPES},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _channel(topic: str, said: str, models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    return {
        "address": topic,
        "description": said,
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in models},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for topic, _, _, writer, readers in _CHANNELS:
        channel = {"$ref": f"#/channels/{_name(topic)}"}
        for service, action in ((writer, "send"), *((one, "receive") for one in readers.split(", "))):
            yield f"{service}_{action}_{_name(topic)}", {"action": action, "channel": channel}


def _message(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": TYPES[model],
        "title": model.__name__,
        "summary": (model.__doc__ or "").split("\n\n")[0].replace("\n    ", " "),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _headers() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text | {"maxLength": 64},
            "ce_source": text | {"format": "uri-reference"},
            "ce_type": {"enum": list(TYPES.values())},
            "ce_time": text | {"format": "date-time"},
            "ce_partitionkey": {"type": "string"},
            "content-type": {"const": "application/json"},
            "traceparent": text | {"description": "W3C Trace Context, of the request that caused it"},
        },
    }


def _schemas_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the model's schema and those it refers to, as components that refer to one another."""
    schema = _referring(model.model_json_schema(mode="validation"))
    inner = schema.pop("$defs", {})
    return {**inner, model.__name__: schema}


def _referring(node: Any) -> Any:
    if isinstance(node, list):
        return [_referring(one) for one in node]
    if isinstance(node, str):
        return node.replace(_DEFINED, "#/components/schemas/") if node.startswith(_DEFINED) else node
    if not isinstance(node, dict):
        return node
    return {name: _referring(value) for name, value in node.items()}


def _name(topic: str) -> str:
    return topic.replace(".", "_")

"""A record of the outbox as a record of a topic and back: CloudEvents 1.0 in its binary Kafka binding. Pure.

Source: CloudEvents 1.0.2, Kafka protocol binding §3.2 (attributes as `ce_` headers in UTF-8, `content-type`) and its
extension for distributed tracing (`traceparent`, which stands as a header of its own, as W3C Trace Context has it).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from schemas.events import Acknowledged, AlertAccepted, AlertClassified, DeliveryRecorded
from schemas.topics import TYPES
from services.storage.records import Record

SOURCE: Final = "/relay"  # with the id it names an event once and for all (CloudEvents 1.0.2 §3.1)
_JSON: Final = "application/json"
_LONGEST: Final = 64  # characters of an event id, key or traceparent: what the ledger's columns hold
_MOST_OF_A_POISON: Final = 64 << 10  # characters kept of a payload that nobody can read


class Read(Protocol):
    """What a consumer gets: a record as aiokafka, or Faust, has it."""

    @property
    def topic(self) -> str:
        """Where it was read."""
        ...

    @property
    def partition(self) -> int:
        """The partition of the topic."""
        ...

    @property
    def offset(self) -> int:
        """The place in the partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its payload; None is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Its headers, in order."""
        ...


def headers(record: Record, *, now: datetime) -> list[tuple[str, bytes]]:
    """Return the headers of a record; `now` is its time where the outbox does not say."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": record.event_id,
        "ce_source": SOURCE,
        "ce_type": type_of(record),
        "ce_time": (record.created_at or now).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_partitionkey": record.key,
        "content-type": _JSON,
    }
    if record.traceparent is not None:
        attributes["traceparent"] = record.traceparent
    return [(name, value.encode()) for name, value in attributes.items()]


def type_of(record: Record) -> str:
    """Return the CloudEvents type of a record of ours."""
    match record.topic:
        case "alerts.v1":
            return TYPES[AlertAccepted]
        case "classified.v1":
            return TYPES[AlertClassified]
        case "deliveries.v1":  # inside a text the quotes would be escaped
            return TYPES[Acknowledged if '"kind":"acknowledgement"' in record.payload else DeliveryRecorded]
        case _:
            return f"relay.{record.topic}"


def record_of(read: Read) -> Record:
    """Return what was read; never raises.

    What is no event of ours comes back with `fault` (`tombstone`, `not_utf8`, `not_an_event`, `not_json`), so that
    it can be kept as a dead letter: then its id is its place, and its payload is cut and free of what a ledger
    cannot hold.
    """
    given = _texts(read.headers)
    fault = _fault(read, given)
    payload = (read.value or b"").decode("utf-8", errors="replace")
    key = (read.key or b"").decode("utf-8", errors="replace")
    if fault is not None:
        event_id = f"{read.topic[:24]}@{read.partition}:{read.offset}"
        payload = _storable(payload, most=_MOST_OF_A_POISON)
    else:
        event_id = given["ce_id"]
    return Record(
        topic=read.topic,
        event_id=event_id,
        key=_storable(key, most=_LONGEST),
        payload=payload,
        position=read.offset,
        traceparent=_trace(given.get("traceparent")),
        created_at=_time(given.get("ce_time")),
        fault=fault,
    )


def _texts(given: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Return the headers that are text; of two with one name the last."""
    texts = {}
    for name, value in given:
        try:
            texts[name.lower()] = (value or b"").decode("utf-8")
        except UnicodeDecodeError:
            texts.pop(name.lower(), None)
    return texts


def _fault(read: Read, given: dict[str, str]) -> str | None:
    if read.value is None:
        return "tombstone"
    event_id = given.get("ce_id", "")
    if given.get("ce_specversion") != "1.0" or not given.get("ce_type") or not given.get("ce_source"):
        return "not_an_event"
    if not event_id or len(event_id) > _LONGEST or "\0" in event_id:
        return "not_an_event"
    media = given.get("content-type", _JSON).partition(";")[0].strip().lower()
    if media != _JSON and not media.endswith("+json"):
        return "not_json"
    try:
        text = read.value.decode("utf-8")
        (read.key or b"").decode("utf-8")
    except UnicodeDecodeError:
        return "not_utf8"
    return "not_json" if "\0" in text else None


def _storable(text: str, *, most: int) -> str:
    return text.replace("\0", "\ufffd")[:most]


def _trace(text: str | None) -> str | None:
    return text if text is not None and len(text) <= _LONGEST and "\0" not in text else None


def _time(text: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None

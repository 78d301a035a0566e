"""The alert: one message of a national system, as the contract 1.0 has it.

Source: HPAD-2021:RIME.1.4@L313, HPAD-2021:RIME.1.5@L314 (what a national system reports, and to whom).
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas import rules
from schemas.base import (
    Contract,
    Flag,
    Line200,
    NationalRef,
    Positive,
    Prose2000,
    Prose20000,
    VersionNumber,
    refuse,
)
from schemas.blocks import (
    Attachment,
    ExternalRef,
    Location,
    Measure,
    Recommendation,
    Reference,
    RequestToReaders,
    Sender,
    Translation,
)
from schemas.dates import PartialDate, Timestamp
from schemas.findings import Finding, Origin, Product, Purity, Quantity, SampleCounts, Samples, Substance
from schemas.harms import AgeBand, Count, Harm, Sexes
from schemas.supply import Equipment, Manufacture, Shipment
from schemas.vocabularies import (
    Audience,
    EventType,
    Language,
    MessageType,
    Reliability,
    RouteOfUse,
    Severity,
    SourceType,
    Status,
    Tlp,
    UpdateReason,
)

__all__ = [
    "AgeBand",
    "Alert",
    "Attachment",
    "Count",
    "Equipment",
    "ExternalRef",
    "Finding",
    "Harm",
    "Location",
    "Manufacture",
    "Measure",
    "Origin",
    "PartialDate",
    "Product",
    "Purity",
    "Quantity",
    "Recommendation",
    "Reference",
    "RequestToReaders",
    "SampleCounts",
    "Samples",
    "Sender",
    "Sexes",
    "Shipment",
    "Substance",
    "Translation",
    "canonical_json",
    "content_sha256",
    "stored_json",
]


def _at_most_three(given: Any) -> Any:
    """Refuse more than the other three languages, before each of a flood is looked at."""
    if isinstance(given, dict) and len(given) > 3:
        raise PydanticCustomError("too_long", "At most the other three languages")
    return given


class Alert(Contract):
    """One message, complete in each version. Absent, null and the default say the same.

    `releasable_to` None means every audience that the TLP allows except private_sector and public; empty
    means nobody. What needs a clock or the ledger (the age of `sent_at`, unknown references, the countries of
    the key) is asked by ingest.
    """

    schema_version: Literal["1.0"] = Field(default="1.0", alias="schema")
    national_ref: NationalRef
    version: VersionNumber = 1
    message_type: MessageType = MessageType.ALERT
    update_reason: UpdateReason | None = None
    status: Status = Status.ACTUAL
    references: tuple[Reference, ...] = Field(default=(), max_length=50)
    sender: Sender | None = None
    tlp: Tlp
    releasable_to: tuple[Audience, ...] | None = Field(default=None, max_length=20)
    named_recipients: tuple[Line200, ...] = Field(default=(), max_length=100)
    publish_ok: Flag = False
    handling_note: Prose2000 | None = None
    language: Language
    title: Line200
    summary: Prose2000
    narrative: Prose20000 | None = None
    translations: Annotated[dict[Language, Translation], BeforeValidator(_at_most_three)] = Field(
        default_factory=dict, json_schema_extra={"maxProperties": 3}
    )
    event_types: tuple[EventType, ...] = Field(min_length=1, max_length=50)
    severity_reported: Severity | None = None
    event_start: PartialDate | None = None
    event_end: PartialDate | None = None
    detected_at: PartialDate
    lab_confirmed_at: PartialDate | None = None
    nationally_reported_at: PartialDate | None = None
    sent_at: Timestamp
    location: Location
    source_types: tuple[SourceType, ...] = Field(min_length=1, max_length=50)
    source_count: Positive | None = None
    reliability: Reliability | None = None
    findings: tuple[Finding, ...] = Field(default=(), max_length=50)
    harms: tuple[Harm, ...] = Field(default=(), max_length=50)
    routes_of_use: tuple[RouteOfUse, ...] = Field(default=(), max_length=20)
    shipment: Shipment | None = None
    manufacture: Manufacture | None = None
    health_measures: tuple[Measure, ...] = Field(default=(), max_length=50)
    other_measures: tuple[Measure, ...] = Field(default=(), max_length=50)
    recommended_actions: tuple[Recommendation, ...] = Field(default=(), max_length=50)
    request: RequestToReaders | None = None
    external_refs: tuple[ExternalRef, ...] = Field(default=(), max_length=50)
    attachments: tuple[Attachment, ...] = Field(default=(), max_length=10)

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        broken = [*rules.broken_by(self)]
        if broken:
            refuse(*broken)
        return self

    def with_sender(self, sender: Sender) -> "Alert":
        """Return the alert as sent by `sender`; ingest fills it from the API key."""
        return self.model_copy(update={"sender": sender})


def canonical_json(alert: Alert) -> bytes:
    """Return the alert with every default written out, keys sorted, no spaces, UTF-8: it parses equal."""
    return _written(alert.model_dump(mode="json"))


def stored_json(alert: Alert) -> str:
    """Return the alert as it is kept and handed on: fields in the contract's order, no defaults; it parses equal."""
    return alert.model_dump_json(exclude_defaults=True)


def content_sha256(stored: str) -> str:
    """Return the hash of what an alert says, in hexadecimal, from its `stored_json`.

    Defaults are left out, so that the same content has the same hash when a later contract gains optional fields,
    and a sender may write a default or not. Only where the sender chose names itself (own fields, translations)
    are keys sorted.
    """
    if '"translations":' in stored or '"x_' in stored:
        return hashlib.sha256(_written(json.loads(stored))).hexdigest()
    return hashlib.sha256(stored.encode()).hexdigest()


def _written(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

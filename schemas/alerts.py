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
    """Version of the contract; absent: the newest 1.x."""
    national_ref: NationalRef
    """The sender's own serial; with sender, status and version it is the identity of the message."""
    version: VersionNumber = 1
    """1 for the first message under this reference, higher for each later one; gaps are allowed."""
    message_type: MessageType = MessageType.ALERT
    """What this message does; all but alert refer to another (see references)."""
    update_reason: UpdateReason | None = None
    """Why there is an update; an update must have it."""
    status: Status = Status.ACTUAL
    """Exercise: sent like actual, marked everywhere; test: to the sender's own institution; draft: to nobody."""
    references: tuple[Reference, ...] = Field(default=(), max_length=50)
    """Other alerts; may be left out where a lower version of the same national_ref is meant."""
    sender: Sender | None = None
    """Filled from the API key; what is stated must agree with it."""
    tlp: Tlp
    """How far readers may pass it on (TLP 2.0); above TLP:GREEN no content travels by email."""
    releasable_to: tuple[Audience, ...] | None = Field(default=None, max_length=20)
    """Audiences that may have it; absent: all but private_sector and public; an empty list: nobody."""
    named_recipients: tuple[Line200, ...] = Field(default=(), max_length=100)
    """Ids of the directory (GET /v1/recipients); for TLP:RED only: without them nobody is told."""
    publish_ok: Flag = False
    """May stand in a public feed; only with TLP:CLEAR and the audience public."""
    handling_note: Prose2000 | None = None
    """What readers must heed when they pass it on, in the sender's words."""
    language: Language
    """Of title, summary and every other text of the sender."""
    title: Line200
    """One line; a translation of it is never made up."""
    summary: Prose2000
    """What happened, in a few sentences; of a correction or retraction the reason, and printed as such."""
    narrative: Prose20000 | None = None
    """Anything longer; shown on the page, never in an email."""
    translations: Annotated[dict[Language, Translation], BeforeValidator(_at_most_three)] = Field(
        default_factory=dict, json_schema_extra={"maxProperties": 3}
    )
    """The texts in other languages, at most three."""
    event_types: tuple[EventType, ...] = Field(min_length=1, max_length=50)
    """What kind of event it is, at least one."""
    severity_reported: Severity | None = None
    """The sender's own rating, shown beside that of the relay."""
    event_start: PartialDate | None = None
    """When it began."""
    event_end: PartialDate | None = None
    """When it ended."""
    detected_at: PartialDate
    """When the national system learned of it; not after sent_at."""
    lab_confirmed_at: PartialDate | None = None
    """When a laboratory confirmed it."""
    nationally_reported_at: PartialDate | None = None
    """When it was told within the country."""
    sent_at: Timestamp
    """When this was written: a timestamp with offset, at most 10 minutes ahead of the relay's clock."""
    location: Location
    """Where it happened."""
    source_types: tuple[SourceType, ...] = Field(min_length=1, max_length=50)
    """Who found or reported it, at least one."""
    source_count: Positive | None = None
    """How many independent sources there are."""
    reliability: Reliability | None = None
    """How far the sender trusts its sources."""
    findings: tuple[Finding, ...] = Field(default=(), max_length=50)
    """One for each product, sample group, specimen or lot."""
    harms: tuple[Harm, ...] = Field(default=(), max_length=50)
    """Who was harmed: several statements (this event, a background statistic) are several entries."""
    routes_of_use: tuple[RouteOfUse, ...] = Field(default=(), max_length=20)
    """How it was used."""
    shipment: Shipment | None = None
    """What was shipped; required for suspicious_shipment, stopped_shipment, diversion and theft."""
    manufacture: Manufacture | None = None
    """A manufacturing site."""
    health_measures: tuple[Measure, ...] = Field(default=(), max_length=50)
    """What the health sector did or plans."""
    other_measures: tuple[Measure, ...] = Field(default=(), max_length=50)
    """What others did or plan."""
    recommended_actions: tuple[Recommendation, ...] = Field(default=(), max_length=50)
    """What readers should do, quoted to them as it stands; the relay adds no advice of its own."""
    request: RequestToReaders | None = None
    """What the sender asks of its readers."""
    external_refs: tuple[ExternalRef, ...] = Field(default=(), max_length=50)
    """The same report in other systems."""
    attachments: tuple[Attachment, ...] = Field(default=(), max_length=10)
    """Files, described only: they stay with the sender."""

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

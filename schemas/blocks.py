"""The blocks of an alert that are neither findings nor harms: who, where, what is advised, what else is."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Broken, Contract, Line200, Line500, Prose2000, Prose20000, refuse
from schemas.dates import PartialDate
from schemas.findings import refuse_foreign
from schemas.places import CountryCode, SubdivisionCode, country_codes
from schemas.vocabularies import (
    AttachmentKind,
    Audience,
    ExternalSystem,
    MeasureStatus,
    ReferenceRelation,
    RequestKind,
    SenderRole,
    Setting,
    Tlp,
    TranslationOrigin,
)

_MAILBOX = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_REFERENCE = re.compile(r"(?:([A-Z]{2}):)?([^:]{1,64})")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WEB_ADDRESS = re.compile(r"https?://[!-~]+")


def _mailbox(text: str) -> str:
    if _MAILBOX.fullmatch(text) is None:
        raise PydanticCustomError("mailbox_form", "Write the address of a role mailbox")
    return text


def _reference(text: str) -> str:
    found = _REFERENCE.fullmatch(text)
    if found is None or not text.isprintable() or found[2] != found[2].strip():
        raise PydanticCustomError("wrong_form", "A national reference, CC:reference, or a relay id")
    if found[1] and found[1] not in country_codes():
        raise PydanticCustomError("country_unknown", "Not a country code of ISO 3166-1 alpha-2")
    return text


def _media_type(text: str) -> str:
    if _MEDIA_TYPE.fullmatch(text) is None:
        raise PydanticCustomError("media_type_form", "A media type in small letters, as application/pdf")
    return text


def _sha256(text: str) -> str:
    if _SHA256.fullmatch(text) is None:
        raise PydanticCustomError("sha256_form", "64 hexadecimal digits in small letters")
    return text


def _file_name(text: str) -> str:
    if "/" in text or "\\" in text or text in {".", ".."}:
        raise PydanticCustomError("file_name_form", "A file's name without folders")
    return text


Mailbox = Annotated[str, Strict(), Field(max_length=254), AfterValidator(_mailbox)]


class Sender(Contract):
    """Who sends. In a post it may be left out in whole or in part: the API key fills it; `contact` is a role
    mailbox.
    """

    country: CountryCode | None = None
    """Of the institution."""
    organisation: Line200 | None = None
    """Name of the institution, never of a person."""
    role: SenderRole | None = None
    """What it is in the national system."""
    contact: Mailbox | None = None
    """A role mailbox that readers may write to."""


class Reference(Contract):
    """Another alert: a national reference, `CC:ref` of any institution of that country, or a relay id."""

    ref: Annotated[str, Strict(), Field(min_length=1, max_length=67), AfterValidator(_reference)]
    """A national reference, CC:reference of any institution of that country, or a relay id."""
    relation: ReferenceRelation
    """What this message does to that one."""


class Location(Contract):
    """Where it happened. No subdivision: the whole country, or not stated."""

    country: CountryCode
    """ISO 3166-1 alpha-2; one that the API key may report for."""
    admin1: tuple[SubdivisionCode, ...] = Field(default=(), max_length=100)
    """ISO 3166-2 codes of that country; empty: the whole country, or not stated."""
    locality: Line200 | None = None
    """Town or place; no coordinates, no address."""
    setting: Setting | None = None
    """In what surroundings."""

    @model_validator(mode="after")
    def _within_country(self) -> Self:
        if self.admin1:
            refuse_foreign(self.country, self.admin1)
        return self


class Translation(Contract):
    """The texts in another language."""

    title: Line200
    """The title."""
    summary: Prose2000
    """The summary."""
    narrative: Prose20000 | None = None
    """The narrative."""
    origin: TranslationOrigin
    """Whether a person or a machine translated; a machine's is marked so."""


class Measure(Contract):
    """What was done or is planned; without an audience it is for all."""

    text: Prose2000
    """In the sender's words."""
    audience: Audience | None = None
    """For whom; absent: for all."""
    status: MeasureStatus | None = None
    """Whether it was taken or is planned."""


class Recommendation(Contract):
    """What readers should do; without an audience it is for all."""

    text: Prose2000
    """In the sender's words."""
    audience: Audience | None = None
    """For whom; absent: for all."""


class RequestToReaders(Contract):
    """What the sender asks for, and by when."""

    kind: RequestKind
    """What is asked for."""
    due_at: PartialDate | None = None
    """Until when."""
    text: Prose2000 | None = None
    """In the sender's words."""


class ExternalRef(Contract):
    """The same report in another system."""

    system: ExternalSystem
    """Which system."""
    ref: Line500
    """Its reference there; of url a web address."""

    @model_validator(mode="after")
    def _web_address(self) -> Self:
        if self.system is ExternalSystem.URL and _WEB_ADDRESS.fullmatch(self.ref) is None:
            refuse(Broken(("ref",), "url_form", "A web address begins with https:// or http://"))
        return self


class Attachment(Contract):
    """A file, described only: it stays with the sender. Without a TLP of its own it has the alert's."""

    name: Annotated[Line200, AfterValidator(_file_name)]
    """File name without folders."""
    media_type: Annotated[str, Strict(), AfterValidator(_media_type)]
    """As application/pdf."""
    sha256: Annotated[str, Strict(), AfterValidator(_sha256)]
    """Of the file, in hexadecimal."""
    kind: AttachmentKind
    """What it is."""
    tlp: Tlp | None = None
    """Its own label, never wider than the alert's; absent: the alert's."""

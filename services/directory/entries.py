"""Entries of the directory as they are written in a file: institutions with their channels and deputies.

Checked whole before anything is loaded: each fault has its place and a stable code, and repeats no address.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.vocabularies import Audience, Category, Language
from services.storage.records import Channel, ChannelKind, Participation, Recipient, RecipientKind

_ID: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
_MAILBOX: Final = re.compile(r"[^@\s<>,;:\"\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LONGEST_ADDRESS: Final = 500
_NEVER: Final = "Nothing is ever sent there"
_REFUSED: Final = {
    "https_only": "A webhook is reached by https; by http in RELAY_NOTIFY__ALLOW_NETWORKS alone",
    "address_refused": "This network is none of RELAY_NOTIFY__ALLOW_NETWORKS",
}

RefusesUrl = Callable[[str], str | None]

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Entry(BaseModel):
    """What all parts of the file share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChannelEntry(Entry):
    """One way to reach an institution."""

    kind: ChannelKind
    address: str = Field(default="", max_length=_LONGEST_ADDRESS)
    personal: bool = False
    withheld: bool = False


class InstitutionEntry(Entry):
    """One institution; empty categories follow everything."""

    id: Annotated[str, StringConstraints(pattern=_ID)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    organisation: Line
    kind: RecipientKind
    language: Language
    timezone: str
    audiences: tuple[Audience, ...] = ()
    categories: tuple[Category, ...] = ()
    channels: tuple[ChannelEntry, ...] = Field(default=(), max_length=3)
    deputies: tuple[ChannelEntry, ...] = Field(default=(), max_length=5)
    active: bool = True


class DirectoryFile(Entry):
    """The whole file; ``participations`` overrides what the ledger and the table of states say."""

    institutions: tuple[InstitutionEntry, ...]
    participations: Mapping[str, Participation] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong: where (a JSON pointer), a stable code, and a sentence for a person."""

    pointer: str
    code: str
    detail: str


def _refuses_none(_url: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a file says; loaded only where ``faults`` is empty."""

    recipients: tuple[Recipient, ...]  # with the participation of an empty ledger
    stated: Mapping[str, Participation]  # what the file itself says of states
    faults: tuple[Fault, ...]


def parse(
    document: Any, *, participations: Mapping[str, Participation], refuses_url: RefusesUrl = _refuses_none
) -> Parsed:
    """Return the directory that a JSON document describes, or its faults.

    ``participations``: of every state that the relay knows; what the file says of one wins. ``refuses_url`` returns
    the code of why nothing would ever be sent to a webhook, or None.
    """
    try:
        file = DirectoryFile.model_validate(document)
    except ValidationError as fault:
        return Parsed(recipients=(), stated={}, faults=tuple(_form_faults(fault)))
    faults = tuple(_faults(file, participations, refuses_url))
    known = {**participations, **file.participations}
    recipients = () if faults else tuple(_recipient(one, known) for one in file.institutions)
    return Parsed(recipients=recipients, stated=file.participations, faults=faults)


def _form_faults(fault: ValidationError) -> Iterator[Fault]:
    for error in fault.errors(include_input=False, include_url=False):
        pointer = "".join(f"/{part}" for part in error["loc"])
        words = error.get("ctx", {}).get("expected", "")  # of a closed list alone
        yield Fault(pointer=pointer, code=error["type"], detail=_sentence(error["type"], words=words))


def _sentence(code: str, *, words: str) -> str:
    """Return what a form fault means; pydantic's own sentences could repeat what was written."""
    return {
        "missing": "This is required",
        "extra_forbidden": "There is no such field",
        "enum": f"Write one of {words}",
    }.get(code, "This has the wrong form")


def _faults(
    file: DirectoryFile, participations: Mapping[str, Participation], refuses_url: RefusesUrl
) -> Iterator[Fault]:
    if not file.institutions:
        yield Fault(
            pointer="/institutions", code="institutions_empty", detail="Nobody would be told anything"
        )
    for country in file.participations.keys() - participations.keys():
        yield Fault(
            pointer=f"/participations/{country}", code="country_unknown", detail="The relay has no such state"
        )
    ids = Counter(one.id for one in file.institutions)
    zones = available_timezones()
    for place, one in enumerate(file.institutions):
        at = f"/institutions/{place}"
        if ids[one.id] > 1:
            yield Fault(pointer=f"{at}/id", code="id_twice", detail="Another institution has this id")
        if one.timezone not in zones:
            yield Fault(
                pointer=f"{at}/timezone",
                code="timezone_unknown",
                detail="Write an IANA name, as America/Lima",
            )
        if one.kind is not RecipientKind.SECRETARIAT and one.country not in participations:
            yield Fault(pointer=f"{at}/country", code="country_unknown", detail="The relay has no such state")
        if one.active and not one.audiences and one.kind is not RecipientKind.SECRETARIAT:
            yield Fault(
                pointer=f"{at}/audiences", code="audiences_empty", detail="An empty list means nobody"
            )
        if one.kind is RecipientKind.PRIVATE_SECTOR and Audience.PRIVATE_SECTOR not in one.audiences:
            yield Fault(
                pointer=f"{at}/audiences",
                code="not_private_sector",
                detail="A private-sector partner has the audience private_sector",
            )
        yield from _channel_faults(one, at, refuses_url)


def _channel_faults(one: InstitutionEntry, at: str, refuses_url: RefusesUrl) -> Iterator[Fault]:
    kinds = Counter(channel.kind for channel in one.channels)
    for place, channel in enumerate(one.channels):
        here = f"{at}/channels/{place}"
        if kinds[channel.kind] > 1:
            yield Fault(
                pointer=f"{here}/kind",
                code="channel_twice",
                detail="One channel of each kind; further mailboxes are deputies",
            )
        yield from _address_faults(channel, here)
        if channel.kind is ChannelKind.WEBHOOK and (code := refuses_url(channel.address)) is not None:
            yield Fault(pointer=f"{here}/address", code=code, detail=_REFUSED.get(code, _NEVER))
    addresses = {channel.address for channel in one.channels}
    for place, channel in enumerate(one.deputies):
        here = f"{at}/deputies/{place}"
        if channel.kind is not ChannelKind.EMAIL:
            yield Fault(pointer=f"{here}/kind", code="deputy_by_email", detail="A deputy is reached by email")
        if channel.address in addresses:
            yield Fault(
                pointer=f"{here}/address", code="address_twice", detail="This address is there already"
            )
        addresses.add(channel.address)
        yield from _address_faults(channel, here)


def _address_faults(channel: ChannelEntry, at: str) -> Iterator[Fault]:
    if not _is_address(channel):
        yield Fault(
            pointer=f"{at}/address",
            code=f"{channel.kind.value}_address",
            detail="This is no address of its kind; a feed has none",
        )


def _is_address(channel: ChannelEntry) -> bool:
    match channel.kind:
        case ChannelKind.EMAIL:
            return _MAILBOX.fullmatch(channel.address) is not None
        case ChannelKind.WEBHOOK:
            return _is_web_address(channel.address)
        case ChannelKind.FEED:
            return channel.address == ""


def _is_web_address(text: str) -> bool:
    """Return whether a text is an absolute web address; whether it may be connected to is asked when it is."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None


def _recipient(one: InstitutionEntry, known: Mapping[str, Participation]) -> Recipient:
    secretariat = one.kind is RecipientKind.SECRETARIAT
    return Recipient(
        id=one.id,
        country=one.country,
        organisation=one.organisation,
        kind=one.kind,
        language=one.language.value,
        timezone=one.timezone,
        audiences=frozenset(one.audiences),
        channels=_channels(one.channels),
        deputies=_channels(one.deputies),
        categories=frozenset(code.value for code in one.categories),
        active=one.active,
        participation=Participation.ACTIVE if secretariat else known[one.country],
    )


def _channels(entries: Sequence[ChannelEntry]) -> tuple[Channel, ...]:
    return tuple(
        Channel(kind=one.kind, address=one.address, personal=one.personal, withheld=one.withheld)
        for one in entries
    )

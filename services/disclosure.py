"""Who may see what: one pure function, asked at send time, by every page and every API call.

The table of the project's security rules is `_by_tlp`, row by row; `redact` cuts an alert down to what
`disclose` allowed. Nothing here knows how a thing is sent: a caller that gets NOTHING sends nothing.
Source: TLP 2.0 (FIRST); HPAD-2021:RIME.1.5@L314 (disseminate national alerts to member states).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas.alerts import Alert
from schemas.classifications import FAMILY_ALONE, Correlation, RelatedAlert
from schemas.vocabularies import Audience, CorrelationLevel, First, Status, Tlp
from services.reference.states import SOVEREIGN
from services.storage.records import (
    Channel,
    ChannelKind,
    Participation,
    Recipient,
    RecipientKind,
    Version,
)

_SMALLEST_CELL: Final = 5  # fewer people than this in an age or sex group could be recognised
_ECHO: Final = CorrelationLevel.ECHO
_STRICTNESS: Final = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)


class Content(StrEnum):
    """How much of a message leaves."""

    FULL = "full"
    FINDINGS = "findings"  # product, sold_as, matrices, substances without purity, declared goods, transport, country
    NOTICE = "notice"  # that there is something, and where to sign in
    GONE = "gone"  # corrected or withdrawn: the earlier one must not be used; no content
    NOTHING = "nothing"


class Surface(StrEnum):
    """Where a reader would see it."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    PAGE = "page"  # signed in
    API = "api"  # by the reader's own key; the catch-up feed too
    LINK = "link"  # an acknowledgement link: whoever holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who would see it and where; ``channel`` is the directory's entry for an email or webhook."""

    recipient: Recipient
    surface: Surface
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """What may leave, and the rule that says so; ``audited``: this view is written down."""

    content: Content
    reason: str
    audited: bool = False


def surface_of(kind: ChannelKind) -> Surface:
    """Return where the reader of a channel sees it."""
    return {
        ChannelKind.EMAIL: Surface.EMAIL,
        ChannelKind.WEBHOOK: Surface.WEBHOOK,
        ChannelKind.FEED: Surface.API,
    }[kind]


def stricter(one: Tlp, *others: Tlp) -> Tlp:
    """Return the strictest of several labels."""
    return max((one, *others), key=_STRICTNESS.index)


def restricted(tlp: Tlp) -> bool:
    """Return whether a label is above TLP:GREEN: its content never travels by email."""
    return _STRICTNESS.index(tlp) > _STRICTNESS.index(Tlp.GREEN)


def disclose(alert: Alert, reader: Reader, *, sender_id: str, later_tlps: Iterable[Tlp] = ()) -> Disclosed:
    """Return how much of ``alert`` this reader may see here.

    ``sender_id`` is the institution that sent this message. ``later_tlps`` are the labels of later versions of
    its thread: a stricter one closes this version too, a wider one opens nothing.
    """
    tlp = stricter(alert.tlp, *later_tlps)
    return _decide(alert, reader, own=reader.recipient.id == sender_id, tlp=tlp)


def disclose_publicly(alert: Alert, *, later_tlps: Iterable[Tlp] = ()) -> Disclosed:
    """Return whether ``alert`` may stand in the public feed: all of it or nothing."""
    released = alert.releasable_to is not None and Audience.PUBLIC in alert.releasable_to
    if stricter(alert.tlp, *later_tlps) is not Tlp.CLEAR:
        return Disclosed(content=Content.NOTHING, reason="tlp")
    if alert.status not in (Status.ACTUAL, Status.EXERCISE):
        return Disclosed(content=Content.NOTHING, reason="status")
    if not (released and alert.publish_ok):
        return Disclosed(content=Content.NOTHING, reason="not_public")
    return Disclosed(content=Content.FULL, reason="public")


def released_to(alert: Alert, recipient: Recipient) -> bool:
    """Return whether one audience of the recipient is among those that the alert is released to.

    No list: every audience but private_sector and public, which are always explicit. An empty list: nobody.
    """
    if alert.releasable_to is None:
        allowed = recipient.audiences - {Audience.PRIVATE_SECTOR, Audience.PUBLIC}
        return bool(allowed) and recipient.kind is not RecipientKind.PRIVATE_SECTOR
    named = recipient.audiences & set(alert.releasable_to) - {Audience.PUBLIC}
    if recipient.kind is RecipientKind.PRIVATE_SECTOR:
        return Audience.PRIVATE_SECTOR in named
    return bool(named)


def redact_for_others(alert: Alert, content: Content) -> Alert:
    """Return ``alert`` as whoever is neither its sender nor the secretariat sees it, without any attachment.

    The answer for NOTICE, GONE and NOTHING is a fault of the caller: there is no alert to show.
    """
    if content not in (Content.FULL, Content.FINDINGS):
        raise ValueError(f"no alert is shown with content {content}")
    if content is Content.FULL and not (alert.named_recipients or alert.harms or alert.attachments):
        return alert
    changes: dict[str, Any] = {
        "named_recipients": type(alert.named_recipients)(),  # membership is not for the members to know
        "harms": tuple(_without_small_cells(harm) for harm in alert.harms),
        "attachments": (),
    }
    if content is Content.FINDINGS:
        changes |= _findings_only(alert)
    return alert.model_copy(update=changes)


def redact(
    alert: Alert,
    content: Content,
    reader: Reader,
    *,
    sender_id: str,
    for_others: Callable[[Alert, Content], Alert] = redact_for_others,
) -> Alert:
    """Return ``alert`` without what this reader may not see; its sender and the secretariat see all of it.

    ``for_others`` may remember what `redact_for_others` answered. ValueError as there.
    """
    recipient = reader.recipient
    shown = for_others(alert, content)
    if recipient.id == sender_id or recipient.kind is RecipientKind.SECRETARIAT:
        return alert
    if content is Content.FINDINGS or not alert.attachments:
        return shown
    attachments = tuple(
        one
        for one in alert.attachments
        if _decide(alert, reader, own=False, tlp=stricter(alert.tlp, one.tlp or alert.tlp)).content
        is Content.FULL
    )
    return shown.model_copy(update={"attachments": attachments})


def correlate_for(
    version: Version,
    reader: Reader,
    content: Content,
    *,
    others: Mapping[str, Version],
    later: Mapping[str, Iterable[Tlp]] | None = None,
) -> Correlation:
    """Return what a version has to do with other alerts, computed from what this reader may see.

    What is hidden is neither named nor counted, and gives no level: an echo is one by its own words. ``others``
    are the related alerts by message id, each with its thread as it now stands; one that is missing is hidden.
    ``later`` holds the labels of the versions after them; where it has none, the strictest that the thread ever
    had closes whatever is not its newest version. States are counted by the related alerts that are seen: there
    may be more, never fewer. A first stays one for who sees less, but whoever sees FINDINGS only is not told in
    which part of the country.
    """
    correlation = version.correlation
    seen = tuple(
        one for one in correlation.related if one.id in others and _shown(others[one.id], reader, later)
    )
    firsts = correlation.firsts
    if content is not Content.FULL:
        firsts = tuple(one for one in firsts if one.scope is not First.ADMIN1)
    count = min(
        correlation.states_in_window, _states(version, *(others[one.id] for one in seen if _counts(one)))
    )
    if len(seen) == len(correlation.related):
        if (firsts, count) == (correlation.firsts, correlation.states_in_window):
            return correlation
        return _with(correlation, firsts=firsts, states_in_window=count)
    level = seen[0].level if seen else CorrelationLevel.NEW  # the nearest stands first
    return _with(
        correlation,
        level=_ECHO if correlation.level is _ECHO else level,
        incident_id=correlation.incident_id if seen else None,
        related=seen,
        firsts=firsts,
        states_in_window=count,
    )


def _counts(related: RelatedAlert) -> bool:
    """Return whether the state of a related alert reported this threat: a member of its family is another."""
    return related.reason != FAMILY_ALONE


def _states(*versions: Version) -> int:
    """Return in how many states these happened; a territory counts as its state."""
    countries = [one.alert.location.country for one in versions]
    return len({SOVEREIGN.get(code, code) for code in countries})


def _shown(other: Version, reader: Reader, later: Mapping[str, Iterable[Tlp]] | None) -> bool:
    superseded = other.thread_version < other.thread.version
    labels: Iterable[Tlp] = (other.thread.strictest_tlp,) if superseded else ()
    if later is not None:
        labels = later.get(other.message.id, labels)
    disclosed = disclose(other.alert, reader, sender_id=other.message.sender_id, later_tlps=labels)
    return disclosed.content in (Content.FULL, Content.FINDINGS)


def _with(correlation: Correlation, **changes: Any) -> Correlation:
    return correlation.model_copy(update=changes)


# --- the table -------------------------------------------------------------------------------------------


def _decide(alert: Alert, reader: Reader, *, own: bool, tlp: Tlp) -> Disclosed:
    recipient = reader.recipient
    pulled = reader.surface in (Surface.PAGE, Surface.API)
    if not recipient.active:
        return _nothing("inactive")
    if own and pulled:
        return Disclosed(content=Content.FULL, reason="own")
    if alert.status is Status.DRAFT or (alert.status is Status.TEST and not own):
        return _nothing("status")
    if own and alert.status is not Status.TEST:
        return _nothing("own_institution")  # it has the receipt, and `reach`
    if recipient.kind is RecipientKind.SECRETARIAT:
        if not pulled:
            return _nothing("secretariat_reads_pages")
        return Disclosed(content=Content.FULL, reason="secretariat", audited=tlp is Tlp.RED)
    if recipient.participation not in (Participation.ACTIVE, Participation.OBSERVER):
        return _nothing("participation")
    if not released_to(alert, recipient):
        return _nothing("audience")
    return _by_tlp(alert, reader, tlp)


def _by_tlp(alert: Alert, reader: Reader, tlp: Tlp) -> Disclosed:
    kind = reader.recipient.kind
    if tlp is Tlp.CLEAR:
        return Disclosed(content=Content.FULL, reason="tlp_clear")
    if kind is RecipientKind.OBSERVER or reader.recipient.participation is Participation.OBSERVER:
        return _nothing("observer")
    if kind is RecipientKind.PRIVATE_SECTOR:
        if tlp is Tlp.GREEN:
            return Disclosed(content=Content.FINDINGS, reason="private_sector")
        return _nothing("private_sector")
    if tlp is Tlp.GREEN:
        return Disclosed(content=Content.FULL, reason="tlp_green")
    if tlp is Tlp.RED:
        return _red(alert, reader)
    if tlp is Tlp.AMBER_STRICT and kind is RecipientKind.NETWORK:
        return _nothing("amber_strict")
    return _amber(reader)


def _amber(reader: Reader) -> Disclosed:
    withheld = reader.channel is not None and reader.channel.withheld
    if reader.surface in (Surface.EMAIL, Surface.LINK) or (reader.surface is Surface.WEBHOOK and withheld):
        return Disclosed(content=Content.NOTICE, reason="above_green")
    return Disclosed(content=Content.FULL, reason="tlp_amber")


def _red(alert: Alert, reader: Reader) -> Disclosed:
    if reader.recipient.id not in alert.named_recipients:
        return _nothing("not_named")
    if reader.surface is Surface.PAGE:
        return Disclosed(content=Content.FULL, reason="named")
    if reader.surface is Surface.EMAIL and not (reader.channel is not None and reader.channel.personal):
        return _nothing("mailbox_not_personal")
    return Disclosed(content=Content.NOTICE, reason="named")


def _nothing(reason: str) -> Disclosed:
    return Disclosed(content=Content.NOTHING, reason=reason)


# --- what is cut -----------------------------------------------------------------------------------------


def _without_small_cells(harm: Any) -> Any:
    """Hide age and sex cells below 5.

    One hidden cell alone could be computed from the total and the others, so then the smallest of those goes
    too; of two sexes that leaves none.
    """
    bands = _kept_bands(tuple(harm.age_bands or ()))
    sex = harm.sex
    counts = [] if sex is None else [value for value in sex.model_dump().values() if isinstance(value, int)]
    if any(count < _SMALLEST_CELL for count in counts):
        sex = None
    return harm.model_copy(update={"age_bands": bands, "sex": sex})


def _kept_bands(bands: tuple[Any, ...]) -> tuple[Any, ...]:
    kept = [band for band in bands if band.cases >= _SMALLEST_CELL]
    if len(kept) == len(bands) - 1 and kept:
        kept.remove(min(kept, key=lambda band: band.cases))
    return tuple(kept)


def _findings_only(alert: Alert) -> dict[str, Any]:
    """Return the changes that leave product, substances without purity, goods, transport and country."""
    shipment = alert.shipment
    if shipment is not None:
        kept = type(shipment).model_fields
        cleared: dict[str, Any] = {
            name: None for name in kept if name not in ("kind", "declared_as", "transport")
        }
        cleared |= {name: () for name in ("transit", "report_to") if name in kept}
        shipment = shipment.model_copy(update=cleared)
    return {
        "title": "",
        "summary": "",
        "narrative": None,
        "translations": {},
        "harms": (),
        "health_measures": (),
        "other_measures": (),
        "recommended_actions": (),
        "manufacture": None,
        "request": None,
        "external_refs": (),
        "attachments": (),
        "handling_note": None,
        "routes_of_use": (),
        "reliability": None,
        "source_count": None,
        "shipment": shipment,
        "location": alert.location.model_copy(update={"admin1": (), "locality": None, "setting": None}),
        "findings": tuple(_product_only(finding) for finding in alert.findings),
    }


def _product_only(finding: Any) -> Any:
    substances = tuple(one.model_copy(update={"purity": None, "samples": None}) for one in finding.substances)
    return finding.model_copy(
        update={"substances": substances, "quantities": (), "samples": None, "origin": None}
    )

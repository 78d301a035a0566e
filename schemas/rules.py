"""The rules between the fields of an alert that need neither a clock nor the ledger.

Each is a function of the alert and yields what it finds broken, with its place.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from schemas.base import Broken
from schemas.vocabularies import EventType, MessageType, ReferenceRelation, Tlp, UpdateReason

if TYPE_CHECKING:
    from schemas.alerts import Alert

RELATION_OF = {
    MessageType.UPDATE: ReferenceRelation.UPDATE_OF,
    MessageType.CORRECTION: ReferenceRelation.CORRECTS,
    MessageType.RETRACTION: ReferenceRelation.RETRACTS,
    MessageType.CLOSURE: ReferenceRelation.CLOSES,
    MessageType.DISPUTE: ReferenceRelation.DISPUTES,
}  # what each message type refers to
NEEDS_SHIPMENT = frozenset(
    {EventType.SUSPICIOUS_SHIPMENT, EventType.STOPPED_SHIPMENT, EventType.DIVERSION, EventType.THEFT}
)
NEEDS_NO_FINDING = frozenset(
    {
        EventType.RUMOUR_REFUTATION,
        EventType.CONTROL_CHANGE,
        EventType.MODUS_OPERANDI,
        EventType.ONLINE_SALE,
        EventType.EQUIPMENT,
    }
)
MOST_SUBSTANCES = 100
MOST_STRUCTURES = 20

_ACTS_ON_ANOTHER = frozenset({MessageType.CLOSURE, MessageType.RETRACTION, MessageType.DISPUTE})
_TELLS_A_CASE = frozenset({MessageType.ALERT, MessageType.UPDATE, MessageType.CORRECTION})
_OF_ITS_OWN_THREAD = frozenset(RELATION_OF.values())


def broken_by(alert: "Alert") -> Iterator[Broken]:
    """Yield every rule that `alert` breaks."""
    for rule in _RULES:
        yield from rule(alert)


def _update_reason(alert: "Alert") -> Iterator[Broken]:
    is_update = alert.message_type is MessageType.UPDATE
    if is_update and alert.update_reason is None:
        yield Broken(("update_reason",), "required", "An update states its reason")
    if not is_update and alert.update_reason is not None:
        yield Broken(("update_reason",), "update_reason_without_update", "Only an update states a reason")


def _references(alert: "Alert") -> Iterator[Broken]:
    relation = RELATION_OF.get(alert.message_type)
    refers = any(reference.relation is relation for reference in alert.references)
    # A higher version may refer to a lower one of its own reference: only the ledger knows of it.
    if relation is not None and not refers and alert.version == 1:
        detail = "The first version under a reference names what it acts on, with the relation of its type"
        yield Broken(("references",), "relation_required", detail)
    for index, reference in enumerate(alert.references):
        own = reference.ref == alert.national_ref
        earlier_version = alert.version > 1 and reference.relation in _OF_ITS_OWN_THREAD
        if own and not earlier_version:
            yield Broken(("references", index, "ref"), "reference_self", "An alert cannot refer to itself")


def _audience(alert: "Alert") -> Iterator[Broken]:
    if alert.named_recipients and alert.tlp is not Tlp.RED:
        yield Broken(
            ("named_recipients",), "named_recipients_without_red", "Recipients are named for TLP:RED only"
        )
    if alert.publish_ok and alert.tlp is not Tlp.CLEAR:
        yield Broken(("publish_ok",), "publish_ok_without_clear", "Only TLP:CLEAR may be published")
    for index, attachment in enumerate(alert.attachments):
        if attachment.tlp is not None and attachment.tlp.strictness < alert.tlp.strictness:
            detail = "An attachment is never less restricted than its alert"
            yield Broken(("attachments", index, "tlp"), "tlp_wider_than_alert", detail)


def _dates(alert: "Alert") -> Iterator[Broken]:
    start, end = alert.event_start, alert.event_end
    if start is not None and end is not None and start.is_after(end):
        yield Broken(("event_end",), "dates_reversed", "The event ends before it starts")
    if alert.detected_at.is_after(alert.sent_at):
        yield Broken(("detected_at",), "detected_after_sent", "Detection is later than sending")


def _findings(alert: "Alert") -> Iterator[Broken]:
    exempt = (
        alert.message_type in _ACTS_ON_ANOTHER
        or alert.update_reason is UpdateReason.TRANSLATION
        or not NEEDS_NO_FINDING.isdisjoint(alert.event_types)
    )
    if not alert.findings and not exempt:
        yield Broken(("findings",), "required", "At least one finding; its substances may be empty")


def _shipment(alert: "Alert") -> Iterator[Broken]:
    needed = alert.message_type in _TELLS_A_CASE and not NEEDS_SHIPMENT.isdisjoint(alert.event_types)
    if needed and alert.shipment is None:
        yield Broken(("shipment",), "required", "This event type needs the shipment")


def _substances(alert: "Alert") -> Iterator[Broken]:
    substances = [one for finding in alert.findings for one in finding.substances]
    if len(substances) > MOST_SUBSTANCES:
        yield Broken(
            ("findings",), "too_many_substances", f"At most {MOST_SUBSTANCES} substances in an alert"
        )
    if sum(bool(one.smiles or one.inchi) for one in substances) > MOST_STRUCTURES:
        detail = f"At most {MOST_STRUCTURES} substances of an alert with smiles or inchi"
        yield Broken(("findings",), "too_many_structures", detail)


def _positions(alert: "Alert") -> Iterator[Broken]:
    for index, harm in enumerate(alert.harms):
        if harm.finding is not None and harm.finding >= len(alert.findings):
            yield Broken(("harms", index, "finding"), "no_such_finding", "Findings are counted from 0")
    names = [attachment.name for attachment in alert.attachments]
    for index, name in enumerate(names):
        if names.count(name) > 1:
            yield Broken(("attachments", index, "name"), "name_repeated", "Each attachment has its own name")
    for index, finding in enumerate(alert.findings):
        image = finding.product.image if finding.product is not None else None
        if image is not None and image not in names:
            yield Broken(("findings", index, "product", "image"), "no_such_attachment", "Names no attachment")


def _translations(alert: "Alert") -> Iterator[Broken]:
    if alert.language in alert.translations:
        detail = "The alert is in this language already"
        yield Broken(("translations", alert.language.value), "translation_of_itself", detail)


_RULES: tuple[Callable[["Alert"], Iterator[Broken]], ...] = (
    _update_reason,
    _references,
    _audience,
    _dates,
    _findings,
    _shipment,
    _substances,
    _positions,
    _translations,
)

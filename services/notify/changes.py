"""What changed between two versions of an alert: every fact that a letter, a page or a webhook tells.

Findings, substances and harms are matched by what they are, so another order is no change. A pointer names the
place in the version where the fact now stands, or stood, if it is gone. What is no fact of the event is in
`NO_FACTS`; `tests/unit/notify/test_changes_whole.py` walks the contract, so that no field is in neither.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from pydantic import BaseModel

from schemas.alerts import Alert, Sender
from schemas.vocabularies import MessageType
from services.notify.change import OTHER, TEXT, Change, Value, differs, dumped, names, text
from services.notify.changes_found import finding_changes, harm_changes
from services.notify.matching import match_findings, match_harms

__all__ = ["NO_FACTS", "OF_FINDINGS", "OTHER", "TEXT", "Change", "Value", "changes", "without_before"]

OF_FINDINGS: Final = frozenset(  # labels that a reader of findings alone may be told
    {
        "substance",
        "confirmation",
        "role",
        "cas",
        "methods",
        "lab_type",
        "national_control",
        "presence",
        "sold_as",
        "market",
        "matrices",
        "product.form",
        "product.colour",
        "product.shape",
        "product.markings",
        "product.packaging",
        "product.brand",
        "shipment.declared_as",
        "shipment.transport",
        "country",
    }
)
NO_FACTS: Final = frozenset(
    {  # which message it is, whose, in which language, to whom; a correction's summary is its reason
        "schema_version",
        "national_ref",
        "version",
        "message_type",
        "update_reason",
        "status",
        "references",
        "sent_at",
        "language",
        "summary",
        "named_recipients",
        "releasable_to",
        "publish_ok",
    }
)
_DATES: Final = ("event_start", "event_end", "detected_at", "lab_confirmed_at")
_SHIPMENT: Final = ("kind", "declared_as", "origin", "transit", "destination", "transport", "concealment")
_SHIPMENT_OTHER: Final = ("pen_ref", "i2es_ref", "report_to")
_MEASURES: Final = ("recommended_actions", "health_measures", "other_measures")
_OTHERS: Final = ("nationally_reported_at", "source_count", "external_refs")


def changes(before: Alert, after: Alert) -> tuple[Change, ...]:
    """Return the facts that differ, in the order of the parts of a message."""
    return tuple(_all(before, after))


def without_before(changed: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes as told to who may not see the earlier version: neither its values nor what is gone.

    Nor its label: that of now stands at the top of the message.
    """
    kept = (change for change in changed if change.after is not None and change.label != "tlp")
    return tuple(replace(change, before=None, about=_about_now(change)) for change in kept)


def _about_now(change: Change) -> tuple[str | None, ...]:
    return (None, change.about[1]) if change.label.startswith("harm.") else change.about


def _all(before: Alert, after: Alert) -> Iterator[Change]:
    yield from differs((names(before.event_types), names(after.event_types)), "/event_types", "event_types")
    pairs = list(match_findings(before.findings, after.findings))
    for old, new in pairs:
        yield from finding_changes(
            before.findings[old] if old is not None else None,
            after.findings[new] if new is not None else None,
            f"/findings/{new if new is not None else old}",
        )
    routes = (names(each.routes_of_use) for each in (before, after))
    yield from differs(routes, "/routes_of_use", "route_of_use")
    yield from _shipment(before, after)
    yield from _manufacture(before, after)
    yield from _place(before, after)
    for name in _DATES:
        yield from differs(_texts(before, after, name), f"/{name}", f"date.{name}")
    places = {old: new for old, new in pairs if old is not None}
    for was, now in match_harms(before.harms, after.harms, places):
        yield from harm_changes(
            before.harms[was] if was is not None else None,
            after.harms[now] if now is not None else None,
            f"/harms/{now if now is not None else was}",
            places,
        )
    yield from differs(_texts(before, after, "severity_reported"), "/severity_reported", "severity_reported")
    for name in _MEASURES:
        yield from _listed(getattr(before, name), getattr(after, name), f"/{name}", name)
    yield from _source(before, after)
    yield from differs((dumped(before.request), dumped(after.request)), "/request", "request")
    yield from _others(before, after)
    if (
        after.message_type is MessageType.CORRECTION
    ):  # an update's text is new by nature, and contradicts nothing
        yield from _own_texts(before, after)


def _shipment(before: Alert, after: Alert) -> Iterator[Change]:
    for name in (*_SHIPMENT, *_SHIPMENT_OTHER):
        old, new = (_plain(getattr(each.shipment, name, None)) for each in (before, after))
        label = OTHER if name in _SHIPMENT_OTHER else f"shipment.{name}"
        yield from differs((old, new), f"/shipment/{name}", label)


def _manufacture(before: Alert, after: Alert) -> Iterator[Change]:
    for name in ("stages", "equipment", "capacity"):
        old, new = (_plain(getattr(each.manufacture, name, None)) for each in (before, after))
        label = OTHER if name == "capacity" else f"manufacture.{name}"
        yield from differs((old, new), f"/manufacture/{name}", label)
    if (before.manufacture is None) is not (after.manufacture is None):
        stated = (None if each.manufacture is None else True for each in (before, after))
        yield from differs(stated, "/manufacture", OTHER)


def _place(before: Alert, after: Alert) -> Iterator[Change]:
    old, new = before.location, after.location
    yield from differs((old.country, new.country), "/location/country", "country")
    yield from differs((names(old.admin1), names(new.admin1)), "/location/admin1", "admin1")
    yield from differs((old.locality, new.locality), "/location/locality", "place")
    yield from differs((text(old.setting), text(new.setting)), "/location/setting", "setting")


def _source(before: Alert, after: Alert) -> Iterator[Change]:
    old, new = before.sender or Sender(), after.sender or Sender()
    if (old.country, old.organisation) == (
        new.country,
        new.organisation,
    ):  # else another institution speaks now
        yield from differs((text(old.role), text(new.role)), "/sender/role", "sender.role")
        yield from differs((old.contact, new.contact), "/sender/contact", "sender.contact")
    sources = (names(each.source_types) for each in (before, after))
    yield from differs(sources, "/source_types", "source_types")
    yield from differs(_texts(before, after, "reliability"), "/reliability", "reliability")


def _others(before: Alert, after: Alert) -> Iterator[Change]:
    yield from differs((before.tlp.value, after.tlp.value), "/tlp", "tlp")
    yield from differs((before.handling_note, after.handling_note), "/handling_note", "handling_note")
    old, new = ([dumped(each) for each in one.attachments] for one in (before, after))
    yield from differs((old, new), "/attachments", "attachments")
    for name in _OTHERS:
        old_one, new_one = (_plain(getattr(each, name)) for each in (before, after))
        yield from differs((old_one, new_one), f"/{name}", OTHER)


def _own_texts(before: Alert, after: Alert) -> Iterator[Change]:
    yield from differs((before.title, after.title), "/title", TEXT)
    yield from differs((before.narrative, after.narrative), "/narrative", TEXT)
    for language in sorted({*before.translations, *after.translations}):
        old, new = (each.translations.get(language) for each in (before, after))
        if old is None or new is None:
            yield from differs((dumped(old), dumped(new)), f"/translations/{language}", TEXT)
            continue
        for name in ("title", "narrative", "origin"):
            stated = (text(getattr(each, name)) for each in (old, new))
            yield from differs(stated, f"/translations/{language}/{name}", TEXT)


def _listed(
    before: Sequence[BaseModel], after: Sequence[BaseModel], pointer: str, label: str
) -> Iterator[Change]:
    """Yield what stands in one list and not in the other; one beside the other where each has one there."""
    gone = [at for at, one in enumerate(before) if one not in after]
    added = [at for at, one in enumerate(after) if one not in before]
    for at in added:
        old = before[at] if at in gone else None
        yield from differs((dumped(old), dumped(after[at])), f"{pointer}/{at}", label)
    for at in gone:
        if at not in added:
            yield from differs((dumped(before[at]), None), f"{pointer}/{at}", label)


def _texts(before: Alert, after: Alert, name: str) -> tuple[str | None, str | None]:
    return text(getattr(before, name)), text(getattr(after, name))


def _plain(value: object) -> Value:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, BaseModel):
        return dumped(value)
    return value if value is None or isinstance(value, int) else str(value)

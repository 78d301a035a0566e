"""How one changed fact reads: its heading, and its value before or now."""

from typing import Final

from schemas.alerts import (
    Attachment,
    Count,
    Equipment,
    Harm,
    Measure,
    Origin,
    PartialDate,
    Purity,
    Quantity,
    RequestToReaders,
    Samples,
)
from schemas.vocabularies import Attribution, Method
from services.notify.body.action import measure_lead
from services.notify.body.answer import request_text
from services.notify.body.certainty import method_text
from services.notify.body.harm import count_text, window_text
from services.notify.body.quantities import purity_text, quantity_text
from services.notify.body.samples import samples_text
from services.notify.body.source import attachment_text, origin_words
from services.notify.body.telling import Telling
from services.notify.body.what import equipment_text
from services.notify.change import Change, Value
from services.notify.typography import colon, lowered, one_line, quoted, semicolon
from services.notify.voice import Voice

_HEADINGS: Final = {
    "event_types": ("label", "event_types"),
    "substance": ("heading", "substances"),
    "confirmation": ("label", "confirmation"),
    "role": ("label", "role"),
    "cas": ("label", "cas"),
    "purity": ("label", "purity"),
    "methods": ("label", "method"),
    "lab_type": ("label", "laboratory"),
    "first": ("event_type", "first_detection"),
    "national_control": ("label", "control"),
    "sold_as": ("label", "sold_as"),
    "presence": ("label", "origin"),
    "origin": ("label", "origin"),
    "market": ("label", "market"),
    "matrices": ("label", "matrix"),
    "quantities": ("label", "quantity"),
    "samples": ("event_type", "collected_sample"),
    "route_of_use": ("label", "route_of_use"),
    "place": ("label", "place"),
    "admin1": ("label", "place"),
    "country": ("label", "country"),
    "setting": ("label", "setting"),
    "attribution": ("label", "attribution"),
    "window": ("label", "window"),
    "as_of": ("label", "date_of_figures"),
    "severity_reported": ("label", "severity_reported"),
    "recommended_actions": ("heading", "action"),
    "health_measures": ("heading", "measures"),
    "other_measures": ("heading", "measures"),
    "source_types": ("label", "source"),
    "reliability": ("label", "source"),
    "sender.role": ("label", "sender"),
    "sender.contact": ("label", "contact"),
    "request": ("label", "request"),
    "tlp": ("heading", "handling"),
    "handling_note": ("heading", "handling"),
    "attachments": ("heading", "attachments"),
    "date.event_start": ("label", "event_date"),
    "date.event_end": ("label", "event_date"),
    "date.detected_at": ("label", "detected"),
    "date.lab_confirmed_at": ("label", "lab_confirmed"),
    "shipment.kind": ("heading", "shipment"),
    "shipment.transport": ("heading", "shipment"),
    "shipment.declared_as": ("label", "declared_goods"),
    "shipment.origin": ("label", "origin"),
    "shipment.transit": ("label", "transit"),
    "shipment.destination": ("label", "destination"),
    "shipment.concealment": ("label", "concealment"),
    "manufacture.stages": ("heading", "manufacture"),
    "manufacture.equipment": ("heading", "manufacture"),
    "product.form": ("label", "form"),
    "product.colour": ("label", "colour"),
    "product.shape": ("label", "shape"),
    "product.markings": ("label", "markings"),
    "product.packaging": ("label", "brand"),
    "product.brand": ("label", "brand"),
}
_WORDS: Final = {  # label to the group of its words
    "event_types": "event_type",
    "confirmation": "confirmation",
    "role": "role",
    "lab_type": "lab_type",
    "first": "first",
    "national_control": "control_status",
    "presence": "presence",
    "market": "market",
    "attribution": "attribution",
    "setting": "setting",
    "severity_reported": "severity",
    "source_types": "source_type",
    "reliability": "reliability",
    "sender.role": "sender_role",
    "shipment.kind": "shipment_kind",
    "shipment.transport": "transport",
    "manufacture.stages": "manufacture_stage",
    "matrices": "matrix",
    "product.form": "matrix",
    "route_of_use": "route_of_use",
}
_WITHIN: Final = frozenset({"matrices", "product.form", "route_of_use", "manufacture.stages"})
_COUNTRIES: Final = frozenset({"country", "shipment.origin", "shipment.transit", "shipment.destination"})
_DATES: Final = frozenset({"as_of"})
_QUOTED: Final = frozenset({"shipment.declared_as", "shipment.concealment", "handling_note"})


def has_words(change: Change) -> bool:
    """Return whether a letter prints this fact, so that it can say what it was and is."""
    return change.label in _HEADINGS or change.label.startswith("harm.")


def heading_of(change: Change, telling: Telling) -> str:
    """Return what the row is about; a substance's name stands before the kind of fact."""
    voice = telling.voice
    kind, _, code = change.label.partition(".")
    if kind == "harm":
        return voice.say("harm", code)
    group, word = ("heading", "ruled_out") if _is_ruled_out(change) else _HEADINGS[change.label]
    said = voice.say(group, word)
    named = change.about[0] if change.about and change.label != "substance" else None
    return f"{telling.called(named)}, {lowered(said)}" if named else said


def value_of(change: Change, telling: Telling, *, now: bool) -> str:
    """Return the value as the parts say it; empty where there is none."""
    value = change.after if now else change.before
    if value is None:
        return ""
    kind, _, code = change.label.partition(".")
    if kind == "harm":
        return _harm(value, code, change.about[1 if now else 0], telling.voice)
    items = value if isinstance(value, list) else [value]
    return ", ".join(_said(change.label, each, telling) for each in items)


def _is_ruled_out(change: Change) -> bool:
    value = change.after if change.after is not None else change.before
    return (
        change.label == "substance" and isinstance(value, dict) and value.get("confirmation") == "ruled_out"
    )


def _harm(value: Value, code: str, attribution: str | None, voice: Voice) -> str:
    count = Count.model_validate(value)
    text = count_text(count, code, voice, labelled=False)
    linked = attribution is not None and (count.value is None or count.value > 0)
    return f"{text}, {voice.say('attribution', attribution)}" if linked and attribution else text


def _said(label: str, value: Value, telling: Telling) -> str:
    voice = telling.voice
    if isinstance(value, dict):
        return _block(label, value, telling)
    written = str(value)
    if label == "methods":
        return method_text(Method(written), voice)
    if label in _WITHIN:
        return voice.within(_WORDS[label], written)
    if label in _WORDS:
        return voice.say(_WORDS[label], written)
    if label in _COUNTRIES:
        return voice.country(written)
    if label == "admin1":
        return voice.place(written)
    if label in _DATES or label.startswith("date."):
        return voice.date_of(PartialDate.parse(written))
    if label in _QUOTED or label.startswith("product."):
        return quoted(one_line(written), voice.language)
    return one_line(written)


def _block(label: str, value: dict[str, Value], telling: Telling) -> str:
    voice = telling.voice
    match label:
        case "substance":
            return _substance(value, telling)
        case "purity":
            return purity_text(Purity.model_validate(value), voice)
        case "samples":
            mark = f"{semicolon(voice.language)} "
            return mark.join(samples_text(Samples.model_validate(value), voice))
        case "quantities":
            return quantity_text(Quantity.model_validate(value), voice)
        case "origin":
            return origin_words(Origin.model_validate(value), voice)
        case "window":
            return window_text(Harm.model_validate({"attribution": Attribution.SUSPECTED} | value), voice)
        case "manufacture.equipment":
            return equipment_text(Equipment.model_validate(value), voice)
        case "attachments":
            return attachment_text(Attachment.model_validate(value), voice)
        case "request":
            return request_text(RequestToReaders.model_validate(value), voice)
    return _measure(Measure.model_validate(value), voice)


def _substance(value: dict[str, Value], telling: Telling) -> str:
    names = value.get("one_of")
    name = value.get("name") or (" / ".join(map(str, names)) if isinstance(names, list) else "")
    said = lowered(telling.voice.say("confirmation", str(value["confirmation"])))
    called = telling.called(str(name))
    return f"{called}, {said}" if said.endswith(")") else f"{called} ({said})"


def _measure(measure: Measure, voice: Voice) -> str:
    said = measure_lead(measure, voice)
    words = quoted(one_line(measure.text), voice.language)
    return f"{said}{colon(voice.language)} {words}" if said else words

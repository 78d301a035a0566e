"""How one changed fact reads: its heading, and its value before or now."""

from typing import Final

from schemas.alerts import Count, PartialDate, Purity, Quantity, Samples
from services.notify.body.harm import count_text
from services.notify.body.quantities import purity_text, quantity_text
from services.notify.body.samples import samples_text
from services.notify.body.telling import Telling
from services.notify.changes import Change, Value
from services.notify.typography import lowered, one_line, quoted
from services.notify.voice import Voice

_HEADINGS: Final = {
    "substance": ("heading", "substances"),
    "confirmation": ("label", "confirmation"),
    "role": ("label", "role"),
    "purity": ("label", "purity"),
    "sold_as": ("label", "sold_as"),
    "presence": ("label", "origin"),
    "matrices": ("label", "matrix"),
    "quantities": ("label", "quantity"),
    "samples": ("event_type", "collected_sample"),
    "place": ("label", "place"),
    "admin1": ("label", "place"),
    "country": ("label", "country"),
    "attribution": ("label", "attribution"),
    "date.event_start": ("label", "event_date"),
    "date.event_end": ("label", "event_date"),
    "date.detected_at": ("label", "detected"),
    "date.lab_confirmed_at": ("label", "lab_confirmed"),
    "product.form": ("label", "form"),
    "product.colour": ("label", "colour"),
    "product.shape": ("label", "shape"),
    "product.markings": ("label", "markings"),
    "product.packaging": ("label", "brand"),
    "product.brand": ("label", "brand"),
}
_WORDS: Final = {
    "confirmation": "confirmation",
    "role": "role",
    "presence": "presence",
    "attribution": "attribution",
}


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
    voice = telling.voice
    value = change.after if now else change.before
    if value is None:
        return ""
    kind, _, code = change.label.partition(".")
    if kind == "harm":
        return _harm(value, code, change.about[1 if now else 0], voice)
    if kind == "date":
        return voice.date_of(PartialDate.parse(str(value)))
    if change.label == "substance" and isinstance(value, dict):
        return _substance(value, telling)
    return _said(change.label, value, voice)


def _is_ruled_out(change: Change) -> bool:
    value = change.after if change.after is not None else change.before
    return (
        change.label == "substance" and isinstance(value, dict) and value.get("confirmation") == "ruled_out"
    )


def _substance(value: dict[str, Value], telling: Telling) -> str:
    names = value.get("one_of")
    name = value.get("name") or (" / ".join(map(str, names)) if isinstance(names, list) else "")
    said = lowered(telling.voice.say("confirmation", str(value["confirmation"])))
    return f"{telling.called(str(name))} ({said})"


def _harm(value: Value, code: str, attribution: str | None, voice: Voice) -> str:
    count = Count.model_validate(value)
    text = count_text(count, code, voice, labelled=False)
    linked = attribution is not None and (count.value is None or count.value > 0)
    return f"{text}, {voice.say('attribution', attribution)}" if linked and attribution else text


def _said(label: str, value: Value, voice: Voice) -> str:
    if label in _WORDS:
        return voice.say(_WORDS[label], str(value))
    if isinstance(value, dict):
        return _block(label, value, voice)
    if isinstance(value, list):
        return ", ".join(_item(label, each, voice) for each in value)
    if label == "country":
        return voice.country(str(value))
    if label == "product.form":
        return voice.within("matrix", str(value))
    return (
        quoted(one_line(str(value)), voice.language) if label.startswith("product.") else one_line(str(value))
    )


def _block(label: str, value: dict[str, Value], voice: Voice) -> str:
    if label == "purity":
        return purity_text(Purity.model_validate(value), voice)
    return "; ".join(samples_text(Samples.model_validate(value), voice))


def _item(label: str, value: Value, voice: Voice) -> str:
    if label == "matrices":
        return voice.within("matrix", str(value))
    if label == "admin1":
        return voice.place(str(value))
    return quantity_text(Quantity.model_validate(value), voice)

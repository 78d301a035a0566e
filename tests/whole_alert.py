"""An alert with every field of the contract stated, and versions of it that differ in one field alone.

The fields are those of the models, so that a new one turns up here by itself.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, ValidationError

from schemas.alerts import Alert, Location
from schemas.dates import PartialDate
from schemas.vocabularies import UpdateReason
from tests.builders import SENDER, minimal_alert_json

Path = tuple[str | int, ...]

_SAMPLES = {
    "tested": 12,
    "positive": 11,
    "start": "2026-11-12",
    "end": "2026-11-14",
    "earlier": {"tested": 40, "positive": 3, "start": "2026-10-01", "end": "2026-10-31"},
}
_SHARE = {"share_percent": 12.5, "positive": 4, "earlier": {"share_percent": 3, "tested": 20}}
_SUBSTANCE: dict[str, Any] = {
    "name": "N-etilpentilona",
    "street_names": ["cristal"],
    "role": "adulterant",
    "confirmation": "presumptive_lab",
    "methods": ["gc_ms"],
    "lab_type": "forensic",
    "cas": "952016-47-6",
    "inchikey": "VERDDLOVUSSIDA-UHFFFAOYSA-N",
    "inchi": "InChI=1S/CH4/h1H4",
    "smiles": "C",
    "purity": {"value": 41, "low": 40, "high": 42, "unit": "% w/w", "basis": "salt"},
    "first": ["country"],
    "national_control": "generic",
    "samples": _SAMPLES,
}
_ONE_OF = {
    "one_of": ["isotonitazeno", "protonitazeno", "metonitazeno"],
    "confirmation": "confirmed",
    "samples": _SHARE,
}
_VALUES = {  # where not every text will do
    "country": "BR",
    "origin": "BR",
    "destination": "BR",
    "cas": "50-00-0",
    "inchikey": "RYYVLZVUVIJVGH-UHFFFAOYSA-N",
    "sha256": "1" * 64,
    "contact": "otro@example.org",
    "media_type": "image/png",
}
_FINDING: dict[str, Any] = {
    "presence": "not_detected_here",
    "origin": {"country": "AR", "admin1": ["AR-B"], "organisation": "Observatorio", "ref": "AR:1"},
    "sold_as": "MDMA",
    "market": "illicit",
    "product": {
        "form": "tablet",
        "colour": "azul",
        "shape": "octogonal",
        "markings": "X",
        "packaging": "bolsa",
        "brand": "marca",
        "image": "tablet.jpg",
    },
    "matrices": ["blood"],
    "quantities": [{"value": 12, "unit": "kg", "estimated": True, "seizures": 2}],
    "samples": _SAMPLES,
    "substances": [_SUBSTANCE],
}
_OTHER = {
    "presence": "mentioned",
    "origin": {"country": "AR"},
    "samples": _SHARE,
    "substances": [_ONE_OF],
}
_HARM: dict[str, Any] = {
    "finding": 0,
    "cases": 9,
    "overdoses": 8,
    "hospitalised": {"value": 7, "qualifier": "at_least"},
    "icu": 6,
    "respiratory_arrest": 5,
    "deaths": 4,
    "naloxone_given": 3,
    "naloxone_response": 2,
    "attribution": "suspected",
    "age_bands": [{"from": 18, "to": 24, "cases": 5}],
    "sex": {"female": 2, "male": 3, "other": 1, "unknown": 1},
    "window_start": "2026-11-12",
    "window_end": "2026-11-13",
    "window_hours": 24,
    "as_of": "2026-11-14",
}
_WHOLE: dict[str, Any] = {
    "version": 2,
    "message_type": "correction",
    "references": [{"ref": "SAT-UY-2026-009", "relation": "same_threat_as"}],
    "sender": SENDER,
    "releasable_to": ["health"],
    "handling_note": "No citar.",
    "narrative": "Más.",
    "translations": {
        "en": {"title": "Tablet", "summary": "Tablets.", "narrative": "More.", "origin": "human"}
    },
    "severity_reported": "high",
    "event_start": "2026-11-12",
    "event_end": "2026-11-13",
    "lab_confirmed_at": "2026-11-14",
    "nationally_reported_at": "2026-11-14",
    "location": {
        "country": "UY",
        "admin1": ["UY-MO"],
        "locality": "Montevideo",
        "setting": "nightlife",
    },
    "source_count": 2,
    "reliability": "high",
    "findings": [_FINDING, _OTHER],
    "harms": [_HARM],
    "routes_of_use": ["oral"],
    "shipment": {
        "kind": "stopped",
        "declared_as": "colorante",
        "origin": "CN",
        "transit": ["PA"],
        "destination": "MX",
        "transport": "maritime",
        "concealment": "doble fondo",
        "pen_ref": "1",
        "i2es_ref": "2",
        "report_to": ["pics"],
    },
    "manufacture": {
        "stages": ["synthesis"],
        "equipment": [{"kind": "tablet_press", "count": 2}],
        "capacity": "1 kg",
    },
    "health_measures": [{"text": "Aviso.", "audience": "health", "status": "taken"}],
    "other_measures": [{"text": "Control.", "audience": "law_enforcement", "status": "planned"}],
    "recommended_actions": [{"text": "Tener naloxona.", "audience": "health"}],
    "request": {"kind": "verification", "due_at": "2026-11-20", "text": "¿Visto?"},
    "external_refs": [{"system": "unodc_ewa", "ref": "7"}],
    "attachments": [
        {
            "name": "tablet.jpg",
            "media_type": "image/jpeg",
            "sha256": "0" * 64,
            "kind": "image",
            "tlp": "TLP:AMBER",
        }
    ],
}
# what cannot stand beside the rest: given to the parsed alert
_ADDED: dict[str, Any] = {
    "update_reason": UpdateReason.NEW_FINDINGS,
    "publish_ok": True,
    "named_recipients": ("co-ndo",),
}


def whole_alert() -> Alert:
    """Return an alert in which every field of every block is stated."""
    return Alert.model_validate(minimal_alert_json(**_WHOLE)).model_copy(update=_ADDED)


def fields(alert: Alert) -> Iterator[Path]:
    """Yield the path of every field that is stated: of blocks in lists as of others, down to single values."""
    yield from _fields(alert, ())


def fields_of_contract(model: type[BaseModel] = Alert) -> frozenset[tuple[str, str]]:
    """Return every field of the contract as its model's name and its own."""
    found: set[tuple[str, str]] = set()
    _collect(model, found)
    return frozenset(found)


def owner(alert: Alert, path: Path) -> tuple[str, str]:
    """Return the model and the field that a path leads to."""
    return type(_block(alert, path)).__name__, str(path[-1])


def with_another(alert: Alert, path: Path) -> Alert:
    """Return the alert with another value in one field."""
    changed: Alert = _with(alert, path)
    return changed


def stated(alert: Alert) -> dict[str, Any]:
    """Return the alert as JSON, without what cannot stand beside the rest."""
    return alert.model_dump(mode="json", exclude=set(_ADDED), exclude_defaults=True)


def is_valid(alert: Alert, path: Path) -> bool:
    """Return whether the contract allows the block that a path leads into, whatever it is in."""
    block = _block(alert, path)
    try:
        type(block).model_validate(block.model_dump(mode="json", exclude_defaults=True))
    except ValidationError:
        return isinstance(block, Alert | Location)  # these are compared field by field
    return True


def _block(alert: Alert, path: Path) -> BaseModel:
    block: Any = alert
    for step in path[:-1]:
        block = getattr(block, str(step)) if isinstance(block, BaseModel) else block[step]
    assert isinstance(block, BaseModel)
    return block


def _fields(value: Any, at: Path) -> Iterator[Path]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if field.is_required() and isinstance(inner, BaseModel):
                yield from _fields(inner, (*at, name))  # it cannot be left out: its own fields stand for it
            else:
                yield from _below(inner, (*at, name))


def _below(value: Any, at: Path) -> Iterator[Path]:
    if value is not None and value != () and value != {}:
        yield at
    if isinstance(value, BaseModel):
        yield from _fields(value, at)
    elif isinstance(value, tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from _fields(each, (*at, key))


def _collect(model: type[BaseModel], found: set[tuple[str, str]]) -> None:
    for name, field in model.model_fields.items():
        inner = list(_models(field.annotation))
        if not (field.is_required() and inner == [field.annotation]):
            found.add((model.__name__, name))
        for each in inner:
            _collect(each, found)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in getattr(annotation, "__args__", ()):
        yield from _models(each)


def _with(value: Any, path: Path) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, BaseModel):
        inner = getattr(value, str(step))
        return value.model_copy(
            update={str(step): _with(inner, rest) if rest else _another(inner, str(step))}
        )
    if isinstance(value, dict):
        return value | {step: _with(value[step], rest)}
    return tuple(_with(each, rest) if at == step else each for at, each in enumerate(value))


def _another(value: Any, name: str) -> Any:
    """Return another value of the same kind; of a list or a block, that there is none."""
    if name in _VALUES and type(value) is str:
        return _VALUES[name]
    match value:
        case Enum():
            return next(each for each in type(value) if each is not value)
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case PartialDate():
            return PartialDate.parse("2026-11-16" if name.endswith("end") else "2026-09")
        case datetime():
            return value + timedelta(hours=1)
        case tuple():
            return value[:-1]
        case dict():
            return {}
    return None

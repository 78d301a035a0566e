"""What was stopped, diverted or stolen, and what was being made."""

from collections.abc import Iterable

from schemas.alerts import Alert
from schemas.classifications import CategoryLabel
from schemas.vocabularies import EventType, Market, Role, ShipmentKind, Unit
from services.classify.categories import acts_as_chemical, event_day
from services.classify.hazards import SYNTHETIC_OPIOIDS, Found, Product
from services.reference.controls import Standing, controls_on

_STOPPED_EVENTS = frozenset({EventType.STOPPED_SHIPMENT, EventType.DIVERSION, EventType.THEFT})
_STOPPED_KINDS = frozenset(
    {ShipmentKind.STOPPED, ShipmentKind.SEIZED, ShipmentKind.DIVERTED, ShipmentKind.THEFT}
)
_TRADED = frozenset({Market.CHEMICAL_TRADE, Market.DIVERTED_MEDICINE})
_PLACES_OF_MANUFACTURE = frozenset({EventType.CLANDESTINE_MANUFACTURE, EventType.EQUIPMENT})
_DOSES = frozenset({Unit.TABLET, Unit.AMPOULE})


def was_stopped(alert: Alert, product: Product) -> bool:
    """Return whether ``product`` was stopped, diverted or stolen, and not just suspicious.

    A seizure of what is in trade is one; what lies in a laboratory is judged as manufacture.
    """
    events = set(alert.event_types)
    if events & _STOPPED_EVENTS or (alert.shipment is not None and alert.shipment.kind in _STOPPED_KINDS):
        return True
    seized = EventType.SEIZURE in events and not events & _PLACES_OF_MANUFACTURE
    return seized and product.finding.market in _TRADED


def has_table_one(alert: Alert, product: Product) -> bool:
    """Return whether ``product`` holds a chemical that was in Table I of 1988 on the day of the event."""
    return any(_in_table_one(alert, product, one) for one in product.found)


def opioid_medicine_units(product: Product, labels: Iterable[CategoryLabel]) -> int:
    """Return how many tablets and ampoules of a synthetic opioid medicine ``product`` has."""
    codes = {label.code for label in labels if label.finding == product.index}
    if "PHA" not in codes or not codes & SYNTHETIC_OPIOIDS:
        return 0
    return int(sum(one.value for one in product.finding.quantities if one.unit in _DOSES))


def is_chemical_or_medicine(product: Product, labels: Iterable[CategoryLabel]) -> bool:
    """Return whether ``product`` carries a code of chemicals or of medicines."""
    return any(label.finding == product.index and label.code in {"CHM", "PHA"} for label in labels)


def is_manufacture(alert: Alert) -> bool:
    """Return whether ``alert`` speaks of clandestine manufacture or of its equipment."""
    return bool(set(alert.event_types) & _PLACES_OF_MANUFACTURE) or alert.manufacture is not None


def makes_opioids(alert: Alert, products: Iterable[Product]) -> bool:
    """Return whether synthetic opioids are made or pressed: they, or what only serves to make them."""
    made_here = EventType.CLANDESTINE_MANUFACTURE in alert.event_types or (
        alert.manufacture is not None and bool(alert.manufacture.stages)
    )
    return made_here and any(
        one.opioid or _fentanyl_precursor(one) for product in products for one in product.found
    )


def _fentanyl_precursor(one: Found) -> bool:
    role = one.reported.role
    return one.identity.family == "fentanyl_precursor" and role in {Role.PRECURSOR, Role.INTERMEDIATE}


def _in_table_one(alert: Alert, product: Product, one: Found) -> bool:
    if one.identity.entry is None or not acts_as_chemical(one.reported, product.finding):
        return False
    schedules = controls_on(one.identity.entry, event_day(alert)).schedules
    return any(
        each.convention == "1988" and each.schedule == "Table I" and each.standing is Standing.IN_FORCE
        for each in schedules
    )

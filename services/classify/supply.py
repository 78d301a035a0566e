"""What was stopped, diverted or stolen, and what was being made."""

from collections.abc import Iterable

from schemas.alerts import Alert
from schemas.classifications import CategoryLabel
from schemas.vocabularies import EventType, Market, Outcome, Role, ShipmentKind, Unit
from services.classify.categories import CHEMICAL_ROLES, acts_as_chemical, event_day, is_genuine_medicine
from services.classify.found import SYNTHETIC_OPIOIDS, Found
from services.classify.hazards import Product
from services.classify.identities import NO_DRUG
from services.reference.catalogue import Entry
from services.reference.controls import Days, Standing, controls_on

_STOPPED_EVENTS = frozenset({EventType.STOPPED_SHIPMENT, EventType.DIVERSION, EventType.THEFT})
_STOPPED_KINDS = frozenset(
    {ShipmentKind.STOPPED, ShipmentKind.SEIZED, ShipmentKind.DIVERTED, ShipmentKind.THEFT}
)
_TRADED = frozenset({Market.CHEMICAL_TRADE, Market.DIVERTED_MEDICINE})
_PLACES_OF_MANUFACTURE = frozenset({EventType.CLANDESTINE_MANUFACTURE, EventType.EQUIPMENT})
_DOSES = frozenset({Unit.TABLET, Unit.AMPOULE})
MANY_UNITS = 100  # of a medicine: below, a household's or a ward's loss


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
    """Return whether ``product`` holds a chemical that was in Table I of 1988 on the day of the event.

    So does a medicine made from one. Fewer than 100 tablets or ampoules are none.
    """
    return any(_in_table_one(alert, product, one) for one in product.found)


def opioid_medicine_units(product: Product, labels: Iterable[CategoryLabel]) -> int:
    """Return how many tablets and ampoules of a synthetic opioid medicine ``product`` has."""
    codes = {label.code for label in labels if label.finding == product.index}
    if "PHA" not in codes or not codes & SYNTHETIC_OPIOIDS:
        return 0
    return _units(product)


def is_chemical_or_medicine(alert: Alert, product: Product, labels: Iterable[CategoryLabel]) -> bool:
    """Return whether ``product`` is a chemical or a medicine, by its codes or by its sender's word.

    A chemical that nobody can name is one still, though a laboratory named it and no table does; a known one
    outside the catalogue's chemicals is not.
    """
    codes = {label.code for label in labels if label.finding == product.index}
    if codes & {"CHM", "PHA"} or product.finding.market is Market.DIVERTED_MEDICINE:
        return True
    if any("CHM" in one.identity.codes and _is_the_goods(product, one) for one in product.found):
        return True
    chemical = product.finding.market is Market.CHEMICAL_TRADE
    if chemical and any(map(_is_unread_chemical, product.found)):
        return True
    return "X.UNK" in codes and (chemical or any(_is_medicine(alert, product, one) for one in product.found))


def _is_unread_chemical(one: Found) -> bool:
    unread = one.identity.outcome is Outcome.UNKNOWN and one.identity.reason != NO_DRUG
    return unread and one.reported.role in CHEMICAL_ROLES


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
    chemical = acts_as_chemical(one.reported, product.finding) or _is_the_goods(product, one)
    if not chemical and not ("PHA.PRE" in one.identity.codes and _is_medicine(alert, product, one)):
        return False
    counted = any(quantity.unit in _DOSES for quantity in product.finding.quantities)
    if counted and _units(product) < MANY_UNITS:
        return False
    return bool(one.possible) and all(_listed_in_table_one(entry, event_day(alert)) for entry in one.possible)


def _is_the_goods(product: Product, one: Found) -> bool:
    """Return whether ``one`` is the very thing that was stopped, where nobody says for which market.

    Beside a drug it is rather a residue of its synthesis.
    """
    alone = not any(other.acting and other.is_drug for other in product.found)
    return alone and product.finding.market is Market.UNKNOWN and one.reported.role is Role.PRINCIPAL


def _is_medicine(alert: Alert, product: Product, one: Found) -> bool:
    return is_genuine_medicine(one.reported, finding=product.finding, alert=alert)


def _units(product: Product) -> int:
    return int(sum(one.value for one in product.finding.quantities if one.unit in _DOSES))


def _listed_in_table_one(entry: Entry, day: Days) -> bool:
    schedules = controls_on(entry, day).schedules
    return any(
        each.convention == "1988" and each.schedule == "Table I" and each.standing is Standing.IN_FORCE
        for each in schedules
    )

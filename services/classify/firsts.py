"""What is seen for the first time, where.

The sender's word comes first: its claims by substance, then the event types first_detection and
new_form_or_route, which mean the narrowest place that the alert states. It may also deny ("known"). Where it
says nothing the relay's history answers, but only where a baseline of what the state already knows has been
loaded: in an empty register everything would be a first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.alerts import Alert
from schemas.vocabularies import EventType, First
from services.classify.found import Found

PLACES = (First.REGION, First.COUNTRY, First.ADMIN1)  # from wide to narrow: a first in one is one in the next
_NOWHERE: frozenset[First] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstsHistory:
    """What the relay's register says of this alert's place, before it.

    ``substances`` maps the keys of catalogue entries, ``families`` the names of families ("alpha2_agonist" is
    one of them) to the places (region, country, admin1) where none was seen before; what is absent was seen,
    or was not asked. Both count only where ``baseline`` is true. ``cases_before`` is what the thread's last
    version counted, None for a first version.
    """

    baseline: bool = False
    substances: Mapping[str, frozenset[First]] = field(default_factory=dict)
    families: Mapping[str, frozenset[First]] = field(default_factory=dict)
    cases_before: int | None = None


NO_HISTORY = FirstsHistory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """Where one found substance is a first, itself and as a member of its family."""

    found: Found
    substance: frozenset[First]
    family: frozenset[First]
    form: bool


def novelties(alert: Alert, found: Iterable[Found], *, history: FirstsHistory) -> tuple[Novelty, ...]:
    """Return what is new among ``found``. A substance that is a first nowhere is left out."""
    every = tuple(found)
    claimed = any(_claims(one) for one in every)
    known_families = {one.family for one in every if First.KNOWN in one.reported.first}
    each = (
        _novelty(alert, one, history=history, claimed=claimed, known_families=known_families) for one in every
    )
    return tuple(one for one in each if one.substance or one.family or one.form)


def _novelty(
    alert: Alert,
    one: Found,
    *,
    history: FirstsHistory,
    claimed: bool,
    known_families: set[str | None],
) -> Novelty:
    if First.KNOWN in one.reported.first:
        return Novelty(found=one, substance=_NOWHERE, family=_NOWHERE, form=False)
    said = _widened(_claims(one) if claimed else _by_event(alert))
    past = history.substances.get(one.key, _NOWHERE) if history.baseline and one.key else _NOWHERE
    substance = said or _widened(past)
    family = _family(one, said, history=history)
    return Novelty(
        found=one,
        substance=substance,
        family=_NOWHERE if one.family in known_families else family,
        form=First.FORM in one.reported.first
        or (not claimed and EventType.NEW_FORM_OR_ROUTE in alert.event_types),
    )


def _family(one: Found, said: frozenset[First], *, history: FirstsHistory) -> frozenset[First]:
    """Return where the family is new: with a substance said to be new, unless the register knows it."""
    if not history.baseline:
        return said
    past = _widened(history.families.get(one.family, _NOWHERE)) if one.family else _NOWHERE
    return said & past if said else past


def _claims(one: Found) -> frozenset[First]:
    return frozenset(one.reported.first) - {First.KNOWN}


def _by_event(alert: Alert) -> frozenset[First]:
    if EventType.FIRST_DETECTION not in alert.event_types:
        return _NOWHERE
    return frozenset({First.ADMIN1 if alert.location.admin1 else First.COUNTRY})


def _widened(scopes: frozenset[First]) -> frozenset[First]:
    """Return ``scopes`` with the narrower places that they imply."""
    widest = next((index for index, place in enumerate(PLACES) if place in scopes), len(PLACES))
    return frozenset(PLACES[widest:])

"""What is seen for the first time, by the relay's own memory, and in how many states.

A place knows a substance when another thread has reported it there, at least presumptively, or when its state
said so in its baseline. In an empty register everything is new: only where the state has loaded a baseline do
severity and readers hear of it. What the sender itself calls a first is told in any case.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from schemas.vocabularies import First
from services.classify.firsts import FirstsHistory
from services.classify.identities import Identity
from services.classify.keys import FAMILY, PRODUCT, SUBSTANCE, family_key, substance_key
from services.reference.states import SOVEREIGN
from services.storage.thread_records import Sighting, Situation, Spread

WINDOW = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A key that is a first in a place; the widest place stands for the narrower ones in it."""

    scope: First
    key: str
    country: str
    admin1: str | None


def firsts(own: Iterable[Sighting], situation: Situation, *, common: frozenset[str]) -> tuple[New, ...]:
    """Return the firsts among what was found here, each key once for the widest place it is new in.

    Nothing where the state has not said what it knows: a reader would take fentanyl for a novelty.
    """
    if not situation.baseline:
        return ()
    country = situation.message.alert.location.country
    found: list[New] = []
    for key, admin1 in _counted(own, common=common).items():
        scopes = _new(key, admin1, situation)
        if First.REGION in scopes or First.COUNTRY in scopes:
            scope = First.REGION if First.REGION in scopes else First.COUNTRY
            found.append(New(scope=scope, key=key, country=country, admin1=None))
        else:
            found.extend(
                New(scope=First.ADMIN1, key=key, country=country, admin1=code)
                for code in sorted(admin1)
                if not _known_in(key, code, situation)
            )
    return tuple(found)


def states_in_window(
    own: Iterable[Sighting],
    situation: Situation,
    *,
    common: frozenset[str],
    sovereign: Mapping[str, str] = SOVEREIGN,
) -> int:
    """Return in how many states, this one included, the most widespread of these was seen in 180 days."""
    most = 0
    for one in own:
        if not one.counted or one.key in common or not one.key.startswith((SUBSTANCE, PRODUCT)):
            continue
        states = {
            sovereign.get(place.country, place.country)
            for place in situation.spread
            if (place.key, place.market) == (one.key, one.market) and place.last_at >= one.began_at - WINDOW
        }
        most = max(most, len(states | {sovereign.get(one.country, one.country)}))
    return most


def firsts_history(
    own: Iterable[Sighting],
    identities: Sequence[Sequence[Identity]],
    situation: Situation,
    *,
    common: frozenset[str] = frozenset(),
) -> FirstsHistory:
    """Return the register's answer in the words of the severity rules: keys of the catalogue, families.

    ``common`` are keys of what is found everywhere, which is a first nowhere.
    """
    if not situation.baseline:  # then nothing is called new, so nothing is asked
        return FirstsHistory(baseline=False, cases_before=_cases_before(situation))
    counted = _counted(own, common=common)
    scopes = {key: _new(key, admin1, situation) for key, admin1 in counted.items()}
    every = [identity for finding in identities for identity in finding]
    substances = {
        identity.entry.key: scopes[key]
        for identity in every
        if identity.entry is not None and (key := substance_key(identity)) in scopes
    }
    families = {
        key.removeprefix(FAMILY): scopes[key]
        for identity in every
        if (key := family_key(identity)) is not None and key in scopes
    }
    return FirstsHistory(
        baseline=True,
        substances=substances,
        families=families,
        cases_before=_cases_before(situation),
    )


def _counted(own: Iterable[Sighting], *, common: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return what was found here, at least presumptively: each substance and family with its places.

    What is common is nobody's first, nor is its family where nothing else of it was found.
    """
    return {
        one.key: frozenset(one.admin1)
        for one in own
        if one.counted
        and one.key.startswith((SUBSTANCE, FAMILY))
        and one.key not in common
        and not (one.key.startswith(FAMILY) and one.detail in common)
    }


def common_here(situation: Situation, everywhere: frozenset[str]) -> frozenset[str]:
    """Return the keys that by themselves tell nothing where the event was: what its state calls common too."""
    country = situation.message.alert.location.country
    return everywhere | {one.key for one in situation.known if one.common and one.country == country}


def _new(key: str, admin1: frozenset[str], situation: Situation) -> frozenset[First]:
    country = situation.message.alert.location.country
    elsewhere = any(_by_others(place, key, situation) for place in situation.spread if not place.admin1)
    if not elsewhere and not any(one.key == key for one in situation.known):
        narrower = frozenset({First.COUNTRY, First.ADMIN1})
        return narrower | {First.REGION} if situation.region_speaks else narrower
    here = any(
        _by_others(place, key, situation)
        for place in situation.spread
        if not place.admin1 and place.country == country
    )
    if not here and not any(one.key == key and one.country == country for one in situation.known):
        return frozenset({First.COUNTRY, First.ADMIN1})
    if any(not _known_in(key, code, situation) for code in admin1):
        return frozenset({First.ADMIN1})
    return frozenset()


def _known_in(key: str, admin1: str, situation: Situation) -> bool:
    country = situation.message.alert.location.country
    return any(
        _by_others(place, key, situation)
        for place in situation.spread
        if place.country == country and place.admin1 == admin1
    ) or any(
        one.key == key and one.country == country and one.admin1 in {"", admin1} for one in situation.known
    )


def _by_others(place: Spread, key: str, situation: Situation) -> bool:
    """Return whether another thread was the first to report it there: its own news stays news in an update."""
    return place.key == key and place.first_thread_id != situation.thread_id


def _cases_before(situation: Situation) -> int | None:
    if situation.standing is None:
        return None
    cases = situation.standing.severity.facts.get("cases")
    return cases if isinstance(cases, int) else None

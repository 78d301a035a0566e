"""Whether two reports are of one event, finding by finding; where that is open, a person is asked.

A wrong merge keeps the second event from everybody who heard of the first; a missed one costs them a message. So
what is of one substance or product, in one place and its days, is one event only where nothing speaks against it:
another town, another product, a second serial of one sender, dates too wide for an event. One such doubt leaves the
pair to a person; two are an answer, and the threat is all that they share.

Source: DOMAIN 3.2, 3.3 and 3.5.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from schemas.vocabularies import Confirmation, CorrelationLevel, Market, Presence, Role
from services.classify.keys import BODY, OFFER, PRODUCT, SUBSTANCE
from services.storage.thread_records import Seen, Sighting, Situation

MARGIN = timedelta(days=7)  # between two windows of one event
_WIDE = timedelta(days=14)  # days that are stated no closer hold more than one event
_VAGUE = timedelta(days=62)  # a date known by its year only says nothing of the event

SAME_LOCALITY = ".locality"  # ends the reason of a merge: both say the same town
OWN_SERIAL = "own_serial"  # the doubt that a sender gave it a serial of its own
# Grounds on which a report is told as another event; the other doubts only leave open whether it is one.
_AGAINST = frozenset({"other_locality", "other_product", OWN_SERIAL})

_FOUND = frozenset(
    {
        Confirmation.PRESUMPTIVE_FIELD.value,
        Confirmation.PRESUMPTIVE_LAB.value,
        Confirmation.CONFIRMED.value,
        Confirmation.CONFIRMED_REFERENCE.value,
    }
)
_IN_PRODUCT = frozenset({Role.PRINCIPAL.value, Role.ADULTERANT.value})


@dataclass(frozen=True, slots=True)
class Kin:
    """What one pair of findings says of another thread: at most this, and why.

    ``against``: it is told as another event. No level: it is one, and there is nothing to ask a person.
    """

    thread_id: str
    level: CorrelationLevel | None
    reason: str
    against: bool = False


class _Place(Enum):
    """How far two stated places agree."""

    TOWN = 1  # both name the same
    OPEN = 2  # of one subdivision, and not both name a town
    ELSEWHERE = 3  # of one subdivision, another town
    UNSURE = 4  # the same name of a town, and one says no subdivision: there may be two of that name


def events(own: Iterable[Sighting], situation: Situation, *, common: frozenset[str]) -> Iterator[Kin]:
    """Yield what was found in the same place and days: the same substance or product, or perhaps the same."""
    seen = [one for one in situation.seen if one.sighting.presence == Presence.DETECTED_HERE]
    if not seen:
        return
    here = [one for one in own if one.presence == Presence.DETECTED_HERE]
    sender_id = situation.message.sender_id
    shared = _shared_principals(here, seen)
    for mine, other in pairs(here, seen, SUBSTANCE, across=True):
        theirs = other.sighting
        if mine.market != theirs.market:
            kin = _body(mine, other, sender_id=sender_id) if mine.key not in common else None
        elif _disagree(mine, theirs):
            kin = _perhaps(mine, other, "identities_differ", sender_id=sender_id)
        elif mine.key in common or not _both_found(mine, theirs):
            continue
        elif mine.role == theirs.role == Role.PRINCIPAL:
            kin = _judged(mine, other, "same_substance", sender_id=sender_id)
        elif (
            _IN_PRODUCT.issuperset((mine.role, theirs.role))
            and (mine.finding, other.message_id, theirs.finding) in shared
        ):
            kin = _adulterated(mine, other, sender_id=sender_id)
        else:
            continue
        if kin is not None:
            yield kin
    for mine, other in pairs(here, seen, PRODUCT):
        if mine.detail == other.sighting.detail or _common_words(mine.detail, other.sighting.detail):
            kin = _judged(mine, other, "same_product", sender_id=sender_id)
        else:  # two laboratories and one seizure, or not identified at first
            kin = _perhaps(mine, other, "identities_differ", sender_id=sender_id)
        if kin is not None:
            yield kin
    for mine, other in pairs(here, seen, OFFER):
        if not (mine.detail and other.sighting.detail):
            kin = _perhaps(mine, other, "not_identified", sender_id=sender_id)
            if kin is not None:
                yield kin


def contradicted(own: Iterable[Sighting], situation: Situation) -> frozenset[str]:
    """Return the threads that found what this message ruled out, or ruled out what it found."""
    return frozenset(
        other.thread_id
        for mine, other in pairs(own, situation.seen, SUBSTANCE)
        if _disagree(mine, other.sighting)
    )


def pairs(
    own: Iterable[Sighting], seen: Iterable[Seen], prefix: str, *, across: bool = False
) -> Iterator[tuple[Sighting, Seen]]:
    """Yield what is compared: the same key of this kind, in the same market.

    ``across``: also what was found in a body with what was found on the street.
    """
    others: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        others.setdefault((one.sighting.key, one.sighting.market), []).append(one)
    for mine in own if others else ():
        if mine.key.startswith(prefix):
            yield from ((mine, other) for other in others.get((mine.key, mine.market), ()))
            if across and (beyond := _BEYOND.get(mine.market)):
                yield from ((mine, other) for other in others.get((mine.key, beyond), ()))


_BEYOND = {BODY: Market.ILLICIT.value, Market.ILLICIT.value: BODY}


def _judged(mine: Sighting, other: Seen, reason: str, *, sender_id: str) -> Kin | None:
    """Return that they are of one event, unless something speaks against it; None: not of one place or time."""
    place = _place(mine, other.sighting)
    if place is None or not _days_meet(mine, other.sighting):
        return None
    doubts = tuple(_doubts(mine, other, place, sender_id=sender_id))
    if not doubts:
        stated = reason + SAME_LOCALITY if place is _Place.TOWN else reason
        return Kin(other.thread_id, CorrelationLevel.SAME_EVENT, stated)
    level = CorrelationLevel.POSSIBLE_SAME_EVENT if len(doubts) == 1 else None
    return Kin(other.thread_id, level, doubts[0], against=not _AGAINST.isdisjoint(doubts))


def _perhaps(mine: Sighting, other: Seen, reason: str, *, sender_id: str) -> Kin | None:
    """Return that a person should look, where nothing else speaks against one event."""
    kin = _judged(mine, other, reason, sender_id=sender_id)
    if kin is None or kin.level is not CorrelationLevel.SAME_EVENT:
        return None
    level = CorrelationLevel.POSSIBLE_SAME_EVENT
    return Kin(other.thread_id, level, reason, against=reason == "identities_differ")


def _body(mine: Sighting, other: Seen, *, sender_id: str) -> Kin | None:
    """Return whether what was in a body may be what was found beside it; nothing says which product that was."""
    if (
        not _both_found(mine, other.sighting)
        or mine.role != Role.PRINCIPAL
        or other.sighting.role != mine.role
    ):
        return None
    return _perhaps(mine, other, "body_and_product", sender_id=sender_id)


def _adulterated(mine: Sighting, other: Seen, *, sender_id: str) -> Kin | None:
    """Return whether a common drug with the same rare adulterant is one event: in one town it is.

    Elsewhere in a subdivision it may be another lot of the same, and in another town it is another event.
    """
    kin = _judged(mine, other, "same_adulterant", sender_id=sender_id)
    if kin is None or kin.reason.endswith(SAME_LOCALITY):
        return kin
    asked = CorrelationLevel.POSSIBLE_SAME_EVENT if kin.level is CorrelationLevel.SAME_EVENT else None
    return replace(kin, level=asked)


def _doubts(mine: Sighting, other: Seen, place: _Place, *, sender_id: str) -> Iterator[str]:
    theirs = other.sighting
    if place is _Place.ELSEWHERE:
        yield "other_locality"
    elif place is _Place.UNSURE:
        yield "subdivision_not_stated"
    if _differ(mine.traits, theirs.traits):
        yield "other_product"
    if other.sender_id == sender_id:  # who means the same event says so: by an update, or a reference
        yield OWN_SERIAL
    if any(one.ended_at - one.began_at > _WIDE for one in (mine, theirs)):
        yield "vague_date"


def _place(mine: Sighting, theirs: Sighting) -> _Place | None:
    """Return how far the places agree; None: they are two. A notice for the whole country fits no local one."""
    if mine.country != theirs.country:
        return None
    same_town = bool(mine.locality) and mine.locality == theirs.locality
    either, both = mine.locality or theirs.locality, mine.locality and theirs.locality
    if not mine.admin1 and not theirs.admin1:
        return _Place.TOWN if same_town else None if either else _Place.OPEN
    if not mine.admin1 or not theirs.admin1:
        return _Place.UNSURE if same_town else None
    if not set(mine.admin1) & set(theirs.admin1):
        return None
    return _Place.TOWN if same_town else _Place.ELSEWHERE if both else _Place.OPEN


def _days_meet(mine: Sighting, theirs: Sighting) -> bool:
    precise = all(one.ended_at - one.began_at <= _VAGUE for one in (mine, theirs))
    return precise and mine.began_at <= theirs.ended_at + MARGIN and theirs.began_at <= mine.ended_at + MARGIN


def _differ(mine: str, theirs: str) -> bool:
    """Return whether both say something of one trait, and nothing that the other says too."""
    if mine == theirs or not mine or not theirs:
        return False
    said, others = mine.split(), theirs.split()
    kinds = {one.partition("=")[0] for one in said} & {one.partition("=")[0] for one in others}
    both = set(said) & set(others)
    return any(not any(one.startswith(f"{kind}=") for one in both) for kind in kinds)


def _shared_principals(own: Iterable[Sighting], seen: Iterable[Seen]) -> frozenset[tuple[int, str, int]]:
    """Return the pairs of findings (mine, of which message, theirs) with a principal substance in common."""
    return frozenset(
        (mine.finding, other.message_id, other.sighting.finding)
        for mine, other in pairs(own, seen, SUBSTANCE)
        if mine.role == other.sighting.role == Role.PRINCIPAL and _both_found(mine, other.sighting)
    )


def _both_found(mine: Sighting, theirs: Sighting) -> bool:
    return Confirmation.RULED_OUT.value not in (mine.confirmation, theirs.confirmation)


def _disagree(mine: Sighting, theirs: Sighting) -> bool:
    """Return whether one found what the other ruled out."""
    said = {mine.confirmation, theirs.confirmation}
    return Confirmation.RULED_OUT.value in said and bool(said & _FOUND)


def _common_words(mine: str, theirs: str) -> bool:
    return bool(set(mine.split()) & set(theirs.split()))

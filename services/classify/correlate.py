"""What an alert has to do with the alerts that came before it.

Finding by finding, over the same keys: the same text, the same event, the same threat, an echo, or perhaps the
same event, which a person decides. Never merged: on a family alone, across a market, an exercise with a real
alert (their sightings are read apart), a substance confirmed here and ruled out there, and what a person took
apart. A merge never suppresses anything for somebody who was not told before.

Source: HPAD-2021:RIME.1.5@L314 (gather the available national alerts and disseminate them).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from schemas.classifications import FAMILY_ALONE
from schemas.vocabularies import Confirmation, CorrelationLevel, Presence, ReferenceRelation, Role
from services.classify.history import New, firsts, states_in_window
from services.classify.keys import FAMILY, PRODUCT, SUBSTANCE, TELLING, TEXT
from services.storage.thread_records import Link, Other, Seen, Sighting, Situation, Spread

MARGIN = timedelta(days=7)  # between two windows of one event
SAME_THREAT = timedelta(days=180)
_VAGUE = timedelta(days=62)  # a date known by its year only says nothing of the event
_MOST_RELATED = 6  # of the same threat; a list of hundreds tells a reader nothing

_CONFIRMED = frozenset({Confirmation.CONFIRMED.value, Confirmation.CONFIRMED_REFERENCE.value})
_ORDER = (
    CorrelationLevel.CONTENT_COPY,
    CorrelationLevel.SAME_EVENT,
    CorrelationLevel.POSSIBLE_SAME_EVENT,
    CorrelationLevel.ECHO,
    CorrelationLevel.SAME_THREAT,
)
_MERGING = frozenset({CorrelationLevel.CONTENT_COPY, CorrelationLevel.SAME_EVENT})
_BY_RELATION = {
    ReferenceRelation.SAME_EVENT_AS: CorrelationLevel.SAME_EVENT,
    ReferenceRelation.SAME_THREAT_AS: CorrelationLevel.SAME_THREAT,
    ReferenceRelation.ECHO_OF: CorrelationLevel.ECHO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """The answer, and what it rests on.

    ``incident_id`` is the incident of another thread that this one joins, None where it stays in its own.
    ``related`` are threads, nearest first, each once, with the reason (a code).
    """

    level: CorrelationLevel
    incident_id: str | None
    related: tuple[Link, ...]
    firsts: tuple[New, ...]
    states_in_window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a comparison leaves out: the keys that are common in this place, and how states are counted."""

    common: frozenset[str] = frozenset()
    sovereign: Mapping[str, str] | None = None


def correlate(
    found: Iterable[Sighting], situation: Situation, *, echo: bool, scope: Scope = Scope()
) -> Correlated:
    """Return what ``found``, the sightings of one message, has to do with what is known.

    ``echo``: it passes on another place's finding and has none of its own.
    """
    own = tuple(found)
    here = situation.message.alert.location.country
    common = scope.common | {one.key for one in situation.known if one.common and one.country == here}
    relations = _Relations(situation)
    for level, other, reason in (*_cited(situation), *_copies(own, situation)):
        relations.add(other, level=level, reason=reason)
    if not echo:
        for level, other, reason in _events(own, situation, common=common):
            relations.add(other, level=level, reason=reason)
    origins = _origins(situation) if echo else frozenset()
    for country, other, reason in _threats(own, situation, common=common):
        level = CorrelationLevel.ECHO if country in origins else CorrelationLevel.SAME_THREAT
        relations.add(other, level=level, reason=reason)
        relations.place(other, country, reason=reason)
    incident_id = relations.merge(_contradicted(own, situation))
    related = relations.listed()
    level = CorrelationLevel(related[0].level) if related else CorrelationLevel.NEW
    if echo and level is not CorrelationLevel.CONTENT_COPY:
        level = CorrelationLevel.ECHO
    return Correlated(
        level=level,
        incident_id=incident_id,
        related=related,
        firsts=() if echo else firsts(own, situation, common=common),
        states_in_window=states_in_window(own, situation, common=common, sovereign=scope.sovereign or {}),
    )


class _Relations:
    """What was found of each other thread; the nearest relation stands."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._found: dict[str, tuple[CorrelationLevel, str]] = {}
        self._states: dict[str, str] = {}  # of the threads that count where states are counted

    def add(self, other: str, *, level: CorrelationLevel, reason: str) -> None:
        """Keep the nearer of two relations, and the first reason of two alike."""
        if other == self._situation.thread_id or other not in self._situation.threads:
            return
        if other in self._situation.separated and level in _MERGING:
            return  # a person took them apart
        known = self._found.get(other)
        if known is None or _ORDER.index(level) < _ORDER.index(known[0]):
            self._found[other] = (level, reason)

    def place(self, other: str, state: str, *, reason: str) -> None:
        """Remember where another thread saw the same substance or product; a family alone is not counted."""
        if reason != FAMILY_ALONE:
            self._states.setdefault(other, state)

    def merge(self, contradicted: frozenset[str]) -> str | None:
        """Choose the incident to join, and say of what stays apart that it is only possibly the same event."""
        threads, thread = self._situation.threads, self._situation.thread
        apart = {threads[other].incident_id for other in contradicted if other in threads}
        near = [threads[other] for other, (level, _) in self._found.items() if level in _MERGING]
        for one in near:
            if one.incident_id in apart:
                self._doubt(one, "confirmation_conflict")
            elif one.state == "retracted":
                self._doubt(one, "retracted")
        joined = self._choose([one for one in near if self._found[one.id][0] in _MERGING])
        if joined is None and thread is not None:
            joined = thread.incident_id
        for one in near:
            if self._found[one.id][0] in _MERGING and one.incident_id != joined:
                self._doubt(one, "another_incident")
        return None if thread is not None and joined == thread.incident_id else joined

    def _choose(self, near: list[Other]) -> str | None:
        """Return the incident of the oldest; a thread that stands with others already stays where it is."""
        situation = self._situation
        if not near or situation.silent or (situation.thread is not None and not situation.alone):
            return None
        return min(near, key=lambda one: (one.opened_at, one.id)).incident_id

    def _doubt(self, thread: Other, reason: str) -> None:
        self._found[thread.id] = (CorrelationLevel.POSSIBLE_SAME_EVENT, reason)

    def listed(self) -> tuple[Link, ...]:
        """Return the relations, nearest first; of the same threat a few, of as many states as there are."""
        threads = self._situation.threads
        ordered = sorted(
            self._found.items(),
            key=lambda item: (_ORDER.index(item[1][0]), -threads[item[0]].updated_at.timestamp(), item[0]),
        )
        far = [other for other, (level, _) in ordered if level is CorrelationLevel.SAME_THREAT]
        # A reader's states are counted by what that reader may see of these: so one of each state comes first.
        newest = {self._states[other]: other for other in reversed(far) if other in self._states}
        far.sort(key=lambda other: newest.get(self._states.get(other, "")) != other)
        dropped = set(far[_MOST_RELATED:])
        return tuple(
            Link(other_thread_id=other, level=level.value, reason=reason)
            for other, (level, reason) in ordered
            if other not in dropped
        )


_Relation = tuple[CorrelationLevel, str, str]


def _cited(situation: Situation) -> Iterator[_Relation]:
    """Yield what somebody said outright; it wins over every window.

    An update whose original came too late stands in a thread of its own: the two report one event.
    """
    for one in situation.citations:
        level = _BY_RELATION.get(ReferenceRelation(one.relation), CorrelationLevel.SAME_EVENT)
        yield level, one.thread_id, f"reference.{one.relation}"


def _copies(own: Iterable[Sighting], situation: Situation) -> Iterator[_Relation]:
    for mine, other in _pairs(own, situation.seen, TEXT):
        if mine.detail != other.sighting.detail:
            yield CorrelationLevel.POSSIBLE_SAME_EVENT, other.thread_id, "same_text"
        elif other.sender_id != situation.message.sender_id:
            yield CorrelationLevel.CONTENT_COPY, other.thread_id, "same_content"
        else:
            yield CorrelationLevel.POSSIBLE_SAME_EVENT, other.thread_id, "same_text"


def _events(own: Iterable[Sighting], situation: Situation, *, common: frozenset[str]) -> Iterator[_Relation]:
    """Yield what was found in the same place and days: the same principal substance, or the same product."""
    here = [one for one in own if one.presence == Presence.DETECTED_HERE]
    seen = [one for one in situation.seen if one.sighting.presence == Presence.DETECTED_HERE]
    for mine, other in _pairs(here, seen, SUBSTANCE):
        theirs = other.sighting
        principal = mine.role == theirs.role == Role.PRINCIPAL
        if principal and mine.key not in common and _one_event(mine, theirs) and not _ruled_out(mine, theirs):
            yield CorrelationLevel.SAME_EVENT, other.thread_id, "same_substance"
    for mine, other in _pairs(here, seen, PRODUCT):
        if not _one_event(mine, other.sighting):
            continue
        if mine.detail == other.sighting.detail or _shared(mine.detail, other.sighting.detail):
            yield CorrelationLevel.SAME_EVENT, other.thread_id, "same_product"
        else:  # two laboratories and one seizure, or not identified at first: a person looks
            yield CorrelationLevel.POSSIBLE_SAME_EVENT, other.thread_id, "identities_differ"


def _contradicted(own: Iterable[Sighting], situation: Situation) -> frozenset[str]:
    """Return the threads that confirm what this message ruled out, or ruled out what it confirms."""
    return frozenset(
        other.thread_id
        for mine, other in _pairs(own, situation.seen, SUBSTANCE)
        if _contradict(mine, other.sighting) or _contradict(other.sighting, mine)
    )


def _threats(
    own: Iterable[Sighting], situation: Situation, *, common: frozenset[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield (country, thread, reason): the same substance in the last months, or product, or family."""
    places = _by_key(situation.spread)
    updated_at = {
        other.id: other.updated_at for other in situation.threads.values() if other.state != "retracted"
    }
    telling = [one for one in own if one.key.startswith(PRODUCT) or one.role in TELLING]
    for prefix, reason in ((SUBSTANCE, "same_substance"), (PRODUCT, "same_product"), (FAMILY, FAMILY_ALONE)):
        for mine in telling:
            if not mine.key.startswith(prefix) or _ruled_out(mine):
                continue
            if mine.key in common or (prefix == FAMILY and mine.detail in common):
                continue
            since = mine.began_at - SAME_THREAT
            for place in places.get((mine.key, mine.market), ()):
                if place.last_at < since:
                    continue
                for other in (place.last_thread_id, place.first_thread_id):
                    if other in updated_at and updated_at[other] >= since:
                        yield place.country, other, reason


def _origins(situation: Situation) -> frozenset[str]:
    """Return the states whose findings are passed on."""
    origins = (finding.origin for finding in situation.message.alert.findings)
    return frozenset(one.country for one in origins if one is not None and one.country is not None)


def _by_key(spread: Iterable[Spread]) -> dict[tuple[str, str], list[Spread]]:
    found: dict[tuple[str, str], list[Spread]] = {}
    for one in spread:
        found.setdefault((one.key, one.market), []).append(one)
    return found


def _pairs(own: Iterable[Sighting], seen: Iterable[Seen], prefix: str) -> Iterator[tuple[Sighting, Seen]]:
    """Yield what is compared: the same key of this kind, in the same market."""
    others: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        others.setdefault((one.sighting.key, one.sighting.market), []).append(one)
    for mine in own if others else ():
        if mine.key.startswith(prefix):
            for other in others.get((mine.key, mine.market), ()):
                yield mine, other


def _one_event(mine: Sighting, theirs: Sighting) -> bool:
    """Return whether place and days fit. A notice for the whole country fits no local one."""
    place = (
        set(mine.admin1) & set(theirs.admin1)
        if mine.admin1 and theirs.admin1
        else (mine.admin1 == theirs.admin1)
    )
    precise = all(one.ended_at - one.began_at <= _VAGUE for one in (mine, theirs))
    meets = mine.began_at <= theirs.ended_at + MARGIN and theirs.began_at <= mine.ended_at + MARGIN
    return mine.country == theirs.country and bool(place) and precise and meets


def _ruled_out(*sightings: Sighting) -> bool:
    return any(one.confirmation == Confirmation.RULED_OUT for one in sightings)


def _contradict(one: Sighting, other: Sighting) -> bool:
    return one.confirmation == Confirmation.RULED_OUT and other.confirmation in _CONFIRMED


def _shared(mine: str, theirs: str) -> bool:
    return bool(set(mine.split()) & set(theirs.split()))

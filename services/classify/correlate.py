"""What an alert has to do with the alerts that came before it.

The same text, the same event, the same threat, an echo, or perhaps the same event, which a person decides. What
`events` says of pairs of findings is put together here. What somebody said outright wins over every window, and
one that says "the same threat" says: not the same event. Never merged: on a family alone, across a market, an
exercise with a real alert (their sightings are read apart), a substance found here and ruled out there, and what a
person took apart. By the window alone a thread joins an incident only where it fits the report that opened it, so
that no chain of reports grows beyond a week, and only where it fits one incident.

Source: HPAD-2021:RIME.1.5@L314 (gather the available national alerts and disseminate them).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from schemas.classifications import FAMILY_ALONE
from schemas.vocabularies import Confirmation, CorrelationLevel, MessageType, ReferenceRelation
from services.classify.events import OWN_SERIAL, SAME_LOCALITY, Kin, contradicted, events, pairs
from services.classify.history import New, firsts, states_in_window
from services.classify.keys import FAMILY, PRODUCT, SUBSTANCE, TELLING, TEXT
from services.storage.thread_records import Link, Other, Sighting, Situation, Spread

SAME_THREAT = timedelta(days=180)
_MOST_RELATED = 6  # of the same threat; a list of hundreds tells a reader nothing

_ORDER = (
    CorrelationLevel.CONTENT_COPY,
    CorrelationLevel.SAME_EVENT,
    CorrelationLevel.POSSIBLE_SAME_EVENT,
    CorrelationLevel.ECHO,
    CorrelationLevel.SAME_THREAT,
)
_MERGING = frozenset({CorrelationLevel.CONTENT_COPY, CorrelationLevel.SAME_EVENT})
_FAR = frozenset({CorrelationLevel.ECHO, CorrelationLevel.SAME_THREAT})
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
    common = scope.common
    relations = _Relations(situation)
    for level, other, reason in _cited(situation):
        relations.cite(other, level=level, reason=reason)
    for level, other, reason in _copies(own, situation):
        relations.add(other, level=level, reason=reason)
    if not echo:
        for kin in events(own, situation, common=common):
            relations.compare(kin)
    origins = _origins(situation) if echo else frozenset()
    for country, other, reason in _threats(own, situation, common=common):
        level = CorrelationLevel.ECHO if country in origins else CorrelationLevel.SAME_THREAT
        relations.add(other, level=level, reason=reason)
        relations.place(other, country, reason=reason)
    incident_id = relations.merge(contradicted(own, situation))
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
        self._cited: set[str] = set()
        self._against: set[str] = set()  # threads that are told as other events
        self._states: dict[str, str] = {}  # of the threads that count where states are counted
        self._tells_its_own_apart = any(
            one.relation == ReferenceRelation.SAME_THREAT_AS and not one.back for one in situation.citations
        )

    def cite(self, other: str, *, level: CorrelationLevel, reason: str) -> None:
        """Keep what somebody said of another thread: no window says more of it, nor of its incident."""
        self.add(other, level=level, reason=reason)
        self._cited.add(other)

    def compare(self, kin: Kin) -> None:
        """Keep what a pair of findings says of another thread, for or against one event."""
        if kin.against:
            self._against.add(kin.thread_id)
        if kin.level is not None and not (kin.reason == OWN_SERIAL and self._tells_its_own_apart):
            self.add(kin.thread_id, level=kin.level, reason=kin.reason)

    def add(self, other: str, *, level: CorrelationLevel, reason: str) -> None:
        """Keep the nearer of two relations, and the first reason of two alike."""
        if other == self._situation.thread_id or other not in self._situation.threads:
            return
        if level in _MERGING and other in self._situation.separated:
            return  # a person took them apart
        if level not in _FAR and self._is_said_to_be_another(other):
            return
        known = self._found.get(other)
        if known is None or _ORDER.index(level) < _ORDER.index(known[0]):
            self._found[other] = (level, reason)

    def _is_said_to_be_another(self, other: str) -> bool:
        """Return whether somebody said of this thread, or of another of its incident, what they share."""
        threads = self._situation.threads
        return any(
            one == other
            or (
                threads[one].incident_id == threads[other].incident_id and self._found[one][0] not in _MERGING
            )
            for one in self._cited & self._found.keys()
        )

    def place(self, other: str, state: str, *, reason: str) -> None:
        """Remember where another thread saw the same substance or product; a family alone is not counted."""
        if reason != FAMILY_ALONE:
            self._states.setdefault(other, state)

    def merge(self, contradicted: frozenset[str]) -> str | None:
        """Choose the incident to be in; None: the one it is in. Say of what stays apart that it is only possible."""
        threads, situation = self._situation.threads, self._situation
        conflicting = {threads[other].incident_id for other in contradicted if other in threads}
        near = {one.id for one in self._near()}
        doubted = {threads[other].incident_id for other in (self._against & threads.keys()) - near}
        for one in self._near():
            if one.incident_id in conflicting:
                self._doubt(one, "confirmation_conflict")
            elif one.state == "retracted":
                self._doubt(one, "retracted")
            elif one.incident_id in doubted and not self._is_said(one):
                self._doubt(one, "another_report_differs")
        joined = self._choose(self._near())
        for one in self._near():
            if one.incident_id != joined:
                later = not one.founder and joined == situation.incident_id
                self._doubt(one, "not_its_first_report" if later else "another_incident")
        return None if joined == situation.incident_id else joined

    def _choose(self, near: list[Other]) -> str:
        """Return an incident; a thread that stands with others stays, until a correction leaves it no ground."""
        situation = self._situation
        if situation.thread is not None and not situation.alone:
            corrects = situation.message.alert.message_type is MessageType.CORRECTION and not situation.silent
            stays = not corrects or any(one.incident_id == situation.incident_id for one in near)
            return situation.incident_id if stays else situation.own_incident_id
        if situation.silent:
            return situation.incident_id
        for fits in (self._is_said, self._is_in_town):
            if chosen := [one for one in near if fits(one)]:
                return min(chosen, key=lambda one: (one.opened_at, one.id)).incident_id
        incidents = {one.incident_id for one in near if one.founder}
        return incidents.pop() if len(incidents) == 1 else situation.incident_id

    def _near(self) -> list[Other]:
        return [
            self._situation.threads[other] for other, (level, _) in self._found.items() if level in _MERGING
        ]

    def _is_said(self, thread: Other) -> bool:
        """Return whether a reference or the very text joins them, and no window."""
        return thread.id in self._cited or self._found[thread.id][0] is CorrelationLevel.CONTENT_COPY

    def _is_in_town(self, thread: Other) -> bool:
        """Return whether both name one town, and the thread opened its incident."""
        return thread.founder and self._found[thread.id][1].endswith(SAME_LOCALITY)

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
    for mine, other in pairs(own, situation.seen, TEXT):
        if mine.detail != other.sighting.detail:
            yield CorrelationLevel.POSSIBLE_SAME_EVENT, other.thread_id, "same_text"
        elif other.sender_id != situation.message.sender_id:
            yield CorrelationLevel.CONTENT_COPY, other.thread_id, "same_content"
        else:
            yield CorrelationLevel.POSSIBLE_SAME_EVENT, other.thread_id, "same_text"


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


def _ruled_out(one: Sighting) -> bool:
    return one.confirmation == Confirmation.RULED_OUT

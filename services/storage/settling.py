"""One message, one transaction: what it refers to, what is known, what became of it.

`settle` may run twice, late, or beside another for the same message: the verdict is the fact, and a repeat
reads it. Under the locks it finds the thread, reads what was committed before, asks the pure `decide`, and
writes sightings, thread, links, verdict, state and the outgoing record together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from schemas.vocabularies import MessageType, Status
from services.errors import Invalid
from services.storage import (
    announcing,
    joining,
    outbox,
    places,
    references,
    serials,
    sightings,
    thread_rows,
    verdicts,
)
from services.storage.driver import Write, run
from services.storage.incidents import incident_id_of
from services.storage.locks import lock
from services.storage.records import Message, Thread
from services.storage.references import Target
from services.storage.repeating import repeatable
from services.storage.serials import Naming
from services.storage.tables import receipts
from services.storage.tables import verdicts as verdicts_table
from services.storage.thread_records import (
    Citation,
    Decide,
    Decision,
    Died,
    MaySee,
    Outcome,
    Proposal,
    Settled,
    Sighting,
    Situation,
    Waits,
)

MARGIN: Final = timedelta(days=7)  # windows of one event overlap within this (DOMAIN.md 3.2)

_NOWHERE: Final = ("text:", "offer:")  # keys of which no place is remembered: no first is one of these
_RETRACTED: Final = "thread_retracted"
_NOT_ALLOWED: Final = "not_allowed"
_CIRCLE: Final = "reference_circle"
_UNKNOWN: Final = "reference_unknown"

_thread_of = (  # by itself and not joined: that may only be done by the key of the one row
    select(verdicts_table.c.thread_id)
    .where(verdicts_table.c.message_id == receipts.c.id, verdicts_table.c.revision == 0)
    .scalar_subquery()
)
_versions = (
    select(
        receipts.c.id,
        receipts.c.version,
        receipts.c.state,
        receipts.c.state_reason,
        receipts.c.attempt,
        _thread_of.label("thread_id"),
    )
    .where(
        receipts.c.sender_id == bindparam("sender_id"),
        receipts.c.status == bindparam("status"),
        receipts.c.national_ref == bindparam("national_ref"),
    )
    .order_by(receipts.c.version)
)
_standing = select(receipts.c.sender_id, receipts.c.national_ref, receipts.c.version).where(
    receipts.c.id == bindparam("id")
)
_move = (
    update(receipts)
    .where(receipts.c.id == bindparam("of"))
    .values(state=bindparam("to_state"), state_reason=bindparam("to_reason"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the ledger cannot know by itself: how threads are named, and who may see what."""

    naming: Naming
    may_see: MaySee


Foresee = Callable[[Sequence[str], str], None]
"""Told, before the decision is written, which held messages it will release, and the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a message stands: in a thread, or (None) at the head of a new one."""

    thread: Thread | None
    silent: bool = False
    overtakes: bool = False  # silent, and yet newer than the content that stands: what followed it had none
    orphan: bool = False


@repeatable
def settle(
    connection: Connection,
    proposal: Proposal,
    *,
    decide: Decide,
    rules: Rules,
    now: datetime,
    revive: bool = False,
    foresee: Foresee | None = None,
) -> Outcome:
    """Decide one message, once; safe to repeat. `revive` looks again at one that died.

    Raises `Invalid` for a message that has no receipt, or is a draft.
    """
    message = proposal.message
    lock(connection, lock_keys(proposal))
    if message.alert.status is Status.DRAFT:
        raise Invalid("draft")
    versions = _versions_of(connection, message)
    row = next((one for one in versions if one.id == message.id), None)
    if row is None:
        raise Invalid("unknown_message")
    if row.thread_id is not None:
        return Settled(message_id=message.id, again=True)
    if row.state == "dead" and not revive:
        return Died(row.state_reason)
    place = _place(connection, message, versions, rules=rules, now=now)
    match place:
        case _Place():
            settled = _decide(
                connection, proposal, place, decide=decide, rules=rules, now=now, foresee=foresee
            )
            if row.attempt:
                references.let_go(connection, message.id)
            return settled
        case Waits(reference=reference):
            _move_to(connection, message.id, "held", reason=reference[:64])
        case Died(reason=reason):
            references.let_go(connection, message.id)
            _move_to(connection, message.id, "dead", reason=reason)
    return place


def lock_keys(proposal: Proposal) -> Iterator[str]:
    """Yield all that the decision on this message reads or writes."""
    message = proposal.message
    status, country = message.alert.status, message.sender_country
    named = {references.bare(one.ref) for one in message.alert.references}
    for national_ref in {message.alert.national_ref, *named}:
        yield f"{status} reference {national_ref}"
    for place in {country, message.alert.location.country}:
        yield f"{status} country {place}"
    for one in proposal.sightings:
        yield f"{status} {one.key}"


def expire(connection: Connection, *, now: datetime, most: int) -> int:
    """Make held messages whose deadline has passed pending again; deciding them ends their wait."""
    return sum(
        references.publish(connection, message_id, now=now)
        for message_id in references.overdue(connection, now=now, most=most)
    )


def _versions_of(connection: Connection, message: Message) -> Sequence[Any]:
    """Return the message itself and the other versions of its national reference, lowest first."""
    named = {
        "sender_id": message.sender_id,
        "status": message.alert.status,
        "national_ref": message.alert.national_ref,
    }
    found: Sequence[Any] = run(connection, _versions, named).all()
    return found


def _place(
    connection: Connection, message: Message, versions: Sequence[Any], *, rules: Rules, now: datetime
) -> _Place | Waits | Died:
    own = [one for one in versions if one.thread_id is not None]
    if own:
        return _joined(connection, message, own[-1].thread_id, lower=own[-1].version > message.alert.version)
    if message.alert.message_type is MessageType.ALERT:
        return _Place(thread=None)
    found = references.resolve(connection, message, may_see=rules.may_see)
    if isinstance(found, Target):
        return _joined(connection, message, found.thread_id, lower=False)
    circle = references.circle(connection, message, found.reference)
    if circle:
        for other in circle:
            references.let_go(connection, other)
            _move_to(connection, other, "dead", reason=_CIRCLE)
        return Died(_CIRCLE)
    patience = references.hold(connection, message, found.reference, now=now)
    if now < patience.deadline:
        return Waits(found.reference, patience.deadline)
    return _Place(thread=None, orphan=True) if patience.opens_thread else Died(_UNKNOWN)


def _joined(connection: Connection, message: Message, thread_id: str, *, lower: bool) -> _Place | Died:
    thread = thread_rows.get(connection, thread_id, for_update=True)
    if thread is None:
        raise LookupError(thread_id)
    if not joining.may_change(message, thread):
        return Died(_NOT_ALLOWED)
    if thread.state == "retracted":
        return Died(_RETRACTED)
    # What is retracted stays retracted: a retraction counts even where a later version came before it.
    if not lower or message.alert.message_type is MessageType.RETRACTION:
        return _Place(thread=thread)
    return _Place(thread=thread, silent=True, overtakes=_is_newer(connection, message, thread))


def _is_newer(connection: Connection, message: Message, thread: Thread) -> bool:
    """Return whether the content that stands is of a lower version of the same national reference."""
    row = run(connection, _standing, {"id": thread.message_id}).one()
    same = (row.sender_id, row.national_ref) == (message.sender_id, message.alert.national_ref)
    return bool(same and row.version < message.alert.version)


def _decide(
    connection: Connection,
    proposal: Proposal,
    place: _Place,
    *,
    decide: Decide,
    rules: Rules,
    now: datetime,
    foresee: Foresee | None,
) -> Settled:
    message = proposal.message
    thread = place.thread
    thread_id = serials.thread_id_of(message) if thread is None else thread.id
    relay_id = _relay_id(connection, message, rules=rules) if thread is None else thread.relay_id
    named, unknown = references.cited(connection, message, may_see=rules.may_see)
    before = references.named_before(connection, message, relay_id=relay_id)
    if before.waiting and foresee is not None:
        foresee(before.waiting, thread_id)
    citations = tuple(one for one in (*named, *before.citations) if one.thread_id != thread_id)
    situation = situation_of(
        connection, proposal, thread=thread, silent=place.silent, thread_id=thread_id, citations=citations
    )
    decision = decide(situation)
    after = _after(situation, place, decision, relay_id=relay_id, now=now)
    remembered = _sightings(connection, proposal, decision, place=place, thread_id=thread_id)
    if thread is None:
        thread_rows.create(connection, after, naming=rules.naming)
    else:
        thread_rows.change(connection, after)
    thread_rows.link(connection, thread_id, decision.links, now=now)
    references.remember(connection, message, unknown=unknown, thread_id=thread_id, orphan=place.orphan)
    released = references.release(connection, before.waiting, now=now)
    verdict = verdicts.NewVerdict(
        message_id=message.id,
        thread_id=thread_id,
        thread_version=0 if place.silent else after.version,
        silent=place.silent,
        country=message.alert.location.country,
        classification=decision.classification,
        correlation=decision.correlation,
    )
    event = announcing.classified(message, verdict, thread=after, now=now)
    beside = (*remembered, _moving_to(message.id, "classified", reason=None))
    outbox.append(connection, event, now=now, beside=beside)
    verdicts.write(connection, verdict, now=now)
    return Settled(message_id=message.id, again=False, released=released, decision=decision)


def situation_of(
    connection: Connection,
    proposal: Proposal,
    *,
    thread: Thread | None,
    silent: bool,
    thread_id: str,
    citations: tuple[Citation, ...],
) -> Situation:
    """Return what a decision on a message may rest on; the caller holds its locks."""
    message = proposal.message
    found: tuple[Sighting, ...] = proposal.sightings
    status, country = message.alert.status.value, message.alert.location.country
    keys = sorted({one.key for one in found if not one.key.startswith(_NOWHERE)})
    seen = sightings.seen(connection, found, status=status, thread_id=thread_id, margin=MARGIN)
    others = {one.thread_id for one in seen} | {one.thread_id for one in citations}
    seen_in = places.of_keys(connection, keys, status=status, country=country, without=thread_id, near=others)
    others |= seen_in.newest
    own_incident_id = incident_id_of(thread_id)
    return Situation(
        message=message,
        thread_id=thread_id,
        incident_id=own_incident_id if thread is None else thread.incident_id,
        own_incident_id=own_incident_id,
        thread=thread,
        standing=None if thread is None else verdicts.classification(connection, thread.message_id),
        silent=silent,
        seen=seen,
        spread=seen_in.spread,
        known=seen_in.known,
        baseline=seen_in.baseline,
        region_speaks=seen_in.region_speaks,
        citations=citations,
        separated=frozenset() if thread is None else thread_rows.separated(connection, thread.id),
        alone=thread is None or thread_rows.is_alone(connection, thread),
        threads=thread_rows.others(connection, others),
    )


def _relay_id(connection: Connection, message: Message, *, rules: Rules) -> str:
    country = message.alert.location.country
    return serials.relay_id(connection, prefix=rules.naming.prefix, country=country, at=message.received_at)


def _after(
    situation: Situation, place: _Place, decision: Decision, *, relay_id: str, now: datetime
) -> Thread:
    message = situation.message
    incident_id = decision.incident_id or situation.incident_id
    alert, thread = message.alert, place.thread
    if thread is None:
        return Thread(
            id=situation.thread_id,
            relay_id=relay_id,
            opaque_id="",
            sender_id=message.sender_id,
            sender_country=message.sender_country,
            country=alert.location.country,
            status=alert.status,
            message_id=message.id,
            state=decision.thread_state,
            disputed=decision.disputed,
            version=1,
            level=decision.classification.severity.level,
            strictest_tlp=alert.tlp,
            incident_id=incident_id,
            orphan=place.orphan,
            opened_at=now,
            updated_at=now,
        )
    strictest = max(thread.strictest_tlp, alert.tlp, key=lambda tlp: tlp.strictness)
    if place.silent:  # its original, when it comes at last, makes an orphan whole
        thread = replace(thread, strictest_tlp=strictest, orphan=False, updated_at=now)
        if not (place.overtakes and decision.carries):
            return thread
        return replace(thread, message_id=message.id, level=decision.classification.severity.level)
    return replace(
        thread,
        message_id=message.id if decision.carries else thread.message_id,
        state=decision.thread_state,
        disputed=decision.disputed,
        version=thread.version + 1,
        level=decision.classification.severity.level,
        strictest_tlp=strictest,
        incident_id=incident_id,
        updated_at=now,
    )


def _sightings(
    connection: Connection, proposal: Proposal, decision: Decision, *, place: _Place, thread_id: str
) -> list[Write]:
    """Retire what the thread was remembered by, if this takes its place; return what writes the new."""
    message, thread = proposal.message, place.thread
    carries = decision.carries and (place.overtakes or not place.silent)
    retracted = decision.thread_state == "retracted"
    if thread is not None and (carries or retracted):
        kept = () if retracted else proposal.sightings
        sightings.retire(connection, thread.id, status=thread.status, kept=kept)
    return sightings.writes(
        connection,
        proposal.sightings,
        message_id=message.id,
        thread_id=thread_id,
        sender_id=message.sender_id,
        status=message.alert.status.value,
        current=carries and not retracted,
    )


def _move_to(connection: Connection, message_id: str, state: str, *, reason: str | None) -> None:
    run(connection, *_moving_to(message_id, state, reason=reason))


def _moving_to(message_id: str, state: str, *, reason: str | None) -> Write:
    return _move, {"of": message_id, "to_state": state, "to_reason": reason}

"""Deciding again: because a person said what a substance is, or because the catalogue has changed.

Each is one unit of work and leaves a new revision of the verdict with its cause, announced like the first; who
is told of it is for routing to say. What is decided is the content that stands in its thread: of a version that
another one has replaced nothing is left to decide.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from schemas.classifications import Classification
from schemas.vocabularies import Severity
from services.errors import Invalid, Transient
from services.storage import (
    announcing,
    audit,
    outbox,
    references,
    resolutions,
    settling,
    sightings,
    thread_rows,
    verdicts,
)
from services.storage.driver import run
from services.storage.locks import lock, thread_key
from services.storage.records import Thread, Version
from services.storage.review_records import (
    DealtWith,
    NewResolution,
    Outdated,
    Reconsider,
    Resolution,
    Resolved,
)
from services.storage.serials import resolution_id_of
from services.storage.statements import insert_once
from services.storage.tables import counters, threads
from services.storage.tables import verdicts as verdicts_table
from services.storage.thread_records import Decision, MaySee, Page, Proposal, Situation

_LONGEST_CAUSE: Final = 64

_later = verdicts_table.alias("later")
_newest = verdicts_table.c.revision == (
    select(func.max(_later.c.revision))
    .where(_later.c.message_id == verdicts_table.c.message_id)
    .scalar_subquery()
)
_waiting = (
    select(verdicts_table.c.message_id, verdicts_table.c.decision)
    .join(threads, threads.c.id == verdicts_table.c.thread_id)
    .where(
        verdicts_table.c.review.is_(True),
        verdicts_table.c.decision > bindparam("after"),
        threads.c.message_id == verdicts_table.c.message_id,
        threads.c.state != "retracted",
        _newest,
    )
    .order_by(verdicts_table.c.decision)
    .limit(bindparam("most"))
)
_first = select(verdicts_table.c.classification).where(
    verdicts_table.c.message_id == bindparam("message_id"), verdicts_table.c.revision == 0
)
_decided_behind = (
    select(verdicts_table.c.message_id, verdicts_table.c.decision, verdicts_table.c.classification)
    .where(verdicts_table.c.decision > bindparam("after"))
    .order_by(verdicts_table.c.decision)
    .limit(bindparam("most"))
)


def queue(connection: Connection, *, after: int, most: int) -> Page:
    """Return what a person should look at, behind the cursor `after` (0 = from the beginning)."""
    rows = run(connection, _waiting, {"after": after, "most": most}).all()
    found = [verdicts.version(connection, row.message_id) for row in rows]
    return Page(
        versions=tuple(one for one in found if one is not None), cursor=rows[-1].decision if rows else after
    )


def resolve(
    connection: Connection, new: NewResolution, *, reconsider: Reconsider, may_see: MaySee, now: datetime
) -> Resolved:
    """Keep what a person said of one reported substance, and decide the message again; a repeat does nothing.

    Raises `Invalid`: unknown_message for one that is not classified, not_current for one whose content no longer
    stands, no_such_substance for a wrong position. `Transient` where another decision came between.
    """
    version = verdicts.version(connection, new.message_id)
    if version is None:
        raise Invalid("unknown_message")
    if not _stands(version):
        raise Invalid("not_current")
    said = resolutions.holding(connection, version.message, thread_id=version.thread.id)
    own = resolutions.of_message(connection, new.message_id)
    before = [one for one in own if (one.finding, one.substance) == (new.finding, new.substance)]
    if before and before[-1].outcome == new.outcome:
        return Resolved(resolution=before[-1], version=version, again=True)
    kept = Resolution(
        id=resolution_id_of(
            new.message_id, finding=new.finding, substance=new.substance, number=len(before) + 1
        ),
        message_id=new.message_id,
        finding=new.finding,
        substance=new.substance,
        name=_name(version, new),
        outcome=new.outcome,
        reason=new.reason,
        actor=new.actor,
        at=now,
    )
    second = _look_again(connection, version, [*said, kept], reconsider=reconsider, may_see=may_see)
    resolutions.keep(connection, kept, number=len(before) + 1)
    detail = {"resolution": kept.id, "finding": kept.finding, "substance": kept.substance}
    audit.record(
        connection, actor=kept.actor, act="review.resolved", subject=new.message_id, detail=detail, now=now
    )
    _revise(connection, version, second, cause=f"resolution:{kept.id}", now=now)
    revised = verdicts.version(connection, new.message_id)
    return Resolved(resolution=kept, version=revised or version, again=False)


def deal_with(
    connection: Connection,
    message_id: str,
    *,
    review: str,
    reason: str,
    actor: str,
    reconsider: Reconsider,
    may_see: MaySee,
    now: datetime,
) -> DealtWith:
    """Take one reason to look at a message off it, because a person has; a repeat does nothing.

    Raises `Invalid`: unknown_message, not_current, and no_such_review where the message does not have it.
    `Transient` where another decision came between.
    """
    version = verdicts.version(connection, message_id)
    if version is None:
        raise Invalid("unknown_message")
    if not _stands(version):
        raise Invalid("not_current")
    if review in resolutions.dealt_with(connection, message_id):
        return DealtWith(version=version, again=True)
    if review not in version.classification.review:
        raise Invalid("no_such_review")
    said = resolutions.holding(connection, version.message, thread_id=version.thread.id)
    second = _look_again(connection, version, said, reconsider=reconsider, may_see=may_see, done={review})
    resolutions.deal_with(connection, message_id, review, reason=reason, actor=actor, now=now)
    detail = {"review": review, "reason": reason}
    audit.record(connection, actor=actor, act="review.dealt_with", subject=message_id, detail=detail, now=now)
    _revise(connection, version, second, cause=f"reviewed:{review}"[:_LONGEST_CAUSE], now=now)
    revised = verdicts.version(connection, message_id)
    return DealtWith(version=revised or version, again=False)


def outdated(connection: Connection, *, catalogue_version: str, most: int) -> Outdated:
    """Return the messages among the next `most` verdicts that another catalogue decided, in their order."""
    name = {"name": _progress(catalogue_version)}
    after = connection.execute(
        select(counters.c.value).where(counters.c.name == bindparam("name")), name
    ).scalar()
    rows = run(connection, _decided_behind, {"after": after or 0, "most": most}).all()
    mark = f'"catalogue_version":"{catalogue_version}"'
    found = dict.fromkeys(row.message_id for row in rows if mark not in row.classification)
    return Outdated(tuple(found), rows[-1].decision if rows else after or 0, len(rows))


def passed(connection: Connection, *, catalogue_version: str, cursor: int) -> None:
    """Remember that every verdict up to `cursor` was looked at with this catalogue."""
    name = _progress(catalogue_version)
    connection.execute(insert_once(connection, counters), {"name": name, "value": cursor})
    connection.execute(counters.update().where(counters.c.name == name).values(value=cursor))


def reclassify(
    connection: Connection,
    message_id: str,
    *,
    catalogue_version: str,
    reconsider: Reconsider,
    may_see: MaySee,
    now: datetime,
) -> bool:
    """Decide a message of an open thread by this catalogue; return whether its classification changed."""
    version = verdicts.version(connection, message_id)
    if version is None or not _stands(version) or version.thread.state != "open":
        return False
    if version.classification.catalogue_version == catalogue_version:
        return False
    said = resolutions.holding(connection, version.message, thread_id=version.thread.id)
    second = _look_again(connection, version, said, reconsider=reconsider, may_see=may_see)
    if _content(second.decision.classification) == _content(version.classification):
        return False
    _revise(connection, version, second, cause=f"catalogue:{catalogue_version}"[:_LONGEST_CAUSE], now=now)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Second:
    """A message looked at again."""

    proposal: Proposal
    decision: Decision
    thread: Thread


def _stands(version: Version) -> bool:
    return version.thread.message_id == version.message.id and version.thread.state != "retracted"


def _look_again(
    connection: Connection,
    version: Version,
    said: list[Resolution],
    *,
    reconsider: Reconsider,
    may_see: MaySee,
    done: AbstractSet[str] = frozenset(),
) -> _Second:
    message, thread_id = version.message, version.thread.id
    proposal, decide = reconsider(message, said)
    lock(connection, (*settling.lock_keys(proposal), thread_key(thread_id)))
    thread = thread_rows.get(connection, thread_id, for_update=True)
    fresh = verdicts.version(connection, message.id)
    if thread is None or fresh is None or fresh.revision != version.revision or not _stands(fresh):
        raise Transient("another decision came between")
    named, _ = references.cited(connection, message, may_see=may_see)
    before = references.named_before(connection, message, relay_id=thread.relay_id)
    citations = tuple(one for one in (*named, *before.citations) if one.thread_id != thread_id)
    situation = settling.situation_of(
        connection, proposal, thread=thread, silent=version.silent, thread_id=thread_id, citations=citations
    )
    decision = decide(_as_it_came(connection, version, situation, thread))
    done = resolutions.dealt_with(connection, message.id) | done
    left = tuple(one for one in decision.classification.review if one not in done)
    classification = _risen_from(
        version.classification.severity.level, decision.classification.model_copy(update={"review": left})
    )
    return _Second(
        proposal=proposal, decision=replace(decision, classification=classification), thread=thread
    )


def _as_it_came(connection: Connection, version: Version, situation: Situation, thread: Thread) -> Situation:
    """Return the situation with the thread as it stood before this version, for only then is a rise one."""
    first = Classification.model_validate_json(
        run(connection, _first, {"message_id": version.message.id}).scalar_one()
    )
    if first.severity.before is None:
        return replace(situation, standing=None)
    lower = [
        one
        for one in verdicts.history(connection, thread.id)
        if one.thread_version < version.thread_version and not one.silent
    ]
    told = [one for one in lower if one.alert.findings or one.alert.harms] or lower
    return replace(
        situation,
        thread=replace(thread, level=first.severity.before),
        standing=told[-1].classification if told else None,
    )


def _risen_from(was: Severity, classification: Classification) -> Classification:
    """Return a classification that tells its rise or fall from the verdict that it replaces."""
    severity = classification.severity
    graver = min(severity.level, was, key=lambda level: level.rank)
    return classification.model_copy(
        update={"severity": severity.model_copy(update={"before": was, "urgency": graver})}
    )


def _content(classification: Classification) -> tuple[object, ...]:
    """Return what makes two classifications differ for a reader."""
    return (
        classification.severity.level,
        classification.categories,
        classification.substances,
        classification.review,
    )


def _revise(connection: Connection, version: Version, second: _Second, *, cause: str, now: datetime) -> None:
    message, decision, thread = version.message, second.decision, second.thread
    after = replace(
        thread,
        level=decision.classification.severity.level,
        incident_id=decision.incident_id or thread.incident_id,
        updated_at=now,
    )
    sightings.replace(
        connection,
        second.proposal.sightings,
        message_id=message.id,
        thread_id=thread.id,
        sender_id=message.sender_id,
        status=message.alert.status,
    )
    thread_rows.change(connection, after)
    thread_rows.link(connection, thread.id, decision.links, now=now)
    verdict = verdicts.NewVerdict(
        message_id=message.id,
        thread_id=thread.id,
        thread_version=version.thread_version,
        silent=version.silent,
        country=message.alert.location.country,
        classification=decision.classification,
        correlation=decision.correlation,
        revision=version.revision + 1,
        cause=cause,
    )
    outbox.append(connection, announcing.classified(message, verdict, thread=after, now=now), now=now)
    verdicts.write(connection, verdict, now=now)


def _name(version: Version, new: NewResolution) -> str:
    for one in version.classification.substances:
        if (one.finding, one.substance) == (new.finding, new.substance):
            return one.name[:200]
    raise Invalid("no_such_substance")


def _progress(catalogue_version: str) -> str:
    return f"catalogue {catalogue_version}"[:_LONGEST_CAUSE]

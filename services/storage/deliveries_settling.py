"""Settling what was tried: attempts, states, the health of endpoints, who was waiting, what is told onwards.

A batch is one unit of work. A settlement whose token is not the row's own comes from a claim that lapsed: it
changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, Connection, and_, bindparam, select

from services.storage import outbox
from services.storage.deliveries_events import attempt_event
from services.storage.deliveries_routing import insert_rows
from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_notification
from services.storage.deliveries_states import CLAIMED
from services.storage.deliveries_waiting import release_waiters, superseding_waiters
from services.storage.delivery_records import (
    OUR_FAULTS,
    Deferred,
    Delivered,
    Health,
    Moved,
    Outcome,
    Rejected,
    Rules,
    Settled,
    Settlement,
    Withheld,
)
from services.storage.driver import run
from services.storage.endpoints import HEALTH_COLUMNS, drain, healths, keep_healths, to_health
from services.storage.locks import lock
from services.storage.records import Directory, Notification, NotificationState
from services.storage.repeating import repeatable
from services.storage.statements import insert_once, padded
from services.storage.tables import attempts, endpoints, notifications

_rows = (
    select(*NOTIFICATION_COLUMNS, notifications.c.received, *HEALTH_COLUMNS)
    .outerjoin(endpoints, endpoints.c.id == notifications.c.endpoint_id)
    .where(notifications.c.id.in_(bindparam("rows", expanding=True)), notifications.c.state == CLAIMED)
    .order_by(notifications.c.cursor)  # whoever locks several rows takes them in this order
    .with_for_update(of=notifications)
)
_update = (
    notifications.update()
    .where(notifications.c.id == bindparam("row"), notifications.c.state == CLAIMED)
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        next_at=bindparam("new_next_at"),
        settled_at=bindparam("new_settled_at"),
        received=bindparam("new_received"),
        content=bindparam("new_content"),
        endpoint_id=bindparam("new_endpoint_id"),
        attempts=bindparam("new_attempts"),
        awaits_answer=and_(notifications.c.awaits_answer, bindparam("new_awaits", type_=Boolean)),
        claim_token=None,
        claimed_until=None,
    )
)
_held = (
    notifications.c.id,
    notifications.c.claim_token,
    notifications.c.content,
    notifications.c.recipient_id,
)
_lapsed = (
    select(*_held)
    .where(notifications.c.state == CLAIMED, notifications.c.claimed_until <= bindparam("at"))
    .order_by(notifications.c.claimed_until)
    .limit(bindparam("most"))
)
_claimed = select(*_held).where(notifications.c.state == CLAIMED)
_of_recipient = select(*NOTIFICATION_COLUMNS).where(
    notifications.c.message_id == bindparam("message"), notifications.c.recipient_id == bindparam("recipient")
)

ACKNOWLEDGED: Final = "acknowledged_elsewhere"
_OUTCOME_NAMES: Final = {Delivered: "delivered", Rejected: "rejected", Withheld: "withheld", Moved: "moved"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What becomes of one row."""

    before: Notification
    settlement: Settlement
    state: NotificationState
    reason: str | None
    next_at: datetime | None
    received: bool
    attempts: int


@repeatable
def settle(
    connection: Connection,
    settlements: Sequence[Settlement],
    *,
    rules: Rules,
    directory: Callable[[Connection], Directory],
    now: datetime,
) -> Settled:
    """Write down how a batch of claimed notifications ended; a lost claim changes nothing."""
    by_id = {one.notification_id: one for one in settlements}
    rows = [
        row
        for row in run(connection, _rows, {"rows": padded(list(by_id))})
        if row.claim_token == by_id[row.id].token
    ]
    tried_again = [row.id for row in rows if isinstance(by_id[row.id].outcome, Deferred | Moved)]
    waited_for = superseding_waiters(connection, tried_again)
    verdicts = [_judge(row, by_id[row.id], replaced=row.id in waited_for, rules=rules) for row in rows]
    if not verdicts:
        return Settled(states={}, next_at=None, ready=False)
    run(connection, _update, [_values(verdict) for verdict in verdicts])
    _keep_attempts(connection, verdicts)
    known = {row.endpoint_id: to_health(row.endpoint_id, row) for row in rows if row.failures is not None}
    recovered = _keep_health(connection, verdicts, known, rules=rules, now=now)
    released = release_waiters(
        connection, {one.before.id: one.received for one in verdicts if _terminal(one.state)}, now=now
    )
    fallen_back = _fall_back(connection, verdicts, rules=rules, directory=directory, now=now)
    told = [attempt_event(one.before, one.settlement, one.state, one.reason) for one in verdicts]
    outbox.append_all(connection, told, now=now)
    upcoming = [one.next_at for one in verdicts if one.next_at is not None]
    return Settled(
        states={one.before.id: one.state.value for one in verdicts},
        next_at=min(upcoming, default=None),
        ready=bool(recovered or released or fallen_back),
    )


def expire(
    connection: Connection,
    *,
    rules: Rules,
    directory: Callable[[Connection], Directory],
    now: datetime,
    most: int,
) -> int:
    """Take back claims whose lease has lapsed: nobody knows whether they arrived, so they count as received.

    The same id is tried again, unless a newer version waits. Returns how many were taken back.
    """
    lapsed = run(connection, _lapsed, {"at": now, "most": most}).all()
    return _take_back(connection, lapsed, rules=rules, directory=directory, now=now)


def release_claims_of_dead_holder(
    connection: Connection, *, rules: Rules, directory: Callable[[Connection], Directory], now: datetime
) -> int:
    """Take back every claim: for the start of the only process, where whoever held one is gone."""
    return _take_back(connection, run(connection, _claimed).all(), rules=rules, directory=directory, now=now)


def _take_back(
    connection: Connection,
    rows: Sequence[Any],
    *,
    rules: Rules,
    directory: Callable[[Connection], Directory],
    now: datetime,
) -> int:
    if not rows:
        return 0
    outcome = Deferred(reason="lease_lapsed", maybe=True, blames_endpoint=False)
    people = directory(connection)
    lapsed = [
        Settlement(
            notification_id=row.id,
            token=row.claim_token,
            outcome=outcome,
            content=row.content,
            began_at=now,
            ended_at=now,
            draw=0.0,
            country=people.country_of(row.recipient_id),
        )
        for row in rows
    ]
    return len(settle(connection, lapsed, rules=rules, directory=directory, now=now).states)


def _judge(row: Any, settlement: Settlement, *, replaced: bool, rules: Rules) -> _Verdict:
    before = to_notification(row)
    state, reason, next_at = _next_state(before, settlement, replaced=replaced, rules=rules)
    outcome = settlement.outcome
    return _Verdict(
        before=before,
        settlement=settlement,
        state=state,
        reason=reason,
        next_at=next_at,
        received=row.received
        or isinstance(outcome, Delivered)
        or (isinstance(outcome, Deferred) and outcome.maybe),
        attempts=before.attempts - (1 if isinstance(outcome, Moved | Withheld) else 0),
    )


def _next_state(
    before: Notification, settlement: Settlement, *, replaced: bool, rules: Rules
) -> tuple[NotificationState, str | None, datetime | None]:
    match settlement.outcome:
        case Delivered():
            return NotificationState.DELIVERED, None, None
        case Rejected(reason=reason):
            return NotificationState.FAILED, reason, None
        case Withheld(reason=reason):
            return NotificationState.WITHHELD, reason, None
        case _ if before.reason == ACKNOWLEDGED:  # answered while this attempt was under way
            return NotificationState.WITHHELD, ACKNOWLEDGED, None
        case Moved() if not replaced:
            return NotificationState.PENDING, None, settlement.ended_at
        case Deferred(retry_after=retry_after, blames_endpoint=blames) if not replaced:
            if not blames and settlement.outcome.reason not in OUR_FAULTS:
                return NotificationState.PENDING, settlement.outcome.reason, settlement.ended_at
            next_at = rules.retry_at(
                failures=before.attempts,
                began_at=before.first_attempt_at or settlement.began_at,
                now=settlement.ended_at,
                draw=settlement.draw,
                retry_after=retry_after,
            )
            if next_at is None:
                return NotificationState.FAILED, "gave_up", None
            return NotificationState.PENDING, settlement.outcome.reason, next_at
        case _:
            return NotificationState.SUPERSEDED, "newer_version", None


def _terminal(state: NotificationState) -> bool:
    return state not in (NotificationState.PENDING, NotificationState.CLAIMED)


def _values(verdict: _Verdict) -> dict[str, Any]:
    before, outcome = verdict.before, verdict.settlement.outcome
    kept = verdict.state in (NotificationState.PENDING, NotificationState.DELIVERED)
    return {
        "row": before.id,
        "new_state": verdict.state.value,
        "new_reason": verdict.reason,
        "new_next_at": verdict.next_at,
        "new_settled_at": verdict.settlement.ended_at if _terminal(verdict.state) else None,
        "new_received": verdict.received,
        "new_content": verdict.settlement.content,
        "new_endpoint_id": outcome.endpoint_id if isinstance(outcome, Moved) else before.endpoint_id,
        "new_attempts": verdict.attempts,
        "new_awaits": kept,
    }


def _keep_attempts(connection: Connection, verdicts: Iterable[_Verdict]) -> None:
    tried = [
        {
            "notification_id": one.before.id,
            "number": one.before.attempts,
            "began_at": one.settlement.began_at,
            "ended_at": one.settlement.ended_at,
            "outcome": _outcome_name(one.settlement.outcome),
            "reason": getattr(one.settlement.outcome, "reason", ""),
            "status_code": getattr(one.settlement.outcome, "status_code", None),
        }
        for one in verdicts
        if not isinstance(one.settlement.outcome, Moved | Withheld)
    ]
    if tried:
        run(connection, insert_once(connection, attempts), tried)


def _outcome_name(outcome: Outcome) -> str:
    if isinstance(outcome, Deferred):
        return "unknown" if outcome.maybe else "deferred"
    return _OUTCOME_NAMES[type(outcome)]


def _keep_health(
    connection: Connection,
    verdicts: Sequence[_Verdict],
    known: Mapping[str, Health],
    *,
    rules: Rules,
    now: datetime,
) -> bool:
    """Write the health of the endpoints that changed; return whether one of them is well again.

    ``known`` is how they were when the rows were read. What was delivered where all was well changes nothing: it came
    before what fails there at the same moment.
    """
    ids = {one.before.endpoint_id for one in verdicts}
    if not any(_health_after(one, known, rules=rules) is not None for one in verdicts):
        return False
    # Failures are counted: two that count at once are in line.
    lock(connection, (f"endpoint {one}" for one in ids))
    known = healths(connection, ids)
    changed: dict[str, Health] = {}
    recovered: set[str] = set()
    for one in verdicts:
        endpoint = one.before.endpoint_id
        after = _health_after(one, known, rules=rules)
        if after is not None:
            known[endpoint] = changed[endpoint] = after
            if after.failures == 0 and after.disabled_reason is None:
                recovered.add(endpoint)
            else:
                recovered.discard(endpoint)
    keep_healths(connection, changed.values(), now=now)
    for endpoint in recovered:
        drain(connection, endpoint, now=now)
    return bool(recovered)


def _health_after(one: _Verdict, known: Mapping[str, Health], *, rules: Rules) -> Health | None:
    """Return the new health of a row's endpoint; None where nothing changes."""
    endpoint, settlement = one.before.endpoint_id, one.settlement
    health = known.get(endpoint)
    well = Health(id=endpoint, failures=0, failing_since=None, next_probe_at=None, disabled_reason=None)
    match settlement.outcome:
        case Rejected(status_code=None, disables=False):
            return None  # refused by ourselves: it says nothing of the receiver
        case Delivered() | Rejected(disables=False):
            ailing = health is not None and (health.failures > 0 or health.next_probe_at is not None)
            return well if ailing and health is not None and health.disabled_reason is None else None
        case Rejected(reason=reason):
            if health is not None and health.disabled_reason is not None:
                return None
            return replace(well, disabled_reason=reason)
        case Deferred(blames_endpoint=True, retry_after=retry_after):
            return rules.after_failure(
                health or well, now=settlement.ended_at, draw=settlement.draw, retry_after=retry_after
            )
        case _:
            return None


def _fall_back(
    connection: Connection,
    verdicts: Sequence[_Verdict],
    *,
    rules: Rules,
    directory: Callable[[Connection], Directory],
    now: datetime,
) -> bool:
    """Add the other way to a recipient whose first one failed for good."""
    added = False
    for one in verdicts:
        if one.state is not NotificationState.FAILED:
            continue
        wanted = {"message": one.before.message_id, "recipient": one.before.recipient_id}
        others = [to_notification(row) for row in run(connection, _of_recipient, wanted)]
        planned = rules.fallback(
            replace(one.before, state=one.state), others=others, directory=directory(connection)
        )
        if planned is not None:
            insert_rows(connection, (planned,), like=like_notification(one.before), now=now)
            added = True
    return added


def like_notification(before: Notification) -> dict[str, Any]:
    """Return what another notification of the same message shares with this one."""
    return {
        "message_id": before.message_id,
        "revision": before.revision,
        "thread_id": before.thread_id,
        "thread_version": before.thread_version,
        "message_type": before.message_type.value,
        "urgency": before.urgency,
    }

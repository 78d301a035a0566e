"""Claiming what to send: most urgent first, fair between endpoints, one probe for an endpoint that fails.

Endpoints are asked one by one over an index of pending rows, so that a dead or slow recipient with a long
queue costs the others nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_claimed, to_notification
from services.storage.deliveries_states import CLAIMED, PENDING
from services.storage.delivery_records import URGENT, Appetite, Claim, Health
from services.storage.driver import run
from services.storage.locks import lock
from services.storage.records import ChannelKind
from services.storage.repeating import repeatable
from services.storage.statements import padded
from services.storage.tables import Instant, endpoints, notifications, receipts, threads, verdicts

_LEAST_URGENT: Final = 3
_CLAIMING: Final = "claiming"

_first_endpoint = select(func.min(notifications.c.endpoint_id)).where(notifications.c.state == PENDING)
_next_endpoint = _first_endpoint.where(notifications.c.endpoint_id > bindparam("after"))
_in_flight = (
    select(notifications.c.endpoint_id, func.count())
    .where(notifications.c.state == CLAIMED)
    .group_by(notifications.c.endpoint_id)
)
_ailing = select(
    endpoints.c.id,
    endpoints.c.failures,
    endpoints.c.failing_since,
    endpoints.c.next_probe_at,
    endpoints.c.disabled_reason,
).where((endpoints.c.failures > 0) | endpoints.c.disabled_reason.is_not(None))
_due = (
    select(*NOTIFICATION_COLUMNS, threads.c.version.label("newest"))
    .join(threads, threads.c.id == notifications.c.thread_id)
    .where(
        notifications.c.endpoint_id == bindparam("endpoint"),
        notifications.c.state == PENDING,
        notifications.c.urgency <= bindparam("least"),
        notifications.c.next_at <= bindparam("at"),
    )
    .order_by(notifications.c.urgency, notifications.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=notifications)
)
# A row that is not due yet may be the probe where no other is: else one waiting row, backing off by itself,
# would find out hours late that its receiver is well again.
_probe = (
    select(*NOTIFICATION_COLUMNS, threads.c.version.label("newest"))
    .join(threads, threads.c.id == notifications.c.thread_id)
    .where(
        notifications.c.endpoint_id == bindparam("endpoint"),
        notifications.c.state == PENDING,
        notifications.c.urgency <= bindparam("least"),
        notifications.c.next_at.is_not(None),
    )
    .order_by(notifications.c.next_at > bindparam("at"), notifications.c.urgency, notifications.c.next_at)
    .limit(1)
    .with_for_update(skip_locked=True, of=notifications)
)
_mine = (
    select(*NOTIFICATION_COLUMNS, threads.c.version.label("newest"))
    .join(threads, threads.c.id == notifications.c.thread_id)
    .where(notifications.c.claim_token == bindparam("token"), notifications.c.state == CLAIMED)
    .order_by(notifications.c.urgency, notifications.c.cursor)
)
_take_probe = (
    endpoints.update()
    .where(endpoints.c.id == bindparam("endpoint"), endpoints.c.next_probe_at <= bindparam("at"))
    .values(next_probe_at=bindparam("until"))
)
_take = (
    notifications.update()
    .where(notifications.c.id.in_(bindparam("rows", expanding=True)), notifications.c.state == PENDING)
    .values(
        state="claimed",
        claim_token=bindparam("token"),
        claimed_until=bindparam("until"),
        attempts=notifications.c.attempts + 1,
        first_attempt_at=func.coalesce(notifications.c.first_attempt_at, bindparam("at", type_=Instant)),
        next_at=None,
    )
)
_later = (
    select(receipts.c.tlp)
    .join(verdicts, verdicts.c.message_id == receipts.c.id)
    .where(verdicts.c.thread_id == bindparam("thread"), verdicts.c.thread_version > bindparam("version"))
    .distinct()
)


@repeatable
def claim(
    connection: Connection,
    *,
    now: datetime,
    limit: int,
    per_endpoint: int,
    tolerated: int,
    lease: timedelta,
    token: str,
    most_patient: int | None = None,
    mail: Appetite | None = None,
) -> list[Claim]:
    """Claim up to ``limit`` due notifications until ``now + lease``, most urgent first; see `Appetite` for the rest.

    An endpoint has at most ``per_endpoint`` in flight, fewer after a first failure (so that no more than
    ``tolerated`` fail one after the other), and one probe at a time while it is backing off.
    """
    appetite = Appetite(limit, most_patient, mail)
    by_mail = mail or appetite
    most = max(appetite.most, by_mail.most)
    if most < 1:
        return []
    # Claims are short and in line: two that counted at once would each fill an endpoint to its bound. Rows that others
    # (routing, an answer) hold are passed over, so that nobody waits in here.
    if lock(connection, (_CLAIMING,)):
        repeated = run(connection, _mine, {"token": token}).all()
        if repeated:  # the first run of this very call was committed, and its answer lost
            return [_repeated(connection, row, token=token, until=now + lease) for row in repeated]
    in_flight: dict[str, int] = {row[0]: row[1] for row in run(connection, _in_flight)}
    ailing = {health.id: health for health in _healths(connection)}
    found: list[Any] = []
    probes: set[str] = set()
    least_urgent = _LEAST_URGENT if appetite.patient or by_mail.patient else URGENT
    for endpoint in _endpoints_with_pending(connection):
        health = ailing.get(endpoint)
        flying = in_flight.get(endpoint, 0)
        wanted: dict[str, Any] = {"endpoint": endpoint, "at": now, "least": least_urgent}
        if health is not None and health.next_probe_at is not None and health.disabled_reason is None:
            if flying or health.next_probe_at > now:
                continue
            statement = _probe
            probes.add(endpoint)
        else:
            room = _room(health, flying=flying, per_endpoint=per_endpoint, tolerated=tolerated)
            if room < 1:
                continue
            statement = _due
            wanted["most"] = min(room, most)
        found.extend(run(connection, statement, wanted))
    found.sort(key=lambda row: (row.urgency, row.next_at or now))
    chosen = [
        row
        for row in _rationed(found, appetite)
        if row.endpoint_id not in probes or _won_probe(connection, row.endpoint_id, now=now, lease=lease)
    ]
    return _taken(connection, chosen, now=now, lease=lease, token=token, probes=probes, ailing=ailing)


def _rationed(ordered: Iterable[Any], appetite: Appetite) -> Iterable[Any]:
    """Yield the rows that are wanted of these, which stand in their order."""
    every = _Share(appetite)
    mail = every if appetite.mail is None else _Share(appetite.mail)
    for row in ordered:
        share = mail if row.channel == ChannelKind.EMAIL else every
        if share.takes(row):
            yield row


class _Share:
    """What is left of an appetite."""

    def __init__(self, appetite: Appetite) -> None:
        self._left = appetite.most
        self._left_patient = appetite.patient

    def takes(self, row: Any) -> bool:
        patient = row.urgency > URGENT
        if self._left < 1 or (patient and self._left_patient < 1):
            return False
        self._left -= 1
        self._left_patient -= patient
        return True


def _repeated(connection: Connection, row: Any, *, token: str, until: datetime) -> Claim:
    """Return a claim that this token already holds."""
    health = {one.id: one for one in _healths(connection)}.get(row.endpoint_id)
    return Claim(
        notification=to_notification(row),
        token=token,
        probe=health is not None and health.next_probe_at is not None,
        disabled=health is not None and health.disabled_reason is not None,
        later_tlps=_later_tlps(connection, row) if row.newest > row.thread_version else (),
        until=until,
    )


def _room(health: Health | None, *, flying: int, per_endpoint: int, tolerated: int) -> int:
    if health is None or health.failures == 0 or health.disabled_reason is not None:
        return per_endpoint - flying
    return tolerated - health.failures - flying


def _taken(
    connection: Connection,
    chosen: Sequence[Any],
    *,
    now: datetime,
    lease: timedelta,
    token: str,
    probes: set[str],
    ailing: dict[str, Health],
) -> list[Claim]:
    if not chosen:
        return []
    taken = {"rows": padded([row.id for row in chosen]), "token": token, "until": now + lease, "at": now}
    run(connection, _take, taken)  # they were locked when they were read: all of them are ours
    return [
        Claim(
            notification=to_claimed(row, token=token, now=now),
            token=token,
            probe=row.endpoint_id in probes,
            disabled=(health := ailing.get(row.endpoint_id)) is not None
            and health.disabled_reason is not None,
            later_tlps=_later_tlps(connection, row) if row.newest > row.thread_version else (),
            until=now + lease,
        )
        for row in chosen
    ]


def _later_tlps(connection: Connection, row: Any) -> tuple[str, ...]:
    return tuple(run(connection, _later, {"thread": row.thread_id, "version": row.thread_version}).scalars())


def _won_probe(connection: Connection, endpoint: str, *, now: datetime, lease: timedelta) -> bool:
    taken = {"endpoint": endpoint, "at": now, "until": now + lease}
    return bool(run(connection, _take_probe, taken).rowcount == 1)


def _healths(connection: Connection) -> Iterable[Health]:
    for row in run(connection, _ailing):
        yield Health(
            id=row.id,
            failures=row.failures,
            failing_since=row.failing_since,
            next_probe_at=row.next_probe_at,
            disabled_reason=row.disabled_reason,
        )


def _endpoints_with_pending(connection: Connection) -> Iterable[str]:
    """Yield each endpoint that has pending rows: one index seek each, however long the queues are."""
    endpoint = run(connection, _first_endpoint).scalar()
    while endpoint is not None:
        yield endpoint
        endpoint = run(connection, _next_endpoint, {"after": endpoint}).scalar()

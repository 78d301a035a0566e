"""Claiming what to send: most urgent first, fair between endpoints, one probe for an endpoint that fails.

Each endpoint is asked for its own part, so that a dead or slow recipient with a long queue costs the others nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from services.storage.deliveries_due import Queues, due, probe, queues
from services.storage.deliveries_rows import NOTIFICATION_COLUMNS, to_claimed, to_notification
from services.storage.deliveries_states import CLAIMED
from services.storage.delivery_records import URGENT, Appetite, Claim, Health
from services.storage.driver import run
from services.storage.locks import lock
from services.storage.records import ChannelKind
from services.storage.repeating import repeatable
from services.storage.statements import padded
from services.storage.tables import Instant, endpoints, notifications, receipts, threads, verdicts

_LEAST_URGENT: Final = 3
_CLAIMING: Final = "claiming"

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
    .where(notifications.c.id.in_(bindparam("rows", expanding=True)))
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
    appetite: Appetite,
    per_endpoint: int,
    tolerated: int,
    lease: timedelta,
    token: str,
) -> list[Claim]:
    """Claim due notifications until ``now + lease``, most urgent first, as many as there is an ``appetite`` for.

    An endpoint has at most ``per_endpoint`` in flight, fewer after a first failure (so that no more than
    ``tolerated`` fail one after the other), and one probe at a time while it is backing off.
    """
    by_mail = appetite.mail or appetite
    most = max(appetite.most, by_mail.most)
    if most < 1:
        return []
    # Claims are short and in line: two that counted at once would each fill an endpoint to its bound. Rows that others
    # (routing, an answer) hold are passed over, so that nobody waits in here.
    lock(connection, (_CLAIMING,))
    known = queues(connection, token=token)
    if known.claimed_before:  # the first run of this very call was committed, and its answer lost
        repeated = run(connection, _mine, {"token": token})
        return [_repeated(connection, row, known, token=token, until=now + lease) for row in repeated]
    found: list[Any] = []
    probes: set[str] = set()
    least_urgent = _LEAST_URGENT if appetite.patient or by_mail.patient else URGENT
    rooms: dict[str, int] = {}
    for endpoint in known.pending:
        health = known.ailing.get(endpoint)
        flying = known.in_flight.get(endpoint, 0)
        if health is not None and health.next_probe_at is not None and health.disabled_reason is None:
            if not flying and health.next_probe_at <= now:
                probes.add(endpoint)
                found += probe(connection, endpoint, least_urgent=least_urgent, at=now)
        else:
            room = _room(health, flying=flying, per_endpoint=per_endpoint, tolerated=tolerated)
            if room > 0:
                rooms[endpoint] = min(room, most)
    found += due(connection, rooms, least_urgent=least_urgent, at=now)
    found.sort(key=lambda row: (row.urgency, row.next_at or now))
    chosen = [
        row
        for row in _rationed(found, appetite)
        if row.endpoint_id not in probes or _won_probe(connection, row.endpoint_id, now=now, lease=lease)
    ]
    return _taken(connection, chosen, now=now, lease=lease, token=token, probes=probes, ailing=known.ailing)


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


def _repeated(connection: Connection, row: Any, known: Queues, *, token: str, until: datetime) -> Claim:
    """Return a claim that this token already holds."""
    health = known.ailing.get(row.endpoint_id)
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
    ailing: Mapping[str, Health],
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

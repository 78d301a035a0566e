"""What each endpoint has waiting, in flight and due, over indexes of such rows: a seek each, however long its queue.

PostgreSQL is asked for all endpoints in one statement: dozens of round trips would keep everybody else who claims
waiting. SQLite, which has no lateral join, is asked for one after the other, at no cost of the kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from services.storage.deliveries_rows import NOTIFICATION_COLUMNS
from services.storage.deliveries_states import CLAIMED, PENDING
from services.storage.delivery_records import Health
from services.storage.driver import run
from services.storage.endpoints import HEALTH_COLUMNS, ails, to_health
from services.storage.tables import endpoints, notifications, threads

_pending = notifications.c.state == PENDING
# By order and limit, not by min(): that may be planned as a look at all that waits.
_lowest = select(notifications.c.endpoint_id).where(_pending).order_by(notifications.c.endpoint_id).limit(1)
_first = select(_lowest.scalar_subquery().label("id")).cte(recursive=True)
_next = _lowest.where(notifications.c.endpoint_id > _first.c.id)
_chain = _first.union_all(select(_next.scalar_subquery()).where(_first.c.id.is_not(None)))
_none: ColumnElement[int] = literal_column("0")
_busy = union_all(
    select(_chain.c.id, _none.label("flying"), _none.label("mine")).where(_chain.c.id.is_not(None)),
    select(
        notifications.c.endpoint_id,
        func.count(),
        func.count().filter(notifications.c.claim_token == bindparam("token")),
    )
    .where(notifications.c.state == CLAIMED)
    .group_by(notifications.c.endpoint_id),
).subquery("busy")
_queues: Final = select(_busy.c.id, _busy.c.flying, _busy.c.mine, *HEALTH_COLUMNS).select_from(
    _busy.outerjoin(endpoints, and_(endpoints.c.id == _busy.c.id, ails))
)


def _waiting(endpoint: Any) -> Select[Any]:
    """Return what is pending at an endpoint, for whoever does not wait for what others hold."""
    return (
        select(*NOTIFICATION_COLUMNS, threads.c.version.label("newest"))
        .join(threads, threads.c.id == notifications.c.thread_id)
        .where(
            notifications.c.endpoint_id == endpoint, _pending, notifications.c.urgency <= bindparam("least")
        )
        .with_for_update(skip_locked=True, of=notifications)
    )


def _due(endpoint: Any, room: Any) -> Select[Any]:
    return (
        _waiting(endpoint)
        .where(notifications.c.next_at <= bindparam("at"))
        .order_by(notifications.c.urgency, notifications.c.next_at)
        .limit(room)
    )


_due_of_one: Final = _due(bindparam("endpoint"), bindparam("room"))
_asked = (
    func.unnest(bindparam("endpoints", type_=ARRAY(String)), bindparam("rooms", type_=ARRAY(Integer)))
    .table_valued("endpoint", "room")
    .render_derived(name="asked")
)
_found = _due(_asked.c.endpoint, _asked.c.room).lateral("found")
_due_of_all: Final = select(_found).select_from(_asked.join(_found, true()))
# A row that is not due yet may be the probe where no other is: else one waiting row, backing off by itself,
# would find out hours late that its receiver is well again.
_probe: Final = (
    _waiting(bindparam("endpoint"))
    .where(notifications.c.next_at.is_not(None))
    .order_by(notifications.c.next_at > bindparam("at"), notifications.c.urgency, notifications.c.next_at)
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What a claim looks at first."""

    pending: Sequence[str]  # the endpoints that have pending rows
    in_flight: Mapping[str, int]  # of each endpoint that has claimed rows: how many
    ailing: Mapping[str, Health]  # of all of them
    claimed_before: bool  # rows are claimed under the token of this very claim


def queues(connection: Connection, *, token: str) -> Queues:
    """Return what endpoints have waiting and in flight, and which of them ail."""
    rows = run(connection, _queues, {"token": token}).all()
    return Queues(
        pending=[row.id for row in rows if not row.flying],
        in_flight={row.id: row.flying for row in rows if row.flying},
        ailing={row.id: to_health(row.id, row) for row in rows if row.failures is not None},
        claimed_before=any(row.mine for row in rows),
    )


def due(connection: Connection, rooms: Mapping[str, int], *, least_urgent: int, at: datetime) -> list[Any]:
    """Return of each endpoint the rows that are due, the most urgent first, as many as there is room for."""
    if not rooms:
        return []
    common = {"least": least_urgent, "at": at}
    if connection.dialect.name == "postgresql":
        asked = {"endpoints": list(rooms), "rooms": list(rooms.values())}
        return list(run(connection, _due_of_all, asked | common))
    found: list[Any] = []
    for endpoint, room in rooms.items():
        found.extend(run(connection, _due_of_one, {"endpoint": endpoint, "room": room} | common))
    return found


def probe(connection: Connection, endpoint: str, *, least_urgent: int, at: datetime) -> list[Any]:
    """Return the row, if there is one, that may find out whether an endpoint is well again."""
    return list(run(connection, _probe, {"endpoint": endpoint, "least": least_urgent, "at": at}))
